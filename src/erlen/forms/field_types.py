"""Which field a type becomes, and which validators its constraints.

Types and constraints are told in the terms of :mod:`msgspec.inspect`, whatever the model is.
"""

from __future__ import annotations

import re
import typing as t
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import msgspec.inspect as kinds
from wtforms.form import BaseForm
from wtforms.validators import (
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)

from . import fields
from .form import Form

Options: t.TypeAlias = dict[str, t.Any]


@dataclass
class Wanted:
    """What a field is to be made for."""

    name: str
    #: What :mod:`msgspec.inspect` calls the type; an SQLAlchemy type that it has no word for.
    kind: t.Any
    #: What any field takes: label, description, default.
    options: Options = field(default_factory=dict)
    #: Whether it may be left empty, which then means None.
    is_optional: bool = False
    #: Whether an empty field means that the model finds a value itself.
    has_own_default: bool = False
    #: Whether it is a primary or a foreign key.
    is_key: bool = False
    #: Its name in the data that the model is made of.
    key: str = ""

    @property
    def needs_input(self) -> bool:
        """Whether something has to be sent. Where there is a default, no text is a text too."""
        if self.is_optional or self.has_own_default or isinstance(self.kind, kinds.BoolType):
            return False
        has_default = self.options.get("default") is not None
        return not (has_default and isinstance(self.kind, kinds.StrType))


@dataclass
class Inner:
    """Makes what a maker needs inside of its field."""

    #: Makes a field; None where no maker knows the type.
    field: Callable[[Wanted], t.Any]
    #: Makes the form of a model.
    form: Callable[[type], type[Form]]


Maker: t.TypeAlias = Callable[[Wanted, Options, Inner], t.Any]
M = t.TypeVar("M", bound=Maker)


class FieldTypes:
    """What makes fields of types; register what it does not know."""

    def __init__(self) -> None:
        self._makers: dict[type, Maker] = dict(MAKERS)

    def register(self, kind: type) -> Callable[[M], M]:
        """Register the decorated function as what makes the fields of a type.

        It is given what is wanted (:class:`Wanted`), the options to pass to the field, its
        ``validators`` among them, and what makes fields and forms inside of it (:class:`Inner`).
        It returns the field, or None where it knows none either::

            @field_types.register(Colour)
            def colour(wanted, options, inner):
                return ColorField(filters=[Colour.parse], **options)

        :param kind: a class of one's own, one of :mod:`msgspec.inspect`, or an SQLAlchemy type.
        """

        def add(maker: M) -> M:
            self._makers[kind] = maker
            return maker

        return add

    def make(self, wanted: Wanted, form: Callable[[type], type[Form]]) -> t.Any:
        """Make a field; None where no maker knows the type.

        :param form: makes the form of a model inside the model.
        """
        kind = getattr(wanted.kind, "cls", type(wanted.kind))
        makers = (self._makers.get(it) for it in (kind, *type(wanted.kind).__mro__))
        maker = next((it for it in makers if it is not None), None)
        if maker is None:
            return None
        needed = InputRequired() if wanted.needs_input else Optional()
        may_be_empty = wanted.is_optional or wanted.has_own_default
        rules: list[t.Any] = [needed] if wanted.needs_input or may_be_empty else []
        inner = Inner(lambda it: self.make(it, form), form)
        rules += wanted.options.get("validators", ())
        return maker(wanted, {**wanted.options, "validators": rules}, inner)


def _with(options: Options, *rules: t.Any) -> Options:
    """Return options with validators added, those left out that are None."""
    wanted = [rule for rule in rules if rule is not None]
    return {**options, "validators": [*options["validators"], *wanted]}


# Rules that WTForms does not have


class Range(NumberRange):
    """Take numbers from one to another; says nothing of what is no number."""

    def __call__(self, form: BaseForm, field: fields.Field) -> None:
        if field.data is not None:
            super().__call__(form, field)


class Beyond:
    """Take numbers that are greater, and less, than others, but not equal to them."""

    def __init__(self, above: t.Any = None, below: t.Any = None) -> None:
        self.above = above
        self.below = below

    def __call__(self, form: BaseForm, field: fields.Field) -> None:
        if field.data is None:
            return
        if self.above is not None and not field.data > self.above:
            message = field.gettext("Number must be greater than %(limit)s.")
            raise ValidationError(message % {"limit": self.above})
        if self.below is not None and not field.data < self.below:
            message = field.gettext("Number must be less than %(limit)s.")
            raise ValidationError(message % {"limit": self.below})


