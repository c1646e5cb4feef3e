"""Rendering as WTForms does it, without what takes nine tenths of its time.

PERF: ``wtforms.widgets.html_params`` formats each attribute through Python's string formatter and
some ten ``Markup`` objects. What is written here comes out as from there; a property test compares
the two.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable
from functools import lru_cache

from markupsafe import Markup, escape
from wtforms.fields import Field, Label
from wtforms.widgets import Input, Select, TextArea
from wtforms.widgets.core import clean_key  # type: ignore[attr-defined]  # untyped yet

_needs_escape = re.compile(r"[&<>\"']").search


@lru_cache(maxsize=1024)
def _name(key: str) -> str:
    return str(escape(clean_key(key)))


def _escaped(value: t.Any) -> str:
    if type(value) is str:
        return str(escape(value)) if _needs_escape(value) else value
    # Only an object that is HTML already can still have quotes.
    return str(escape(value)).replace('"', "&quot;")


def attributes(**kwargs: t.Any) -> Markup:
    """Write HTML attributes: ``html_params`` of WTForms.

    Source: https://wtforms.readthedocs.io/en/stable/widgets/#wtforms.widgets.html_params
    """
    parts = []
    for key, value in sorted(kwargs.items()):
        if value is True:
            parts.append(_name(key))
        elif value is not False:
            parts.append(f'{_name(key)}="{_escaped(value)}"')
    return Markup(" ".join(parts))


class _QuickLabel(Label):
    def __call__(self, text: str | None = None, **kwargs: t.Any) -> Markup:
        kwargs["for"] = kwargs.pop("for_", kwargs.get("for", self.field_id))
        shown = attributes(**kwargs)
        return Markup(f"<label{' ' if shown else ''}{shown}>{_escaped(text or self.text)}</label>")


class _QuickTextArea(TextArea):
    def __call__(self, field: t.Any, **kwargs: t.Any) -> Markup:
        kwargs.setdefault("id", field.id)
        for name, value in vars(field.flags).items():
            if name in self.validation_attrs:
                kwargs.setdefault(name, value)
        text = _escaped(field._value())
        return Markup(f"<textarea {attributes(name=field.name, **kwargs)}>\r\n{text}</textarea>")


class _QuickSelect(Select):
    @classmethod
    def render_option(cls, choice: t.Any, **kwargs: t.Any) -> Markup:  # type: ignore[override]  # as in 3.3
        value = str(choice.value) if isinstance(choice.value, bool) else choice.value
        options = {"value": value, **(choice.render_kw or {}), **kwargs}
        if choice.selected:
            options["selected"] = True
        text = _escaped(choice.label or choice.value)
        return Markup(f"<option {attributes(**options)}>{text}</option>")


QUICK: dict[type, type] = {TextArea: _QuickTextArea, Select: _QuickSelect}


def quick_label(field: Field) -> None:
    """Let a field's label be one of this room, where it is WTForms' own."""
    if type(field.label) is Label:
        field.label.__class__ = _QuickLabel


def render(field: Field, render_kw: t.Mapping[str, t.Any]) -> Markup:
    """Render a field by its widget, with attributes that go before its own.

    :param render_kw: the attributes, ``class_`` for ``class``.
    """
    merged = {clean_key(key): value for key, value in (field.render_kw or {}).items()}
    merged.update((clean_key(key), value) for key, value in render_kw.items())
    return quick_widget(field.widget)(field, **merged)


def quick_widget(widget: t.Any) -> Callable[..., Markup]:
    """Return a widget that renders as the one given does, or that very one."""
    cls = type(widget)
    if cls in QUICK:
        cls = QUICK[cls]
    elif not isinstance(widget, Input) or cls.html_params is not Input.html_params:
        return t.cast("Callable[..., Markup]", widget)
    # A twin for this one call: what is changed on the widget counts.
    twin = object.__new__(cls)
    twin.__dict__.update({"html_params": attributes}, **widget.__dict__)
    return t.cast("Callable[..., Markup]", twin)
