"""The request: Werkzeug's, which parses, decodes and looks up nothing before somebody asks."""

from __future__ import annotations

import sys
import typing as t
from functools import cache
from io import BytesIO
from urllib.parse import parse_qsl

from werkzeug.datastructures import Authorization, Headers, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.routing import Rule
from werkzeug.sansio.http import parse_cookie
from werkzeug.wrappers import Request as RequestBase
from werkzeug.wsgi import LimitedStream

from . import json
from . import typing as ft
from ._headers import EnvironHeaders
from ._lazy import lazy
from ._multidict import ImmutableMultiDict as Fields
from ._multidict import multi_dict
from .debughelpers import attach_enctype_error_multidict
from .globals import _get_context


def _wsgi_text(environ: ft.WSGIEnvironment, key: str) -> str:
    """Read what WSGI hands over as Latin-1 for the UTF-8 that it is (PEP 3333)."""
    value: str = environ.get(key) or ""
    return value if value.isascii() else value.encode("latin1").decode(errors="replace")


def _parse_pairs(text: str) -> list[tuple[str, str]]:
    """Parse what a query string or a url-encoded form consists of."""
    # PERF: where nothing is encoded, splitting is all there is to do (a third of the time).
    if "%" not in text and "+" not in text:
        return [
            (key, value)
            for item in text.split("&")
            if item
            for key, _, value in (item.partition("="),)
        ]
    return parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote")


@cache
def _split_blueprint_path(name: str) -> list[str]:
    """Return a nested blueprint's names, from the innermost outward: a.b.c, a.b, a."""
    names = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        names.append(name)
    return names


class _MaximumStream(LimitedStream):
    """A body that ends by itself.

    One over the limit is refused, where Werkzeug cuts it off; and one that is shorter than the
    client has said, where Werkzeug takes it for whole.
    """

    def __init__(self, stream: t.IO[bytes], limit: int, least: int) -> None:
        super().__init__(stream, limit, is_max=True)
        self._source = stream
        self._least = least

    def _read(self, read: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        """Read; for what is no chunk each server has an error of its own."""
        try:
            return read(*args)
        except HTTPException:
            raise
        except Exception as error:
            raise ClientDisconnected() from error

    def readinto(self, b: bytearray) -> int | None:  # type: ignore[override]  # as in Werkzeug
        return t.cast("int | None", self._read(super().readinto, b))

    def on_exhausted(self) -> None:
        if self._source.read(1):
            raise RequestEntityTooLarge()

    def on_disconnect(self, error: Exception | None = None) -> None:
        if self._pos < self._least:
            raise ClientDisconnected()
        super().on_disconnect(error)

    def readall(self) -> bytes:
        if self.limit == sys.maxsize:  # no limit
            rest = t.cast(bytes, self._read(self._source.read))
            self._pos += len(rest)
            if self._pos < self._least:
                raise ClientDisconnected()
            return rest
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

    __module__ = "erlen.wrappers"  # where users import it from

    json_module: t.Any = json
    parameter_storage_class: type[MultiDict[str, t.Any]] = Fields
    #: The rule that matched; None before the match, and where none did.
    url_rule: Rule | None = None
    #: The view's arguments, from the rule's variables.
    view_args: dict[str, t.Any] | None = None
    #: What the match raised: 404, 405, a redirect.
    routing_exception: HTTPException | None = None
    shallow: bool = False
    #: Whether it is the handshake of a WebSocket, which :data:`erlen.websocket` is then.
    is_websocket = False
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
    def headers(self) -> Headers:
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
        # PERF: a query string that nobody replaced is text already, and mostly plain.
        text = self.environ.get("QUERY_STRING", "") if type(self) is Request else "é"
        if not text.isascii() or "query_string" in self.__dict__:
            # Bytes that are not UTF-8 stay as they are percent-encoded, as those behind a % do.
            text = self.query_string.decode(errors="werkzeug.url_quote")
        return multi_dict(self.parameter_storage_class, _parse_pairs(text))  # type: ignore[return-value]  # as Werkzeug declares it

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
        ctx = _get_context(None)
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

    # Werkzeug declares an attribute.
    @max_content_length.setter
    def max_content_length(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, value: int | None
    ) -> None:
        self._max_content_length = value

    @property
    def max_form_memory_size(self) -> int | None:
        """How many bytes a form's field may have in memory before 413; None for no limit.

        Assign it to change the limit for one request. Default ``MAX_FORM_MEMORY_SIZE``.
        """
        return self._limit(
            self._max_form_memory_size, "MAX_FORM_MEMORY_SIZE", RequestBase.max_form_memory_size
        )

    # Werkzeug declares an attribute.
    @max_form_memory_size.setter
    def max_form_memory_size(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, value: int | None
    ) -> None:
        self._max_form_memory_size = value

    @property  # type: ignore[override]  # None for no limit, as in Flask
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
    def stream(self) -> ft.BodyStream:
        """The body as a stream that ends where the request does."""
        # A shallow request may stand on an environment without a body.
        source: t.Any = self.environ.get("wsgi.input")
        stream: t.Any
        if hasattr(source, "__aiter__") and not self.shallow:
            # That of ASGI, which keeps the limit itself.
            stream = source.limited(self.max_content_length, self.content_length)
        elif self._consumed:
            stream = LimitedStream(BytesIO(), 0)
        else:
            stream = super().stream
            limit = self.max_content_length
            if "wsgi.input_terminated" in self.environ:
                # It ends by itself also where the client went away before.
                least = self._known_length() or 0
                # What is no chunk is the client's mistake, with a limit or without.
                if limit is not None or least or "HTTP_TRANSFER_ENCODING" in self.environ:
                    stream = _MaximumStream(source, sys.maxsize if limit is None else limit, least)
        return t.cast("ft.BodyStream", stream)

    def _known_length(self) -> int | None:
        """Return how long the body has to be; None where only its end will tell."""
        environ = self.environ
        length: str = environ.get("CONTENT_LENGTH", "")
        if (
            "HTTP_TRANSFER_ENCODING" in environ
            # The server may have decoded it.
            or ("HTTP_CONTENT_ENCODING" in environ and "wsgi.input_terminated" in environ)
            or not (length.isascii() and length.isdigit() and len(length) < 10)
        ):
            return None
        return int(length)

    def _read_whole(self) -> bytes | None:
        """Read a body of known length; None where the general way must be taken.

        PERF: the same as ``self.stream.read()``, which copies through a limiting stream.
        """
        environ = self.environ
        if self._consumed or "stream" in self.__dict__ or self.shallow:
            return None
        size = self._known_length()
        if size is None:
            return None
        limit = self.max_content_length
        if limit is not None and size > limit:
            raise RequestEntityTooLarge()
        source = environ["wsgi.input"]
        ends = "wsgi.input_terminated" in environ
        if ends and limit is not None:
            return None
        chunks = []
        while size > 0:
            try:
                chunk = source.read() if ends else source.read(size)
            except (OSError, ValueError):
                raise ClientDisconnected() from None
            if not chunk:
                raise ClientDisconnected()
            chunks.append(chunk)
            size -= len(chunk)
        self._consumed = True
        return b"".join(chunks)

    @t.overload
    def get_data(  # pyright: ignore[reportOverlappingOverload]  # as Werkzeug declares it
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
        ctx = _get_context(None)
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
        self.__dict__["form"] = multi_dict(self.parameter_storage_class, pairs)
        self.__dict__["files"] = self.parameter_storage_class()
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
            ctx = _get_context(None)
            if ctx is not None and ctx.app.debug:
                raise
            raise BadRequest() from error
