"""The commands as they are called, on a small project, up to the page that it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest

import erlen
from erlen.cli import ScriptInfo
from erlen.i18n import Translations
from erlen.translate import translate_command

pytestmark = pytest.mark.erlen_only

SOURCE = """
from erlen import Flask, render_template
from erlen.i18n import Translations, gettext as _, lazy_gettext as _l, lazy_npgettext, ngettext

app = Flask(__name__)
Translations(app)
TITLE = _l("Welcome")
lazy_npgettext("sport", "%(num)d match", "%(num)d matches", 2)

@app.get("/")
def index():
    # NOTE: said to a person
    return _("Goodbye, %(name)s", name="Ada") + ngettext("%(num)d day", "%(num)d days", 2)
"""
Translate = Callable[..., click.testing.Result]


@pytest.fixture
def project(app: Any, templates: Any) -> Path:
    """A project with five messages; its app is the fixture `app`."""
    folder = Path(app.root_path)
    (folder / "hello.py").write_text(SOURCE)
    templates(**{"index.html": "{{ _('Hello') }} {% trans %}  From\n  here {% endtrans %}"})
    elsewhere = {"venv/lib/x.py": 1, "node_modules/x.py": 1, ".git/x.py": 1, "__pycache__/x.py": 1}
    for name in elsewhere:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("_('not ours')")
    (folder / "venv" / "pyvenv.cfg").touch()
    Translations(app)
    return folder


@pytest.fixture
def translate(app: Any) -> Translate:
    def call(*args: str) -> click.testing.Result:
        info = ScriptInfo(create_app=lambda: app)
        return click.testing.CliRunner().invoke(translate_command, args, obj=info)

    return call


@pytest.fixture
def german(project: Path, translate: Translate) -> Path:
    """The project's German catalog, with nothing translated."""
    assert translate("init", "de").exit_code == 0
    return project / "translations" / "de" / "LC_MESSAGES" / "messages.po"


def put(file: Path, **translations: str) -> None:
    text = file.read_text("utf-8")
    for message, translation in translations.items():
        line = f'msgid "{message}"\nmsgstr ""'
        assert line in text
        text = text.replace(line, f'msgid "{message}"\nmsgstr "{translation}"')
    file.write_text(text, "utf-8")


def test_from_the_source_to_the_page(tmp_path: Path) -> None:
    """Each step in a process of its own, by the program."""

    def run(*args: str) -> str:
        done = subprocess.run(
            [sys.executable, *args],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(erlen.__file__ or "").parents[1])},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    (tmp_path / "hello.py").write_text(SOURCE)
    file = tmp_path / "translations" / "de" / "LC_MESSAGES" / "messages.po"
    translate = ("-m", "erlen", "--app", "hello", "translate")
    assert run(*translate, "init", "de") == f"de: began {file}\n"
    put(file, **{"Goodbye, %(name)s": "Auf Wiedersehen, %(name)s"})
    assert run(*translate, "compile") == "de: 1 of 4 messages translated\n"
    get = "hello.app.test_client().get('/', headers={'Accept-Language': 'de'}).text"
    assert run("-c", f"import hello; print({get})") == "Auf Wiedersehen, Ada2 days\n"


def test_extract(project: Path, translate: Translate) -> None:
    file = project / "translations" / "messages.pot"
    assert translate("extract").output == f"6 messages in {file}\n"
    text = file.read_text("utf-8")
    assert '#. said to a person\n#: hello.py:13\n#, python-format\nmsgid "Goodbye' in text
    assert 'msgctxt "sport"\nmsgid "%(num)d match"\nmsgid_plural "%(num)d matches"' in text
    assert '#: templates/index.html:1\nmsgid "Hello"' in text
    assert "not ours" not in text


def test_what_has_not_changed_is_not_written(
    project: Path, german: Path, translate: Translate
) -> None:
    files = [german, project / "translations" / "messages.pot"]
    for file in files:
        file.write_text(file.read_text("utf-8").replace("Creation-Date: 2", "Creation-Date: 1"))
    before = [file.read_bytes() for file in files]
    assert translate("update").exit_code == 0
    assert [file.read_bytes() for file in files] == before


def test_the_trimmed_policy_of_the_app(app: Any, project: Path, translate: Translate) -> None:
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    translate("extract")
    assert 'msgid "From here"' in (project / "translations" / "messages.pot").read_text("utf-8")


def test_a_mapping(project: Path, translate: Translate) -> None:
    mapping = project / "babel.cfg"
    mapping.write_text("[jinja2: templates/**.html]\n")
    assert translate("extract", "--mapping", str(mapping)).output.startswith("2 messages in ")
    mapping.write_text("nonsense")
    result = translate("extract", "--mapping", str(mapping))
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {mapping} cannot be read: ")


def test_init(project: Path, translate: Translate) -> None:
    result = translate("init", "de", "pt-BR")
    folder = project / "translations"
    assert result.output.splitlines() == [
        f"{tag}: began {folder / tag / 'LC_MESSAGES' / 'messages.po'}" for tag in ("de", "pt_BR")
    ]
    text = (folder / "de" / "LC_MESSAGES" / "messages.po").read_text("utf-8")
    assert "Plural-Forms: nplurals=2; plural=(n != 1);" in text
    assert "fuzzy" not in text


