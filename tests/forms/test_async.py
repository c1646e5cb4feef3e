"""Validators that are awaited."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from erlen.forms import (
    FieldList,
    FileField,
    Form,
    FormField,
    IntegerField,
    StringField,
    ValidationError,
)
from erlen.forms.validators import DataRequired, Length, Optional, StopValidation

pytestmark = pytest.mark.erlen_only

TAKEN = {"ada", "bea"}


async def is_free(form: Any, field: Any) -> None:
    await asyncio.sleep(0)
    if field.data in TAKEN:
        raise ValidationError(f"{field.data} is taken.")


class IsFree:
    async def __call__(self, form: Any, field: Any) -> None:
        await is_free(form, field)


async def stop(form: Any, field: Any) -> None:
    raise StopValidation()


class SignUp(Form):
    name = StringField(validators=[DataRequired(), is_free, Length(max=5)])
    age = IntegerField(validators=[Optional()])

    async def validate_age(self, field: Any) -> None:
        await asyncio.sleep(0)
        if field.data and field.data < 18:
            raise ValidationError("Too young.")


def filled(form_class: Any, *pairs: Any, **fields: str) -> Any:
    return form_class(MultiDict(pairs or fields), meta={"csrf": False})


def check(form: Any, **options: Any) -> bool:
    return bool(asyncio.run(form.validate_async(**options)))


def test_in_a_view(unprotected: Any) -> None:
    @unprotected.post("/")
    async def view() -> Any:
        form = SignUp()
        valid = await form.validate_on_submit_async()
        return {"valid": valid, "errors": form.errors}

    client = unprotected.test_client()
    assert client.post("/", data={"name": "cleo"}).json == {"valid": True, "errors": {}}
    assert client.post("/", data={"name": "ada", "age": "3"}).json == {
        "valid": False,
        "errors": {"name": ["ada is taken."], "age": ["Too young."]},
    }


def test_not_submitted(unprotected: Any) -> None:
    with unprotected.test_request_context():
        assert asyncio.run(SignUp().validate_on_submit_async()) is False


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"name": "cleo", "age": "20"}, {}),
        ({"name": ""}, {"name": ["This field is required."]}),
        ({"name": "adaada"}, {"name": ["Field cannot be longer than 5 characters."]}),
        ({"name": "c", "age": "x"}, {"age": ["Not a valid integer value."]}),
        ({"name": "c\0"}, {"name": ["Null characters are not allowed."]}),
    ],
)
def test_what_need_not_be_awaited_runs_as_ever(
    fields: dict[str, str], errors: dict[str, list[str]]
) -> None:
    form = filled(SignUp, **fields)
    assert check(form) is (not errors)
    assert form.errors == errors


@pytest.mark.parametrize(
    "validator", [is_free, IsFree(), partial(is_free), IsFree().__call__, IsFree.__call__]
)
def test_nothing_to_be_awaited_is_left_out(validator: Any) -> None:
    if validator is IsFree.__call__:
        validator = partial(IsFree.__call__, IsFree())

    class Named(Form):
        name = StringField(validators=[validator])

    form = filled(Named, name="ada")
    with pytest.raises(TypeError, match="The field 'name' of Named has a validator that is async"):
        form.validate()
    assert not check(form)
    assert form.errors == {"name": ["ada is taken."]}


@pytest.mark.parametrize("where", ["inline", "extra", "list", "nested"])
def test_wherever_it_stands(where: str) -> None:
    class Inline(Form):
        x = StringField()

        async def validate_x(self, field: Any) -> None:
            await is_free(self, field)

    class Extra(Form):
        x = StringField()

    class Several(Form):
        x = FieldList(StringField(validators=[is_free]))

    class Nested(Form):
        x = FormField(Inline)

    form_class, pair, options, errors = {
        "inline": (Inline, ("x", "ada"), {}, ["ada is taken."]),
        "extra": (Extra, ("x", "ada"), {"extra_validators": {"x": [is_free]}}, ["ada is taken."]),
        "list": (Several, ("x-0", "ada"), {}, [["ada is taken."]]),
        "nested": (Nested, ("x-x", "ada"), {}, {"x": ["ada is taken."]}),
    }[where]
    form = filled(form_class, pair)
    with pytest.raises(TypeError, match=r"await form\.validate_async\(\)"):
        form.validate(**options)
    assert not check(form, **options)
    assert form.errors == {"x": errors}


def test_a_list_of_forms() -> None:
    class Outer(Form):
        people = FieldList(FormField(SignUp), validators=[is_one])

    form = filled(Outer, ("people-0-name", "ada"), ("people-1-name", "cleo"))
    assert not check(form)
    assert form.errors == {"people": [{"name": ["ada is taken."]}, {}, "One, please."]}
    assert check(filled(Outer, ("people-0-name", "cleo")))


async def is_one(form: Any, field: Any) -> None:
    if len(field) != 1:
        raise ValidationError("One, please.")


def test_stopped_without_a_word() -> None:
    class Named(Form):
        name = StringField(validators=[stop, DataRequired()])

    form = filled(Named, name="")
    assert check(form)
    assert form.errors == {}


def test_a_validate_of_ones_own_is_not_left_out() -> None:
    class Own(SignUp):
        def validate(self, extra_validators: Any = None) -> bool:
            return False

    class Both(Own):
        async def validate_async(self, extra_validators: Any = None) -> bool:
            return False

    with pytest.raises(TypeError, match="Own has a validate.. of its own, which"):
        check(filled(Own, name="c"))
    assert not check(filled(Both, name="c"))


def test_a_field_with_a_validate_of_its_own() -> None:
    class Strict(StringField):
        def validate(self, form: Any, extra_validators: Any = ()) -> bool:
            return super().validate(form, extra_validators) and self.data == "good"

    class Waiting(Form):
        x = Strict(validators=[is_free])

    class Plain(Form):
        x = Strict()
        file = FileField()

    with pytest.raises(TypeError, match=r"but Strict has a validate\(\) of its own"):
        check(filled(Waiting, x="good"))
    assert not check(filled(Plain, x="bad"))
    assert check(filled(Plain, x="good"))
