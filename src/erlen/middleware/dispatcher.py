"""Several applications side by side, told apart by host and path prefix."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Iterator, Mapping

from werkzeug.exceptions import NotFound

from .. import typing as ft
from ..asgi.protocol import BOTH
from ..asgi.protocol import protocols as protocols_of
from ._bridge import AsgiAsWsgi, wsgi_as_asgi
from ._lifespan import serve_lifespan
from ._protocol import Application, ASGIApplication, Middleware, Receive, Scope, Send

_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")


class _Mounted:
    """An application with both its faces, each made when it is first asked for."""

    def __init__(self, app: t.Any, threads: int) -> None:
        self.app = app
        self.speaks = protocols_of(app)
        self._threads = threads
        self._wsgi: ft.WSGIApplication | None = app if "WSGI" in self.speaks else None
        self._asgi: ASGIApplication | None = app if "ASGI" in self.speaks else None

    def wsgi(self) -> ft.WSGIApplication:
        if self._wsgi is None:
            self._wsgi = AsgiAsWsgi(self.app)
        return self._wsgi

    def asgi(self) -> ASGIApplication:
        if self._asgi is None:
            self._asgi = wsgi_as_asgi(self.app, self._threads)
        return self._asgi

    def close(self) -> None:
        if isinstance(self._wsgi, AsgiAsWsgi):
            self._wsgi.close()


class Dispatcher(Middleware):
    """Hand each request to the application that is mounted on its host and path.

    .. code-block:: python

        application = Dispatcher(site, {
            "/api": api,                      # any host
            "shop.example.com": shop,         # one host, every path
            "shop.example.com/admin": admin,  # one host, one path
            "*.example.com": tenants,         # every host below it
        })

    The host that is named most exactly is asked first, and of its prefixes the longest; a request
    that finds none there goes on to the less exact hosts, and last to ``app``. A prefix matches
    whole segments: ``/api`` takes ``/api`` and ``/api/users``, not ``/apis``. It moves from
    ``PATH_INFO`` to ``SCRIPT_NAME`` (for ASGI: to ``root_path``), so that the application builds
    its URLs with it.

    WSGI and ASGI applications stand side by side and are translated where the server speaks the
    other protocol (by a2wsgi, extra ``middleware``). The lifespan of the server reaches every
    ASGI application.

    :param app: answers what nothing else is mounted on; None answers 404.
    :param mounts: from ``"/prefix"``, ``"host"`` or ``"host/prefix"`` to an application.
    :param threads: how many threads each WSGI application gets on an ASGI server. Default: 10.
    :raises ValueError: a mount is neither a path nor a host, or stands twice.
    :raises TypeError: something mounted is no application.

    Source: https://peps.python.org/pep-3333/#environ-variables,
    https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope
    """

    def __init__(
        self,
        app: Application | None,
        mounts: Mapping[str, Application] | None = None,
        *,
        threads: int = 10,
    ) -> None:
        super().__init__(NotFound() if app is None else app)
        self._speak(BOTH)
        self._default = _Mounted(self.app, threads)
        self._hosts: dict[str, dict[str, _Mounted]] = {}
        for key, mounted in (mounts or {}).items():
            host, prefix = _parse(key)
            prefixes = self._hosts.setdefault(host, {})
            if prefix in prefixes:
                raise ValueError(f"{key!r} is mounted twice.")
            prefixes[prefix] = _Mounted(mounted, threads)
        if any("WSGI" not in each.speaks for each in self._all()):
            #: For ``erlen serve``, which chooses by it.
            self.reason_for_asgi = "an ASGI application is mounted on it"

    def wsgi(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
        mounted, prefix = self._find(host, _from_wsgi(path))
        moved = _to_wsgi(prefix)
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + moved
        environ["PATH_INFO"] = path[len(moved) :]
        return mounted.wsgi()(environ, start_response)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            state = scope.setdefault("state", {})
            return await serve_lifespan(self._speaking_asgi(), state, receive, send)
        root = scope.get("root_path", "")
        path = scope["path"]
        if path != root and not path.startswith(f"{root}/"):
            path = root + path  # from a server that leaves the root path out
        mounted, prefix = self._find(_host_of(scope), path[len(root) :])
        inner = {**scope, "path": path, "root_path": root + prefix}
        return await mounted.asgi()(inner, receive, send)

    def close(self) -> None:
        """Shut down the ASGI applications that were started by requests of a WSGI server."""
        for mounted in self._all():
            mounted.close()

    def _find(self, host: str, path: str) -> tuple[_Mounted, str]:
        for name in _names(host):
            prefixes = self._hosts.get(name)
            if prefixes is None:
                continue
            prefix = path
            while True:
                if (mounted := prefixes.get(prefix)) is not None:
                    return mounted, prefix
                if not prefix:
                    break
                prefix = prefix.rpartition("/")[0]
        return self._default, ""

    def _all(self) -> Iterator[_Mounted]:
        yield self._default
        for prefixes in self._hosts.values():
            yield from prefixes.values()

    def _speaking_asgi(self) -> list[ASGIApplication]:
        apps = {id(each.app): each.asgi() for each in self._all() if "ASGI" in each.speaks}
        return list(apps.values())


def _parse(key: str) -> tuple[str, str]:
    """Take a mount apart: the host ("" for any) and the prefix ("" for every path)."""
    host, slash, rest = key.partition("/")
    host = host.lower()
    prefix = (slash + rest).rstrip("/")
    if "%" in prefix:
        raise ValueError(f"The path in {key!r} is percent-encoded: write it as it reads.")
    if not host:
        if not prefix:
            raise ValueError(
                f"{key!r} is every path of every host: that application is the first argument."
            )
        return host, prefix
    if _HOST.fullmatch(host) is None:
        raise ValueError(
            f"{key!r} is neither a path like '/api' nor a host like 'example.com' or"
            " '*.example.com' (no scheme, no port; other alphabets as 'xn--…')."
        )
    if not slash and "." not in host and host != "localhost" and host[0] != "[":
        raise ValueError(
            f"{key!r} is unclear: write '/{host}' for the path, '{host}/' for the host."
        )
    return host, prefix


def _names(host: str) -> Iterator[str]:
    """The mounts' hosts that take a request's host, the most exact first."""
    name = host.lower()
    name = name[: name.find("]") + 1] if name.startswith("[") else name.partition(":")[0]
    name = name.rstrip(".")
    if name:
        yield name
    parent = name
    while "." in parent and not name.startswith("["):
        parent = parent.partition(".")[2]
        yield f"*.{parent}"
    yield ""


def _host_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"host":
            return str(value, "latin-1")
    server = scope.get("server")
    return str(server[0]) if server else ""


def _from_wsgi(path: str) -> str:
    return path.encode("latin-1").decode("utf-8", "surrogateescape")


def _to_wsgi(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("latin-1")
