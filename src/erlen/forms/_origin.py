"""Where a request comes from, as the browser itself says: the guard that needs no token.

The rules are those of Go's ``net/http.CrossOriginProtection`` and of OWASP's cheat sheet, but a
request that says nothing is not let in by them: it has to bring a token.

- https://pkg.go.dev/net/http#CrossOriginProtection
- https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
- https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from ..wrappers import Request

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_same_origin(
    request: Request, trusted: Collection[str] = (), strict: bool = True
) -> bool | None:
    """Tell whether a request was sent by a page of the same origin.

    No page can set either header: ``Sec-Fetch-Site`` is sent by the browsers of today over HTTPS
    and to localhost, ``Origin`` with each POST by older ones and over plain HTTP too.

    :param request: the request.
    :param trusted: other origins whose pages may send requests, as ``https://other.example``.
    :param strict: a request that came by HTTPS may not be sent by a page that came by HTTP.
    :return: None where the request does not tell.
    """
    origin = request.environ.get("HTTP_ORIGIN")
    if origin and origin in trusted:
        return True
    site = request.environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        # "none": nobody's page but the user sent it, by a reload for example.
        return site in ("same-origin", "none")
    # "null": a page that is not allowed to tell, by its Referrer-Policy or in a sandbox.
    if not origin or origin == "null":
        return None
    return is_of_host(origin, request, strict)


def is_of_host(url: str, request: Request, strict: bool = True) -> bool:
    """Tell whether a URL leads to the host and port that a request was sent to.

    Behind a proxy that ends TLS a request may seem to come by HTTP. So the scheme counts only
    where the request came by HTTPS, and a port that neither names is the same.
    """
    try:
        parts = urlsplit(url)
        asked = urlsplit(f"//{request.host}")
        default = DEFAULT_PORTS[parts.scheme]
        same = (parts.hostname, parts.port or default) == (asked.hostname, asked.port or default)
    except (ValueError, KeyError):
        return False  # no URL, or not one of HTTP
    return same and (parts.scheme == "https" or request.scheme == "http" or not strict)


def check_trusted_origins(origins: Collection[str]) -> None:
    """Refuse origins that no browser would send, since they would never match.

    :raise ValueError: one of them has not the form ``scheme://host`` or ``scheme://host:port``.
    """
    if isinstance(origins, str):
        raise ValueError(f"WTF_CSRF_TRUSTED_ORIGINS must be a list of origins, not {origins!r}.")
    for origin in origins:
        if not isinstance(origin, str) or not _is_origin(origin):
            raise ValueError(
                f"WTF_CSRF_TRUSTED_ORIGINS has {origin!r}, which is no origin. Write it as"
                " 'https://host' or 'https://host:port', in lower case, without the scheme's own"
                " port, and without a path or slash at its end."
            )


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        usual = parts.port == DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return False
    if usual or not parts.netloc:
        return False
    return text == f"{parts.scheme}://{parts.netloc}".lower()
