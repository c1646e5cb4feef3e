"""The response: Werkzeug's, whose few headers are a plain list until somebody changes them."""

from __future__ import annotations

import re
import sys
import typing as t
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from functools import cache, lru_cache

from werkzeug.datastructures import Headers as BaseHeaders
from werkzeug.urls import iri_to_uri
from werkzeug.utils import get_content_type, redirect
from werkzeug.wrappers import Response as ResponseBase

from . import json
from . import typing as ft
from ._headers import Headers
from ._http import dump_cookie
from .globals import _get_context

Pairs: t.TypeAlias = "list[tuple[str, str]]"


class Response(ResponseBase):
    """What the client gets: Werkzeug's response, HTML unless told otherwise.

    Views seldom make one: what they return becomes one. Its class is ``app.response_class``.
    The parameters are Werkzeug's.
    """

    __module__ = "erlen.wrappers"  # where users import it from

    default_mimetype: str | None = "text/html"
    json_module = json
    autocorrect_location_header = False

    # PERF: no defaults on the class, as in ctx.py: each way to make a response sets them all.
    #: The headers as they were made, which are sent as they are; None once somebody has asked for
    #: them as Headers.
    _pending: list[tuple[str, str]] | None
    _made_headers: BaseHeaders | None
    _made_body: list[bytes] | None
    # Whether a subclass replaces what the short ways below stand for.
    _short_init = True
    _short_call = True

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._short_init = _keeps(
            cls, "set_data", "headers", "status", "status_code", "_clean_status", "default_status"
        ) and bool(cls.automatically_set_content_length)
        cls._short_call = _keeps(
            cls,
            "get_wsgi_headers",
            "get_app_iter",
            "get_wsgi_response",
            "iter_encoded",
            "close",
            "headers",
            "status",
            "status_code",
        )

    def __init__(
        self,
        response: t.Any = None,
        status: t.Any = None,
        headers: t.Any = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        # PERF: a text with few headers of its own is what most views answer with, or a stream.
        if self._short_init and content_type is None:
            type_header = _TYPE_HEADERS.get(mimetype or self.default_mimetype)
            pairs: Pairs | None = None
            if type_header is not None:
                if headers is None:
                    pairs = [type_header]
                else:
                    pairs = _plain_pairs(headers, mimetype, type_header)
            if pairs is not None:
                if isinstance(response, (str, bytes, bytearray)):
                    body = response.encode() if isinstance(response, str) else bytes(response)
                    self.response = self._made_body = [body]
                    pairs.append(("Content-Length", str(len(body))))
                else:
                    self.response = [] if response is None else response
                    self._made_body = None
                self._on_close = []
                self._pending = pairs
                self._made_headers = None
                self.direct_passthrough = direct_passthrough
                if status is None:
                    self._status, self._status_code = "200 OK", 200
                elif type(status) is int:
                    self._status, self._status_code = _status_of(status)
                else:
                    self.status = status
                return
        self._pending = self._made_headers = self._made_body = None
        super().__init__(response, status, headers, mimetype, content_type, direct_passthrough)

    @property
    def headers(self) -> BaseHeaders:
        """The headers, to read and to change."""
        headers = self._made_headers
        if headers is None:
            # PERF: extend() validates one by one what is known to be valid (some 4 µs).
            headers = _new(Headers)
            headers._list = self._pending or []
            self._pending = None
            self._made_headers = headers
        return headers

    # Werkzeug declares an attribute.
    @headers.setter
    def headers(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, value: BaseHeaders
    ) -> None:
        self._made_headers = value
        self._pending = None

    def _add_header(self, name: str, value: str) -> None:
        """Add a header that is known to be valid, without making the Headers object."""
        if self._pending is not None:
            self._pending.append((name, value))
        else:
            self.headers.add(name, value)

    @classmethod
    def _of_file(cls, body: t.Iterable[bytes], headers: Pairs) -> t.Self:
        """Make a response that hands its body to the server; the headers are known to be valid."""
        response = cls.__new__(cls)
        response.response = body
        response._on_close = []
        response._pending = headers
        response._made_headers = response._made_body = None
        response._status, response._status_code = "200 OK", 200
        response.direct_passthrough = True
        return response

    @classmethod
    def force_type(
        cls, response: ResponseBase, environ: ft.WSGIEnvironment | None = None
    ) -> t.Self:
        """Make one of this class of another class's response, or of a WSGI application.

        :param response: changed in place where it is a response of Werkzeug's.
        :param environ: what an application is called with.
        :raises TypeError: an application comes without `environ`.
        """
        forced = t.cast(t.Self, super().force_type(response, environ))
        attributes = vars(forced)
        if "_pending" not in attributes:
            forced.headers = attributes.pop("headers")
            forced._made_body = None
        return forced

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | int | float | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Set a cookie (RFC 6265).

        :param max_age: for how many seconds it lives; by default until the browser ends.
        :param expires: until when, as a time or in seconds since 1970; by default by `max_age`.
        :param path: below which path it is sent.
        :param domain: which other hosts get it; by default none.
        :param secure: send it over HTTPS only.
        :param httponly: keep it from scripts.
        :param samesite: ``"Strict"``, ``"Lax"`` or ``"None"``: with which other sites' requests.
        :param partitioned: keep it per top-level site; makes it `secure`.
        """
        cookie = dump_cookie(
            key,
            value,
            max_age,
            expires,
            path,
            domain,
            secure,
            httponly,
            self.max_cookie_size,
            samesite,
            partitioned,
        )
        if cookie.isprintable():
            self._add_header("Set-Cookie", cookie)
        else:
            self.headers.add("Set-Cookie", cookie)

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]  # an attribute in Werkzeug
        """Above how many bytes a cookie is warned of; the app's ``MAX_COOKIE_SIZE``."""
        ctx = _get_context(None)
        if ctx is None:
            return ResponseBase.max_cookie_size
        size: int = ctx.app.config["MAX_COOKIE_SIZE"]
        return size

    def __call__(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> t.Iterable[bytes]:
        """Send the response: the WSGI application that every response is."""
        # PERF: what was made as a text, and few touched since, goes out without a second look.
        status = self._status_code
        if (
            self._short_call
            and not self.direct_passthrough
            and not self.autocorrect_location_header
            and 200 <= status != 204
            and status != 304
        ):
            pairs = self._pending
            body = self._made_body
            if body is not None:
                # All there is to it is the text that it was made with.
                if (
                    self.response is body
                    and len(body) == 1
                    and type(body[0]) is bytes
                    and not self._on_close
                ):
                    pairs = self._wsgi_pairs() if pairs is None else pairs.copy()
                    if pairs is not None:
                        start_response(self._status, pairs)
                        return body if environ["REQUEST_METHOD"] != "HEAD" else ()
            elif pairs is not None:
                items = self.response
                if type(items) is list and not items and self.automatically_set_content_length:
                    start_response(self._status, [*pairs, ("Content-Length", "0")])
                    return _Body(self, True) if self._on_close else ()
                if not self.is_sequence:
                    start_response(self._status, pairs.copy())
                    return _Body(self, environ["REQUEST_METHOD"] == "HEAD")
        return super().__call__(environ, start_response)

    def iter_encoded(self) -> t.Iterator[bytes]:
        """Return the body's items as bytes, text encoded as UTF-8; async ones one by one."""
        items: t.Any = self.response
        return _encoded(_in_turn(items) if hasattr(items, "__aiter__") else items)

    def get_wsgi_response(
        self, environ: ft.WSGIEnvironment
    ) -> tuple[t.Iterable[bytes], str, Pairs]:
        """Return the body, the status line and the headers as WSGI wants them (PEP 3333)."""
        headers = self._wsgi_pairs() if self._short_call else None
        if headers is None:
            return super().get_wsgi_response(environ)
        empty = environ["REQUEST_METHOD"] == "HEAD" or _has_no_body(self._status_code)
        if not empty and self.direct_passthrough:
            return self.response, self._status, headers  # type: ignore[return-value]  # bytes, by its contract
        return _Body(self, empty), self._status, headers

    def _wsgi_pairs(self) -> Pairs | None:
        """Return the headers as they are sent; None where Werkzeug's general way must be taken.

        PERF: Werkzeug copies and validates each header once more (some 5 µs).
        """
        status = self._status_code
        if status == 304 or self.autocorrect_location_header:
            return None
        headers = self._made_headers
        if type(headers) is Headers or type(headers) is BaseHeaders:
            pairs = headers._list.copy()
        elif headers is None and self._pending is not None:
            pairs = self._pending.copy()
        else:
            # A dict, say, that somebody put in their place.
            return None
        has_length = has_location = False
        for key, _ in pairs:
            # PERF: the two that nearly each response has are known as they are mostly written.
            if key == "Content-Length":
                has_length = True
            elif key != "Content-Type":
                name = _watched(key.lower())
                if name is not None:
                    if name is _LENGTH:
                        has_length = True
                    else:
                        has_location = True
        if has_location and not _convert_locations(pairs):
            return None
        if status != 200 and _has_no_body(status):
            return [pair for pair in pairs if pair[0].lower() != _LENGTH]
        if not has_length and self.automatically_set_content_length and self.is_sequence:
            pairs.append(("Content-Length", str(sum(map(len, self.iter_encoded())))))
        return pairs


_LENGTH = "content-length"
_LOCATIONS = frozenset({"location", "content-location"})
# The names that are looked for among a response's headers, each with itself.
_watched = {name: name for name in (_LENGTH, *_LOCATIONS)}.get
_new = object.__new__


_TYPE_HEADERS: dict[str | None, tuple[str, str]] = {
    name: ("Content-Type", get_content_type(name, "utf-8"))
    for name in ("text/html", "text/plain", "application/json")
}
_newline = re.compile(r"[\r\n]").search
# A path, with a query or without, that iri_to_uri() returns as it is, and that fits into HTML
# once & and ' are escaped.
_is_plain_path = re.compile(
    r"/(?:[\w\-.~%!$&'()*+,:;=@][\w\-.~%!$&'()*+,:;=@/]*)?(?:\?[\w\-.~%!$&'()*+,:;=@/?]+)?",
    re.ASCII,
).fullmatch
# Stands for the location in the page below: a private-use character.
_HERE = "\ue02f"


def _plain_pairs(
    headers: t.Any, mimetype: str | None, type_header: tuple[str, str]
) -> Pairs | None:
    """Return headers as pairs; None where they must go through Werkzeug's ``Headers``.

    :param mimetype: what the response was told of its type.
    :param type_header: added where the headers do not tell it.
    """
    if type(headers) is dict:
        pairs = list(headers.items())
    elif type(headers) is list:
        pairs = headers.copy()
    else:
        return None
    has_type = False
    for pair in pairs:
        if type(pair) is not tuple or len(pair) != 2:
            return None
        name, value = pair
        if type(name) is not str or type(value) is not str or _newline(value):
            return None
        key = name.lower()
        if key == "content-type":
            has_type = True
            if mimetype is not None:
                return None
        elif key == _LENGTH:
            return None
        elif key in _LOCATIONS and (
            # A list may bring a second one.
            name != "Location" or type(headers) is not dict or not _is_plain_path(value)
        ):
            return None
    if not has_type:
        pairs.append(type_header)
    return pairs


@lru_cache(maxsize=128)
def _status_of(code: int) -> tuple[str, int]:
    """Return the status line of a code, and the code."""
    response = ResponseBase(status=code)
    return response.status, response.status_code


def _convert_locations(pairs: Pairs) -> bool:
    """Make URLs of the locations among headers; whether there is but one of each name."""
    names = [key.lower() for key, _ in pairs]
    for name in _LOCATIONS.intersection(names):
        if names.count(name) > 1:
            return False
        i = names.index(name)
        pairs[i] = (name.title(), iri_to_uri(pairs[i][1]))
    return True


def _has_no_body(status: int) -> bool:
    return status in (204, 304) or 100 <= status < 200


def _keeps(cls: type, *names: str) -> bool:
    """Tell whether a subclass has Response's own of each of these."""
    return all(getattr(cls, name) is getattr(Response, name) for name in names)


def text_response(text: str) -> Response:
    """Make the response that ``Response(text)`` is.

    PERF: its constructor asks what it was given (a tenth of a small request).
    """
    type_header = _TYPE_HEADERS.get(Response.default_mimetype)
    if type_header is None:
        return Response(text)
    body = text.encode()
    response = _new(Response)
    response.response = response._made_body = [body]
    response._on_close = []
    response._pending = [type_header, ("Content-Length", str(len(body)))]
    response._made_headers = None
    response._status = "200 OK"
    response._status_code = 200
    response.direct_passthrough = False
    return response


def send_body(
    mimetype: str | None,
    body: bytes | Generator[t.Any],
    environ: ft.WSGIEnvironment,
    start_response: ft.StartResponse,
) -> t.Iterable[bytes]:
    """Send a body as ``Response(body, mimetype=mimetype)`` would.

    PERF: without the response object, which nobody would see (a quarter of a request).
    """
    type_header = _TYPE_HEADERS.get(mimetype or Response.default_mimetype)
    if type_header is None:
        return Response(body, mimetype=mimetype)(environ, start_response)
    if not isinstance(body, bytes):
        start_response("200 OK", [type_header])
        if environ["REQUEST_METHOD"] != "HEAD":
            return _encoded(body, body.close)
        body.close()
        return ()
    start_response("200 OK", [type_header, ("Content-Length", str(len(body)))])
    return [body] if environ["REQUEST_METHOD"] != "HEAD" else ()


def redirect_to(location: str, code: int, cls: type[ResponseBase]) -> ResponseBase:
    """Make a redirect, as :func:`werkzeug.utils.redirect` does."""
    # PERF: around a plain path the page is always the same, and the header needs no conversion.
    if type(location) is not str or not _is_plain_path(location):
        return redirect(location, code, cls)
    text = location.replace("&", "&amp;").replace("'", "&#39;")
    page = _redirect_page().replace(_HERE, text)
    if cls is Response:
        # PERF: keywords and defaults would make up a sixth of its cost.
        response: ResponseBase = Response(page, code, None, "text/html", None, False)
    else:
        response = cls(page, code, mimetype="text/html")
    if isinstance(response, Response) and response._pending is not None:
        response._pending.append(("Location", location))
    else:
        response.headers["Location"] = location
    return response


@cache
def _redirect_page() -> str:
    return redirect(_HERE).get_data(as_text=True)


def _encoded(
    items: t.Iterable[str | bytes], close: Callable[[], object] = bool
) -> t.Iterator[bytes]:
    try:
        for item in items:
            # PERF: nearly all texts are plain ones, and that is the cheaper question.
            yield item.encode() if type(item) is str or isinstance(item, str) else item
    finally:
        close()


async def _encoded_async(items: t.AsyncIterable[str | bytes]) -> t.AsyncIterator[bytes]:
    iterator = aiter(items)
    try:
        async for item in iterator:
            yield item.encode() if isinstance(item, str) else item
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


def _in_turn(items: t.AsyncIterable[str | bytes]) -> t.Iterator[str | bytes]:
    """Iterate an async iterable for WSGI, on the background event loop."""
    # PERF: asyncio is slow to import; most apps await nothing.
    from ._background import run

    iterator = aiter(items)
    end: t.Any = object()

    async def take() -> str | bytes:
        return await anext(iterator, end)

    try:
        while (item := run(take())) is not end:
            yield item
    finally:
        close = getattr(iterator, "aclose", None)
        # At the end of the process the loop stands still, and who waits for it waits for ever.
        if close is not None and not sys.is_finalizing():
            run(close())


class _Body:
    """A response's body for the server, which closes it when it is done or the client is gone."""

    __slots__ = ("_empty", "_response")

    def __init__(self, response: Response, empty: bool) -> None:
        self._response = response
        self._empty = empty

    def __iter__(self) -> t.Iterator[bytes]:
        return iter(()) if self._empty else self._response.iter_encoded()

    def is_at_hand(self) -> bool:
        """Tell whether nothing need be waited for."""
        return self._empty or self._response.is_sequence

    def awaited_items(self) -> t.AsyncIterator[bytes] | None:
        """Return the items of an async iterable; None for an ordinary one."""
        items: t.Any = self._response.response
        return _encoded_async(items) if hasattr(items, "__aiter__") else None

    def close(self) -> None:
        """Close what the response holds open."""
        self._response.close()
