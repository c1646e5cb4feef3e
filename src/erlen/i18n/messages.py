"""Messages in the current language.

The names are those of gettext, https://www.gnu.org/software/gettext/manual/; variables stand in a
message as ``%(name)s``.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from gettext import NullTranslations

from ._current import KEY, current, get_locale
from ._lazy import LazyString

_AS_THEY_ARE = NullTranslations()


def current_catalog() -> NullTranslations:
    """Return the app's messages in the current language; without a context, they stay as is."""
    state, locale = current(), get_locale()
    if state is None or locale is None:
        return _AS_THEY_ARE
    catalog: NullTranslations = state.app.extensions[KEY].catalogs.get(locale)
    return catalog


def _filled(text: str, variables: dict[str, t.Any]) -> str:
    return text % variables if variables else text


def gettext(message: str, /, **variables: t.Any) -> str:
    """Return a message in the current language, also called ``_``.

    :param message: the message as it stands in the source, which is what is returned where the
        catalog has none. Write it out in the call: the extraction finds no variable.
    :param variables: fill ``%(name)s`` in it; without any, a ``%`` is just that.
    """
    # The empty message has the catalog's head, which nobody wants to see.
    return _filled(current_catalog().gettext(message), variables) if message else ""


_ = gettext


def ngettext(singular: str, plural: str, num: int, /, **variables: t.Any) -> str:
    """Return the form of a message that fits a number.

    :param singular: the message for one.
    :param plural: the message for others; how many forms there are is up to the language.
    :param num: the number, ``%(num)s`` in the message.
    :param variables: as for :func:`gettext`.
    """
    text = current_catalog().ngettext(singular, plural, num)
    return _filled(text, {"num": num, **variables})


def pgettext(context: str, message: str, /, **variables: t.Any) -> str:
    """Return a message that means different things, by what it means here.

    :param context: what tells the translator which is meant, such as ``"month"`` for ``"May"``.
    :param message: as for :func:`gettext`.
    :param variables: as for :func:`gettext`.
    """
    return _filled(current_catalog().pgettext(context, message), variables)


def npgettext(context: str, singular: str, plural: str, num: int, /, **variables: t.Any) -> str:
    """Return the form of a message that fits a number and a meaning.

    The parameters are those of :func:`pgettext` and :func:`ngettext`.
    """
    text = current_catalog().npgettext(context, singular, plural, num)
    return _filled(text, {"num": num, **variables})


def template_callables() -> dict[str, Callable[..., str]]:
    """Return what Jinja's extension looks messages up with: it fills and escapes them itself."""
    return {
        "gettext": lambda message: current_catalog().gettext(message) if message else "",
        "ngettext": lambda *forms: current_catalog().ngettext(*forms),
        "pgettext": lambda *message: current_catalog().pgettext(*message),
        "npgettext": lambda *forms: current_catalog().npgettext(*forms),
    }


# To type checkers these return str: they stand where a text stands, as a form's label does.


def lazy_gettext(message: str, /, **variables: t.Any) -> str:
    """Return a :class:`LazyString` of :func:`gettext`, for what is written outside of requests."""
    return t.cast(str, LazyString(gettext, message, **variables))


def lazy_ngettext(singular: str, plural: str, num: int, /, **variables: t.Any) -> str:
    """Return a :class:`LazyString` of :func:`ngettext`."""
    return t.cast(str, LazyString(ngettext, singular, plural, num, **variables))


def lazy_pgettext(context: str, message: str, /, **variables: t.Any) -> str:
    """Return a :class:`LazyString` of :func:`pgettext`."""
    return t.cast(str, LazyString(pgettext, context, message, **variables))


def lazy_npgettext(
    context: str, singular: str, plural: str, num: int, /, **variables: t.Any
) -> str:
    """Return a :class:`LazyString` of :func:`npgettext`."""
    return t.cast(str, LazyString(npgettext, context, singular, plural, num, **variables))
