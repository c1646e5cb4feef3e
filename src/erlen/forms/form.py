"""The form that reads the current request."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

import wtforms
from markupsafe import Markup
from werkzeug.datastructures import CombinedMultiDict
from wtforms.fields import Field, FieldList
from wtforms.meta import DefaultMeta
from wtforms.widgets import HiddenInput

from ..globals import _cv_app, session
from . import _formdata
from ._render import quick_label, render
from ._tokens import FIELD_NAME, TIME_LIMIT
from ._translations import Translations, current_translations
from ._validation import Extra, refuse_async, settle_errors, validate_form
from .csrf import FormCSRF, FormCSRFField
from .files import keep_files_out

AUTO: t.Any = object()


class _Setting:
    """An attribute of :class:`Meta` that is read from the app's configuration.

    It gives way to what a form's ``Meta`` or ``meta={…}`` says.
    """

    def __init__(self, key: str, default: t.Any) -> None:
        self.key = key
        self.default = default

    def __get__(self, meta: object, owner: type) -> t.Any:
        ctx = _cv_app.get(None)
        return self.default if ctx is None else ctx.app.config.get(self.key, self.default)


class _CSRFSetting(_Setting):
    """Whether a form checks where it comes from; a form inside of another leaves it to that."""

    def __get__(self, meta: object, owner: type) -> t.Any:
        if getattr(meta, "_parent_form", None) is not None:
            return False
        return super().__get__(meta, owner)


class Meta(DefaultMeta):
    """What is the same in all forms, each of which may have a ``class Meta`` of its own."""

    csrf: t.Any = _CSRFSetting("WTF_CSRF_ENABLED", True)
    csrf_class: t.Any = FormCSRF
    csrf_context: t.Any = session  # for a csrf_class of WTForms
    csrf_secret: t.Any = _Setting("WTF_CSRF_SECRET_KEY", None)
    csrf_field_name: t.Any = _Setting("WTF_CSRF_FIELD_NAME", FIELD_NAME)
    csrf_time_limit: t.Any = _Setting("WTF_CSRF_TIME_LIMIT", TIME_LIMIT)

    def wrap_formdata(self, form: t.Any, formdata: t.Any) -> t.Any:
        """Return what was submitted, where the form was not given anything else."""
        # WTForms' overloads say that None stays None.
        if formdata is not AUTO:
            data = super().wrap_formdata(form, formdata)
        else:
            request = _submitting_request()
            data = None if request is None else _formdata.read(request)
        if isinstance(data, CombinedMultiDict):
            form._has_files = True
            for field in form:
                keep_files_out(field)
        return data

    def get_translations(self, form: wtforms.Form) -> Translations | None:  # type: ignore[override]
        """Return the translations: in ``locales`` where they are set, else the request's."""
        # WTForms takes None for English; its types do not.
        if self.locales is not False:
            return super().get_translations(form)
        return current_translations()

    def bind_field(self, form: t.Any, unbound_field: t.Any, options: t.Any) -> t.Any:
        """Make a field of one form; see WTForms."""
        field = super().bind_field(form, unbound_field, options)
        quick_label(field)
        if getattr(form, "_has_files", False):  # the entry of a list, made while it is read
            keep_files_out(field)
        return field

    def render_field(self, field: Field, render_kw: t.Any) -> Markup:
        """Render a field by its widget."""
        return render(field, render_kw)


def _submitting_request() -> t.Any:
    """Return the current request where it submits a form, else None."""
    ctx = _cv_app.get(None)
    if ctx is None or not ctx.has_request:
        return None
    request = ctx._request_ctx.request
    return request if request.method in _formdata.SUBMIT_METHODS else None


