"""What the commands do, on Babel's catalogs.

Source: https://babel.pocoo.org/en/latest/api/messages/index.html
"""

from __future__ import annotations

import os
import re
import tempfile
import typing as t
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tokenize import TokenError

import click
from babel import Locale, UnknownLocaleError
from babel.messages import Catalog, frontend
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po, write_po
from jinja2 import TemplateError

from ..typing import App

read_mapping: t.Any = frontend.parse_mapping_cfg  # untyped yet

TAG = re.compile(r"[A-Za-z]{2,3}(_[A-Za-z0-9]{2,8})*")
COMMENT_TAGS = ("NOTE:", "TRANSLATORS:")
TEMPLATES = ("html", "htm", "xml", "txt", "svg", "md", "jinja", "jinja2", "j2")
KEYWORDS: dict[str, t.Any] = {
    **DEFAULT_KEYWORDS,
    "_l": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
    "lazy_npgettext": ((1, "c"), 2, 3),
}
# What is said of the catalog, not what is in it.
DATED = re.compile(rb'^"(POT-Creation-Date|PO-Revision-Date|Generated-By): .*$', re.M)

Methods: t.TypeAlias = list[tuple[str, str]]
Options: t.TypeAlias = dict[str, dict[str, t.Any]]


class Project:
    """An app's source, and its catalogs.

    :param app: the app; the files below its ``root_path`` are read.
    :param folder: where the catalogs are.
    :param domain: their name without the ending.
    :param mapping: a file that tells where messages are looked for, as Babel's ``babel.cfg``.
        Default: all Python files, and all templates in folders named ``templates``.
    """

    def __init__(self, app: App, folder: Path, domain: str, mapping: Path | None = None) -> None:
        self._app = app
        self._root = Path(app.root_path)
        self._folder = folder
        self._domain = domain
        self._mapping = mapping

    @property
    def template_file(self) -> Path:
        """The file with the messages alone, without translations."""
        return self._folder / f"{self._domain}.pot"

    def file(self, tag: str) -> Path:
        """Return the file with the translations into a language."""
        return self._folder / tag / "LC_MESSAGES" / f"{self._domain}.po"

    def languages(self) -> list[str]:
        """Return the languages that there is a catalog of.

        :raise click.ClickException: there is none.
        """
        found = sorted(
            it.parents[1].name for it in self._folder.glob(f"*/LC_MESSAGES/{self._domain}.po")
        )
        if not found:
            raise click.ClickException(
                f"There is no catalog in {self._folder}. Begin one: erlen translate init de"
            )
        return found

    def check_new(self, language: str) -> str:
        """Return a language's tag as its folder is called.

        :raise click.BadParameter: it is none, or there is a catalog already.
        """
        tag = language.replace("-", "_")
        try:
            if not TAG.fullmatch(tag):
                raise ValueError(tag)
            Locale.parse(tag)
        except (ValueError, UnknownLocaleError):
            raise click.BadParameter(
                f"{language!r} is no language that Babel knows: write it as 'de' or 'pt_BR'."
            ) from None
        if (file := self.file(tag)).exists():
            raise click.BadParameter(
                f"{file} is there already: 'erlen translate update' brings it up to date."
            )
        return tag

    def extract(self) -> Catalog:
        """Read the messages from the source, and write the template file.

        :raise click.ClickException: a file cannot be read.
        """
        catalog = Catalog(project=self._app.name, charset="utf-8")
        for name, line, message, comments, context in self._messages():
            # Where it stands; with one slash on all systems, so that catalogs can be shared.
            place = (Path(name).as_posix(), line)
            catalog.add(message, None, [place], auto_comments=comments, context=context)
        _write(self.template_file, catalog)
        return catalog

    def _messages(self) -> Iterator[tuple[str, int, t.Any, list[str], str | None]]:
        methods, options = self._methods()
        reading = ""

        def note(name: str, method: str, its_options: object) -> None:
            nonlocal reading
            reading = name

        try:
            yield from extract_from_dir(
                self._root,
                methods,
                options,
                KEYWORDS,
                COMMENT_TAGS,
                callback=note,
                strip_comment_tags=True,
                directory_filter=_is_source,
            )
        except (SyntaxError, TokenError, TemplateError, UnicodeError, LookupError) as error:
            reason, number = error, getattr(error, "lineno", None)
            if isinstance(error, TokenError):
                reason, (number, _) = error.args
            line = f", line {number}" if number else ""
            raise click.ClickException(
                f"{self._root / reading}{line} cannot be read: {reason}"
            ) from error

    def _methods(self) -> tuple[Methods, Options]:
        """Return how files are read, by patterns of their names, and with which options."""
        if self._mapping is not None:
            try:
                with self._mapping.open(encoding="utf-8") as file:
                    return t.cast("tuple[Methods, Options]", read_mapping(file))
            except Exception as error:  # Babel raises whatever its reader of the format does.
                raise click.ClickException(f"{self._mapping} cannot be read: {error}") from error
        env = self._app.jinja_env
        delimiters = (
            "block_start_string",
            "block_end_string",
            "variable_start_string",
            "variable_end_string",
            "comment_start_string",
            "comment_end_string",
        )
        options = {
            **{name: getattr(env, name) for name in delimiters},
            # A template with a fault would be left out without a word.
            "silent": "false",
            "trimmed": str(bool(env.policies["ext.i18n.trimmed"])).lower(),
            "extensions": ",".join(env.extensions),
        }
        patterns = [f"{start}templates/**.{end}" for start in ("", "**/") for end in TEMPLATES]
        return (
            [("**.py", "python"), *((pattern, "jinja2") for pattern in patterns)],
            {pattern: options for pattern in patterns},
        )

    def begin(self, tag: str, template: Catalog) -> Path:
        """Write the first catalog of a language, with nothing translated; return its file."""
        catalog = Catalog(locale=tag, project=self._app.name, charset="utf-8", fuzzy=False)
        catalog.update(template, no_fuzzy_matching=True)
        _write(self.file(tag), catalog)
        return self.file(tag)

    def update(self, tag: str, template: Catalog, no_fuzzy: bool) -> str:
        """Bring a language's catalog up to date; return in words how far it is translated.

        :raise click.ClickException: the catalog cannot be read.
        """
        catalog = self._read(tag)
        catalog.update(template, no_fuzzy_matching=no_fuzzy)
        _write(self.file(tag), catalog)
        return _state(catalog)

    def compile(self, tag: str, use_fuzzy: bool) -> tuple[list[str], str]:
        """Compile a language's catalog, if nothing is wrong with it.

        :return: what is wrong with it, and in words how it ended.
        :raise click.ClickException: the catalog cannot be read.
        """
        catalog = self._read(tag)
        used = (it for it in catalog if it.id and (use_fuzzy or not it.fuzzy))
        faults = [
            f"{self.file(tag)}, line {message.lineno}: {error}"
            for message in used
            for error in message.check(catalog)
        ]
        if faults:
            return faults, "not compiled"
        content = BytesIO()
        write_mo(content, catalog, use_fuzzy=use_fuzzy)
        _replace(self.file(tag).with_suffix(".mo"), content.getvalue())
        return [], _state(catalog)

    def _read(self, tag: str) -> Catalog:
        file = self.file(tag)
        try:
            with file.open("rb") as stream:
                catalog = read_po(stream, locale=tag, domain=self._domain, abort_invalid=True)
        except PoFileError as error:
            line = f", line {error.lineno + 1}" if error.lineno is not None else ""
            raise click.ClickException(f"{file}{line} cannot be read: {error}") from error
        except (LookupError, ValueError, UnknownLocaleError) as error:
            raise click.ClickException(f"{file} cannot be read: {error}") from error
        catalog.charset = "utf-8"
        return catalog


