"""What views use: URLs, redirects, aborts, flashed messages, files, streams."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import update_wrapper

from werkzeug.exceptions import abort as _werkzeug_abort
from werkzeug.utils import redirect as _werkzeug_redirect
from werkzeug.wrappers import Response as BaseResponse

from . import _files, urls
from ._paths import get_root_path as get_root_path
from .config import get_debug_flag as get_debug_flag
from .config import get_load_dotenv as get_load_dotenv
from .ctx import RequestContext, _request_context_for
from .dispatch import tear_down_request
from .globals import (
    _get_context,
    _reset_context,
    _set_context,
    current_app,
    request,
    request_ctx,
    session,
)
from .signals import message_flashed
from .wrappers import Response
from .wrappers import _split_blueprint_path as _split_blueprint_path

S = t.TypeVar("S", str, bytes)


class _ContextStream(t.Generic[S]):
    """An iterator whose items are made in a request's context.

    The context is current only while an item is made, so it never stays behind in the thread
    that asked for one, and any thread may close the stream. The context is torn down when the
    stream has ended: exhausted, failed, closed, or forgotten.
    """

    def __init__(self, ctx: RequestContext, items: Iterator[S]) -> None:
        self._ctx = ctx
        self._items: Iterator[S] = items
        self._open = True
        ctx._holds += 1

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> S:
        if not self._open:
            raise StopIteration
        token = _set_context(self._ctx)
        try:
            return next(self._items)
        except StopIteration:
            self._end(None)
            raise
        except BaseException as e:
            self._end(e)
            raise
        finally:
            _reset_context(token)

    def close(self) -> None:
        """End the stream before its last item."""
        if self._open:
            token = _set_context(self._ctx)
            try:
                self._end(None)
            finally:
                _reset_context(token)

    __del__ = close

    def _end(self, exc: BaseException | None) -> None:
        self._open = False
        ctx = self._ctx
        try:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
        finally:
            ctx._holds -= 1
            if not ctx._holds and not ctx._cv_tokens:
                tear_down_request(ctx, exc, plain=False)


@t.overload
def stream_with_context(generator_or_function: Iterator[S]) -> Iterator[S]: ...
@t.overload
def stream_with_context(
    generator_or_function: Callable[..., Iterator[S]],
) -> Callable[..., Iterator[S]]: ...
def stream_with_context(
    generator_or_function: Iterator[S] | Callable[..., Iterator[S]],
) -> Iterator[S] | Callable[..., Iterator[S]]:
    """Keep the request's context for a stream that is read after the view has returned.

    The teardown functions run when the stream has ended, also when the client has gone.

    :param generator_or_function: a generator, or a function that returns one (as a decorator).
    :return: an iterator, or a function that returns one.
    :raises RuntimeError: outside a request.
    """
    if callable(generator_or_function):
        function = generator_or_function

        def decorated(*args: t.Any, **kwargs: t.Any) -> Iterator[S]:
            return stream_with_context(function(*args, **kwargs))

        return update_wrapper(decorated, function)
    items = iter(generator_or_function)
    return _ContextStream(_request_context_for("stream_with_context"), items)


def make_response(*args: t.Any) -> Response:
    """Make the response object of what a view could return, to set headers on it.

    :param args: body, or body and status, or body, status and headers; none for an empty body.
    """
    if not args:
        return current_app.response_class()
    return current_app.make_response(args[0] if len(args) == 1 else args)


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: t.Any,
) -> str:
    """Build the URL of an endpoint in the current app.

    :param endpoint: name of the view; with a dot before it, one of the current blueprint.
    :param _anchor: what stands behind ``#``.
    :param _method: prefer the endpoint's rule for this method.
    :param _scheme: ``https``, say; makes the URL external.
    :param _external: with scheme and host; by default only outside a request.
    :param values: for the rule's variables; what is left over goes behind ``?``.
    :raises werkzeug.routing.BuildError: where no rule fits.
    """
    ctx = _get_context(None)
    app = ctx.app if ctx is not None else current_app._get_current_object()
    cls = type(app)
    # PERF: a method that nobody has replaced, on the class or the object, need not pack and unpack
    # the values once more (a third of the time).
    if cls.url_for is cls._own_url_for and "url_for" not in app.__dict__:
        return urls.url_for(app, endpoint, _anchor, _method, _scheme, _external, values)
    return app.url_for(
        endpoint,
        _anchor=_anchor,
        _method=_method,
        _scheme=_scheme,
        _external=_external,
        **values,
    )


def redirect(
    location: str, code: int = 302, Response: type[BaseResponse] | None = None
) -> BaseResponse:
    """Send the client to another URL.

    :param location: the URL.
    :param code: the status: 301, 302, 303, 305, 307 or 308.
    :param Response: the response's class outside an app; inside it is the app's.
    """
    ctx = _get_context(None)
    if ctx is not None:
        response: BaseResponse = ctx.app.redirect(location, code=code)
        return response
    return _werkzeug_redirect(location, code=code, Response=Response)


def abort(code: int | BaseResponse, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
    """Raise the HTTP exception of a status code, or a response as one.

    :param code: the status, or the response.
    :param args: passed to the exception.
    :param kwargs: passed to the exception; ``description``, say.
    """
    ctx = _get_context(None)
    if ctx is not None:
        ctx.app.aborter(code, *args, **kwargs)
    _werkzeug_abort(code, *args, **kwargs)


def get_template_attribute(template_name: str, attribute: str) -> t.Any:
    """Return a macro or a variable that a template exports."""
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)


def flash(message: str, category: str = "message") -> None:
    """Leave a message for the next page that shows them.

    :param message: the text.
    :param category: any word, to filter and style by.
    """
    # The list is set and not appended to, so that every kind of session sees the change.
    flashes = session.get("_flashes", [])
    flashes.append((category, message))
    session["_flashes"] = flashes
    if message_flashed.receivers:
        app = current_app._get_current_object()
        message_flashed.send(
            app, _async_wrapper=app.ensure_sync, message=message, category=category
        )


def get_flashed_messages(
    with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Take the flashed messages out of the session; in one request they can be taken again.

    :param with_categories: return pairs of category and message.
    :param category_filter: only of these categories.
    """
    ctx = request_ctx._get_current_object()
    flashes = ctx.flashes
    if flashes is None:
        flashes = session.pop("_flashes") if "_flashes" in session else []
        ctx.flashes = flashes
    if category_filter:
        flashes = [flash for flash in flashes if flash[0] in category_filter]
    return flashes if with_categories else [message for _, message in flashes]


