"""The language of WTForms' own words: labels it makes and messages of its validators."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from functools import cache, lru_cache
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
    """Return which of WTForms' languages an ``Accept-Language`` header wants; None for English.

    A region that is not there gives way to its language: ``de-AT`` to ``de``, ``cs`` to ``cs_CZ``.
    """
    for wanted, quality in parse_accept_header(header, LanguageAccept):
        tag = wanted.lower().replace("-", "_")
        language = tag.partition("_")[0]
        if not quality or language == "*":
            continue
        if language == SOURCE_LANGUAGE:
            return None
        known = languages()
        if found := known.get(tag) or known.get(language):
            return found
    return None


@cache
def languages() -> Mapping[str, str]:
    """Return WTForms' languages, by their tags in lower case and by their first parts."""
    names = sorted(folder.name for folder in Path(messages_path()).iterdir() if folder.is_dir())
    by_first_part = {name.partition("_")[0]: name for name in reversed(names)}
    return by_first_part | {name.lower(): name for name in names}


@lru_cache(maxsize=64)
def load(language: str) -> Translations:
    """Load WTForms' messages in one of its languages, such as ``de`` or ``pt``."""
    return t.cast(Translations, get_translations([language]))
