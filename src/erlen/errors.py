"""From an exception to a response: which handler answers, and what is trapped."""

from __future__ import annotations

import logging
import sys
import typing as t
from collections.abc import Sequence

from werkzeug.exceptions import (
    BadRequest,
    BadRequestKeyError,
    HTTPException,
    InternalServerError,
)
from werkzeug.routing import RequestRedirect, RoutingException

from . import typing as ft
from .ctx import RequestContext
from .debughelpers import FormDataRoutingRedirect
from .dispatch import call, scopes_of
from .signals import got_request_exception
from .wrappers import _split_blueprint_path

#: The methods of an app that lead here, and that it may replace.
HANDLERS: frozenset[str] = frozenset(
    {"handle_exception", "handle_http_exception", "handle_user_exception"}
)

ExcInfo: t.TypeAlias = tuple[type[BaseException], BaseException, t.Any] | tuple[None, None, None]


def find_error_handler(
    app: ft.App, e: Exception, blueprints: Sequence[str]
) -> ft.ErrorHandlerCallable | None:
    """Find who handles an exception: by code before by class, blueprint before app.

    :param blueprints: the names of the view's blueprints, the innermost first.
    """
    spec = app.error_handler_spec
    if not spec:
        return None
    exc_class = type(e)
    code = exc_class.code if issubclass(exc_class, HTTPException) else None
    scopes = (*blueprints, None)
    for c in (None,) if code is None else (code, None):
        for name in scopes:
            if name in spec and (handlers := spec[name].get(c)):
                for cls in exc_class.__mro__:
                    if cls in handlers:
                        handler: ft.ErrorHandlerCallable = handlers[cls]
                        return handler
    return None


def _blueprints(app: ft.App, ctx: RequestContext) -> Sequence[str]:
    """Return whose handlers are asked first: the view's blueprints, else the prefix's owner."""
    if not (ctx._in_blueprint or app.prefix_owners):
        return ()
    if app.prefix_owners and ctx.request.url_rule is None:
        owner = _prefix_owner(app.prefix_owners, ctx.request.path)
        return [] if owner is None else _split_blueprint_path(owner)
    return scopes_of(ctx)[:-1]  # type: ignore[return-value]  # all but the app's None


def _prefix_owner(owners: dict[str, str], path: str) -> str | None:
    """Find the blueprint that owns the longest prefix of a path, in whole segments."""
    while path:
        if path in owners:
            return owners[path]
        path = path.rpartition("/")[0]
    return owners.get("")


def handle_http_exception(app: ft.App, ctx: RequestContext, e: HTTPException) -> t.Any:
    """Let its handler answer an HTTP exception; without one it is the answer itself."""
    handler = find_http_handler(app, ctx, e)
    return e if handler is None else call(app, handler, ctx._plain, e)


def find_http_handler(app: ft.App, ctx: RequestContext, e: t.Any) -> ft.ErrorHandlerCallable | None:
    """Find who answers an HTTP exception; None where it is the answer itself."""
    # A proxy exception without a code is a response already; a redirect is no error.
    if e.code is None or isinstance(e, RoutingException):
        return None
    handler: ft.ErrorHandlerCallable | None
    handler = app._find_error_handler(e, _blueprints(app, ctx))
    return handler


def handle_user_exception(app: ft.App, ctx: RequestContext, e: Exception) -> t.Any:
    """Let its handler answer an exception of a view or a hook; without one it goes on."""
    if is_answer(app, e):
        return app.handle_http_exception(e)
    return call(app, find_handler(app, ctx, e), ctx._plain, e)


def is_answer(app: ft.App, e: Exception) -> bool:
    """Tell whether an exception answers the request, and is no error of the program."""
    if not isinstance(e, HTTPException):
        return False
    if isinstance(e, BadRequestKeyError) and (app.debug or app.config["TRAP_BAD_REQUEST_ERRORS"]):
        e.show_exception = True
    return not app.trap_http_exception(e)


def find_handler(app: ft.App, ctx: RequestContext, e: Exception) -> ft.ErrorHandlerCallable:
    """Find who handles the exception that is being handled; without one it goes on."""
    handler: ft.ErrorHandlerCallable | None
    handler = app._find_error_handler(e, _blueprints(app, ctx))
    if handler is None:
        raise
    return handler


def handle_exception(app: ft.App, ctx: RequestContext, e: Exception) -> t.Any:
    """Answer 500 for what nobody handled, and log it; in debug mode and tests it goes on."""
    answer, handler = internal_error(app, ctx, e)
    if handler is not None:
        answer = call(app, handler, ctx._plain, answer)
    return app.finalize_request(answer, from_error_handler=True)


def internal_error(
    app: ft.App, ctx: RequestContext, e: Exception
) -> tuple[t.Any, ft.ErrorHandlerCallable | None]:
    """Log what nobody handled; in debug mode and tests it goes on.

    :return: the answer 500, and who makes a better one of it.
    """
    exc_info = sys.exc_info()
    if got_request_exception.receivers:
        got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=e)
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    if propagate is None:
        propagate = app.testing or app.debug
    if propagate:
        if exc_info[1] is e:
            raise
        raise e
    app.log_exception(exc_info)
    answer: t.Any = InternalServerError(original_exception=e)
    return answer, app._find_error_handler(answer, _blueprints(app, ctx))


def log_exception(logger: logging.Logger, request: t.Any, exc_info: ExcInfo) -> None:
    """Log an exception with the URL that raised it."""
    # Flask's line says "in app": the place is that of the method which calls this.
    logger.error(f"Exception on {request.path} [{request.method}]", exc_info=exc_info, stacklevel=2)


def trap_http_exception(app: ft.App, e: Exception) -> bool:
    """Tell whether an HTTP exception counts as an error of the program."""
    if app.config["TRAP_HTTP_EXCEPTIONS"]:
        return True
    trap_bad_request = app.config["TRAP_BAD_REQUEST_ERRORS"]
    if trap_bad_request is None and app.debug and isinstance(e, BadRequestKeyError):
        return True
    return bool(trap_bad_request) and isinstance(e, BadRequest)


def raise_routing_exception(app: ft.App, request: t.Any) -> t.NoReturn:
    """Raise what the match raised; in debug mode, explain a redirect that loses the form."""
    e = request.routing_exception
    if (
        app.debug
        and isinstance(e, RequestRedirect)
        and e.code not in {307, 308}
        and request.method not in {"GET", "HEAD", "OPTIONS"}
    ):
        raise FormDataRoutingRedirect(request)
    raise e
