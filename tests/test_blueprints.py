"""Blueprints: registered once, often, nested, and what they record for the app."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import click
import jinja2
import pytest
from werkzeug.exceptions import NotFound


@pytest.fixture
def part(flask: Any, tmp_path: Path) -> Any:
    return flask.Blueprint("part", "tested", root_path=str(tmp_path))


def view() -> str:
    return "view"


class TestConstruction:
    def test_signature(self, flask: Any) -> None:
        parameters = list(inspect.signature(flask.Blueprint).parameters.values())
        assert [p.name for p in parameters][:10] == [
            "name",
            "import_name",
            "static_folder",
            "static_url_path",
            "template_folder",
            "url_prefix",
            "subdomain",
            "url_defaults",
            "root_path",
            "cli_group",
        ]
        assert [p.default for p in parameters[2:9]] == [None] * 7

    def test_attributes(self, flask: Any) -> None:
        part = flask.Blueprint(
            "part", "tested", None, "/s", "t", "/p", "sub", {"a": 1}, "/root", "commands"
        )
        assert (part.name, part.import_name, part.root_path) == ("part", "tested", "/root")
        assert (part.static_folder, part.static_url_path, part.template_folder) == (None, "/s", "t")
        assert (part.url_prefix, part.subdomain, part.cli_group) == ("/p", "sub", "commands")
        assert part.url_values_defaults == {"a": 1}
        assert part.deferred_functions == []
        assert part._got_registered_once is False
        assert repr(part) == "<Blueprint 'part'>"

    @pytest.mark.parametrize(
        ("name", "message"),
        [("", "'name' may not be empty."), ("a.b", "'name' may not contain a dot '.' character.")],
    )
    def test_a_name_that_is_none(self, flask: Any, name: str, message: str) -> None:
        with pytest.raises(ValueError) as caught:
            flask.Blueprint(name, "tested", root_path="/")
        assert str(caught.value) == message

    def test_names_with_dots(self, part: Any) -> None:
        with pytest.raises(ValueError) as caught:
            part.add_url_rule("/", "a.b", view)
        assert str(caught.value) == "'endpoint' may not contain a dot '.' character."

        def dotted() -> str:
            return ""

        dotted.__name__ = "a.b"
        with pytest.raises(ValueError) as caught:
            part.add_url_rule("/", view_func=dotted)
        assert str(caught.value) == "'view_func' name may not contain a dot '.' character."

    def test_a_view_without_a_name_needs_an_endpoint_only(
        self, app: Any, client: Any, part: Any
    ) -> None:
        class View:
            def __call__(self) -> str:
                return "called"

        part.add_url_rule("/", "view", View())
        app.register_blueprint(part)
        assert client.get("/").text == "called"


class TestRegistration:
    @pytest.mark.parametrize(
        ("prefix", "rule", "path"),
        [
            ("/p", "/x", "/p/x"),
            ("/p/", "/x", "/p/x"),
            ("/p/", "x", "/p/x"),
            ("/p", "", "/p"),
            ("/p/", "", "/p/"),
            ("/p", "/", "/p/"),
            ("/", "/x", "/x"),
            (None, "/x", "/x"),
        ],
    )
    def test_the_prefix_and_the_rule_are_joined(
        self, flask: Any, app: Any, part: Any, prefix: str | None, rule: str, path: str
    ) -> None:
        part.add_url_rule(rule, "x", view)
        app.register_blueprint(part, url_prefix=prefix)
        (made,) = app.url_map.iter_rules("part.x")
        assert made.rule == path
        assert app.test_client().get(path).text == "view"
        with app.test_request_context():
            assert flask.url_for("part.x") == path

    def test_a_rule_needs_a_name_when_registered(self, app: Any, part: Any) -> None:
        part.add_url_rule("/")
        with pytest.raises(AssertionError, match="expected view func if endpoint is not provided."):
            app.register_blueprint(part)

    def test_options_of_the_registration_win(self, app: Any, flask: Any) -> None:
        part = flask.Blueprint("part", "tested", None, None, None, "/a", None, {"n": 1, "m": 1})

        @part.get("/x", defaults={"k": 3})
        def values(**values: int) -> dict[str, int]:
            return values

        app.register_blueprint(part, url_prefix="/b", url_defaults={"n": 2})
        assert app.test_client().get("/b/x").json == {"k": 3, "m": 1, "n": 2}
        assert app.test_client().get("/a/x").status_code == 404

    def test_a_rules_own_defaults_win(self, app: Any, part: Any) -> None:
        part.get("/x", endpoint="x", defaults={"n": 3})(lambda n: str(n))
        app.register_blueprint(part, url_defaults={"n": 2})
        assert app.test_client().get("/x").text == "3"

    def test_often_under_other_names(self, flask: Any, app: Any, part: Any) -> None:
        calls: list[Any] = []
        part.record(lambda state: calls.append(("each", state.first_registration)))
        part.record_once(lambda state: calls.append(("once", state.first_registration)))
        part.add_url_rule("/x", "x", lambda: flask.request.endpoint)
        part.before_request(lambda: calls.append("before"))
        app.register_blueprint(part)
        app.register_blueprint(part, name="other", url_prefix="/other")

        assert calls == [("each", True), ("once", True), ("each", False)]
        assert app.blueprints == {"part": part, "other": part}
        assert list(app.iter_blueprints()) == [part, part]
        calls.clear()
        assert app.test_client().get("/x").text == "part.x"
        assert app.test_client().get("/other/x").text == "other.x"
        assert calls == ["before", "before"]

    def test_on_two_apps(self, flask: Any, part: Any) -> None:
        part.add_url_rule("/x", "x", view)
        part.record_once(lambda state: state.app.extensions.update(part=True))
        for _ in range(2):
            app = flask.Flask("tested", root_path="/")
            app.register_blueprint(part)
            assert app.test_client().get("/x").text == "view"
            assert app.extensions == {"part": True}

    def test_a_name_that_is_taken(self, flask: Any, app: Any, part: Any) -> None:
        app.register_blueprint(part)
        with pytest.raises(ValueError) as caught:
            app.register_blueprint(part)
        assert str(caught.value) == (
            "The name 'part' is already registered for this blueprint. Use 'name=' to provide a"
            " unique name."
        )
        with pytest.raises(ValueError) as caught:
            app.register_blueprint(flask.Blueprint("part", "tested", root_path="/"))
        assert "already registered for a different blueprint. Use" in str(caught.value)

        parent = flask.Blueprint("parent", "tested", root_path="/")
        parent.register_blueprint(part)
        parent.register_blueprint(part)
        with pytest.raises(ValueError, match="for this blueprint 'parent.part'. Use 'name='"):
            app.register_blueprint(parent)

    def test_set_up_after_registration(self, app: Any, part: Any) -> None:
        app.register_blueprint(part)
        message = (
            "The setup method '{}' can no longer be called on the blueprint 'part'. It has already"
            " been registered at least once, any changes will not be applied consistently.\n"
            "Make sure all imports, decorators, functions, etc. needed to set up the blueprint are"
            " done before registering it."
        )
        for method, arguments in (
            ("route", ("/",)),
            ("get", ("/",)),
            ("add_url_rule", ("/", "x", view)),
            ("endpoint", ("x",)),
            ("record", (print,)),
            ("record_once", (print,)),
            ("register_blueprint", (part,)),
            ("before_request", (view,)),
            ("errorhandler", (404,)),
            ("before_app_request", (view,)),
            ("after_app_request", (view,)),
            ("teardown_app_request", (view,)),
            ("app_context_processor", (view,)),
            ("app_url_value_preprocessor", (view,)),
            ("app_url_defaults", (view,)),
            ("app_errorhandler", (404,)),
            ("app_template_filter", ()),
            ("add_app_template_filter", (view,)),
            ("app_template_test", ()),
            ("add_app_template_test", (view,)),
            ("app_template_global", ()),
            ("add_app_template_global", (view,)),
        ):
            with pytest.raises(AssertionError) as caught:
                getattr(part, method)(*arguments)
            assert str(caught.value) == message.format(method)

    def test_the_app_after_the_first_request(self, app: Any, client: Any, part: Any) -> None:
        client.get("/")
        with pytest.raises(AssertionError, match="setup method 'register_blueprint' can no longer"):
            app.register_blueprint(part)

    def test_subdomain(self, flask: Any, tmp_path: Path) -> None:
        app = flask.Flask("tested", root_path=str(tmp_path), subdomain_matching=True)
        app.config["SERVER_NAME"] = "example.com"
        part = flask.Blueprint("part", "tested", root_path="/", subdomain="one")
        part.add_url_rule("/", "x", lambda: flask.request.endpoint)
        app.register_blueprint(part)
        app.register_blueprint(part, name="two", subdomain="two")
        client = app.test_client()
        assert client.get("/", subdomain="one").text == "part.x"
        assert client.get("/", subdomain="two").text == "two.x"
        assert client.get("/", base_url="http://example.com").status_code == 404

    def test_an_endpoint_of_the_app(self, app: Any, client: Any, part: Any) -> None:
        part.endpoint("home")(view)
        app.add_url_rule("/", endpoint="home")
        app.register_blueprint(part)
        assert client.get("/").text == "view"


class TestSetupState:
    def test_attributes(self, flask: Any, app: Any) -> None:
        part = flask.Blueprint("part", "tested", root_path="/", url_prefix="/p", subdomain="s")
        states: list[Any] = []
        part.record(states.append)
        app.register_blueprint(part, url_defaults={"n": 1}, own_option=2)
        (state,) = states
        assert (state.app, state.blueprint, state.first_registration) == (app, part, True)
        assert state.options == {"url_defaults": {"n": 1}, "own_option": 2}
        assert (state.url_prefix, state.subdomain, state.url_defaults) == ("/p", "s", {"n": 1})
        assert (state.name, state.name_prefix) == ("part", "")
        assert isinstance(state, flask.blueprints.BlueprintSetupState)

    def test_a_patched_add_url_rule_takes_effect(
        self, flask: Any, app: Any, part: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        State = flask.blueprints.BlueprintSetupState
        plain = State.add_url_rule

        def patched(self: Any, rule: str, *args: Any, **kwargs: Any) -> None:
            plain(self, "/patched" + rule, *args, **kwargs)

        monkeypatch.setattr(State, "add_url_rule", patched)
        part.add_url_rule("/x", "x", view)
        app.register_blueprint(part)
        assert app.test_client().get("/patched/x").text == "view"

    def test_make_setup_state_may_be_replaced(self, flask: Any, app: Any) -> None:
        class State(flask.blueprints.BlueprintSetupState):
            def add_url_rule(self, rule: str, *args: Any, **kwargs: Any) -> None:
                super().add_url_rule(rule.lower(), *args, **kwargs)

        class Part(flask.Blueprint):
            def make_setup_state(self, app: Any, options: Any, first_registration: bool) -> Any:
                return State(self, app, options, first_registration)

        part = Part("part", "tested", root_path="/")
        part.add_url_rule("/UPPER", "x", view)
        app.register_blueprint(part)
        assert app.test_client().get("/upper").text == "view"

    def test_record_may_be_replaced(self, flask: Any, app: Any) -> None:
        recorded = []

        class Part(flask.Blueprint):
            def record(self, func: Any) -> None:
                recorded.append(func)
                super().record(func)

        part = Part("part", "tested", root_path="/")
        part.add_url_rule("/x", "x", view)
        part.app_errorhandler(404)(view)
        assert len(recorded) == len(part.deferred_functions) == 2


class TestNesting:
    def test_names_prefixes_hooks_and_handlers(self, flask: Any, app: Any, client: Any) -> None:
        log: list[str] = []
        parent = flask.Blueprint("parent", "tested", root_path="/", url_prefix="/parent")
        child = flask.Blueprint("child", "tested", root_path="/", url_prefix="/child")
        grand = flask.Blueprint("grand", "tested", root_path="/")
        for scaffold in (app, parent, child, grand):
            scaffold.before_request(lambda name=scaffold.name: log.append(name))
        parent.register_error_handler(KeyError, lambda e: "parent")
        child.register_error_handler(IndexError, lambda e: "child")

        @grand.get("/<kind>")
        def fail(kind: str) -> str:
            assert flask.request.blueprints == ["parent.child.grand", "parent.child", "parent"]
            raise {"key": KeyError, "index": IndexError}[kind]

        child.register_blueprint(grand)
        parent.register_blueprint(child)
        app.register_blueprint(parent)

        assert client.get("/parent/child/key").text == "parent"
        assert log == ["tested", "parent", "child", "grand"]
        assert client.get("/parent/child/index").text == "child"
        assert set(app.blueprints) == {"parent", "parent.child", "parent.child.grand"}
        with app.test_request_context():
            assert flask.url_for("parent.child.grand.fail", kind="x") == "/parent/child/x"

    @pytest.mark.parametrize(
        ("parent", "child", "nested", "path"),
        [
            ("/a", "/b", None, "/a/b/x"),
            ("/a/", "/b", None, "/a/b/x"),
            ("/a", "b/", None, "/a/b/x"),
            ("/a", "/b", "/c", "/a/c/x"),
            ("/a", None, None, "/a/x"),
            (None, "/b", None, "/b/x"),
            (None, None, "/c", "/c/x"),
            (None, None, None, "/x"),
        ],
    )
    def test_prefixes(
        self,
        flask: Any,
        app: Any,
        parent: str | None,
        child: str | None,
        nested: str | None,
        path: str,
    ) -> None:
        outer = flask.Blueprint("outer", "tested", root_path="/", url_prefix=parent)
        inner = flask.Blueprint("inner", "tested", root_path="/", url_prefix=child)
        inner.add_url_rule("/x", "x", view)
        outer.register_blueprint(inner, url_prefix=nested)
        app.register_blueprint(outer)
        assert [r.rule for r in app.url_map.iter_rules("outer.inner.x")] == [path]

    @pytest.mark.parametrize(
        ("parent", "child", "nested", "subdomain"),
        [
            ("a", "b", None, "b.a"),
            ("a", "b", "c", "c.a"),
            ("a", None, None, "a"),
            (None, "b", None, "b"),
            (None, "b", "c", "c"),
            (None, None, None, ""),
        ],
    )
    def test_subdomains(
        self,
        flask: Any,
        parent: str | None,
        child: str | None,
        nested: str | None,
        subdomain: str,
    ) -> None:
        app = flask.Flask("tested", root_path="/", subdomain_matching=True)
        app.config["SERVER_NAME"] = "example.com"
        outer = flask.Blueprint("outer", "tested", root_path="/", subdomain=parent)
        inner = flask.Blueprint("inner", "tested", root_path="/", subdomain=child)
        inner.add_url_rule("/x", "x", view)
        outer.register_blueprint(inner, subdomain=nested)
        app.register_blueprint(outer)
        host = f"{subdomain}.example.com".lstrip(".")
        assert app.test_client().get("/x", base_url=f"http://{host}").text == "view"

    def test_the_same_twice_under_other_names(self, flask: Any, app: Any, part: Any) -> None:
        part.add_url_rule("/x", "x", lambda: flask.request.endpoint)
        outer = flask.Blueprint("outer", "tested", root_path="/")
        outer.register_blueprint(part, url_prefix="/1")
        outer.register_blueprint(part, url_prefix="/2", name="second")
        app.register_blueprint(outer)
        app.register_blueprint(outer, name="again", url_prefix="/again")
        texts = [app.test_client().get(p).text for p in ("/1/x", "/2/x", "/again/1/x")]
        assert texts == ["outer.part.x", "outer.second.x", "again.part.x"]

    def test_not_in_itself(self, part: Any) -> None:
        with pytest.raises(ValueError) as caught:
            part.register_blueprint(part)
        assert str(caught.value) == "Cannot register a blueprint on itself"

    def test_relative_endpoints(self, flask: Any, app: Any, client: Any) -> None:
        outer = flask.Blueprint("outer", "tested", root_path="/", url_prefix="/outer")
        inner = flask.Blueprint("inner", "tested", root_path="/", url_prefix="/inner")
        inner.add_url_rule("/x", "x", lambda: flask.url_for(".y") + " " + flask.url_for("outer.z"))
        inner.add_url_rule("/y", "y", view)
        outer.add_url_rule("/z", "z", view)
        outer.register_blueprint(inner)
        app.register_blueprint(outer)
        assert client.get("/outer/inner/x").text == "/outer/inner/y /outer/z"


class TestHooksOfTheApp:
    @pytest.mark.parametrize(
        ("method", "attribute"),
        [
            ("before_app_request", "before_request_funcs"),
            ("after_app_request", "after_request_funcs"),
            ("teardown_app_request", "teardown_request_funcs"),
            ("app_url_value_preprocessor", "url_value_preprocessors"),
            ("app_url_defaults", "url_default_functions"),
        ],
    )
    def test_for_every_request_and_once(
        self, app: Any, part: Any, method: str, attribute: str
    ) -> None:
        def hook(*args: Any) -> None: ...

        assert getattr(part, method)(hook) is hook
        app.register_blueprint(part)
        app.register_blueprint(part, name="again")
        assert getattr(app, attribute)[None] == [hook]

    def test_context_processor(self, flask: Any, app: Any, client: Any, part: Any) -> None:
        part.app_context_processor(lambda: {"where": "everywhere"})
        app.register_blueprint(part)
        app.add_url_rule("/", "x", lambda: flask.render_template_string("{{ where }}"))
        assert client.get("/").text == "everywhere"

    def test_errorhandler(self, app: Any, client: Any, part: Any) -> None:
        def handler(error: Exception) -> tuple[str, int]:
            return "not here", 404

        assert part.app_errorhandler(404)(handler) is handler
        app.register_blueprint(part)
        response = client.get("/nowhere")
        assert (response.text, response.status_code) == ("not here", 404)

    def test_the_blueprints_own_are_copied_under_its_name(self, app: Any, part: Any) -> None:
        def hook(*args: Any) -> None: ...

        def handler(error: Exception) -> str:
            return ""

        part.before_request(hook)
        part.after_request(hook)
        part.teardown_request(hook)
        part.url_defaults(hook)
        part.url_value_preprocessor(hook)
        part.errorhandler(404)(handler)
        part.errorhandler(OSError)(handler)
        app.register_blueprint(part, name="renamed")
        for hooks in (
            app.before_request_funcs,
            app.after_request_funcs,
            app.teardown_request_funcs,
            app.url_value_preprocessors,
        ):
            assert hooks == {"renamed": [hook]}
        assert app.url_default_functions["renamed"] == [hook]
        assert app.error_handler_spec == {
            "renamed": {404: {NotFound: handler}, None: {OSError: handler}}
        }

    def test_a_blueprint_without_hooks_leaves_none(self, app: Any, part: Any) -> None:
        app.register_blueprint(part)
        assert not app.before_request_funcs
        assert not app.after_request_funcs
        assert not app.teardown_request_funcs
        assert not app.error_handler_spec


class TestTemplates:
    @pytest.mark.parametrize("kind", ["filter", "test", "global"])
    def test_registered_with_the_app(self, app: Any, part: Any, kind: str) -> None:
        def reverse(s: str) -> str:
            return s[::-1]

        decorate = getattr(part, f"app_template_{kind}")
        assert decorate()(reverse) is reverse
        assert decorate("named")(reverse) is reverse
        assert decorate(name="keyword")(reverse) is reverse
        getattr(part, f"add_app_template_{kind}")(reverse, "added")
        app.register_blueprint(part)
        registered = getattr(app.jinja_env, f"{kind}s")
        for name in ("reverse", "named", "keyword", "added"):
            assert registered[name] is reverse

    @pytest.mark.erlen_only
    @pytest.mark.parametrize("kind", ["filter", "test", "global"])
    def test_without_parentheses(self, app: Any, part: Any, kind: str) -> None:
        def backwards(s: str) -> str:
            return s[::-1]

        assert getattr(part, f"app_template_{kind}")(backwards) is backwards
        app.register_blueprint(part)
        assert getattr(app.jinja_env, f"{kind}s")["backwards"] is backwards

    def test_folders_of_app_and_blueprints_in_order(self, flask: Any, app: Any) -> None:
        root = Path(app.root_path)
        for folder, names in {
            "templates": ["all.html"],
            "one": ["all.html", "parts.html"],
            "two": ["all.html", "parts.html", "last.html"],
        }.items():
            (root / folder).mkdir()
            for name in names:
                (root / folder / name).write_text(folder)
        for folder in ("one", "two"):
            app.register_blueprint(
                flask.Blueprint(folder, "tested", root_path=str(root), template_folder=folder)
            )
        with app.app_context():
            assert flask.render_template("all.html") == "templates"
            assert flask.render_template("parts.html") == "one"
            assert flask.render_template("last.html") == "two"
            with pytest.raises(jinja2.TemplateNotFound):
                flask.render_template("none.html")
        assert sorted(app.jinja_env.list_templates()) == ["all.html", "last.html", "parts.html"]


class TestCommands:
    @pytest.mark.parametrize(
        ("made_with", "registered_with", "words"),
        [
            ({}, {}, ["part", "greet"]),
            ({}, {"name": "renamed"}, ["renamed", "greet"]),
            ({"cli_group": "own"}, {}, ["own", "greet"]),
            ({"cli_group": "own"}, {"cli_group": "late"}, ["late", "greet"]),
            ({"cli_group": None}, {}, ["greet"]),
            ({}, {"cli_group": None}, ["greet"]),
        ],
    )
    def test_groups(
        self,
        flask: Any,
        app: Any,
        made_with: dict[str, Any],
        registered_with: dict[str, Any],
        words: list[str],
    ) -> None:
        part = flask.Blueprint("part", "tested", root_path="/", **made_with)

        @part.cli.command("greet")
        def greet() -> None:
            click.echo(f"Hello from {flask.current_app.name}")

        app.register_blueprint(part, **registered_with)
        result = app.test_cli_runner().invoke(args=words)
        assert (result.output, result.exit_code) == ("Hello from tested\n", 0)

    def test_the_group_is_there_and_empty(self, app: Any, part: Any) -> None:
        cli = importlib.import_module(f"{type(part).__module__.partition('.')[0]}.cli")
        assert isinstance(part.cli, cli.AppGroup)
        assert part.cli.name == "part"
        assert part.cli is part.cli
        app.register_blueprint(part)
        assert "part" not in app.cli.commands
