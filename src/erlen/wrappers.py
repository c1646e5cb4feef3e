"""Request and response: Werkzeug's, built lazily.

A request parses, decodes and looks up nothing before somebody asks. A response keeps its few
headers as a plain list until somebody wants to change them.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta
from functools import cache, lru_cache
from io import BytesIO
from urllib.parse import parse_qsl

from werkzeug.datastructures import (
    Authorization,
    EnvironHeaders,
    Headers,
    ImmutableMultiDict,
    MultiDict,
)
from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.routing import Rule
from werkzeug.sansio.http import parse_cookie
from werkzeug.urls import iri_to_uri
from werkzeug.utils import get_content_type, redirect
from werkzeug.wrappers import Request as RequestBase
from werkzeug.wrappers import Response as ResponseBase
from werkzeug.wsgi import LimitedStream

from . import json
from . import typing as ft
from ._http import dump_cookie
from ._lazy import lazy
from .debughelpers import attach_enctype_error_multidict
from .globals import _cv_app

Pairs: t.TypeAlias = "list[tuple[str, str]]"


def _wsgi_text(environ: ft.WSGIEnvironment, key: str) -> str:
    """Read what WSGI hands over as Latin-1 for the UTF-8 that it is (PEP 3333)."""
    value: str = environ.get(key) or ""
    return value if value.isascii() else value.encode("latin1").decode(errors="replace")


def _parse_pairs(text: str) -> Pairs:
    """Parse what a query string or a url-encoded form consists of."""
    # PERF: where nothing is encoded, splitting is all there is to do (a third of the time).
    if "%" not in text and "+" not in text:
        pairs = [item.partition("=") for item in text.split("&") if item]
        return [(key, value) for key, _, value in pairs]
    return parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote")


def _multi_dict(cls: type[MultiDict[str, str]], pairs: Pairs) -> MultiDict[str, str]:
    """Make a multi dict of pairs.

    PERF: its constructor asks first what kind of mapping it was given (half of its time).
    """
    if cls is not ImmutableMultiDict:
        return cls(pairs)
    lists: dict[str, list[str]] = {}
    for key, value in pairs:
        if key in lists:
            lists[key].append(value)
        else:
            lists[key] = [value]
    multi = cls()
    # As a dict it holds lists.
    dict.update(multi, lists)  # type: ignore[arg-type]  # declared as a dict of values
    return multi


@cache
def _split_blueprint_path(name: str) -> list[str]:
    """Return a nested blueprint's names, from the innermost outward: a.b.c, a.b, a."""
    names = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        names.append(name)
    return names


class _MaximumStream(LimitedStream):
    """A body of unknown length: one over the limit is refused, where Werkzeug cuts it off."""

    def __init__(self, stream: t.IO[bytes], limit: int) -> None:
        super().__init__(stream, limit, is_max=True)
        self._source = stream

    def on_exhausted(self) -> None:
        if self._source.read(1):
            raise RequestEntityTooLarge()

    def readall(self) -> bytes:
        data = super().readall()
        if data and self.is_exhausted:
            self.on_exhausted()
        return data