@pytest.mark.parametrize(
    "bad", ["xx", "../x", "de/../../x", "de@../../x", "german", "", "de.UTF-8"]
)
def test_init_with_what_is_no_language(project: Path, translate: Translate, bad: str) -> None:
    result = translate("init", "fr", bad)
    assert result.exit_code == 2
    assert f"{bad!r} is no language that Babel knows: write it as 'de' or 'pt_BR'." in result.output
    assert not (project / "translations").exists()


def test_init_keeps_what_is_there(german: Path, translate: Translate) -> None:
    put(german, Hello="Hallo")
    result = translate("init", "de")
    assert result.exit_code == 2
    assert f"{german} is there already: 'erlen translate update' brings it up to date." in (
        result.output
    )
    assert "Hallo" in german.read_text("utf-8")


def test_update(project: Path, german: Path, translate: Translate) -> None:
    put(german, Hello="Hallo", Welcome="Willkommen")
    source = project / "hello.py"
    source.write_text(SOURCE.replace("Welcome", "Welcome you") + '_("New")\n')
    assert translate("update").output == "de: 1 of 7 messages translated, 1 fuzzy\n"
    text = german.read_text("utf-8")
    assert '#, fuzzy\n#| msgid "Welcome"\nmsgid "Welcome you"\nmsgstr "Willkommen"' in text
    assert 'msgid "New"\nmsgstr ""' in text


def test_update_without_guessing(project: Path, german: Path, translate: Translate) -> None:
    put(german, Welcome="Willkommen")
    (project / "hello.py").write_text(SOURCE.replace("Welcome", "Welcome you"))
    assert translate("update", "--no-fuzzy").output == "de: 0 of 6 messages translated\n"
    assert '#~ msgid "Welcome"\n#~ msgstr "Willkommen"' in german.read_text("utf-8")


def test_compile_leaves_out_what_is_fuzzy(german: Path, translate: Translate) -> None:
    from gettext import GNUTranslations

    def compiled() -> str:
        with german.with_suffix(".mo").open("rb") as stream:
            return GNUTranslations(stream).gettext("Hello")

    put(german, Hello="Hallo")
    text = german.read_text("utf-8")
    german.write_text(text.replace('msgid "Hello"', '#, fuzzy\nmsgid "Hello"'), "utf-8")
    assert translate("compile").output == "de: 0 of 6 messages translated, 1 fuzzy\n"
    assert compiled() == "Hello"
    translate("compile", "--use-fuzzy")
    assert compiled() == "Hallo"


def test_a_translation_that_would_fail_is_not_compiled(german: Path, translate: Translate) -> None:
    put(german, **{"Goodbye, %(name)s": "Auf Wiedersehen, %(nam)s"})
    result = translate("compile")
    assert result.exit_code == 1
    told, end = result.output.splitlines()
    line = german.read_text("utf-8").splitlines().index('msgid "Goodbye, %(name)s"') + 1
    assert told == f"de: {german}, line {line}: unknown named placeholder 'nam'"
    assert end == "de: not compiled"
    assert not german.with_suffix(".mo").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"nonsense", "messages.po, line 1 cannot be read: "),
        (
            b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=x\\n"\nmsgid "a"\n',
            "cannot be read: ",
        ),
        (b'msgid "a"\nmsgstr "\xff"\n', "cannot be read: "),
    ],
)
@pytest.mark.parametrize("command", ["compile", "update"])
def test_a_catalog_that_cannot_be_read(
    german: Path, translate: Translate, command: str, content: bytes, told: str
) -> None:
    german.write_bytes(content)
    result = translate(command)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {german}")
    assert told in result.output
    assert german.read_bytes() == content


@pytest.mark.parametrize("command", ["compile", "update"])
def test_without_catalogs(project: Path, translate: Translate, command: str) -> None:
    result = translate(command)
    assert result.exit_code == 1
    assert result.output == (
        f"Error: There is no catalog in {project / 'translations'}."
        " Begin one: erlen translate init de\n"
    )


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("templates/index.html", b"\n{% if %}", "templates/index.html, line 2 cannot be read: "),
        ("hello.py", b"\nx = '''", "hello.py, line 2 cannot be read: "),
        ("hello.py", b"# -*- coding: x -*-", "hello.py cannot be read: "),
        ("hello.py", b"_('\xff')", "hello.py cannot be read: "),
    ],
)
def test_a_source_that_cannot_be_read(
    project: Path, translate: Translate, name: str, content: bytes, told: str
) -> None:
    (project / name).write_bytes(content)
    result = translate("extract")
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {project}")
    assert told in result.output
    assert not (project / "translations").exists()


def test_a_catalog_that_cannot_be_written(project: Path, translate: Translate) -> None:
    (project / "translations").write_text("a file in the folder's place")
    result = translate("init", "de")
    assert result.exit_code == 1
    file = project / "translations" / "messages.pot"
    assert result.output.startswith(f"Error: {file} cannot be written: ")


def test_folder_and_domain_of_the_app(app: Any, translate: Translate) -> None:
    app.config.update(BABEL_TRANSLATION_DIRECTORIES="words;others", BABEL_DOMAIN="mine;theirs")
    Translations(app)
    file = Path(app.root_path, "words", "mine.pot")
    assert translate("extract").output == f"0 messages in {file}\n"
    assert file.exists()


@pytest.mark.parametrize("command", [("init", "de"), ("extract",), ("update",), ("compile",)])
def test_an_app_without_translations(translate: Translate, command: tuple[str, ...]) -> None:
    result = translate(*command)
    assert result.exit_code == 1
    assert result.output.startswith(
        "Error: The application 'tested' has no translations. Set them up first:\n"
    )
