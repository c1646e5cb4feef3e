"""What a proxy makes of a request and of a response: the headers and the body that go on."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable
from urllib.parse import quote

from werkzeug.exceptions import BadRequest, LengthRequired
from werkzeug.http import quote_header_value

from ... import typing as ft

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

#: Headers of one connection, not of the message (RFC 9110, section 7.6.1).
HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip

#: What only a proxy may say: taken from the client it would be believed.
_OURS = re.compile(r"forwarded|x-forwarded-.*|x-real-ip")
_CHUNK = 16 * 1024
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_PATH_SAFE = "/!$&'()*+,:;=@"


class ClientGone(Exception):
    """The client sent less than it said it would."""


class RequestBody:
    """The client's body, read while it is sent; what is read of a small one is kept.

    :param stream: the server's ``wsgi.input``.
    :param length: how many bytes it says it has; None for one that ends by itself.
    :param keep: up to how many bytes are kept, so that they can be sent again.
    """

    def __init__(self, stream: t.Any, length: int | None, keep: int) -> None:
        self.length = length
        self._stream = stream
        self._left = length
        self._keep = keep
        self._kept = bytearray()
        self._ahead = b""  # kept, and to be sent again

    def rewind(self) -> bool:
        """Go back to the beginning.

        :return: whether that can be done: nothing is lost of what was read.
        """
        self._ahead = bytes(self._kept)
        return self._keep >= 0

    def begins(self) -> bool:
        """Wait for the first bytes of a body that ends by itself; whether there are any."""
        self._ahead = self.read(_CHUNK)
        return bool(self._ahead)

    def read(self, size: int) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        if self._left is not None:
            size = min(size, self._left)
        try:
            data = t.cast(bytes, self._stream.read(size)) if size else b""
        except OSError as error:
            raise ClientGone(str(error)) from error
        if self._left is not None:
            if size and not data:
                raise ClientGone(f"{self._left} bytes of the body are missing.")
            self._left -= len(data)
        if len(self._kept) + len(data) <= self._keep:
            self._kept += data
        elif data:
            self._keep = -1
            self._kept.clear()
        return data


def body_of(environ: ft.WSGIEnvironment, keep: int) -> RequestBody | None:
    """The body of a request; None where it has none.

    :raises BadRequest: its length is no number.
    :raises LengthRequired: the server does not tell where it ends.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if length:
        if not (length.isascii() and length.isdigit()):
            raise BadRequest("The Content-Length is no number.")
        return RequestBody(environ["wsgi.input"], int(length), keep) if int(length) else None
    if environ.get("wsgi.input_terminated"):
        body = RequestBody(environ["wsgi.input"], None, keep)
        return body if body.begins() else None
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired()
    return None


def target_of(environ: ft.WSGIEnvironment) -> str:
    """The path and query of a request, as they stand in a request line."""
    target = quote(environ.get("PATH_INFO", "").encode("latin-1"), safe=_PATH_SAFE) or "/"
    query = environ.get("QUERY_STRING", "")
    if query:
        target += "?" + quote(query.encode("latin-1"), safe=_PRINTABLE)
    return target


def request_headers(environ: ft.WSGIEnvironment) -> dict[str, str]:
    """The headers that go on to a backend: the client's end to end, and what we say of it."""
    named = {each.strip().lower() for each in environ.get("HTTP_CONNECTION", "").split(",")}
    headers: dict[str, str] = {}
    for key, value in environ.items():
        if not key.startswith("HTTP_"):
            continue
        name = key[5:].replace("_", "-").lower()
        # The server has answered Expect already.
        if name in HOP_BY_HOP or name in named or name == "expect" or _OURS.fullmatch(name):
            continue
        headers[name.title()] = _unfolded(value)
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    headers.update(_forwarded(environ))
    return headers


def _forwarded(environ: ft.WSGIEnvironment) -> dict[str, str]:
    """What proxies say of a client (RFC 7239, and the older headers that it replaces)."""
    address, scheme = environ.get("REMOTE_ADDR", ""), environ["wsgi.url_scheme"]
    host = environ.get("HTTP_HOST", "")
    node = f"[{address}]" if ":" in address else address or "unknown"
    forwarded = {"for": node, "host": host, "proto": scheme}
    said = {
        "Forwarded": ";".join(
            f"{name}={quote_header_value(value)}" for name, value in forwarded.items() if value
        ),
        "X-Forwarded-For": address,
        "X-Forwarded-Proto": scheme,
        "X-Forwarded-Host": host,
        "X-Forwarded-Port": environ["SERVER_PORT"],
        "X-Forwarded-Prefix": quote(environ.get("SCRIPT_NAME", "").encode("latin-1")),
    }
    return {name: value for name, value in said.items() if value}


def response_headers(headers: Iterable[tuple[str, str]], chunked: bool) -> list[tuple[str, str]]:
    """The headers that go on to the client.

    :param chunked: the body came in chunks, which a Content-Length beside them does not measure.
    """
    found = list(headers)
    named = {
        each.strip().lower()
        for name, value in found
        if name.lower() == "connection"
        for each in value.split(",")
    }
    dropped = HOP_BY_HOP | named | ({"content-length"} if chunked else set())
    return [(name, _unfolded(value)) for name, value in found if name.lower() not in dropped]


def _unfolded(value: str) -> str:
    """A header's value on one line; folded over several it could not be sent on."""
    return re.sub(r"\s*[\r\n]+\s*", " ", value)
