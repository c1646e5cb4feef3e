"""The extension: what an app offers, and how a request's language and time zone are chosen."""

from __future__ import annotations

import inspect
import typing as t
from collections.abc import Callable, Iterable
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale

from ..app import Flask
from ..globals import session
from ..typing import App
from ..wrappers import Response
from . import formats, messages
from ._catalogs import Catalogs
from ._current import KEY, Current, current, get_locale, get_timezone
from ._languages import Languages, parse_locale
from ._lazy import LazyString

LocaleSelector: t.TypeAlias = Callable[[], "str | Locale | None"]
TimezoneSelector: t.TypeAlias = Callable[[], "str | tzinfo | None"]

SESSION_LOCALE = "locale"
SESSION_TIMEZONE = "timezone"
LONGEST_ZONE = 64


class Translations:
    """Show pages in the user's language, and dates in the user's time zone.

    The language is ``session["locale"]``, else what the selector says, else what the browser asks
    for, else ``BABEL_DEFAULT_LOCALE``; always one of ``LANGUAGES``. The time zone is
    ``session["timezone"]``, else what the selector says, else ``BABEL_DEFAULT_TIMEZONE``.

    :param app: the app; without one, call :meth:`init_app`.
    :param locale_selector: a function that returns the user's language, or None.
    :param timezone_selector: a function that returns the user's time zone, or None.
    :raise ValueError: as for :meth:`init_app`.
    """

    def __init__(
        self,
        app: Flask | None = None,
        locale_selector: LocaleSelector | None = None,
        timezone_selector: TimezoneSelector | None = None,
    ) -> None:
        self._locale_selector = locale_selector
        self._timezone_selector = timezone_selector
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Flask,
        locale_selector: LocaleSelector | None = None,
        timezone_selector: TimezoneSelector | None = None,
    ) -> None:
        """Set an app up: its settings are read now, and its templates get ``_`` and the filters.

        ``LANGUAGES`` is a list of languages, or a dict by them; where it is not set, they are
        those of the catalogs and the default. ``BABEL_DEFAULT_LOCALE`` is ``en``,
        ``BABEL_DEFAULT_TIMEZONE`` is ``UTC``, ``BABEL_TRANSLATION_DIRECTORIES`` is
        ``translations`` and ``BABEL_DOMAIN`` is ``messages``; several are parted by semicolons.

        :param app: the app.
        :param locale_selector: as for the class, for this app.
        :param timezone_selector: as for the class, for this app.
        :raise ValueError: a setting names a language or a time zone that there is not.
        :raise TypeError: a selector is async.
        """
        locale_selector = locale_selector or self._locale_selector
        timezone_selector = timezone_selector or self._timezone_selector
        for selector in (locale_selector, timezone_selector):
            if inspect.iscoroutinefunction(selector):
                raise TypeError(f"A selector is a plain function; {selector!r} is async.")
        app.extensions[KEY] = Setup(app, locale_selector, timezone_selector)
        app.after_request(_tell_caches)
        _let_json_know_lazy_strings(app)
        _give_templates(app)


class Setup:
    """What one app offers, and how it chooses."""

    def __init__(
        self,
        app: App,
        locale_selector: LocaleSelector | None,
        timezone_selector: TimezoneSelector | None,
    ) -> None:
        config = app.config
        self.catalogs = Catalogs(folders_of(app), domains_of(app))
        self.default = _configured_locale(
            config.get("BABEL_DEFAULT_LOCALE", "en"), "BABEL_DEFAULT_LOCALE"
        )
        tags: Iterable[object] | None = config.get("LANGUAGES")
        if tags is None:
            tags = self.catalogs.languages()
        elif isinstance(tags, str):
            raise ValueError(
                f"LANGUAGES is a list of languages, such as ['en', 'de'], not {tags!r}."
            )
        self.locales = {
            str(tag): _configured_locale(tag, "LANGUAGES") for tag in (self.default, *tags)
        }
        self.languages = Languages(self.locales)
        zone = config.get("BABEL_DEFAULT_TIMEZONE", "UTC")
        self.default_timezone = parse_timezone(zone)
        if self.default_timezone is None:
            raise ValueError(
                f"BABEL_DEFAULT_TIMEZONE is {zone!r}, and there is no such time zone. Write it as"
                " 'Europe/Berlin'; where the system has no time zones, install tzdata."
            )
        self._locale_selector = locale_selector
        self._timezone_selector = timezone_selector

    def locale(self, current: Current) -> Locale:
        """Choose the locale: the session's, the selector's, the browser's, the default."""
        return (
            self._offered(_of_session(current, SESSION_LOCALE))
            or self._offered(self._locale_selector and self._locale_selector())
            or self._of_browser(current)
            or self.default
        )

    def timezone(self, current: Current) -> tzinfo:
        """Choose the time zone: the session's, the selector's, the default."""
        return (
            parse_timezone(_of_session(current, SESSION_TIMEZONE))
            or parse_timezone(self._timezone_selector and self._timezone_selector())
            or self.default_timezone
            or UTC
        )

    def _offered(self, wanted: object) -> Locale | None:
        tag = self.languages.match(str(wanted) if isinstance(wanted, Locale) else wanted)
        return self.locales[tag] if tag else None

    def _of_browser(self, current: Current) -> Locale | None:
        if current.request is None:
            return None
        current.asked_header = True
        tag = self.languages.best(current.request.environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        return self.locales[tag] if tag else None


def folders_of(app: App) -> list[Path]:
    """Return the folders of an app's catalogs, ``BABEL_TRANSLATION_DIRECTORIES``."""
    names = app.config.get("BABEL_TRANSLATION_DIRECTORIES", "translations")
    return [Path(app.root_path, name) for name in _parts(names)]


def domains_of(app: App) -> list[str]:
    """Return the names of an app's catalogs, ``BABEL_DOMAIN``."""
    return _parts(app.config.get("BABEL_DOMAIN", "messages"))


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(";") if part.strip()]


def _configured_locale(tag: object, setting: str) -> Locale:
    locale = tag if isinstance(tag, Locale) else parse_locale(tag)
    if locale is None:
        raise ValueError(
            f"{setting} has {tag!r}, which is no language that Babel knows: write it as 'de' or"
            " 'pt_BR'."
        )
    return locale


def _of_session(current: Current, key: str) -> object:
    return None if current.request is None else session.get(key)


def parse_timezone(name: object) -> tzinfo | None:
    """Return a time zone by its name in the IANA database; None where there is none of it."""
    if isinstance(name, tzinfo):
        return name
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ZONE or not name.isascii():
        return None
    if name == "UTC":
        return UTC  # also where the system has no database
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def _tell_caches(response: Response) -> Response:
    """Tell caches that the page is another one for who asks for another language."""
    state = current()
    if state is not None and state.asked_header:
        response.vary.add("Accept-Language")
    return response


def _let_json_know_lazy_strings(app: Flask) -> None:
    provider: t.Any = app.json
    default = getattr(provider, "default", None)
    if default is not None:
        provider.default = lambda it: str(it) if isinstance(it, LazyString) else default(it)


def _give_templates(app: Flask) -> None:
    env: t.Any = app.jinja_env
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_callables(**messages.template_callables(), newstyle=True)
    env.globals.update(get_locale=get_locale, get_timezone=get_timezone)
    env.filters.update(formats.template_filters())
