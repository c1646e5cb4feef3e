"""Bodies rewritten whole, by content type and path."""

from __future__ import annotations

import hashlib
import logging
import typing as t
from collections.abc import Callable, Collection
from http import HTTPStatus

from werkzeug.datastructures import Headers
from werkzeug.http import parse_cache_control_header, parse_etags, parse_options_header

from ._bodies import BodyMiddleware, Rewriter
from ._exchange import DIGESTS, Head, Incoming
from ._protocol import Application

logger = logging.getLogger("erlen.middleware")

#: What is said of one body and does not hold for another.
_OF_THE_BODY = ("Accept-Ranges", "Last-Modified", *DIGESTS)


class Untransformable(Exception):
    """Raised by a transformation: the body passes as it is, and the reason is logged."""


class Original(t.NamedTuple):
    """What a transformation gets."""

    #: The body.
    body: bytes
    #: Its Content-Type, with parameters.
    content_type: str
    #: The request.
    request: Incoming


class Transformed(t.NamedTuple):
    """What a transformation makes."""

    #: The new body.
    body: bytes
    #: Its Content-Type.
    content_type: str


Transformation: t.TypeAlias = Callable[[Original], Transformed]


class Transform(BodyMiddleware):
    """Rewrite the bodies of successful responses (200) of some content types.

    Content-Length, Content-Type and ETag are put right, and a conditional request is answered with
    304 where the new ETag matches; Last-Modified, which tells of the original, is left out.
    Responses to HEAD, other statuses, parts, encoded bodies and those with
    ``Cache-Control: no-transform`` pass as they are.

    :param transformation: makes the new body; :func:`xslt` makes one of a stylesheet. Under ASGI it
        runs in a thread.
    :param content_types: which responses, as in ``"application/xml"`` or ``"text/*"``.
    :param paths: only those whose path is one of these or lies below. Default: all.
    :param max_bytes: longer bodies pass as they are, with a word in the log. Default: 10 MiB.
    :raises ValueError: a path or a content type is none, or ``max_bytes`` is not above 0.
    """

    def __init__(
        self,
        app: Application,
        transformation: Transformation,
        *,
        content_types: Collection[str] = ("application/xml", "text/xml"),
        paths: Collection[str] = ("/",),
        max_bytes: int = 10 * 1024 * 1024,
    ) -> None:
        super().__init__(app)
        is_list = bool(content_types) and not isinstance(content_types, str)
        if not is_list or not all("/" in each for each in content_types):
            raise ValueError(
                f"The content types are a list as ['text/xml'], not {content_types!r}."
            )
        if isinstance(paths, str) or not all(each.startswith("/") for each in paths):
            raise ValueError(f"The paths are a list as ['/feed'], not {paths!r}.")
        if max_bytes <= 0:
            raise ValueError(f"max_bytes is above 0, not {max_bytes}.")
        self._transformation = transformation
        self._types = frozenset(each.lower() for each in content_types)
        self._paths = tuple(each.rstrip("/") + "/" for each in paths)
        self._max_bytes = max_bytes

    def rewriter(self, request: Incoming, head: Head, length: int | None) -> Rewriter | None:
        if head.code != HTTPStatus.OK or request.method == "HEAD":
            return None
        if not f"{request.path}/".startswith(self._paths) or not self._takes(head.headers):
            return None
        return _Buffering(self._transformation, self._max_bytes, request, head)

    def _takes(self, headers: Headers) -> bool:
        mimetype = parse_options_header(headers.get("Content-Type", ""))[0].lower()
        kind = f"{mimetype.partition('/')[0]}/*"
        directives = parse_cache_control_header(",".join(headers.getlist("Cache-Control")))
        encoded = headers.get("Content-Encoding", "identity").lower() != "identity"
        return not (self._types.isdisjoint((mimetype, kind)) or encoded or directives.no_transform)


class _Buffering:
    """Keeps a body until it is whole, then transforms it."""

    late = True

    def __init__(
        self, transformation: Transformation, most: int, request: Incoming, head: Head
    ) -> None:
        self._transformation = transformation
        self._most = most
        self._request = request
        self._head = head
        self._kept: bytearray | None = bytearray()  # None where it became too long

    def feed(self, data: bytes) -> bytes:
        if self._kept is None:
            return data
        self._kept += data
        if len(self._kept) <= self._most:
            return b""
        self._log(f"it is longer than {self._most} bytes")
        kept, self._kept = bytes(self._kept), None
        return kept

    def finish(self) -> bytes:
        if self._kept is None:
            return b""
        body, headers = bytes(self._kept), self._head.headers
        try:
            made = self._transformation(
                Original(body, headers.get("Content-Type", ""), self._request)
            )
        except Untransformable as reason:
            self._log(str(reason))
            return body
        validated = "ETag" in headers or "Last-Modified" in headers
        for name in _OF_THE_BODY:
            headers.remove(name)
        headers.set("Content-Type", made.content_type)
        headers.set("Content-Length", str(len(made.body)))
        return self._condition(made.body) if validated else made.body

    def _condition(self, body: bytes) -> bytes:
        """Give the new body an ETag of its own, and leave it out where the client has it."""
        etag = hashlib.sha256(body).hexdigest()[:32]
        self._head.headers.set("ETag", f'"{etag}"')
        known = parse_etags(self._request.header("If-None-Match"))
        if self._request.method != "GET" or not known.contains_weak(etag):
            return body
        self._head.status = "304 Not Modified"
        self._head.headers.remove("Content-Type")
        self._head.headers.remove("Content-Length")
        return b""

    def _log(self, reason: str) -> None:
        request = self._request
        logger.warning("%s %s passes as it is: %s", request.method, request.path, reason)
