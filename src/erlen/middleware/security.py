"""Headers that tell browsers what a page may do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http import HTTPStatus

from ..globals import request
from ._exchange import EdgeMiddleware, Head, Incoming, Reply
from ._protocol import Application

_KEY = "erlen.csp_nonce"
_NONCE = "{nonce}"

POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}';"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def csp_nonce() -> str:
    """Tell the nonce of the current request, for ``<script nonce="…">`` in erlen's templates.

    :raises RuntimeError: no :class:`SecurityHeaders` with a nonce is around the application, or
        there is no request.
    """
    environ = request.environ
    found = environ.get(_KEY) or environ.get("asgi.scope", {}).get(_KEY)
    if found is None:
        raise RuntimeError(
            "There is no nonce: put SecurityHeaders, with '{nonce}' in its policy, around the"
            " application."
        )
    return str(found)


class SecurityHeaders(EdgeMiddleware):
    """Add the headers that keep a page from being framed, sniffed, and injected into.

    What the application sets itself stays. Over https, Strict-Transport-Security is added too.

    :param policy: the Content-Security-Policy; ``{nonce}`` in it becomes a new nonce for each
        request, which lies in the environ or scope as ``erlen.csp_nonce``. None for no policy.
        Default: everything from the site itself; scripts and styles in the page need the nonce.
    :param report_only: let the browser only report what would break the policy. Default: false.
    :param hsts: the value of Strict-Transport-Security; None for none. Default: one year.
    :param headers: other headers, put over the defaults (``X-Content-Type-Options``,
        ``X-Frame-Options``, ``Referrer-Policy``, ``Cross-Origin-Opener-Policy``); None leaves one
        out.
    :raises ValueError: a value has a line break.

    Source: https://owasp.org/www-project-secure-headers/, https://www.w3.org/TR/CSP3/
    """

    def __init__(
        self,
        app: Application,
        *,
        policy: str | None = POLICY,
        report_only: bool = False,
        hsts: str | None = "max-age=31536000",
        headers: Mapping[str, str | None] | None = None,
    ) -> None:
        super().__init__(app)
        self._policy = policy
        self._policy_header = "Content-Security-Policy" + ("-Report-Only" if report_only else "")
        self._hsts = hsts
        merged = {**_HEADERS, **(headers or {})}
        self._headers = {name: value for name, value in merged.items() if value is not None}
        for value in (policy or "", hsts or "", *self._headers.values()):
            if "\n" in value or "\r" in value:
                raise ValueError(f"A header's value is one line, not {value!r}.")

    def before(self, request: Incoming) -> Reply | None:
        if self._policy is not None and _NONCE in self._policy:
            request.carrier.setdefault(_KEY, secrets.token_urlsafe(16))
        return None

    def after(self, request: Incoming, head: Head) -> None:
        for name, value in self._headers.items():
            head.headers.setdefault(name, value)
        if self._hsts is not None and request.scheme == "https":
            head.headers.setdefault("Strict-Transport-Security", self._hsts)
        if self._policy is None:
            return
        nonce = request.carrier.get(_KEY, "")
        # The page that a 304 confirms has the nonce of its time, and its own header with it.
        if head.code != HTTPStatus.NOT_MODIFIED or _NONCE not in self._policy:
            head.headers.setdefault(self._policy_header, self._policy.replace(_NONCE, nonce))
