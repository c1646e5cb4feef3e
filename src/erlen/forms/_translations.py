"""The language of WTForms' own words: labels it makes and messages of its validators."""

from __future__ import annotations

import typing as t
from functools import lru_cache
from pathlib import Path

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from wtforms.i18n import get_translations, messages_path

from ..globals import _cv_app

#: Where ``app.extensions`` has a function that returns the :class:`Translations` of the current
#: request, or None for English, forms ask it.
PROVIDER = "forms_translations"
SOURCE_LANGUAGE = "en"


class Translations(t.Protocol):
    """What a form needs of translations; :class:`gettext.NullTranslations` has it."""

    def gettext(self, string: str, /) -> str:
        """Return a message in the user's language."""
        ...

    def ngettext(self, singular: str, plural: str, n: int, /) -> str:
        """Return the form of a message that fits a number."""
        ...


def current_translations() -> Translations | None:
    """Return the translations of the current request: the app's, else WTForms' by the browser.

    :return: None for English as WTForms has it.
    """
    ctx = _cv_app.get(None)
    if ctx is None or not ctx.app.config.get("WTF_I18N_ENABLED", True):
        return None
    provider = ctx.app.extensions.get(PROVIDER)
    if provider is not None:
        return t.cast("Translations | None", provider())
    if not ctx.has_request:
        return None
    header = ctx.request.environ.get("HTTP_ACCEPT_LANGUAGE")
    language = header and best_language(header)
    return load(language) if language else None


@lru_cache(maxsize=512)
def best_language(header: str) -> str | None:
    """Return which of WTForms' languages an ``Accept-Language`` header wants; None for English."""
    folders = (folder.name for folder in Path(messages_path()).iterdir() if folder.is_dir())
    names = {name.replace("_", "-"): name for name in sorted(folders)}
    wanted = parse_accept_header(header, LanguageAccept)
    best = wanted.best_match([SOURCE_LANGUAGE, *names], default=SOURCE_LANGUAGE)
    return None if best == SOURCE_LANGUAGE else names[best]


@lru_cache(maxsize=64)
def load(language: str) -> Translations:
    """Load WTForms' messages in one of its languages, such as ``de`` or ``pt``."""
    return t.cast(Translations, get_translations([language]))
