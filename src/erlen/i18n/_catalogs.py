"""An app's compiled catalogs of messages, each read once."""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Iterator, Sequence
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale

from ._languages import parse_locale, shortened

logger = logging.getLogger(__name__)


class Catalogs:
    """The catalogs in some folders, ``<folder>/<language>/LC_MESSAGES/<domain>.mo``.

    :param folders: where to look; what is in the first goes before what is in the second.
    :param domains: the files' names without their ending.
    """

    def __init__(self, folders: Sequence[Path], domains: Sequence[str]) -> None:
        self.folders = tuple(folders)
        self.domains = tuple(domains)
        self._loaded: dict[str, NullTranslations] = {}
        self._lock = threading.Lock()

    def languages(self) -> list[str]:
        """Return the languages that there is a compiled catalog of."""
        found = {
            file.parents[1].name
            for folder in self.folders
            for domain in self.domains
            for file in folder.glob(f"*/LC_MESSAGES/{domain}.mo")
        }
        return sorted(tag for tag in found if parse_locale(tag))

    def get(self, locale: Locale) -> NullTranslations:
        """Return the messages in a language; those of ``de`` stand in where ``de_AT`` has none.

        :raise RuntimeError: a catalog cannot be read.
        """
        name = str(locale)
        found = self._loaded.get(name)
        if found is None:
            with self._lock:
                found = self._loaded.get(name)
                if found is None:
                    found = self._loaded[name] = self._load(locale)
        return found

    def _load(self, locale: Locale) -> NullTranslations:
        first: NullTranslations | None = None
        for file in self._files(locale):
            read = _read(file)
            if first is None:
                first = read
            else:
                first.add_fallback(read)
        return first or NullTranslations()

    def _files(self, locale: Locale) -> Iterator[Path]:
        for name in _folder_names(locale):
            for folder in self.folders:
                for domain in self.domains:
                    file = folder / name / "LC_MESSAGES" / f"{domain}.mo"
                    if file.exists():
                        yield file
                    elif file.with_suffix(".po").exists():
                        logger.warning(
                            "%s is not compiled, so its messages are not used. Run"
                            " 'erlen translate compile'.",
                            file.with_suffix(".po"),
                        )


def _folder_names(locale: Locale) -> list[str]:
    """Return how the folder of a language may be called, the most exact name first."""
    names = [*shortened(str(locale))]
    if locale.territory:
        # Babel tells the script that people leave out: its zh_Hant_TW is mostly called zh_TW.
        names.insert(1, f"{locale.language}_{locale.territory}")
    return list(dict.fromkeys(names))


def _read(file: Path) -> GNUTranslations:
    try:
        with file.open("rb") as stream:
            return GNUTranslations(stream)
    except (OSError, ValueError, LookupError, struct.error) as error:
        raise RuntimeError(
            f"The catalog {file} cannot be read: {error}. Run 'erlen translate compile'."
        ) from error