def _is_source(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder may have the app's own source in it: no environment, no cache."""
    path = Path(folder)
    return not (
        path.name.startswith(".")
        or path.name in ("__pycache__", "node_modules")
        or (path / "pyvenv.cfg").exists()
    )


def _state(catalog: Catalog) -> str:
    messages = [it for it in catalog if it.id]
    fuzzy = sum(it.fuzzy for it in messages)
    done = sum(_is_translated(it.string) and not it.fuzzy for it in messages)
    words = f"{done} of {len(messages)} messages translated"
    return f"{words}, {fuzzy} fuzzy" if fuzzy else words


def _is_translated(string: t.Any) -> bool:
    return all(string) if isinstance(string, (list, tuple)) else bool(string)


def _write(file: Path, catalog: Catalog) -> None:
    """Write a catalog, unless only its dates would change: that would be noise in each commit."""
    content = BytesIO()
    write_po(content, catalog, width=100, include_previous=True)
    text = content.getvalue()
    if not file.exists() or DATED.sub(b"", file.read_bytes()) != DATED.sub(b"", text):
        _replace(file, text)


def _replace(file: Path, content: bytes) -> None:
    """Put a whole file in the place of the old one: a server that reads it sees either.

    :raise click.ClickException: it cannot be written.
    """
    try:
        _write_and_rename(file, content)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error}") from error


def _write_and_rename(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(name, 0o644)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise
