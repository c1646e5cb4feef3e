"""JSON as the current app writes and reads it; Python's own where no app is current."""

from __future__ import annotations

import json as _json
import typing as t

from .._lazy import LateModule
from ..globals import _get_context, current_app
from .provider import _default

if t.TYPE_CHECKING:
    from .. import wrappers
else:
    wrappers = LateModule("erlen.wrappers")  # which imports this module


def dumps(obj: t.Any, **kwargs: t.Any) -> str:
    """Serialize to JSON text with ``current_app.json``, or :func:`json.dumps` outside an app.

    :param obj: the data; also dates, UUIDs, decimals, dataclasses and ``__html__`` objects.
    :param kwargs: passed on.
    """
    ctx = _get_context(None)
    if ctx is not None:
        return ctx.app.json.dumps(obj, **kwargs)  # type: ignore[no-any-return]  # App is Any
    kwargs.setdefault("default", _default)
    return _json.dumps(obj, **kwargs)


def dump(obj: t.Any, fp: t.IO[str], **kwargs: t.Any) -> None:
    """Serialize into a text file with ``current_app.json``, or :func:`json.dump` outside an app.

    :param obj: the data, as for :func:`dumps`.
    :param fp: a file opened for writing text, in UTF-8.
    :param kwargs: passed on.
    """
    ctx = _get_context(None)
    if ctx is not None:
        ctx.app.json.dump(obj, fp, **kwargs)
    else:
        kwargs.setdefault("default", _default)
        _json.dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: t.Any) -> t.Any:
    """Read JSON text with ``current_app.json``, or :func:`json.loads` outside an app.

    :param s: text, or bytes in UTF-8.
    :param kwargs: passed on.
    :raise ValueError: the text is not JSON.
    """
    ctx = _get_context(None)
    if ctx is not None:
        return ctx.app.json.loads(s, **kwargs)
    return _json.loads(s, **kwargs)


def load(fp: t.IO[t.AnyStr], **kwargs: t.Any) -> t.Any:
    """Read a JSON file with ``current_app.json``, or :func:`json.load` outside an app.

    :param fp: a file opened for reading text or bytes.
    :param kwargs: passed on.
    :raise ValueError: the text is not JSON.
    """
    ctx = _get_context(None)
    if ctx is not None:
        return ctx.app.json.load(fp, **kwargs)
    return _json.load(fp, **kwargs)


def jsonify(*args: t.Any, **kwargs: t.Any) -> wrappers.Response:
    """Answer with JSON: ``current_app.json.response``.

    A view may as well return the dict or list itself.

    :param args: one value, or several to be sent as a list; none is ``null``.
    :param kwargs: the items of an object, instead of ``args``.
    :return: a response of the type ``application/json``; indented in debug mode.
    :raise TypeError: both were given, or something is not JSON serializable.
    :raise RuntimeError: outside an app context.
    """
    return current_app.json.response(*args, **kwargs)  # type: ignore[return-value]  # an app.response_class
