"""The templates of this package, whose macros render forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wtforms import widgets
from wtforms.fields import Field, FieldList, FormField, RadioField, SelectFieldBase
from wtforms.form import BaseForm

from ..app import Flask
from ..blueprints import Blueprint
from .captcha import CaptchaField

NAME = "erlen_forms"


def add_macros(app: Flask) -> None:
    """Let an app's templates import ``erlen/forms/plain.html`` and ``erlen/forms/bootstrap5.html``.

    A template of the app with the same name comes first. :class:`CSRFProtect` calls this.
    """
    if NAME in app.blueprints:
        return
    macros = Blueprint(NAME, __name__, template_folder="templates")
    macros.add_app_template_filter(kind_of, "form_field_kind")
    macros.add_app_template_filter(enctype_of, "form_enctype")
    app.register_blueprint(macros)


def kind_of(field: Field) -> str:
    """Tell what a field looks like: ``form``, ``list``, ``radio``, ``select``, ``textarea`` …

    For an ``<input>`` it is the type.
    """
    if isinstance(field, FormField):
        return "form"
    if isinstance(field, FieldList):
        return "list"
    if isinstance(field, RadioField):
        return "radio"
    if isinstance(field, CaptchaField):
        return "captcha"
    widget = field.widget
    if isinstance(widget, widgets.Input):
        return str(widget.input_type)
    if isinstance(widget, widgets.ListWidget) and isinstance(field, SelectFieldBase):
        return "checkboxes"
    if isinstance(widget, widgets.TextArea):
        return "textarea"
    if isinstance(widget, widgets.Select):
        return "select"
    return "button" if hasattr(widget, "input_type") else "other"


def enctype_of(form: BaseForm) -> str:
    """Return how a form has to be encoded, which files are the reason for."""
    if any(kind_of(field) == "file" for field in _all_fields(form)):
        return "multipart/form-data"
    return "application/x-www-form-urlencoded"


def _all_fields(parent: Iterable[Field]) -> Iterator[Field]:
    """Yield the fields of a form, with those inside of fields."""
    for field in parent:
        yield field
        if isinstance(field, (FormField, FieldList)):
            yield from _all_fields(field)
