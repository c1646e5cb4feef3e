from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest


def module(**values: Any) -> ModuleType:
    made = ModuleType("made")
    vars(made).update(values)
    return made


class TestFindBestApp:
    @pytest.mark.parametrize("name", ["app", "application", "whatever"])
    def test_a_variable(self, flask: Any, cli: Any, name: str) -> None:
        app = flask.Flask("x")
        assert cli.find_best_app(module(**{name: app})) is app

    @pytest.mark.parametrize("name", ["create_app", "make_app"])
    def test_a_factory(self, flask: Any, cli: Any, name: str) -> None:
        app = flask.Flask("x")

        def factory(word: str = "optional") -> Any:
            return app

        assert cli.find_best_app(module(**{name: factory})) is app

    def test_the_usual_name_among_several(self, flask: Any, cli: Any) -> None:
        app = flask.Flask("x")
        assert cli.find_best_app(module(other=flask.Flask("y"), app=app)) is app

    def test_a_variable_comes_before_a_factory(self, flask: Any, cli: Any) -> None:
        app = flask.Flask("x")
        assert cli.find_best_app(module(mine=app, create_app=lambda: flask.Flask("y"))) is app

    def test_other_things_of_those_names(self, flask: Any, cli: Any) -> None:
        app = flask.Flask("x")
        mixed = module(
            app=flask.Blueprint("b", "b"), application="text", proxy=flask.current_app, it=app
        )
        assert cli.find_best_app(mixed) is app

    def test_several(self, flask: Any, cli: Any) -> None:
        message = (
            "Detected multiple Flask applications in module 'made'."
            " Use 'made:name' to specify the correct one."
        )
        with pytest.raises(cli.NoAppException, match=re.escape(message)):
            cli.find_best_app(module(one=flask.Flask("x"), two=flask.Flask("y")))

    def test_none(self, cli: Any) -> None:
        message = (
            "Failed to find Flask application or factory in module 'made'."
            " Use 'made:name' to specify one."
        )
        with pytest.raises(cli.NoAppException, match=re.escape(message)):
            cli.find_best_app(module(create_app=lambda: "no application"))

    def test_a_factory_with_arguments(self, flask: Any, cli: Any) -> None:
        message = (
            "Detected factory 'create_app' in module 'made', but could not call it without"
            " arguments. Use 'made:create_app(args)' to specify arguments."
        )
        with pytest.raises(cli.NoAppException, match=re.escape(message)):
            cli.find_best_app(module(create_app=lambda word: flask.Flask(word)))

    def test_an_error_inside_the_factory_is_its_own(self, cli: Any) -> None:
        def create_app() -> None:
            raise TypeError("broken inside")

        with pytest.raises(TypeError, match="broken inside"):
            cli.find_best_app(module(create_app=create_app))


class TestFindAppByString:
    @pytest.mark.parametrize(
        ("string", "name"),
        [
            ("app", "plain"),
            (" app ", "plain"),
            ("create", "make"),
            ("create()", "make"),
            (" create ( ) ", "make"),
            ("create('a', key=['b', 1])", "a-['b', 1]"),
            ("create('a', 'b', )", "a-b"),
        ],
    )
    def test_what_it_may_say(self, flask: Any, cli: Any, string: str, name: str) -> None:
        def create(word: str = "make", key: Any = "") -> Any:
            return flask.Flask(f"{word}-{key}" if key else word)

        found = cli.find_app_by_string(module(app=flask.Flask("plain"), create=create), string)
        assert found.name == name

    @pytest.mark.parametrize(
        ("string", "message"),
        [
            ("create(", "Failed to parse 'create(' as an attribute name or function call."),
            ("a.b", "Failed to parse 'a.b' as an attribute name or function call."),
            ("a.b()", "Function reference must be a simple name: 'a.b()'."),
            ("create(word)", "Failed to parse arguments as literal values: 'create(word)'."),
            ("missing", "Failed to find attribute 'missing' in 'made'."),
            (
                "create(1, 2)",
                "The factory 'create(1, 2)' in module 'made' could not be called with the"
                " specified arguments.",
            ),
            ("text", "A valid Flask application was not obtained from 'made:text'."),
            ("create", "A valid Flask application was not obtained from 'made:create'."),
        ],
    )
    def test_what_it_may_not(self, cli: Any, string: str, message: str) -> None:
        with pytest.raises(cli.NoAppException) as error:
            cli.find_app_by_string(module(create=lambda: None, text="text"), string)
        assert error.value.message == message

    def test_an_error_inside_the_factory_is_its_own(self, cli: Any) -> None:
        def create(word: str) -> None:
            raise TypeError(f"broken inside {word}")

        with pytest.raises(TypeError, match="broken inside x"):
            cli.find_app_by_string(module(create=create), "create('x')")


class TestPrepareImport:
    @pytest.mark.parametrize(
        ("path", "name", "where"),
        [
            ("plain.py", "plain", "."),
            ("plain", "plain", "."),
            ("plain.sub", "plain.sub", "."),
            ("folder/mod.py", "mod", "folder"),
            ("package", "package", "."),
            ("package/__init__.py", "package", "."),
            ("package/__init__", "package", "."),
            ("package/inner/mod.py", "package.inner.mod", "."),
            ("notes.txt", "notes.txt", "."),
        ],
    )
    def test_name_and_path(
        self, cli: Any, tmp_path: Path, path: str, name: str, where: str
    ) -> None:
        (tmp_path / "package" / "inner").mkdir(parents=True)
        for folder in ("package", "package/inner"):
            (tmp_path / folder / "__init__.py").touch()
        assert cli.prepare_import(path) == name
        assert sys.path[0] == os.path.realpath(tmp_path / where)

    def test_once(self, cli: Any) -> None:
        cli.prepare_import("a.py")
        before = sys.path[:]
        cli.prepare_import("b.py")
        assert sys.path == before


class TestLocateApp:
    @pytest.fixture(autouse=True)
    def modules(self, flask: Any, cli: Any, tmp_path: Path) -> None:
        package = f"from {flask.__name__} import Flask\napp = Flask('located')\n"
        (tmp_path / "located_app.py").write_text(package)
        (tmp_path / "located_broken.py").write_text("import no_such_module_anywhere\n")
        (tmp_path / "located_syntax.py").write_text("def (:\n")
        cli.prepare_import("located_app.py")

    @pytest.mark.parametrize("name", [None, "app"])
    def test_found(self, cli: Any, name: str | None) -> None:
        assert cli.locate_app("located_app", name).name == "located"

    def test_no_such_module(self, cli: Any) -> None:
        with pytest.raises(cli.NoAppException, match=r"Could not import 'located_nowhere'\."):
            cli.locate_app("located_nowhere", None)
        assert cli.locate_app("located_nowhere", None, raise_if_not_found=False) is None

    @pytest.mark.parametrize("must", [True, False])
    def test_an_import_in_it_fails(self, cli: Any, must: bool) -> None:
        with pytest.raises(click.UsageError) as error:
            cli.locate_app("located_broken", None, raise_if_not_found=must)
        assert isinstance(error.value, cli.NoAppException)
        start = "While importing 'located_broken', an ImportError was raised:\n\nTraceback (most"
        assert error.value.message.startswith(start)
        assert "No module named 'no_such_module_anywhere'" in error.value.message

    def test_other_errors_are_its_own(self, cli: Any) -> None:
        with pytest.raises(SyntaxError):
            cli.locate_app("located_syntax", None)
