"""Which language of those that there are fits what somebody asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from babel import Locale, UnknownLocaleError
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

LONGEST_TAG = 40
# What a browser sends has a dozen languages at most; more is no wish but a load.
MOST_WISHES = 20
LONGEST_HEADER = 1000


def parse_locale(tag: object) -> Locale | None:
    """Read a language's tag, such as ``de``, ``pt-BR`` or ``zh_Hant_TW``.

    :return: None where Babel knows no such language, or it is no tag at all.
    """
    if not isinstance(tag, str) or len(tag) > LONGEST_TAG or not tag.isascii():
        return None
    try:
        return Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def shortened(identifier: str) -> Iterator[str]:
    """Yield an identifier, then what is left of it part by part: zh_Hant_TW, zh_Hant, zh."""
    while identifier:
        yield identifier
        identifier = identifier.rpartition("_")[0]


class Languages:
    """The languages there are, found by what people and browsers ask for.

    A region that is not there gives way to its language, and a language to a region of it:
    ``de-AT`` to ``de``, ``cs`` to ``cs_CZ``, ``zh-HK`` to ``zh_TW``, whose script is the same.

    :param tags: the languages, as identifiers with an underscore.
    """

    def __init__(self, tags: Iterable[str]) -> None:
        self.tags = tuple(dict.fromkeys(tags))
        self._index: dict[str, str] = {tag.lower(): tag for tag in self.tags}
        parsed = [(tag, parse_locale(tag)) for tag in self.tags]
        # What is longer and so more exact comes before what is shorter.
        known = [(key, tag) for tag, it in parsed if it for key in shortened(str(it).lower())]
        for key, tag in sorted(known, key=lambda pair: -pair[0].count("_")):
            self._index.setdefault(key, tag)
        # PERF: a site hears the same few headers again and again.
        self._best = lru_cache(maxsize=512)(self._choose)

    def match(self, wanted: object) -> str | None:
        """Return the language that fits a tag best; None where none does."""
        locale = parse_locale(wanted)
        if locale is None:
            return None
        said = str(wanted).replace("-", "_").lower()
        # A browser's zh-TW is zh_Hant_TW to Babel, and both may be the name that is there.
        keys = (said, *shortened(str(locale).lower()), *shortened(said))
        return next((self._index[key] for key in keys if key in self._index), None)

    def best(self, header: str) -> str | None:
        """Return the language that an ``Accept-Language`` header wants most; None for none.

        Source: https://www.rfc-editor.org/rfc/rfc9110#name-accept-language
        """
        if len(header) > LONGEST_HEADER:
            header = header[:LONGEST_HEADER].rpartition(",")[0]
        return self._best(header)

    def _choose(self, header: str) -> str | None:
        wishes = parse_accept_header(header, LanguageAccept)
        wanted = (tag for tag, quality in islice(wishes, MOST_WISHES) if quality)
        return next((found for tag in wanted if (found := self.match(tag))), None)
