"""From an ASGI scope to the environment that requests are made of (PEP 3333)."""

from __future__ import annotations

import sys
import typing as t
from urllib.parse import unquote_to_bytes

from werkzeug.wsgi import FileWrapper

from .. import typing as ft

# How many names of headers are remembered; clients may invent any number.
_MAX_NAMES = 1000
# What a block of a file has, in bytes: each costs a hop to a thread.
_BLOCK = 262_144


class FileBlocks(FileWrapper):
    """Reads a file in large blocks; ``wsgi.file_wrapper`` of PEP 3333."""

    def __init__(self, file: t.IO[bytes], buffer_size: int = _BLOCK) -> None:
        super().__init__(file, max(buffer_size, _BLOCK))


_PROTOCOLS = {version: f"HTTP/{version}" for version in ("1.0", "1.1", "2", "2.0", "3")}

_keys: dict[bytes, str] = {}


def _key(name: bytes) -> str:
    """Return the key of a header; an empty one for a header that is left out.

    ``X_Name`` would pass for ``X-Name``, which a proxy may have removed.
    """
    text = name.decode("latin-1")
    key = ""
    if "_" not in text:
        key = text.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
    if len(_keys) < _MAX_NAMES:
        _keys[name] = key
    return key


def make_environ(scope: ft.Scope) -> ft.WSGIEnvironment:
    """Make the environment of an HTTP or WebSocket scope.

    Source: https://asgi.readthedocs.io/en/stable/specs/www.html#wsgi-compatibility
    """
    path: str = scope["path"]
    root: str = scope.get("root_path") or ""
    if not path.isascii():
        path = _wsgi_path(scope, path)
    if root:
        if not root.isascii():
            root = root.encode().decode("latin-1")
        root = root.rstrip("/")
        # The path has the root before it, by the specification; some servers leave it out.
        if path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
            path = path[len(root) :]
    server = scope.get("server") or ("localhost", 80)
    environ: ft.WSGIEnvironment = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "SCRIPT_NAME": root,
        "PATH_INFO": path,
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or ""),
        "SERVER_PROTOCOL": _PROTOCOLS.get(scope.get("http_version", "1.1"), "HTTP/1.1"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileBlocks,
        "asgi.scope": scope,
    }
    client = scope.get("client")
    if client:
        environ["REMOTE_ADDR"] = client[0]
        environ["REMOTE_PORT"] = str(client[1])
    for name, value in scope["headers"]:
        key = _keys.get(name)
        if key is None:
            key = _key(name)
        if key in environ:
            joint = "; " if key == "HTTP_COOKIE" else ","
            environ[key] += joint + value.decode("latin-1")
        elif key:
            environ[key] = value.decode("latin-1")
    # A test may tell more than a server does.
    if "erlen.environ" in scope:
        environ.update(scope["erlen.environ"])
    return environ


def _wsgi_path(scope: ft.Scope, path: str) -> str:
    # Servers decode the path from UTF-8, and lose what is none; the raw path has it.
    raw = scope.get("raw_path")
    data = unquote_to_bytes(raw) if raw is not None and "\ufffd" in path else path.encode()
    return data.decode("latin-1")
