"""From what a view returns to a response."""

from __future__ import annotations

import sys
import typing as t
from collections.abc import AsyncIterable, Iterator
from functools import cache
from types import GeneratorType

from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from . import typing as ft
from .ctx import RequestContext
from .wrappers import Response, text_response

_BODIES = frozenset({str, bytes, GeneratorType})


def to_response(app: ft.App, ctx: RequestContext, rv: t.Any) -> t.Any:
    """Make a response of what a view returned.

    :raises TypeError: for what no response can be made of.
    """
    cls = app.response_class
    if type(rv) is str:
        return text_response(rv) if cls is Response else cls(rv)
    status = headers = None
    if isinstance(rv, tuple):
        rv, status, headers = _unpack(rv)
    if rv is None:
        raise TypeError(
            f"The view function for {ctx.request.endpoint!r} did not return a valid response."
            " The function either returned None or ended without a return statement."
        )
    if not isinstance(rv, cls):
        if type(rv) not in _BODIES and isinstance(rv, (dict, list)):
            rv = app.json.response(rv)
        # PERF: an abstract class asks long, so the usual kinds are known by their type.
        elif type(rv) in _BODIES or isinstance(rv, (str, bytes, bytearray, Iterator)):
            if cls is Response:
                # PERF: keywords and defaults would make up a sixth of its cost.
                return Response(rv, status, headers, None, None, False)
            # The response class is asked to initialise itself with both.
            return cls(rv, status=status, headers=headers)
        else:
            rv = _convert(app, ctx, rv)
    if status is not None:
        if isinstance(status, (str, bytes, bytearray)):
            rv.status = status
        else:
            rv.status_code = status
    if headers:
        rv.headers.update(headers)
    return rv


def _unpack(rv: tuple[t.Any, ...]) -> tuple[t.Any, t.Any, t.Any]:
    if len(rv) == 3:
        return rv
    if len(rv) == 2:
        # PERF: a status is mostly a plain number, which is none of these four.
        if type(rv[1]) is not int and isinstance(rv[1], (Headers, dict, tuple, list)):
            return rv[0], None, rv[1]
        return rv[0], rv[1], None
    raise TypeError(
        "The view function did not return a valid response tuple. The tuple must have the form"
        " (body, status, headers), (body, status), or (body, headers)."
    )


def _convert(app: ft.App, ctx: RequestContext, rv: t.Any) -> t.Any:
    wrong = (
        "The view function did not return a valid response. The return type must be a string,"
        " dict, list, tuple with headers or status, Response instance, or WSGI callable, but it"
        f" was a {type(rv).__name__}."
    )
    if isinstance(rv, AsyncIterable):
        return app.response_class(rv)
    if isinstance(rv, HTTPException) and _is_plain_error(rv):
        environ = ctx._environ
        return app.response_class(_error_body(rv, environ), rv.code, rv.get_headers(environ))
    if isinstance(rv, BaseResponse) or callable(rv):
        try:
            return app.response_class.force_type(rv, ctx._environ)
        except TypeError as e:
            raise TypeError(f"{e}\n{wrong}").with_traceback(sys.exc_info()[2]) from None
    raise TypeError(wrong)


def _is_plain_error(e: HTTPException) -> bool:
    """Tell whether an exception answers with its body, code and headers and no more.

    PERF: else it is called as the WSGI application that it is (some 40 µs).
    """
    cls = type(e)
    return (
        e.response is None
        and cls.get_response is HTTPException.get_response
        and cls.__call__ is HTTPException.__call__
    )


def _error_body(e: HTTPException, environ: ft.WSGIEnvironment) -> str:
    cls = type(e)
    if cls.__module__ == "werkzeug.exceptions" and e.description is cls.description:
        return _standard_body(cls)  # type: ignore[arg-type]  # a class is hashable
    return e.get_body(environ)


@cache
def _standard_body(cls: type[HTTPException]) -> str:
    """Return the page of one of Werkzeug's exceptions, where nobody said more of what is wrong.

    PERF: it is the same each time, and made of eight escaped strings.
    """
    return cls().get_body()
