"""Responses compressed as the client accepts it: Zstandard, Brotli, gzip."""

from __future__ import annotations

import sys
import typing as t
import zlib
from collections.abc import Collection, Sequence
from http import HTTPStatus
from importlib.util import find_spec

from werkzeug.datastructures import Headers
from werkzeug.http import parse_accept_header, parse_cache_control_header, parse_options_header

from .._extras import missing_extra
from ._bodies import BodyMiddleware, Rewriter
from ._exchange import DIGESTS, Head, Incoming, vary_on
from ._protocol import Application

Encoding: t.TypeAlias = t.Literal["zstd", "br", "gzip"]

_TYPES = frozenset({
    "application/javascript", "application/json", "application/manifest+json",
    "application/wasm", "application/xml", "application/x-ndjson", "font/otf", "font/ttf",
    "image/bmp", "image/svg+xml", "image/x-icon",
})  # fmt: skip
_NO_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT})


class _Gzip:
    def __init__(self) -> None:
        self._encoder = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def encode(self, data: bytes, flush: bool) -> bytes:
        encoded = self._encoder.compress(data)
        return encoded + self._encoder.flush(zlib.Z_SYNC_FLUSH) if flush else encoded

    def end(self) -> bytes:
        return self._encoder.flush()


class _Brotli:
    def __init__(self) -> None:
        import brotli

        # The best quality (11) is for files that are compressed once.
        self._encoder: t.Any = brotli.Compressor(quality=4)

    def encode(self, data: bytes, flush: bool) -> bytes:
        encoded: bytes = self._encoder.process(data)
        return encoded + self._encoder.flush() if flush else encoded

    def end(self) -> bytes:
        return t.cast(bytes, self._encoder.finish())


class _Zstandard:
    def __init__(self) -> None:
        import zstandard

        self._flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        self._encoder = zstandard.ZstdCompressor(level=3).compressobj()

    def encode(self, data: bytes, flush: bool) -> bytes:
        encoded = self._encoder.compress(data)
        return encoded + self._encoder.flush(self._flush) if flush else encoded

    def end(self) -> bytes:
        return self._encoder.flush()


class _StandardZstandard:
    """The same by the standard library of Python 3.14."""

    def __init__(self) -> None:
        from importlib import import_module

        self._encoder = import_module("compression.zstd").ZstdCompressor(3)

    def encode(self, data: bytes, flush: bool) -> bytes:
        mode = self._encoder.FLUSH_BLOCK if flush else self._encoder.CONTINUE
        return t.cast(bytes, self._encoder.compress(data, mode))

    def end(self) -> bytes:
        return t.cast(bytes, self._encoder.flush())


_HAS_ZSTANDARD = sys.version_info >= (3, 14)
_ENCODERS: dict[Encoding, t.Any] = {
    "zstd": _StandardZstandard if _HAS_ZSTANDARD else _Zstandard,
    "br": _Brotli,
    "gzip": _Gzip,
}
_LIBRARIES: dict[Encoding, str] = {"br": "brotli"}
if not _HAS_ZSTANDARD:
    _LIBRARIES["zstd"] = "zstandard"


class _Compressing:
    """Compresses a body; a stream is flushed after each piece, so that it stays one."""

    late = False

    def __init__(self, encoder: t.Any, flush: bool) -> None:
        self._encoder = encoder
        self._flush = flush

    def feed(self, data: bytes) -> bytes:
        return t.cast(bytes, self._encoder.encode(data, self._flush)) if data else b""

    def finish(self) -> bytes:
        return t.cast(bytes, self._encoder.end())


