"""The vocabulary of erlen: what views return, what hooks take, what servers speak.

The names are those of ``flask.typing``. ``App`` is the application named from below: the rooms
under ``app.py`` hold one, call the methods that Flask documents on it, and never import its class.
"""

from __future__ import annotations

import typing as t
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)

from werkzeug.datastructures import Headers as Headers
from werkzeug.sansio.response import Response as Response

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse as StartResponse
    from _typeshed.wsgi import WSGIApplication as WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment as WSGIEnvironment

    class BodyStream(t.IO[bytes]):
        """The body of a request; under ASGI an async view can iterate it as it comes."""

        def __aiter__(self) -> AsyncIterator[bytes]: ...
else:
    # What typing.get_type_hints finds; wsgiref.types would have to be imported.
    WSGIEnvironment = dict[str, t.Any]
    StartResponse = Callable[..., Callable[[bytes], object]]
    WSGIApplication = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]
    BodyStream = t.IO[bytes]


#: What is known of an ASGI connection; a message; awaited for its messages; awaited with ours.
Scope: t.TypeAlias = MutableMapping[str, t.Any]
Message: t.TypeAlias = MutableMapping[str, t.Any]
Receive: t.TypeAlias = Callable[[], Awaitable[Message]]
Send: t.TypeAlias = Callable[[Message], Awaitable[None]]

#: The application, named from below.
App: t.TypeAlias = t.Any

#: What a view may return as the body, or as a whole response.
ResponseValue = t.Union[
    Response,
    str,
    bytes,
    list[t.Any],
    # Mapping and not dict, so that a TypedDict passes; at run time it must be a dict.
    Mapping[str, t.Any],
    Iterator[str],
    Iterator[bytes],
    AsyncIterable[str],
    AsyncIterable[bytes],
]

HeaderValue = t.Union[str, list[str], tuple[str, ...]]

#: What a view may return as headers.
HeadersValue = t.Union[
    Headers,
    Mapping[str, HeaderValue],
    Sequence[tuple[str, HeaderValue]],
]

#: What a view may return.
ResponseReturnValue = t.Union[
    ResponseValue,
    tuple[ResponseValue, HeadersValue],
    tuple[ResponseValue, int],
    tuple[ResponseValue, int, HeadersValue],
    WSGIApplication,
]

ResponseClass = t.TypeVar("ResponseClass", bound=Response)

#: The key of the dicts of hooks: None for the app, else a blueprint's name.
AppOrBlueprintKey = t.Optional[str]

AfterRequestCallable = t.Union[
    Callable[[ResponseClass], ResponseClass],
    Callable[[ResponseClass], Awaitable[ResponseClass]],
]
BeforeFirstRequestCallable = t.Union[Callable[[], None], Callable[[], Awaitable[None]]]
BeforeRequestCallable = t.Union[
    Callable[[], t.Optional[ResponseReturnValue]],
    Callable[[], Awaitable[t.Optional[ResponseReturnValue]]],
]
ShellContextProcessorCallable = Callable[[], dict[str, t.Any]]
TeardownCallable = t.Union[
    Callable[[t.Optional[BaseException]], None],
    Callable[[t.Optional[BaseException]], Awaitable[None]],
]
TemplateContextProcessorCallable = t.Union[
    Callable[[], dict[str, t.Any]],
    Callable[[], Awaitable[dict[str, t.Any]]],
]
TemplateFilterCallable = Callable[..., t.Any]
TemplateGlobalCallable = Callable[..., t.Any]
TemplateTestCallable = Callable[..., bool]
URLDefaultCallable = Callable[[str, dict[str, t.Any]], None]
URLValuePreprocessorCallable = Callable[[t.Optional[str], t.Optional[dict[str, t.Any]]], None]

# The argument is Any: a handler is annotated with the exception that it handles.
ErrorHandlerCallable = t.Union[
    Callable[[t.Any], ResponseReturnValue],
    Callable[[t.Any], Awaitable[ResponseReturnValue]],
]
RouteCallable = t.Union[
    Callable[..., ResponseReturnValue],
    Callable[..., Awaitable[ResponseReturnValue]],
]
