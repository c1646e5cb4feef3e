"""The locale and the time zone of the current request."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import tzinfo

from babel import Locale

from ..globals import _cv_app
from ..typing import App
from ._languages import parse_locale

#: Where ``app.extensions`` has what :class:`~erlen.i18n.Translations` has set up.
KEY = "i18n"
_STATE = "_i18n"


class Choice(t.Protocol):
    """What is asked when a locale or a time zone is first needed."""

    def locale(self, current: Current) -> Locale:
        """Choose the locale."""
        ...

    def timezone(self, current: Current) -> tzinfo:
        """Choose the time zone."""
        ...


@dataclass(eq=False)
class Current:
    """What was chosen for a request, or for a context without one."""

    app: App
    choice: Choice
    request: t.Any
    locale: Locale | None = None
    timezone: tzinfo | None = None
    #: Whether the header ``Accept-Language`` was asked.
    asked_header: bool = False


def current() -> Current | None:
    """Return the state of the current context; None without one, or without the extension.

    It lies with the request where there is one: requests that are made inside one app context,
    as tests do, share their ``g``, but not their language.
    """
    ctx = _cv_app.get(None)
    if ctx is None or KEY not in ctx.app.extensions:
        return None
    request = ctx._request_ctx.request if ctx.has_request else None
    holder: dict[str, t.Any] = vars(ctx.g if request is None else request)
    state: Current | None = holder.get(_STATE)
    # In a request's context, that of another app may be pushed.
    if state is None or state.app is not ctx.app:
        state = holder[_STATE] = Current(ctx.app, ctx.app.extensions[KEY], request)
    return state


def get_locale() -> Locale | None:
    """Return the current locale, chosen when it is first asked for.

    :return: a :class:`babel.Locale`; None without a context, or without the extension.
    """
    state = current()
    if state is None:
        return None
    if state.locale is None:
        state.locale = state.choice.locale(state)
    return state.locale


def get_timezone() -> tzinfo | None:
    """Return the current time zone, chosen when it is first asked for.

    :return: None without a context, or without the extension.
    """
    state = current()
    if state is None:
        return None
    if state.timezone is None:
        state.timezone = state.choice.timezone(state)
    return state.timezone


def refresh() -> None:
    """Let locale and time zone be chosen anew, after the user has set others."""
    state = current()
    if state is not None:
        state.locale = state.timezone = None


@contextmanager
def force_locale(locale: str | Locale) -> Iterator[Locale]:
    """Use another locale within a ``with`` block, for a mail to somebody else for example.

    :param locale: any that Babel knows, such as ``"de"``.
    :raise ValueError: Babel knows no such locale.
    :raise RuntimeError: there is no app context, or no :class:`Translations` on the app.
    """
    forced = locale if isinstance(locale, Locale) else parse_locale(locale)
    if forced is None:
        raise ValueError(f"{locale!r} is no locale that Babel knows: write it as 'de' or 'pt_BR'.")
    state = needed()
    before, state.locale = state.locale, forced
    try:
        yield forced
    finally:
        state.locale = before


def needed() -> Current:
    """Return the state of the current context.

    :raise RuntimeError: there is no app context, or no :class:`Translations` on the app.
    """
    state = current()
    if state is None:
        raise RuntimeError(
            "There is no locale: this needs an app context, of an app with Translations(app)."
        )
    return state
