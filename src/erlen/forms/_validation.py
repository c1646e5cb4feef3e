"""Validation with validators that are awaited, step by step as WTForms validates."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from inspect import iscoroutinefunction
from itertools import chain
from types import FunctionType, MethodType

from wtforms.fields import Field, FieldList, FormField
from wtforms.form import BaseForm
from wtforms.validators import StopValidation, ValidationError

from ..i18n import LazyString

Validator: t.TypeAlias = t.Callable[[t.Any, t.Any], t.Any]
Extra: t.TypeAlias = Mapping[str, Sequence[Validator]]


@lru_cache(maxsize=1024)
def _is_called_async(cls: type) -> bool:
    return iscoroutinefunction(getattr(cls, "__call__", None))  # noqa: B004  # the function itself


def is_async(validator: Validator) -> bool:
    """Tell whether a validator has to be awaited."""
    # PERF: it is asked for each validator of each form; most are objects of few classes.
    if isinstance(validator, (FunctionType, MethodType, partial)):
        return iscoroutinefunction(validator)
    cls: type = type(validator)
    return _is_called_async(cls)


def inline_validator(form: BaseForm, name: str) -> Validator | None:
    """Return a form's method ``validate_<name>``, as a function of form and field."""
    return getattr(type(form), f"validate_{name}", None)


def refuse_async(form: BaseForm, extra: Extra | None) -> None:
    """Refuse to validate without ``await`` what has a validator to be awaited.

    :raise TypeError: there is one.
    """
    for name, field in form._fields.items():
        inline = inline_validator(form, name)
        given = extra.get(name, ()) if extra else ()
        for validator in chain(_validators_of(field), given, (inline,) if inline else ()):
            if is_async(validator):
                raise TypeError(
                    f"The field {name!r} of {type(form).__name__} has a validator that is async:"
                    " use 'await form.validate_async()' or"
                    " 'await form.validate_on_submit_async()' in an async view."
                )


def _validators_of(field: Field) -> Iterator[Validator]:
    yield from field.validators
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from _validators_of(entry)


async def validate_form(form: BaseForm, extra: Extra | None) -> bool:
    """Validate all fields of a form, awaiting what has to be.

    :param extra: validators that run after those of the field, by its name.
    """
    valid = True
    for name, field in form._fields.items():
        inline = inline_validator(form, name)
        given = (*(extra.get(name, ()) if extra else ()), *((inline,) if inline else ()))
        valid &= await _validate_field(form, field, given)
    return valid


async def _validate_field(form: BaseForm, field: Field, extra: Sequence[Validator]) -> bool:
    way = type(field).validate
    inner: t.Any = getattr(field, "form", None)
    if way is FormField.validate and not extra and hasattr(inner, "validate_async"):
        return bool(await inner.validate_async())
    if way is FieldList.validate:
        return await _validate_list(form, t.cast("FieldList[t.Any]", field), extra)
    if way is Field.validate:
        return await _validate_plain(form, field, extra)
    if any(is_async(validator) for validator in chain(_validators_of(field), extra)):
        raise TypeError(
            f"The field {field.short_name!r} of {type(form).__name__} has a validator that is"
            f" async, but {type(field).__name__} has a validate() of its own, which awaits nothing."
        )
    return field.validate(form, list(extra))


async def _validate_list(
    form: BaseForm, field: FieldList[t.Any], extra: Sequence[Validator]
) -> bool:
    field.errors = []
    entries = [await _validate_field(form, entry, ()) for entry in field.entries]
    if not all(entries):
        field.errors = [entry.errors for entry in field.entries]
    await _run(form, field, chain(field.validators, extra))
    return not field.errors


async def _validate_plain(form: BaseForm, field: Field, extra: Sequence[Validator]) -> bool:
    field.errors = list(field.process_errors)
    field.check_validators(extra)
    stopped = False
    try:
        field.pre_validate(form)
    except StopValidation as error:
        _tell(field, error)
        stopped = True
    except ValidationError as error:
        _tell(field, error)
    if not stopped:
        stopped = await _run(form, field, chain(field.validators, extra))
    try:
        field.post_validate(form, stopped)
    except ValidationError as error:
        _tell(field, error)
    return not field.errors


async def _run(form: BaseForm, field: Field, validators: Iterable[Validator]) -> bool:
    """Run validators one after the other; whether one of them stopped it."""
    for validator in validators:
        try:
            result = validator(form, field)
            if is_async(validator):
                await result
        except StopValidation as error:
            _tell(field, error)
            return True
        except ValidationError as error:
            _tell(field, error)
    return False


def _tell(field: Field, error: StopValidation | ValidationError) -> None:
    if isinstance(error, StopValidation) and not (error.args and error.args[0]):
        return  # It stops without a word.
    t.cast("list[str]", field.errors).append(error.args[0])


def settle_errors(form: BaseForm) -> t.Literal[False]:
    """Make plain text of the errors that are lazy: whoever reads them expects ``str``.

    :return: False, as a form with errors is not valid.
    """
    for field in form._fields.values():
        _settle(field.errors)
    return False


def _settle(errors: t.Any) -> None:
    if isinstance(errors, Mapping):
        for inner in errors.values():
            _settle(inner)
    elif isinstance(errors, list):
        for index, error in enumerate(errors):
            if isinstance(error, LazyString):
                errors[index] = str(error)
            else:
                _settle(error)
