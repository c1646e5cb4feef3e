"""What a form reads from the request: its fields, its files, or an object in JSON."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from werkzeug.datastructures import CombinedMultiDict, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from ..wrappers import Request

FormData: t.TypeAlias = MultiDict[str, t.Any]
Pair: t.TypeAlias = tuple[str, str]

MAX_DEPTH = 20
SUBMIT_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def read(request: Request) -> FormData:
    """Read what was submitted; with another media type, that is nothing.

    :raise werkzeug.exceptions.BadRequest: the JSON is none, or no object.
    :raise werkzeug.exceptions.RequestEntityTooLarge: there are more than ``MAX_FORM_PARTS``
        fields.
    """
    if request.is_json:
        return _read_json(request)
    form, files = request.form, request.files
    data: FormData = CombinedMultiDict((files, form)) if files else form
    limit = request.max_form_parts
    if limit is not None and len(data) > limit:
        raise _too_many(limit)
    return data


def _read_json(request: Request) -> FormData:
    data = request.get_json()
    if not isinstance(data, dict):
        kind = {list: "an array", str: "a string", type(None): "null"}.get(type(data), "a value")
        raise BadRequest(f"A form is sent as a JSON object; this is {kind}.")
    limit = request.max_form_parts
    pairs: list[Pair] = []
    for pair in _flatten(data):
        pairs.append(pair)
        if limit is not None and len(pairs) > limit:
            raise _too_many(limit)
    return ImmutableMultiDict(pairs)


def _too_many(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(
        f"The form has too many fields: at most {limit} are taken (MAX_FORM_PARTS)."
    )


def _flatten(value: t.Any, name: str = "", depth: int = 0) -> Iterator[Pair]:
    """Yield a JSON object's values as text, named as WTForms names fields inside of fields.

    ``{"address": {"city": "Ulm"}, "tags": ["a"]}`` becomes ``address-city`` and ``tags-0``.
    What is in an array comes under the array's own name besides, where a field of several
    choices looks for it.
    """
    if depth > MAX_DEPTH:
        raise BadRequest(f"The JSON object is nested too deeply for a form: more than {MAX_DEPTH}.")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}-{key}" if name else key, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if inner is not None and not isinstance(inner, (dict, list)):
                yield name, _text(inner)
            yield from _flatten(inner, f"{name}-{index}", depth + 1)
    elif value is not None:
        yield name, _text(value)


def _text(value: str | int | float) -> str:
    """Return a JSON value as a form would send it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # Half a surrogate pair is no character, and could not be sent back in the page.
        return value.encode(errors="replace").decode()
    return str(value)