def _prepare_send_file_kwargs(**kwargs: t.Any) -> dict[str, t.Any]:
    app = current_app._get_current_object()
    if kwargs.get("max_age") is None:
        kwargs["max_age"] = app.get_send_file_max_age
    kwargs.update(
        environ=request.environ,
        use_x_sendfile=app.config["USE_X_SENDFILE"],
        response_class=app.response_class,
        _root_path=app.root_path,
    )
    return kwargs


def send_file(
    path_or_file: os.PathLike[t.AnyStr] | str | t.IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: None | (int | Callable[[str | None], int | None]) = None,
) -> Response:
    """Send a file. Never hand it a path of the client's: see :func:`send_from_directory`.

    :param path_or_file: a path, relative to the app's root, or a binary file.
    :param mimetype: by default guessed from the name.
    :param as_attachment: offer it for saving.
    :param download_name: the name for that; by default the file's.
    :param conditional: answer ``If-None-Match``, ``If-Modified-Since`` and ``Range``.
    :param etag: the ETag; True for one of size, time and path, False for none.
    :param last_modified: when it was changed, in seconds; by default the file's time.
    :param max_age: how many seconds clients may keep it; by default the app's
        ``get_send_file_max_age``.
    """
    return _files.send_file(  # type: ignore[return-value]  # an app.response_class
        **_prepare_send_file_kwargs(
            path_or_file=path_or_file,
            mimetype=mimetype,
            as_attachment=as_attachment,
            download_name=download_name,
            conditional=conditional,
            etag=etag,
            last_modified=last_modified,
            max_age=max_age,
        )
    )


def send_from_directory(
    directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: t.Any
) -> Response:
    """Send a file from below a directory, and no other.

    :param directory: relative to the app's root.
    :param path: the client's, relative to the directory.
    :param kwargs: passed to :func:`send_file`.
    :raises werkzeug.exceptions.NotFound: for what lies outside, and what is no file.
    """
    if "path_or_file" in kwargs:
        # What comes by this name would be sent from anywhere.
        raise TypeError("send_file() got multiple values for argument 'path_or_file'")
    return _files.send_from_directory(  # type: ignore[return-value]  # as above
        directory, path, **_prepare_send_file_kwargs(**kwargs)
    )