class Request(RequestBase):
    """What the client asked: Werkzeug's request, and where the app's URL map leads.

    Read it through :data:`erlen.request`. The app makes it; its class is ``app.request_class``.

    :param environ: the WSGI environment (PEP 3333).
    :param populate_request: leave the request in ``environ["werkzeug.request"]``.
    :param shallow: refuse to read the body.
    """

    json_module: t.Any = json
    #: The rule that matched; None before the match, and where none did.
    url_rule: Rule | None = None
    #: The view's arguments, from the rule's variables.
    view_args: dict[str, t.Any] | None = None
    #: What the match raised: 404, 405, a redirect.
    routing_exception: HTTPException | None = None
    shallow: bool = False
    # Whether the body was read past the stream (see _read_whole).
    _consumed = False

    # Where the files of a multipart body are kept.
    _part_streams: list[t.IO[bytes]] | None = None

    _max_content_length: int | None = None
    _max_form_memory_size: int | None = None
    _max_form_parts: int | None = None

    def __init__(
        self, environ: ft.WSGIEnvironment, populate_request: bool = True, shallow: bool = False
    ) -> None:
        self.environ = environ
        if shallow:
            self.shallow = True
        elif populate_request:
            environ["werkzeug.request"] = self

    # What Werkzeug's constructor sets, each made when it is asked for.

    @lazy
    def method(self) -> str:
        """The HTTP method, in upper case."""
        method: str = self.environ.get("REQUEST_METHOD", "GET")
        return method.upper()

    @lazy
    def scheme(self) -> str:
        """``http`` or ``https``."""
        scheme: str = self.environ.get("wsgi.url_scheme", "http")
        return scheme

    @lazy
    def server(self) -> tuple[str, int | None] | None:
        """The server's address and port; a Unix socket's path and None."""
        name = self.environ.get("SERVER_NAME")
        if name is None:
            return None
        try:
            port: int | None = int(self.environ.get("SERVER_PORT", ""))
        except ValueError:
            port = None
        return name, port

    @lazy
    def root_path(self) -> str:
        """The prefix that the app is mounted under, without a slash behind it."""
        return _wsgi_text(self.environ, "SCRIPT_NAME").rstrip("/")

    @lazy
    def path(self) -> str:
        """The path below the app's root, with a slash before it."""
        return "/" + _wsgi_text(self.environ, "PATH_INFO").lstrip("/")

    @lazy
    def query_string(self) -> bytes:
        """The part of the URL behind the question mark, as it came."""
        query: str = self.environ.get("QUERY_STRING", "")
        return query.encode("latin1")

    @lazy
    def headers(self) -> EnvironHeaders:
        """The headers that the client sent."""
        return EnvironHeaders(self.environ)

    @lazy
    def remote_addr(self) -> str | None:
        """The address of the client, or of the nearest proxy."""
        return self.environ.get("REMOTE_ADDR")

    # PERF: Werkzeug's cached_property is looked up through a Python function each time.

    @lazy
    def args(self) -> ImmutableMultiDict[str, str]:
        """The parameters in the URL behind the question mark."""
        # Bytes that are not UTF-8 stay as they are percent-encoded, as those behind a % do.
        text = self.query_string.decode(errors="werkzeug.url_quote")
        return _multi_dict(self.parameter_storage_class, _parse_pairs(text))  # type: ignore[return-value]  # as Werkzeug declares it

    @lazy
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies that the client sent."""
        header = self.environ.get("HTTP_COOKIE", "")
        return parse_cookie(header, cls=self.dict_storage_class)  # type: ignore[return-value]  # as above

    @lazy
    def form(self) -> ImmutableMultiDict[str, str]:
        """The fields of a form in the body."""
        self._load_form_data()
        return self.__dict__["form"]  # type: ignore[no-any-return]  # Werkzeug leaves it there

    @lazy
    def files(self) -> ImmutableMultiDict[str, t.Any]:
        """The files of a form in the body."""
        self._load_form_data()
        return self.__dict__["files"]  # type: ignore[no-any-return]  # Werkzeug leaves it there

    @property
    def mimetype(self) -> str:
        """The media type of the body in lower case, without parameters."""
        content_type: str = self.environ.get("CONTENT_TYPE", "")
        return content_type.partition(";")[0].strip().lower()

    # The limits: of the request, else of the app, else of Werkzeug.

    def _limit(self, own: int | None, key: str, default: int | None) -> int | None:
        if own is not None:
            return own
        ctx = _cv_app.get(None)
        if ctx is None:
            return default
        limit: int | None = ctx.app.config[key]
        return limit

    @property
    def max_content_length(self) -> int | None:
        """How many bytes of body are read before 413; None for no limit.

        Assign it to change the limit for one request. Default ``MAX_CONTENT_LENGTH``.
        """
        return self._limit(
            self._max_content_length, "MAX_CONTENT_LENGTH", RequestBase.max_content_length
        )

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._max_content_length = value

    @property
    def max_form_memory_size(self) -> int | None:
        """How many bytes a form's field may have in memory before 413; None for no limit.

        Assign it to change the limit for one request. Default ``MAX_FORM_MEMORY_SIZE``.
        """
        return self._limit(
            self._max_form_memory_size, "MAX_FORM_MEMORY_SIZE", RequestBase.max_form_memory_size
        )

    @max_form_memory_size.setter
    def max_form_memory_size(self, value: int | None) -> None:
        self._max_form_memory_size = value

    @property
    def max_form_parts(self) -> int | None:
        """How many parts a multipart form may have before 413; None for no limit.

        Assign it to change the limit for one request. Default ``MAX_FORM_PARTS``.
        """
        return self._limit(self._max_form_parts, "MAX_FORM_PARTS", RequestBase.max_form_parts)

    @max_form_parts.setter
    def max_form_parts(self, value: int | None) -> None:
        self._max_form_parts = value

    @property
    def endpoint(self) -> str | None:
        """The name of the view that the URL leads to; None where it leads nowhere."""
        rule = self.url_rule
        return rule.endpoint if rule is not None else None

    @property
    def blueprint(self) -> str | None:
        """The name of the blueprint that the view is registered on; None for the app's own."""
        endpoint = self.endpoint
        if endpoint is not None and "." in endpoint:
            return endpoint.rpartition(".")[0]
        return None

    @property
    def blueprints(self) -> list[str]:
        """The names of that blueprint and of those around it, the innermost first."""
        name = self.blueprint
        return [] if name is None else _split_blueprint_path(name)

    # The body.

    @lazy
    def stream(self) -> t.IO[bytes]:
        """The body as a stream that ends where the request does."""
        if self._consumed:
            return t.cast("t.IO[bytes]", LimitedStream(BytesIO(), 0))
        stream = super().stream
        limit = self.max_content_length
        if limit is not None and "wsgi.input_terminated" in self.environ:
            return t.cast("t.IO[bytes]", _MaximumStream(self.environ["wsgi.input"], limit))
        return stream

    def _read_whole(self) -> bytes | None:
        """Read a body of known length; None where the general way must be taken.

        PERF: the same as ``self.stream.read()``, which copies through a limiting stream.
        """
        environ = self.environ
        length = environ.get("CONTENT_LENGTH", "")
        if (
            self._consumed
            or "stream" in self.__dict__
            or "wsgi.input_terminated" in environ
            or "HTTP_TRANSFER_ENCODING" in environ
            or self.shallow
            or not (length.isascii() and length.isdigit() and len(length) < 10)
        ):
            return None
        size = int(length)
        limit = self.max_content_length
        if limit is not None and size > limit:
            raise RequestEntityTooLarge()
        self._consumed = True
        chunks = []
        while size > 0:
            try:
                chunk = environ["wsgi.input"].read(size)
            except (OSError, ValueError):
                raise ClientDisconnected() from None
            if not chunk:
                raise ClientDisconnected()
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    @t.overload
    def get_data(
        self, cache: bool = ..., as_text: t.Literal[False] = ..., parse_form_data: bool = ...
    ) -> bytes: ...
    @t.overload
    def get_data(
        self, cache: bool = ..., as_text: t.Literal[True] = ..., parse_form_data: bool = ...
    ) -> str: ...
    def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> bytes | str:
        """Read the body.

        :param cache: keep it, so that it can be read again.
        :param as_text: decode it from UTF-8.
        :param parse_form_data: let a form in the body be parsed first, which leaves no data.
        """
        if cache and not parse_form_data and not hasattr(self, "_cached_data"):
            body = self._read_whole()
            if body is not None:
                self._cached_data = body
        return super().get_data(cache, as_text, parse_form_data)  # type: ignore[call-overload,no-any-return]  # a plain bool

    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        if not self._load_urlencoded():
            super()._load_form_data()
        ctx = _cv_app.get(None)
        if (
            ctx is not None
            and ctx.app.debug
            and self.mimetype != "multipart/form-data"
            and not self.files
        ):
            attach_enctype_error_multidict(self)

    def _load_urlencoded(self) -> bool:
        """Parse a url-encoded form of known length; False where the general way must be taken."""
        if (
            self.mimetype != "application/x-www-form-urlencoded"
            or type(self).make_form_data_parser is not RequestBase.make_form_data_parser
            or type(self).form_data_parser_class is not RequestBase.form_data_parser_class
        ):
            return False
        body = getattr(self, "_cached_data", None)
        if body is None:
            body = self._read_whole()
            if body is None:
                return False
        try:
            pairs = _parse_pairs(body.decode())
        except UnicodeDecodeError:
            pairs = []
        self.form = _multi_dict(self.parameter_storage_class, pairs)
        self.files = self.parameter_storage_class()
        return True

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> t.IO[bytes]:
        stream = super()._get_file_stream(
            total_content_length, content_type, filename, content_length
        )
        if self._part_streams is None:
            self._part_streams = []
        self._part_streams.append(stream)
        return stream

    def close(self) -> None:
        """Close the files of the body, also those of a form that was not read to its end."""
        super().close()
        for stream in self._part_streams or ():
            stream.close()

    @lazy
    def authorization(self) -> Authorization | None:
        """The ``Authorization`` header; None where there is none, or none that can be read."""
        try:
            return super().authorization
        except ValueError:  # Basic credentials that are not ASCII
            return None

    def on_json_loading_failed(self, e: ValueError | None) -> t.Any:
        """Answer 400 for a body that is no JSON; the reason is told in debug mode only."""
        try:
            return super().on_json_loading_failed(e)
        except BadRequest as error:
            ctx = _cv_app.get(None)
            if ctx is not None and ctx.app.debug:
                raise
            raise BadRequest() from error