class MultipleOf:
    """Take multiples of a number.

    :param is_told: tell browsers, which count the steps from the least number.
    """

    def __init__(self, step: t.Any, is_told: bool = False) -> None:
        self.step = step
        self.field_flags = {"step": step} if is_told else {}

    def __call__(self, form: BaseForm, field: fields.Field) -> None:
        if field.data is not None and field.data % self.step:
            message = field.gettext("Number must be a multiple of %(step)s.")
            raise ValidationError(message % {"step": self.step})


class Pattern:
    """Take text in which a regular expression finds something, as msgspec's ``pattern`` does."""

    def __init__(self, pattern: str) -> None:
        self.search = re.compile(pattern).search

    def __call__(self, form: BaseForm, field: fields.Field) -> None:
        if not self.search(field.data or ""):
            raise ValidationError(field.gettext("Invalid input."))


class Count:
    """Take lists of some lengths."""

    def __init__(self, least: int, most: int | None) -> None:
        self.least = least
        self.most = most

    def __call__(self, form: BaseForm, field: fields.Field) -> None:
        number = len(field.filled() if isinstance(field, EntryList) else field.data or ())
        if number < self.least:
            message = field.ngettext(
                "Enter at least %(number)d.", "Enter at least %(number)d.", self.least
            )
            raise ValidationError(message % {"number": self.least})
        if self.most is not None and number > self.most:
            message = field.ngettext(
                "Enter at most %(number)d.", "Enter at most %(number)d.", self.most
            )
            raise ValidationError(message % {"number": self.most})


# Fields that WTForms does not have


class UUIDField(fields.StringField):
    """Text that is a UUID; its data is a ``uuid.UUID``."""

    data: t.Any

    def process_formdata(self, valuelist: list[t.Any]) -> None:
        if not valuelist:
            return
        self.data = None
        if text := valuelist[0].strip():
            try:
                self.data = uuid.UUID(text)
            except ValueError:
                self.data = text  # shown again
                raise ValueError(self.gettext("Invalid UUID.")) from None


class EntryList(fields.FieldList):
    """A list of fields, of which those left empty do not count."""

    def filled(self) -> list[fields.Field]:
        """Return the entries that are not empty; forms never are."""
        return [entry for entry in self.entries if entry.data not in (None, "")]

    def populate_obj(self, obj: object, name: str) -> None:
        """Set what is in the list; see WTForms."""
        if all(isinstance(entry, fields.FormField) for entry in self.entries):
            super().populate_obj(obj, name)
        else:
            setattr(obj, name, [entry.data for entry in self.filled()])


# Makers


