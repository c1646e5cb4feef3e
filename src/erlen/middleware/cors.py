"""Which other origins' scripts may read what an application answers."""

from __future__ import annotations

import re
from collections.abc import Collection
from http import HTTPStatus

from werkzeug.datastructures import Headers

from ._exchange import EdgeMiddleware, Head, Incoming, Reply, vary_on
from ._protocol import Application

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\*\.)?([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class CORS(EdgeMiddleware):
    """Let scripts of other origins read the answers.

    Preflight requests are answered here and do not reach the application. What another origin may
    *send* is not limited by this: that is what CSRF protection is for.

    :param origins: as in ``"https://app.example.com"``; ``"https://*.example.com"`` takes every
        host below; ``"*"`` takes all, without credentials.
    :param methods: that may be used beside GET, HEAD and POST. Default: PUT, PATCH, DELETE.
    :param headers: that may be sent beside the few that always may. Default: Content-Type.
    :param expose: headers of the answer that may be read beside the few that always may.
    :param credentials: whether cookies may be sent, and the answers to them read. Default: false.
    :param max_age: seconds for which a browser may keep the answer to a preflight. Default: 600.
    :param paths: only these and what lies below. Default: all.
    :raises ValueError: an origin is none; every origin may send credentials; a name is none.

    Source: https://fetch.spec.whatwg.org/#http-cors-protocol
    """

    def __init__(
        self,
        app: Application,
        origins: Collection[str],
        *,
        methods: Collection[str] = ("PUT", "PATCH", "DELETE"),
        headers: Collection[str] = ("Content-Type",),
        expose: Collection[str] = (),
        credentials: bool = False,
        max_age: int = 600,
        paths: Collection[str] = ("/",),
    ) -> None:
        super().__init__(app)
        named = {"origins": origins, "methods": methods, "headers": headers, "expose": expose}
        for name, values in {**named, "paths": paths}.items():
            if isinstance(values, str):
                raise ValueError(f"{name} is a list, not {values!r}.")
        if "*" in origins and credentials:
            raise ValueError("Where every origin may send credentials, every site is the user.")
        if (wrong := _first(origins, _ORIGIN, "*")) is not None:
            raise ValueError(
                f"An origin is 'https://host' or 'https://host:port', in lower case, not {wrong!r}."
            )
        for values in (methods, headers, expose):
            if (wrong := _first(values, _TOKEN)) is not None or "*" in values:
                raise ValueError(f"A method or header has a name, not {wrong or '*'!r}.")
        self._any = "*" in origins
        self._exact = frozenset(origins)
        self._below = [tuple(each.split("*")) for each in origins if "://*." in each]
        self._credentials = credentials
        self._expose = ", ".join(expose)
        self._paths = tuple(each.rstrip("/") + "/" for each in paths)
        self._preflight = {
            "Access-Control-Allow-Methods": ", ".join(["GET", "HEAD", "POST", *methods]),
            "Access-Control-Allow-Headers": ", ".join(headers),
            "Access-Control-Max-Age": str(max_age),
        }

    def before(self, request: Incoming) -> Reply | None:
        origin, asks = request.header("Origin"), request.header("Access-Control-Request-Method")
        if request.method != "OPTIONS" or not origin or not asks or not self._concerns(request):
            return None
        if not self._allows(origin):
            reply = Reply(HTTPStatus.FORBIDDEN, "This origin may not read the answers.")
            vary_on(reply.head.headers, "Origin")
            return reply
        reply = Reply(HTTPStatus.NO_CONTENT)
        self._grant(origin, reply.head.headers)
        for name, value in self._preflight.items():
            if value:
                reply.head.headers.set(name, value)
        return reply

    def after(self, request: Incoming, head: Head) -> None:
        if not self._concerns(request) or "Access-Control-Allow-Origin" in head.headers:
            return
        origin = request.header("Origin")
        if origin and self._allows(origin):
            self._grant(origin, head.headers)
            if self._expose:
                head.headers.set("Access-Control-Expose-Headers", self._expose)
        elif not self._any:
            vary_on(head.headers, "Origin")

    def _concerns(self, request: Incoming) -> bool:
        return f"{request.path}/".startswith(self._paths)

    def _allows(self, origin: str) -> bool:
        if self._any or origin in self._exact:
            return _ORIGIN.fullmatch(origin) is not None or self._any
        return _ORIGIN.fullmatch(origin) is not None and any(
            origin.startswith(scheme) and origin.endswith(rest) and len(origin) > len(scheme + rest)
            for scheme, rest in self._below
        )

    def _grant(self, origin: str, headers: Headers) -> None:
        headers.set("Access-Control-Allow-Origin", "*" if self._any else origin)
        if self._credentials:
            headers.set("Access-Control-Allow-Credentials", "true")
        if not self._any:
            vary_on(headers, "Origin")


def _first(values: Collection[str], pattern: re.Pattern[str], other: str = "") -> str | None:
    """The first of some names that is none."""
    return next((each for each in values if each != other and not pattern.fullmatch(each)), None)
