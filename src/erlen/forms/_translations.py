"""The language of forms: their labels and messages, and those of WTForms' validators."""

from __future__ import annotations

import typing as t
from functools import cache, lru_cache
from gettext import NullTranslations
from pathlib import Path

from wtforms.i18n import get_translations, messages_path

from ..globals import _cv_app
from ..i18n import get_locale
from ..i18n._languages import Languages
from ..i18n.messages import current_catalog

SOURCE_LANGUAGE = "en"


class Translations(t.Protocol):
    """What a form needs of translations; :class:`gettext.NullTranslations` has it."""

    def gettext(self, string: str, /) -> str:
        """Return a message in the user's language."""
        ...

    def ngettext(self, singular: str, plural: str, n: int, /) -> str:
        """Return the form of a message that fits a number."""
        ...


class Both:
    """The app's own messages, and WTForms' where the app has none.

    :param own: the app's.
    :param theirs: WTForms'.
    """

    def __init__(self, own: Translations, theirs: Translations) -> None:
        self._own = own
        self._theirs = theirs

    def gettext(self, string: str, /) -> str:
        """Return a message in the user's language."""
        if not string:
            return ""  # A catalog has its head there.
        found = self._own.gettext(string)
        return found if found != string else self._theirs.gettext(string)

    def ngettext(self, singular: str, plural: str, n: int, /) -> str:
        """Return the form of a message that fits a number."""
        found = self._own.ngettext(singular, plural, n)
        return (
            found if found not in (singular, plural) else self._theirs.ngettext(singular, plural, n)
        )


def current_translations() -> Translations | None:
    """Return the translations of the current request.

    They follow :class:`erlen.i18n.Translations`; without that extension, WTForms' own follow the
    browser.

    :return: None for English as WTForms has it.
    """
    ctx = _cv_app.get(None)
    if ctx is None or not ctx.app.config.get("WTF_I18N_ENABLED", True):
        return None
    locale = get_locale()
    if locale is not None:
        return Both(current_catalog(), load_best(str(locale)))
    if not ctx.has_request:
        return None
    header = ctx._request_ctx.request.environ.get("HTTP_ACCEPT_LANGUAGE")
    language = header and languages().best(header)
    return load(language) if language and language != SOURCE_LANGUAGE else None


@cache
def languages() -> Languages:
    """Return WTForms' languages, with the one that its messages are written in."""
    names = sorted(folder.name for folder in Path(messages_path()).iterdir() if folder.is_dir())
    return Languages([SOURCE_LANGUAGE, *names])


@lru_cache(maxsize=64)
def load_best(locale: str) -> Translations:
    """Load WTForms' messages in the language that fits a locale best; English if none does."""
    return load(languages().match(locale) or SOURCE_LANGUAGE)


@lru_cache(maxsize=64)
def load(language: str) -> Translations:
    """Load WTForms' messages in one of its languages, such as ``de`` or ``pt``."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    return t.cast(Translations, get_translations([language]))
