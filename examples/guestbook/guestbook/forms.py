"""What may be written into the book: the form of the page, which takes the API's JSON, too."""

from __future__ import annotations

import unicodedata

from erlen.forms import (
    FileField,
    Form,
    StringField,
    TextAreaField,
    ValidationError,
)
from erlen.forms.validators import DataRequired, Length
from erlen.i18n import lazy_gettext as _l

from . import pictures

# Lazy: each visitor's language is known only when the form is shown.
TOO_LONG = _l("At most %(max)d characters, please: these are %(length)d.")


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _trimmed(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()


def can_be_shown(form: Form, field: StringField) -> None:
    """Refuse control characters."""
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in field.data or ""):
        raise ValidationError(_l("There are characters in it that cannot be shown."))


class EntryForm(Form):
    name = StringField(
        _l("Your name"),
        [
            DataRequired(_l("Please tell us your name.")),
            Length(max=60, message=TOO_LONG),
            can_be_shown,
        ],
        filters=[_one_line],
        render_kw={"autocomplete": "name"},
    )
    message = TextAreaField(
        _l("Your words"),
        [
            DataRequired(_l("Please write a few words.")),
            Length(max=1000, message=TOO_LONG),
            can_be_shown,
        ],
        filters=[_trimmed],
        render_kw={"rows": 5},
    )
    picture = FileField(_l("A picture, if you like"), [pictures.is_picture])