class Response(ResponseBase):
    """What the client gets: Werkzeug's response, HTML unless told otherwise.

    Views seldom make one: what they return becomes one. Its class is ``app.response_class``.
    The parameters are Werkzeug's.
    """

    default_mimetype: str | None = "text/html"
    json_module = json
    autocorrect_location_header = False

    # The first value of what Werkzeug's constructor sets.
    _status = "200 OK"
    _status_code = 200
    direct_passthrough = False
    #: The headers as they were made, which are sent as they are; None once somebody has asked for
    #: them as Headers.
    _pending: Pairs | None = None
    _made_headers: Headers | None = None
    _made_body: list[bytes] | None = None
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
            pairs = [] if headers is None else _plain_pairs(headers, mimetype)
            if type_header is not None and pairs is not None:
                if headers is None or not _has_type(pairs):
                    pairs.append(type_header)
                if isinstance(response, str):
                    response = response.encode()
                if isinstance(response, (bytes, bytearray)):
                    body = bytes(response)
                    self.response = self._made_body = [body]
                    pairs.append(("Content-Length", str(len(body))))
                else:
                    self.response = [] if response is None else response
                self._on_close = []
                self._pending = pairs
                if status is not None:
                    if type(status) is int:
                        self._status, self._status_code = _status_of(status)
                    else:
                        self.status = status
                if direct_passthrough:
                    self.direct_passthrough = True
                return
        super().__init__(response, status, headers, mimetype, content_type, direct_passthrough)

    @property
    def headers(self) -> Headers:
        """The headers, to read and to change."""
        headers = self._made_headers
        if headers is None:
            # A response of Werkzeug's own that was turned into one of ours brings its headers.
            headers = self.__dict__.pop("headers", None)
            if headers is None:
                headers = Headers()
                if self._pending is not None:
                    # PERF: extend() validates one by one what is known to be valid (some 4 µs).
                    headers._list = self._pending
            self._made_headers = headers
            self._pending = None
        return headers

    @headers.setter
    def headers(self, value: Headers) -> None:
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
        response.direct_passthrough = True
        return response

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
        ctx = _cv_app.get(None)
        if ctx is None:
            return ResponseBase.max_cookie_size
        size: int = ctx.app.config["MAX_COOKIE_SIZE"]
        return size

    def __call__(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> t.Iterable[bytes]:
        """Send the response: the WSGI application that every response is."""
        # PERF: headers that nobody touched need no second look.
        pending = self._pending
        body = self._made_body
        if (
            pending is not None
            and self._short_call
            and not self.direct_passthrough
            and not self.autocorrect_location_header
            and (self._status_code == 200 or not _has_no_body(self._status_code))
        ):
            if body is None:
                if not self.is_sequence:
                    start_response(self._status, pending.copy())
                    return _Body(self, environ["REQUEST_METHOD"] == "HEAD")
            elif (
                self.response is body
                and len(body) == 1
                and type(body[0]) is bytes
                and not self._on_close
            ):
                start_response(self._status, pending.copy())
                return body if environ["REQUEST_METHOD"] != "HEAD" else ()
        elif self._short_call and self._is_made and not _has_no_body(self._status_code):
            pairs = self._wsgi_pairs()
            if pairs is not None:
                start_response(self._status, pairs)
                return body if body and environ["REQUEST_METHOD"] != "HEAD" else ()
        return super().__call__(environ, start_response)

    def iter_encoded(self) -> t.Iterator[bytes]:
        """Return the body's items as bytes, text encoded as UTF-8."""
        return _encoded(self.response)

    @property
    def _is_made(self) -> bool:
        """Whether the body is the text that the response was made with, and all there is to it."""
        body = self._made_body
        return (
            body is not None
            and self.response is body
            and len(body) == 1
            and type(body[0]) is bytes
            and not self._on_close
            and not self.direct_passthrough
        )

    def get_wsgi_response(
        self, environ: ft.WSGIEnvironment
    ) -> tuple[t.Iterable[bytes], str, Pairs]:
        """Return the body, the status line and the headers as WSGI wants them (PEP 3333)."""
        headers = self._wsgi_pairs() if self._short_call else None
        if headers is None:
            return super().get_wsgi_response(environ)
        empty = environ["REQUEST_METHOD"] == "HEAD" or _has_no_body(self._status_code)
        if not empty and (self.direct_passthrough or self._is_made):
            return self.response, self._status, headers  # type: ignore[return-value]  # bytes, by its contract
        return _Body(self, empty), self._status, headers

    def _wsgi_pairs(self) -> Pairs | None:
        """Return the headers as they are sent; None where Werkzeug's general way must be taken.

        PERF: Werkzeug copies and validates each header once more (some 5 µs).
        """
        status = self._status_code
        if status == 304 or self.autocorrect_location_header:
            return None
        pending = self._pending
        pairs = pending.copy() if pending is not None else self.headers._list.copy()
        names = [key.lower() for key, _ in pairs]
        for name in _LOCATIONS:
            if name in names:
                if names.count(name) > 1:
                    return None
                i = names.index(name)
                pairs[i] = (name.title(), iri_to_uri(pairs[i][1]))
        if _has_no_body(status):
            return [pair for pair, name in zip(pairs, names, strict=True) if name != _LENGTH]
        if self.automatically_set_content_length and self.is_sequence and _LENGTH not in names:
            pairs.append(("Content-Length", str(sum(map(len, self.iter_encoded())))))
        return pairs


_LENGTH = "content-length"
_LOCATIONS = ("location", "content-location")


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


def _has_type(pairs: Pairs) -> bool:
    return any(name.lower() == "content-type" for name, _ in pairs)


def _plain_pairs(headers: t.Any, mimetype: str | None) -> Pairs | None:
    """Return headers as pairs; None where they must go through Werkzeug's ``Headers``."""
    if type(headers) is dict:
        pairs = list(headers.items())
    elif type(headers) is list:
        pairs = headers.copy()
    else:
        return None
    for pair in pairs:
        if type(pair) is not tuple or len(pair) != 2:
            return None
        name, value = pair
        if type(name) is not str or type(value) is not str or _newline(value):
            return None
        key = name.lower()
        if key == _LENGTH or (key == "content-type" and mimetype is not None):
            return None
        if key in _LOCATIONS and (
            # A list may bring a second one.
            name != "Location" or type(headers) is not dict or not _is_plain_path(value)
        ):
            return None
    return pairs


@lru_cache(maxsize=128)
def _status_of(code: int) -> tuple[str, int]:
    """Return the status line of a code, and the code."""
    response = ResponseBase(status=code)
    return response.status, response.status_code


def _has_no_body(status: int) -> bool:
    return status in (204, 304) or 100 <= status < 200


def _keeps(cls: type, *names: str) -> bool:
    """Tell whether a subclass has Response's own of each of these."""
    return all(getattr(cls, name) is getattr(Response, name) for name in names)


def send_body(
    mimetype: str | None,
    body: bytes,
    environ: ft.WSGIEnvironment,
    start_response: ft.StartResponse,
) -> t.Iterable[bytes]:
    """Send a body as ``Response(body, mimetype=mimetype)`` would.

    PERF: without the response object, which nobody would see (a quarter of a request).
    """
    type_header = _TYPE_HEADERS.get(mimetype or Response.default_mimetype)
    if type_header is None:
        return Response(body, mimetype=mimetype)(environ, start_response)
    start_response("200 OK", [type_header, ("Content-Length", str(len(body)))])
    return [body] if environ["REQUEST_METHOD"] != "HEAD" else ()


def redirect_to(location: str, code: int, cls: type[ResponseBase]) -> ResponseBase:
    """Make a redirect, as :func:`werkzeug.utils.redirect` does."""
    # PERF: around a plain path the page is always the same, and the header needs no conversion.
    if type(location) is not str or not _is_plain_path(location):
        return redirect(location, code, cls)
    text = location.replace("&", "&amp;").replace("'", "&#39;")
    response = cls(_redirect_page().replace(_HERE, text), code, mimetype="text/html")
    if isinstance(response, Response) and response._pending is not None:
        response._pending.append(("Location", location))
    else:
        response.headers["Location"] = location
    return response


@cache
def _redirect_page() -> str:
    return redirect(_HERE).get_data(as_text=True)


def _encoded(items: t.Iterable[str | bytes]) -> t.Iterator[bytes]:
    for item in items:
        # PERF: nearly all texts are plain ones, and that is the cheaper question.
        yield item.encode() if type(item) is str or isinstance(item, str) else item


class _Body:
    """A response's body for the server, which closes it when it is done or the client is gone."""

    __slots__ = ("_empty", "_response")

    def __init__(self, response: Response, empty: bool) -> None:
        self._response = response
        self._empty = empty

    def __iter__(self) -> t.Iterator[bytes]:
        return iter(()) if self._empty else self._response.iter_encoded()

    def close(self) -> None:
        """Close what the response holds open."""
        self._response.close()