class Compress(BodyMiddleware):
    """Compress responses as ``Accept-Encoding`` asks.

    Bodies that are small, encoded already, parts (206), or of types that do not shrink pass as they
    are, and so do responses with ``Cache-Control: no-transform``. What could be compressed varies
    on ``Accept-Encoding``; a strong ETag of what is becomes a weak one, and digests of it are left
    out. A body without ``Content-Length`` is a stream: each piece is flushed.

    :param encodings: which are offered; of those that a client likes equally, the first is taken.
        Default: Zstandard, Brotli and gzip, as far as their libraries are installed (extra
        ``middleware``).
    :param minimum: bytes below which a body is left alone. Default: 500.
    :param types: content types to compress beside text, JSON, XML and the like.
    :raises ValueError: an encoding is none of the three.
    :raises ModuleNotFoundError: the library of an encoding that you name is not installed.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
    """

    def __init__(
        self,
        app: Application,
        *,
        encodings: Sequence[Encoding] | None = None,
        minimum: int = 500,
        types: Collection[str] = (),
    ) -> None:
        super().__init__(app)
        self._encodings = _installed() if encodings is None else _checked(encodings)
        self._minimum = minimum
        self._types = _TYPES | {each.lower() for each in types}

    def rewriter(self, request: Incoming, head: Head, length: int | None) -> Rewriter | None:
        headers = head.headers
        if not self._may_be_encoded(head):
            return None
        vary_on(headers, "Accept-Encoding")
        if head.code == HTTPStatus.PARTIAL_CONTENT:
            return None
        encoding = choose_encoding(request.header("Accept-Encoding"), self._encodings)
        if encoding is None:
            return None
        said = headers.get("Content-Length", type=int)
        known = length if said is None and request.method != "HEAD" else said
        is_304 = head.code == HTTPStatus.NOT_MODIFIED
        if known is not None and known < self._minimum and not is_304:
            return None
        _weaken(headers)
        if is_304:
            return None
        headers.set("Content-Encoding", encoding)
        # Parts of it could not be told from parts of the original.
        for name in ("Content-Length", "Accept-Ranges", *DIGESTS):
            headers.remove(name)
        if request.method == "HEAD":
            return None
        return _Compressing(_ENCODERS[encoding](), flush=known is None)

    def _may_be_encoded(self, head: Head) -> bool:
        headers = head.headers
        directives = parse_cache_control_header(",".join(headers.getlist("Cache-Control")))
        encoded = headers.get("Content-Encoding", "identity").lower() != "identity"
        if encoded or directives.no_transform:
            return False
        if head.code == HTTPStatus.NOT_MODIFIED:
            return True
        if head.code < HTTPStatus.OK or head.code in _NO_BODY:
            return False
        mimetype = parse_options_header(headers.get("Content-Type", ""))[0].lower()
        return (
            mimetype.startswith("text/")
            or mimetype.endswith(("+json", "+xml", "+text"))
            or mimetype in self._types
        )


def choose_encoding(accepted: str, offered: Sequence[Encoding]) -> Encoding | None:
    """Choose the encoding that a client likes best.

    :param accepted: its ``Accept-Encoding``.
    :param offered: those to choose from, the better ones first.
    :return: None for none: it takes none of them, or likes the body as it is better.
    """
    likes = {
        name.lower().removeprefix("x-"): quality
        for name, quality in reversed(list(parse_accept_header(accepted)))
    }
    others = likes.get("*", 0)
    best = max(offered, key=lambda each: likes.get(each, others), default=None)
    if best is None:
        return None
    liking = likes.get(best, others)
    return best if liking > 0 and liking >= likes.get("identity", 0) else None


def _weaken(headers: Headers) -> None:
    etag = headers.get("ETag", "")
    if etag.startswith('"'):
        headers.set("ETag", f"W/{etag}")


def _installed() -> list[Encoding]:
    return [each for each in _ENCODERS if each not in _LIBRARIES or find_spec(_LIBRARIES[each])]


def _checked(encodings: Sequence[Encoding]) -> list[Encoding]:
    for each in encodings:
        if isinstance(encodings, str) or each not in _ENCODERS:
            raise ValueError(f"The encodings are some of {list(_ENCODERS)}, not {encodings!r}.")
        try:
            _ENCODERS[each]()
        except ModuleNotFoundError as error:
            raise missing_extra("middleware", error) from error
    return list(encodings)
