"""Every field of WTForms; those for files, numbers and lists are erlen's.

Source: https://wtforms.readthedocs.io/en/stable/fields/
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterable, Iterator

import wtforms.fields
from wtforms.fields import BooleanField as BooleanField
from wtforms.fields import ColorField as ColorField
from wtforms.fields import DateField as DateField
from wtforms.fields import DateTimeField as DateTimeField
from wtforms.fields import DateTimeLocalField as DateTimeLocalField
from wtforms.fields import EmailField as EmailField
from wtforms.fields import Field as Field
from wtforms.fields import Flags as Flags
from wtforms.fields import FormField as FormField
from wtforms.fields import HiddenField as HiddenField
from wtforms.fields import Label as Label
from wtforms.fields import MonthField as MonthField
from wtforms.fields import PasswordField as PasswordField
from wtforms.fields import RadioField as RadioField
from wtforms.fields import SearchField as SearchField
from wtforms.fields import SelectField as SelectField
from wtforms.fields import SelectFieldBase as SelectFieldBase
from wtforms.fields import SelectMultipleField as SelectMultipleField
from wtforms.fields import StringField as StringField
from wtforms.fields import SubmitField as SubmitField
from wtforms.fields import TelField as TelField
from wtforms.fields import TextAreaField as TextAreaField
from wtforms.fields import TimeField as TimeField
from wtforms.fields import URLField as URLField
from wtforms.fields import WeekField as WeekField

from .files import FileField as FileField
from .files import MultipleFileField as MultipleFileField

# New in WTForms 3.3: its types do not know them yet.
_untyped: t.Any = wtforms
ButtonField = _untyped.ButtonField
Choice = _untyped.Choice
DataList = _untyped.DataList
DataListChoice = _untyped.DataListChoice
SelectChoice = _untyped.SelectChoice
enum_choices = _untyped.fields.enum_choices
enum_coerce = _untyped.fields.enum_coerce
enum_datalist = _untyped.enum_datalist


class _Finite(Field):
    """Refuses what Python takes for a number, but no number input sends and no database stores.

    With ``sNaN`` or an integer of 400 digits, ``NumberRange`` would end in an error of its own.
    """

    invalid_value_message: str | None
    _word: str

    def process_formdata(self, valuelist: list[t.Any]) -> None:
        super().process_formdata(valuelist)
        if not valuelist:
            return
        try:
            is_finite = math.isfinite(self.data)
        except (OverflowError, ValueError):
            is_finite = False
        if not is_finite:
            self.data = None
            raise ValueError(self.invalid_value_message or self.gettext(self._word))


class IntegerField(_Finite, wtforms.fields.IntegerField):
    """A whole number. Takes what WTForms' does."""

    _word = "Not a valid integer value."


class IntegerRangeField(_Finite, wtforms.fields.IntegerRangeField):
    """A whole number by a slider. Takes what WTForms' does."""

    _word = "Not a valid integer value."


class FloatField(_Finite, wtforms.fields.FloatField):
    """A number. Takes what WTForms' does."""

    _word = "Not a valid float value."


class DecimalField(_Finite, wtforms.fields.DecimalField):
    """A decimal number. Takes what WTForms' does."""

    _word = "Not a valid decimal value."


class DecimalRangeField(_Finite, wtforms.fields.DecimalRangeField):
    """A decimal number by a slider. Takes what WTForms' does."""

    _word = "Not a valid decimal value."


class FieldList(wtforms.fields.FieldList):  # type: ignore[type-arg]  # generic in the types only
    """A list of fields, whose names end in numbers: ``tags-0``, ``tags-1``.

    Takes what WTForms' does.
    """

    _separator: str
    _field_separator: str

    def _extract_indices(self, prefix: str, formdata: Iterable[str]) -> Iterator[int]:
        # WTForms takes any digits: '²' and five thousand nines end in an error of int().
        start = len(prefix) + len(self._separator)
        for name in formdata:
            if name.startswith(prefix + self._separator):
                index = name[start:].split(self._field_separator, 1)[0]
                if index.isascii() and index.isdigit() and len(index) < 10:
                    yield int(index)