def _text(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    kind = wanted.kind
    longest = -1 if kind.max_length is None else kind.max_length
    length = Length(kind.min_length or -1, longest) if kind.min_length or longest > -1 else None
    pattern = None if kind.pattern is None else Pattern(kind.pattern)
    if wanted.is_optional:
        options = {**options, "filters": [lambda value: value or None]}
    return fields.StringField(**_with(options, length, pattern))


def _integer(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    kind = wanted.kind
    least = kind.ge if kind.gt is None else kind.gt + 1
    most = kind.le if kind.lt is None else kind.lt - 1
    step = None
    if kind.multiple_of is not None:
        step = MultipleOf(kind.multiple_of, is_told=True)
        if least is not None:
            least += -least % step.step
    return fields.IntegerField(**_with(options, _range(least, most), step))


def _range(least: t.Any, most: t.Any) -> Range | None:
    return None if least is None and most is None else Range(least, most)


def _float(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    kind = wanted.kind
    beyond = None if kind.gt is None and kind.lt is None else Beyond(kind.gt, kind.lt)
    step = None if kind.multiple_of is None else MultipleOf(kind.multiple_of)
    return fields.FloatField(**_with(options, _range(kind.ge, kind.le), beyond, step))


def _decimal(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    # Without an argument of its own, WTForms would show two places of every number.
    return fields.DecimalField(**{"places": None, **options})


def _boolean(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    if not wanted.is_optional:
        return fields.BooleanField(**options)
    answers = {"": None, "true": True, "false": False}
    return _select({"": "", "true": "Yes", "false": "No"}, answers, options)


def _enum(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    return _select(*_enum_choices(wanted.kind.cls, wanted.is_optional), options)


def _literal(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    return _select(*_literal_choices(wanted.kind.values, wanted.is_optional), options)


Choices: t.TypeAlias = tuple[dict[str, str], dict[str, t.Any]]


def _enum_choices(cls: type[Enum], is_optional: bool) -> Choices:
    """Return an enum's labels and members, by what is sent: their values, else their names."""
    by_value = {str(member.value): member for member in cls}
    members = by_value if len(by_value) == len(cls) else {it.name: it for it in cls}
    labels = {sent: label.label for sent, label in zip(members, _labels(cls), strict=True)}
    return _with_none(labels, dict(members), is_optional)


def _labels(cls: type[Enum]) -> Iterable[t.Any]:
    return fields.enum_choices(cls, by="name")  # type: ignore[no-any-return]  # new in 3.3


def _literal_choices(values: Iterable[t.Any], is_optional: bool) -> Choices:
    sent = {str(value): value for value in values}
    return _with_none({text: text for text in sent}, sent, is_optional)


def _with_none(labels: dict[str, str], values: dict[str, t.Any], is_optional: bool) -> Choices:
    if is_optional:
        return {"": "", **labels}, {"": None, **values}
    return labels, values


def _select(
    labels: Mapping[str, str],
    values: Mapping[str, t.Any],
    options: Options,
    made: t.Any = fields.SelectField,
) -> t.Any:
    """Make a field of choices.

    :param labels: what is shown, by what is sent.
    :param values: the data, by what is sent.
    """

    def coerce(value: t.Any) -> t.Any:
        # WTForms asks for data of the model, too.
        if any(value is known for known in values.values()):
            return value
        if str(value) not in values:
            raise ValueError(value)
        return values[str(value)]

    return made(choices=dict(labels), coerce=coerce, **options)


def _several(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    """Make the field of a list, set or tuple: of choices where these are known, else of fields."""
    kind, item = wanted.kind, wanted.kind.item_type
    least, most = kind.min_length or 0, kind.max_length
    rules = [Count(least, most)] if least or most is not None else []
    options = {**options, "validators": rules, "default": options.get("default") or list}
    if isinstance(item, kinds.EnumType):
        return _select(*_enum_choices(item.cls, False), options, fields.SelectMultipleField)
    if isinstance(item, kinds.LiteralType):
        return _select(*_literal_choices(item.values, False), options, fields.SelectMultipleField)
    is_form = isinstance(item, (kinds.StructType, kinds.DataclassType))
    entry = inner.field(Wanted(wanted.name, item, {"label": ""}, is_optional=not is_form))
    if entry is None:
        return None
    # One empty row to write into, where an empty one does not count.
    return EntryList(entry, min_entries=max(0 if is_form else 1, least), **options)


def _form(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    if wanted.is_optional:
        return None  # A form cannot tell "none" from "all empty".
    del options["validators"]
    return fields.FormField(inner.form(wanted.kind.cls), **options)


def _plain(made: t.Any, **more: t.Any) -> Maker:
    def make(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
        return made(**more, **options)

    return make


def _moment(wanted: Wanted, options: Options, inner: Inner) -> t.Any:
    if wanted.kind.tz:
        return None  # What a browser sends has no time zone.
    step = {"step": 1}  # seconds
    made = fields.TimeField if isinstance(wanted.kind, kinds.TimeType) else None
    if made is None:
        return fields.DateTimeLocalField(render_kw=step, **options)
    return made(format=["%H:%M:%S", "%H:%M"], render_kw=step, **options)


MAKERS: Mapping[type, Maker] = {
    kinds.StrType: _text,
    kinds.IntType: _integer,
    kinds.FloatType: _float,
    kinds.DecimalType: _decimal,
    kinds.BoolType: _boolean,
    kinds.DateType: _plain(fields.DateField),
    kinds.TimeType: _moment,
    kinds.DateTimeType: _moment,
    kinds.UUIDType: _plain(UUIDField),
    kinds.EnumType: _enum,
    kinds.LiteralType: _literal,
    kinds.ListType: _several,
    kinds.SetType: _several,
    kinds.FrozenSetType: _several,
    kinds.VarTupleType: _several,
    kinds.StructType: _form,
    kinds.DataclassType: _form,
}
