"""Templates, JSON and routing: what extensions put in the place of the app's own."""

from __future__ import annotations

import importlib
import json
import uuid
from pathlib import Path
from typing import Any

import jinja2
import pytest
from werkzeug.datastructures import ImmutableDict
from werkzeug.routing import BaseConverter, IntegerConverter, Map, Rule

KEY = "a secret key of more than thirty-two bytes"


def make(flask: Any, folder: Path, **attributes: Any) -> Any:
    """An app of a subclass with these attributes."""
    app = type("Mine", (flask.Flask,), attributes)("mine", root_path=str(folder))
    app.config.update(TESTING=True, SECRET_KEY=KEY)
    return app


class TestJinja:
    @pytest.mark.parametrize("when", ["on the class", "on the instance"])
    def test_environment_class(self, flask: Any, tmp_path: Path, when: str) -> None:
        templating: Any = importlib.import_module(f"{flask.__name__}.templating")

        class Mine(templating.Environment):
            def __init__(self, app: Any, **options: Any) -> None:
                super().__init__(app, **options)
                self.globals["own"] = f"own {app.name}"

            def join_path(self, template: str, parent: str) -> str:
                return f"{template}.html"

        attributes = {"jinja_environment": Mine} if when == "on the class" else {}
        app = make(flask, tmp_path, **attributes)
        app.jinja_environment = Mine
        app.jinja_loader = jinja2.DictLoader({"a.html": "{% include 'b' %}", "b.html": "{{ own }}"})
        with app.app_context():
            assert flask.render_template("a.html") == "own mine"
        assert type(app.jinja_env) is Mine

    @pytest.mark.parametrize("when", ["on the class", "on the instance", "edited"])
    def test_options(self, flask: Any, tmp_path: Path, when: str) -> None:
        """Indico and CTFd put their undefined, their extensions and delimiters there."""
        options = {
            "undefined": jinja2.StrictUndefined,
            "extensions": ["jinja2.ext.do"],
            "variable_start_string": "[[",
            "variable_end_string": "]]",
        }
        app = make(flask, tmp_path, jinja_options=options if when == "on the class" else {})
        if when == "on the instance":
            app.jinja_options = options
        elif when == "edited":
            app.jinja_options.update(options)
        with app.app_context():
            source = "{% do x.append(3) %}[[ x ]]"
            assert flask.render_template_string(source, x=[]) == "[3]"
            with pytest.raises(jinja2.UndefinedError):
                flask.render_template_string("[[ missing ]]")

    @pytest.mark.parametrize("when", ["instance", "property", "environment", "method", "choice"])
    def test_loader(self, flask: Any, tmp_path: Path, when: str) -> None:
        loader = jinja2.DictLoader({"a.html": "from a dict"})
        attributes: dict[str, Any] = {}
        if when == "property":
            attributes["jinja_loader"] = property(lambda self: loader)
        elif when == "method":
            attributes["create_global_jinja_loader"] = lambda self: loader
        app = make(flask, tmp_path, **attributes)
        if when == "instance":
            app.jinja_loader = loader
        elif when == "environment":
            app.jinja_env.loader = loader
        elif when == "choice":
            # pgAdmin and Flask-Themes put theirs before what is there.
            app.jinja_env.loader = jinja2.ChoiceLoader([loader, app.jinja_env.loader])
        with app.app_context():
            assert flask.render_template("a.html") == "from a dict"
            with pytest.raises(jinja2.TemplateNotFound):
                flask.render_template("none.html")

    def test_loader_of_a_blueprint(self, flask: Any, app: Any) -> None:
        bp = flask.Blueprint("bp", "bp")
        bp.jinja_loader = jinja2.DictLoader({"a.html": "blueprint", "b.html": "blueprint"})
        app.jinja_loader = jinja2.DictLoader({"a.html": "app"})
        app.register_blueprint(bp)
        with app.app_context():
            assert flask.render_template("a.html") == "app"
            assert flask.render_template("b.html") == "blueprint"

    def test_derived_dispatching_loader(self, flask: Any, app: Any) -> None:
        """pgAdmin looks for a template of the server's version first."""
        templating: Any = importlib.import_module(f"{flask.__name__}.templating")

        class Versioned(templating.DispatchingJinjaLoader):
            def get_source(self, environment: Any, template: str) -> Any:
                return super().get_source(environment, template.removeprefix("v2/"))

        app.jinja_loader = jinja2.DictLoader({"a.html": "found"})
        app.jinja_env.loader = Versioned(app)
        with app.app_context():
            assert flask.render_template("v2/a.html") == "found"

    def test_environment_replaced_by_jinjas_own(self, flask: Any, app: Any) -> None:
        app.jinja_env = jinja2.Environment(loader=jinja2.DictLoader({"a.html": "{{ x }}"}))
        with app.app_context():
            assert flask.render_template("a.html", x="<") == "<"
            assert flask.render_template_string("{{ x }}", x="<") == "<"

    def test_context_processor_of_the_environment(self, flask: Any, app: Any) -> None:
        """Sentry adds to the context in a receiver of `before_render_template`."""

        def receive(sender: Any, template: Any, context: dict[str, Any], **extra: Any) -> None:
            context["added"] = f"added to {template.name}"

        app.jinja_loader = jinja2.DictLoader({"a.html": "{{ added }}"})
        with app.app_context(), flask.before_render_template.connected_to(receive, app):
            assert flask.render_template("a.html") == "added to a.html"

    def test_render_patched_in_its_module(
        self, flask: Any, app: Any, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ddtrace and the X-Ray SDK wrap `flask.templating._render` and read its arguments."""
        templating: Any = importlib.import_module(f"{flask.__name__}.templating")
        original = templating._render
        seen: list[Any] = []

        def render(*args: Any) -> Any:
            app_, template, context = args
            seen.append((app_ is app, template.name, context["x"]))
            return original(*args)

        monkeypatch.setattr(templating, "_render", render)
        app.jinja_loader = jinja2.DictLoader({"a.html": "{{ x }}"})
        app.add_url_rule("/file", "file", lambda: flask.render_template("a.html", x=1))
        app.add_url_rule("/text", "text", lambda: flask.render_template_string("{{ x }}", x=2))
        assert (client.get("/file").text, client.get("/text").text) == ("1", "2")
        assert seen == [(True, "a.html", 1), (True, None, 2)]


class TestJSONProvider:
    def test_class(self, flask: Any, tmp_path: Path) -> None:
        """Indico, MongoEngine and SAFRS encode their own types, in responses and sessions."""
        provider: Any = importlib.import_module(f"{flask.__name__}.json.provider")

        class Mine(provider.DefaultJSONProvider):
            mimetype = "application/vnd.api+json"

            @staticmethod
            def default(o: Any) -> Any:
                return "complex" if isinstance(o, complex) else super(Mine, Mine).default(o)

        app = make(flask, tmp_path, json_provider_class=Mine)
        app.add_url_rule("/dict", "dict", lambda: {"b": 1j, "a": uuid.UUID(int=1)})
        app.add_url_rule("/list", "list", lambda: [1j])
        app.add_url_rule("/jsonify", "jsonify", lambda: flask.jsonify(1j))
        client = app.test_client()
        for path, value in (
            ("/dict", {"b": "complex", "a": str(uuid.UUID(int=1))}),
            ("/list", ["complex"]),
            ("/jsonify", "complex"),
        ):
            response = client.get(path)
            assert response.mimetype == "application/vnd.api+json"
            assert json.loads(response.data) == value
        with app.app_context():
            assert flask.render_template_string("{{ x|tojson }}", x=1j) == '"complex"'

    def test_from_the_ground(self, flask: Any, tmp_path: Path) -> None:
        """flask-openapi3's orjson: only dumps and loads are there."""
        provider: Any = importlib.import_module(f"{flask.__name__}.json.provider")

        class Mine(provider.JSONProvider):
            def dumps(self, obj: Any, **kwargs: Any) -> str:
                return f"<{json.dumps(obj)}>"

            def loads(self, s: str | bytes, **kwargs: Any) -> Any:
                return ["loaded", json.loads(s)]

        app = make(flask, tmp_path, json_provider_class=Mine)
        app.add_url_rule("/", "index", lambda: flask.request.get_json(), methods=["POST"])
        response = app.test_client().post("/", data='{"a": 1}', content_type="application/json")
        assert response.text == '<["loaded", {"a": 1}]>'

    def test_attributes_of_the_default_one(self, flask: Any, app: Any, client: Any) -> None:
        """Flasgger, RESTX and many applications switch these."""
        app.add_url_rule("/", "index", lambda: {"b": "ä", "a": 1})
        assert client.get("/").data == b'{"a":1,"b":"\\u00e4"}\n'
        app.json.sort_keys = False
        app.json.ensure_ascii = False
        assert client.get("/").data == '{"b":"ä","a":1}\n'.encode()
        app.json.compact = False
        assert client.get("/").data == '{\n  "b": "ä",\n  "a": 1\n}\n'.encode()


class TestRouting:
    def test_map_class(self, flask: Any, tmp_path: Path) -> None:
        class Mine(Map):
            default_converters = ImmutableDict({**Map.default_converters, "even": IntegerConverter})

        app = make(flask, tmp_path, url_map_class=Mine)
        app.add_url_rule("/<even:n>", "index", lambda n: str(n + 1))
        assert type(app.url_map) is Mine
        assert app.test_client().get("/4").text == "5"

    def test_rule_class(self, flask: Any, tmp_path: Path) -> None:
        """Indico and Eve derive the rule, to keep more with it or to build URLs otherwise."""

        class Mine(Rule):
            def __init__(self, string: str, *args: Any, label: str = "", **options: Any) -> None:
                super().__init__(string, *args, **options)
                self.label = label

            def get_empty_kwargs(self) -> dict[str, Any]:
                return {**super().get_empty_kwargs(), "label": self.label}

        app = make(flask, tmp_path, url_rule_class=Mine)
        app.add_url_rule("/<n>", "index", lambda n: flask.request.url_rule.label, label="kept")
        assert app.test_client().get("/4").text == "kept"
        with app.test_request_context():
            assert flask.url_for("index", n=4) == "/4"

    def test_rule_that_builds_otherwise(self, flask: Any, tmp_path: Path) -> None:
        class Mine(Rule):
            def build(self, values: Any, append_unknown: bool = True) -> Any:
                domain, url = super().build(values, append_unknown) or ("", "")
                return domain, f"{url}!"

        app = make(flask, tmp_path, url_rule_class=Mine)
        app.add_url_rule("/<n>", "index", lambda n: n)
        with app.test_request_context():
            assert flask.url_for("index", n=4) == "/4!"

    def test_converters(self, flask: Any, app: Any, client: Any) -> None:
        """connexion replaces a converter of the map; Flask-Admin and others add theirs."""

        class Number(IntegerConverter):
            regex = r"[+-]?\d+"

        class Upper(BaseConverter):
            def to_python(self, value: str) -> str:
                return value.upper()

            def to_url(self, value: Any) -> str:
                return str(value).lower()

        app.url_map.converters["int"] = Number
        app.url_map.converters["upper"] = Upper
        app.add_url_rule("/<int:n>", "number", lambda n: str(n))
        app.add_url_rule("/u/<upper:s>", "upper", lambda s: s + flask.url_for("upper", s="ABC"))
        assert client.get("/-5").text == "-5"
        assert client.get("/u/xy").text == "XY/u/abc"

    @pytest.mark.parametrize("where", ["subclass", "instance"])
    def test_create_url_adapter(self, flask: Any, tmp_path: Path, where: str) -> None:
        """CTFd and Indico bind with a root of their own."""
        made: list[str] = []

        def create(self: Any, request: Any) -> Any:
            made.append(type(request).__name__)
            adapter = flask.Flask.create_url_adapter(self, request)
            if adapter is not None:
                adapter.script_name = "/tenant/"
            return adapter

        attributes = {"create_url_adapter": create} if where == "subclass" else {}
        app = make(flask, tmp_path, **attributes)
        if where == "instance":
            app.create_url_adapter = lambda request: create(app, request)
        app.add_url_rule("/<int:n>", "index", lambda n: flask.url_for("index", n=n))
        assert app.test_client().get("/5").text == "/tenant/5"
        assert "Request" in made

    def test_allowed_methods_of_the_adapter(self, flask: Any, app: Any, client: Any) -> None:
        """Flask-API's browsable page asks the adapter of the context."""
        app.add_url_rule(
            "/",
            "index",
            lambda: sorted(flask.globals.request_ctx.url_adapter.allowed_methods()),
            methods=["GET", "PUT"],
        )
        assert client.get("/").json == ["GET", "HEAD", "OPTIONS", "PUT"]

    def test_closure_of_a_class_based_view(self, flask: Any) -> None:
        """Flask-Injector reads what the class gets from the closure of its function."""
        views: Any = importlib.import_module(f"{flask.__name__}.views")

        class Mine(views.MethodView):
            def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def closure(view: Any) -> dict[str, Any]:
            cells = (cell.cell_contents for cell in view.__closure__)
            return dict(zip(view.__code__.co_freevars, cells, strict=True))

        each = closure(Mine.as_view("mine", 1, a=2))
        assert (each["class_args"], each["class_kwargs"]) == ((1,), {"a": 2})
        Mine.init_every_request = False
        once = closure(Mine.as_view("mine", 1, a=2))
        assert type(once["self"]) is Mine
