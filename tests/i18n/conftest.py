from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo

from erlen.i18n import Translations

GERMAN = {
    "Hello": "Hallo",
    "Hello, %(name)s": "Hallo, %(name)s",
    ("%(num)d day", "%(num)d days"): ("%(num)d Tag", "%(num)d Tage"),
    "<b>%(name)s</b>": "<i>%(name)s</i>",
    "This field is required.": "Das muss sein.",
}
WriteCatalog = Callable[..., Path]


def write_catalog(file: Path, language: str, messages: dict[Any, Any]) -> Path:
    catalog = Catalog(locale=language)
    for message, translation in messages.items():
        catalog.add(message, translation)
    catalog.add("May", {"de": "Mai"}.get(language, ""), context="month")
    catalog.add(
        ("%(num)d match", "%(num)d matches"),
        ("%(num)d Spiel", "%(num)d Spiele") if language == "de" else ("", ""),
        context="sport",
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        write_mo(stream, catalog)
    return file


@pytest.fixture
def catalog(app: Any) -> WriteCatalog:
    """Write a compiled catalog of the app: `catalog("de", {"Hello": "Hallo"})`."""

    def write(
        language: str,
        messages: dict[Any, Any],
        folder: str = "translations",
        domain: str = "messages",
    ) -> Path:
        file = Path(app.root_path, folder, language, "LC_MESSAGES", f"{domain}.mo")
        return write_catalog(file, language, messages)

    return write


@pytest.fixture
def german(app: Any, catalog: WriteCatalog) -> Any:
    """The app, in English and German."""
    app.config["LANGUAGES"] = ["en", "de"]
    catalog("de", GERMAN)
    Translations(app)
    return app


@pytest.fixture
def in_german(german: Any) -> Any:
    """The app, in a request of a German browser."""
    with german.test_request_context(headers={"Accept-Language": "de"}):
        yield german