class Form(wtforms.Form):
    """A form of WTForms that reads the current request and is protected against forged ones.

    :param formdata: what was submitted. Default: the body of a POST, PUT, PATCH or DELETE
        request, be it a form, files or a JSON object. ``None`` reads nothing; ``request.args``
        is right for a form that is sent by GET.
    :param obj: an object whose attributes are shown in the fields of the same name.
    :param prefix: stands before the name of each field, where a page has several forms.
    :param data: a mapping with what is shown in the fields.
    :param meta: attributes of ``Meta`` for this one form, such as ``{"csrf": False}``.
    :param kwargs: what is shown in the fields, by their names.
    :raise TypeError: ``csrf_enabled`` was given, which old versions of Flask-WTF had.

    Source: https://wtforms.readthedocs.io/en/stable/forms/
    """

    Meta = Meta

    #: The hidden field with the token, where the form is protected.
    csrf_token: FormCSRFField

    def __init__(
        self,
        formdata: t.Any = AUTO,
        obj: object | None = None,
        prefix: str = "",
        data: Mapping[str, t.Any] | None = None,
        meta: Mapping[str, t.Any] | None = None,
        **kwargs: t.Any,
    ) -> None:
        if "csrf_enabled" in kwargs and not hasattr(type(self), "csrf_enabled"):
            raise TypeError(
                f"{type(self).__name__}(csrf_enabled=…) has no effect, as in Flask-WTF since 0.14."
                " Use meta={'csrf': False}, or 'csrf = False' in the form's class Meta."
            )
        super().__init__(formdata, obj, prefix, data, meta, **kwargs)

    def process(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Fill the fields; see WTForms."""
        super().process(*args, **kwargs)
        for field in self._fields.values():
            for leaf in _leaves(field):
                _refuse_nul(leaf)

    def is_submitted(self) -> bool:
        """Tell whether the current request is a POST, PUT, PATCH or DELETE."""
        return _submitting_request() is not None

    def validate(self, extra_validators: Extra | None = None) -> bool:
        """Tell whether all fields are right; ``errors`` has what is wrong with them.

        :param extra_validators: validators that run after those of the field, by its name.
        :raise TypeError: a validator is async; then it is :meth:`validate_async`.
        """
        refuse_async(self, extra_validators)
        valid = super().validate(extra_validators)
        return valid or settle_errors(self)

    def validate_on_submit(self, extra_validators: Extra | None = None) -> bool:
        """Tell whether the form was submitted, and all fields are right.

        :param extra_validators: as for :meth:`validate`.
        """
        return self.is_submitted() and self.validate(extra_validators)

    async def validate_async(self, extra_validators: Extra | None = None) -> bool:
        """Tell whether all fields are right, with validators that may be async.

        :param extra_validators: as for :meth:`validate`.
        :raise TypeError: the form has a ``validate`` of its own, which would be left out.
        """
        if type(self).validate is not Form.validate and (
            type(self).validate_async is Form.validate_async
        ):
            raise TypeError(
                f"{type(self).__name__} has a validate() of its own, which validate_async() would"
                " leave out: write it as 'async def validate_async(self, extra_validators=None)'."
            )
        return await validate_form(self, extra_validators) or settle_errors(self)

    async def validate_on_submit_async(self, extra_validators: Extra | None = None) -> bool:
        """Tell whether the form was submitted, and all fields are right.

        :param extra_validators: as for :meth:`validate`.
        """
        return self.is_submitted() and await self.validate_async(extra_validators)

    def hidden_tag(self, *fields: str | Field) -> Markup:
        """Render all hidden fields, that with the token among them.

        :param fields: render these only, where they are hidden. Fields or names of fields; names
            that the form does not have are left out.
        """
        chosen = (self._fields.get(it) if isinstance(it, str) else it for it in fields or self)
        hidden = (it for it in chosen if it is not None and isinstance(it.widget, HiddenInput))
        return Markup("\n".join(str(field) for field in hidden))


def _leaves(field: Field) -> Iterator[Field]:
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from _leaves(entry)
    else:
        yield field


def _refuse_nul(field: Field) -> None:
    """Refuse text with NUL in it: databases do, and no page shows it."""
    if any(isinstance(value, str) and "\0" in value for value in field.raw_data or ()):
        errors = t.cast("list[str]", field.process_errors)
        errors.append(field.gettext("Null characters are not allowed."))
