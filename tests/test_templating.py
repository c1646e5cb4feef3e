"""Templates: rendering, streaming, their context, the environment, filters and their kin."""

from __future__ import annotations

import importlib
import inspect
import threading
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2.exceptions import TemplateSyntaxError
from jinja2.ext import Extension
from markupsafe import Markup


class TestRender:
    def test_signatures(self, flask: Any) -> None:
        for name in ("render_template", "stream_template"):
            parameters = inspect.signature(getattr(flask, name)).parameters
            assert list(parameters) == ["template_name_or_list", "context"]
        for name in ("render_template_string", "stream_template_string"):
            assert list(inspect.signature(getattr(flask, name)).parameters) == ["source", "context"]

    def test_values_are_escaped(self, flask: Any, app: Any, templates: Any) -> None:
        source = "Hello {{ name }}{{ undefined }}"
        templates(**{"a.html": source, "a.txt": source, "a.svg": source, "a.xml": source})
        with app.app_context():
            for name in ("a.html", "a.svg", "a.xml"):
                assert flask.render_template(name, name="<b>") == "Hello &lt;b&gt;"
            assert flask.render_template("a.txt", name="<b>") == "Hello <b>"
            assert flask.render_template_string(source, name="<b>") == "Hello &lt;b&gt;"
            assert flask.render_template("a.html", name=Markup("<b>")) == "Hello <b>"

    def test_of_several_names_the_first_there_is(
        self, flask: Any, app: Any, templates: Any
    ) -> None:
        templates(**{"b.html": "b", "c.html": "c"})
        with app.app_context():
            assert flask.render_template(["a.html", "b.html", "c.html"]) == "b"
            template = app.jinja_env.get_template("c.html")
            assert flask.render_template(template) == "c"
            assert flask.render_template([template, "b.html"]) == "c"
            assert "".join(flask.stream_template(["a.html", "b.html"])) == "b"
            with pytest.raises(jinja2.TemplatesNotFound):
                flask.render_template(["x.html", "y.html"])

    def test_a_template_that_is_missing(self, flask: Any, app: Any) -> None:
        with app.app_context(), pytest.raises(jinja2.TemplateNotFound) as caught:
            flask.render_template("x.html")
        assert str(caught.value) == "x.html"

    def test_an_app_is_needed(self, flask: Any) -> None:
        for render in (
            flask.render_template,
            flask.render_template_string,
            flask.stream_template,
            flask.stream_template_string,
        ):
            with pytest.raises(RuntimeError, match="Working outside of application context"):
                render("x")

    def test_errors_name_the_line_of_the_template(
        self, flask: Any, app: Any, templates: Any
    ) -> None:
        templates(**{"bad.html": "one\n{% if %}", "fails.html": "one\n\n{{ 1 // 0 }}"})
        with app.app_context():
            with pytest.raises(TemplateSyntaxError) as caught:
                flask.render_template("bad.html")
            assert (caught.value.name, caught.value.lineno) == ("bad.html", 2)
            with pytest.raises(ZeroDivisionError) as failed:
                flask.render_template("fails.html")
        entry = failed.traceback[-1]
        assert (Path(str(entry.path)).name, entry.lineno + 1) == ("fails.html", 3)


class TestContext:
    def test_in_a_request(self, flask: Any, app: Any) -> None:
        @app.get("/<x>")
        def index(x: str) -> Any:
            flask.g.seen = "g"
            flask.session["s"] = "session"
            return flask.render_template_string(
                "{{ g.seen }} {{ session.s }} {{ request.path }} {{ config.TESTING }}"
                " {{ url_for('index', x=1) }} {{ get_flashed_messages() }}"
            )

        assert app.test_client().get("/path").text == "g session /path True /1 []"

    def test_without_a_request(self, flask: Any, app: Any) -> None:
        with app.app_context():
            flask.g.seen = "g"
            assert flask.render_template_string("{{ g.seen }} {{ config.TESTING }}") == "g True"
            with pytest.raises(RuntimeError, match="Working outside of request context"):
                flask.render_template_string("{{ request.path }}")

    def test_the_real_objects(self, flask: Any, app: Any) -> None:
        with app.test_request_context() as ctx:
            context: dict[str, Any] = {}
            app.update_template_context(context)
            assert set(context) == {"g", "request"}
            assert context["request"] is ctx.request
            assert context["g"] is flask.g._get_current_object()
        assert flask.templating._default_template_ctx_processor() == {}

    @pytest.mark.parametrize(
        ("source", "vary"),
        [("no session", None), ("{{ session.get('a') }}", "Cookie"), ("{{ request.path }}", None)],
    )
    def test_only_a_template_that_reads_the_session_varies(
        self, flask: Any, app: Any, client: Any, source: str, vary: str | None
    ) -> None:
        app.add_url_rule("/", "index", lambda: flask.render_template_string(source))
        assert client.get("/").headers.get("Vary") == vary

    def test_imported_templates_see_the_proxies(self, flask: Any, app: Any, templates: Any) -> None:
        templates(**{"m.html": "{% macro where() %}{{ request.path }}{{ g.a }}{% endmacro %}"})
        with app.test_request_context("/x"):
            flask.g.a = "1"
            source = "{% from 'm.html' import where %}{{ where() }}"
            assert flask.render_template_string(source) == "/x1"

    def test_order_and_precedence(self, flask: Any, app: Any, client: Any) -> None:
        outer = flask.Blueprint("outer", "tested", root_path="/")
        inner = flask.Blueprint("inner", "tested", root_path="/", url_prefix="/inner")
        names = "given app outer inner".split()
        for scaffold, known in ((app, names), (outer, names[:1] + names[2:]), (inner, ["given"])):
            values = dict.fromkeys(known, scaffold.name)
            scaffold.context_processor(lambda values=values: values)
        inner.context_processor(lambda: {"inner": "second"})

        def show() -> Any:
            source = "{{ given }} {{ app }} {{ outer }} {{ inner }}"
            return flask.render_template_string(source, given="given")

        for scaffold in (app, outer, inner):
            scaffold.add_url_rule(f"/{scaffold.name}", "show", show)
        outer.register_blueprint(inner)
        app.register_blueprint(outer)
        assert client.get("/tested").text == "given tested tested tested"
        assert client.get("/outer").text == "given tested outer outer"
        assert client.get("/inner/inner").text == "given tested outer second"

    def test_processors_are_live(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: flask.render_template_string("{{ x }}"))
        assert client.get("/").text == ""
        app.template_context_processors[None].append(lambda: {"x": "added"})
        assert client.get("/").text == "added"
        app.template_context_processors = {None: [lambda: {"x": "replaced"}]}
        assert client.get("/").text == "replaced"
        app.template_context_processors = {}
        assert client.get("/").text == ""

    def test_processors_may_replace_g_and_request(self, flask: Any, app: Any) -> None:
        app.context_processor(lambda: {"request": "mine"})
        with app.test_request_context():
            assert flask.render_template_string("{{ request }}") == "mine"
            assert flask.render_template_string("{{ request }}", request="given") == "given"

    def test_async_processors(self, flask: Any, app: Any) -> None:
        async def processor() -> dict[str, Any]:
            return {"x": "awaited"}

        app.context_processor(processor)
        with app.app_context():
            assert flask.render_template_string("{{ x }}") == "awaited"

    def test_an_overridden_method_takes_effect(self, flask: Any, tmp_path: Path) -> None:
        class App(flask.Flask):
            def update_template_context(self, context: dict[str, Any]) -> None:
                super().update_template_context(context)
                context["x"] = "class"

        app: Any = App("tested", root_path=str(tmp_path))
        with app.app_context():
            assert flask.render_template_string("{{ x }}") == "class"
            app.update_template_context = lambda context: context.update(x="instance")
            assert flask.render_template_string("{{ x }}") == "instance"
            assert "".join(flask.stream_template_string("{{ x }}")) == "instance"


class TestStringSources:
    def test_globals_and_filters_are_live(self, flask: Any, app: Any) -> None:
        with app.app_context():
            source = "{{ x|mark }}{{ y }}"
            app.jinja_env.filters["mark"] = lambda s: f"<{s}>"
            assert flask.render_template_string(source, x=1) == "&lt;1&gt;"
            app.jinja_env.filters["mark"] = lambda s: f"[{s}]"
            app.jinja_env.globals["y"] = "y"
            assert flask.render_template_string(source, x=1) == "[1]y"

    def test_a_missing_filter_may_come_later(self, flask: Any, app: Any) -> None:
        with app.app_context():
            with pytest.raises(jinja2.TemplateAssertionError, match="No filter named 'late'"):
                flask.render_template_string("{{ 1|late }}")
            app.add_template_filter(lambda x: "now", "late")
            assert flask.render_template_string("{{ 1|late }}") == "now"

    def test_changed_options_take_effect(self, flask: Any, app: Any) -> None:
        env = app.jinja_env
        with app.app_context():
            assert flask.render_template_string("{{ '<' }}{{ x }}\n") == "&lt;"
            env.keep_trailing_newline = True
            assert flask.render_template_string("{{ '<' }}{{ x }}\n") == "&lt;\n"
            env.autoescape = False
            assert flask.render_template_string("{{ '<' }}{{ x }}\n") == "<\n"
            env.undefined = jinja2.StrictUndefined
            with pytest.raises(jinja2.UndefinedError):
                flask.render_template_string("{{ '<' }}{{ x }}\n")
            env.variable_start_string = "${"
            env.variable_end_string = "}"
            assert flask.render_template_string("${1}") == "1"

    def test_an_extension_added_later(self, flask: Any, app: Any) -> None:
        class Shout(Extension):
            def preprocess(self, source: str, name: Any, filename: Any = None) -> str:
                return source.upper()

        with app.app_context():
            assert flask.render_template_string("a") == "a"
            app.jinja_env.add_extension(Shout)
            assert flask.render_template_string("a") == "A"

    def test_a_plain_environment_in_its_place(self, flask: Any, app: Any) -> None:
        app.jinja_env = jinja2.Environment(autoescape=False)
        with app.app_context():
            assert flask.render_template_string("{{ '<' }}") == "<"
            assert "".join(flask.stream_template_string("{{ '<' }}")) == "<"

    def test_threads(self, flask: Any, app: Any) -> None:
        wrong: list[str] = []

        def work(me: int) -> None:
            with app.app_context():
                for n in range(100):
                    text = flask.render_template_string(f"{n % 7} {{{{ me }}}}", me=me)
                    if text != f"{n % 7} {me}":
                        wrong.append(text)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


@pytest.mark.erlen_only
class TestCompiledOnce:
    @pytest.fixture
    def compiled(self, app: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        sources: list[str] = []
        env = app.jinja_env
        plain = type(env).from_string
        monkeypatch.setattr(
            type(env), "from_string", lambda self, s: sources.append(s) or plain(self, s)
        )
        return sources

    def test_once(self, flask: Any, app: Any, compiled: list[str]) -> None:
        with app.app_context():
            for n in range(3):
                assert flask.render_template_string("a{{ n }}", n=n) == f"a{n}"
                assert "".join(flask.stream_template_string("a{{ n }}", n=n)) == f"a{n}"
        assert compiled == ["a{{ n }}"]

    def test_again_after_a_change(self, flask: Any, app: Any, compiled: list[str]) -> None:
        with app.app_context():
            flask.render_template_string("a")
            app.jinja_env.trim_blocks = True
            flask.render_template_string("a")
            flask.render_template_string("a")
        assert compiled == ["a", "a"]

    def test_bounded(self, flask: Any, app: Any, compiled: list[str]) -> None:
        most = importlib.import_module("erlen._jinja")._MAX_STRING_TEMPLATES
        with app.app_context():
            for n in range(most + 10):
                flask.render_template_string(str(n))
            assert len(app.jinja_env._compiled) == most
            flask.render_template_string(str(most + 9))
            assert len(compiled) == most + 10
            flask.render_template_string("0")
            assert compiled[-1] == "0"
            assert len(app.jinja_env._compiled) == most

    def test_not_kept_without_a_cache(self, flask: Any, app: Any) -> None:
        app.jinja_options = {"cache_size": 0}
        with app.app_context():
            assert flask.render_template_string("a") == "a"
        assert app.jinja_env._compiled == {}

    def test_an_overlay_has_its_own(self, app: Any) -> None:
        env = app.jinja_env
        source = "{{ 1 }}${2}"
        assert env.compile_once(source).render() == "1${2}"
        overlay = env.overlay(variable_start_string="${", variable_end_string="}")
        assert overlay.compile_once(source).render() == "{{ 1 }}2"
        assert env.compile_once(source).render() == "1${2}"


class TestStreams:
    def test_pieces_within_the_request(
        self, flask: Any, app: Any, client: Any, templates: Any
    ) -> None:
        templates(**{"a.html": "{% for n in (1, 2) %}{{ request.args.a }}{{ n }}|{% endfor %}"})
        app.add_url_rule("/file", "file", lambda: flask.stream_template("a.html"))
        app.add_url_rule(
            "/string",
            "string",
            lambda: flask.stream_template_string("{{ request.args.a }}{{ x }}", x="<"),
        )
        response = client.get("/file?a=x")
        assert response.text == "x1|x2|"
        assert "Content-Length" not in response.headers
        assert client.get("/string?a=x").text == "x&lt;"

    def test_without_a_request(self, flask: Any, app: Any) -> None:
        with app.app_context():
            stream = flask.stream_template_string("{{ g.get('x', 'none') }}")
            assert iter(stream) is stream
            assert "".join(stream) == "none"

    def test_lazily(self, flask: Any, app: Any) -> None:
        calls: list[int] = []
        with app.app_context():
            stream = flask.stream_template_string(
                "{% for n in (1, 2) %}{{ call(n) }}{% endfor %}", call=lambda n: calls.append(n)
            )
            assert calls == []
            next(stream)
            assert calls == [1]


class TestSignals:
    def test_what_they_get_and_when(self, flask: Any, app: Any) -> None:
        log: list[Any] = []

        def before(sender: Any, template: Any, context: dict[str, Any], **extra: Any) -> None:
            log.append(("before", sender, template.name, context["x"], context["added"]))
            context["x"] = "changed"

        def after(sender: Any, template: Any, context: dict[str, Any], **extra: Any) -> None:
            log.append(("after", sender, template.name, context["x"], context["added"]))

        app.context_processor(lambda: {"added": "processor"})
        with (
            app.app_context(),
            flask.before_render_template.connected_to(before, app),
            flask.template_rendered.connected_to(after, app),
        ):
            assert flask.render_template_string("{{ x }}", x="given") == "changed"
            told = [
                ("before", app, None, "given", "processor"),
                ("after", app, None, "changed", "processor"),
            ]
            assert log == told
            log.clear()
            stream = flask.stream_template_string("{{ x }}", x="given")
            assert log == told[:1]
            assert "".join(stream) == "changed"
            assert log == told

    def test_a_failure_is_not_rendered(self, flask: Any, app: Any) -> None:
        log: list[str] = []

        def after(sender: Any, **extra: Any) -> None:
            log.append("rendered")

        with app.app_context(), flask.template_rendered.connected_to(after, app):
            with pytest.raises(ZeroDivisionError):
                flask.render_template_string("{{ 1 // x }}", x=0)
            assert log == []

    def test_async_receivers(self, flask: Any, app: Any) -> None:
        log: list[str] = []

        async def after(sender: Any, **extra: Any) -> None:
            log.append("awaited")

        with app.app_context(), flask.template_rendered.connected_to(after, app):
            flask.render_template_string("x")
        assert log == ["awaited"]


class TestEnvironment:
    def test_it_belongs_to_the_app(self, flask: Any, app: Any) -> None:
        env = app.jinja_env
        assert type(env) is flask.templating.Environment
        assert env.app is app
        assert isinstance(env.loader, flask.templating.DispatchingJinjaLoader)
        assert env.loader.app is app
        loader = jinja2.DictLoader({})
        assert flask.templating.Environment(app, loader=loader).loader is loader

    def test_a_class_of_ones_own(self, flask: Any, app: Any) -> None:
        class Own(flask.templating.Environment):
            pass

        app.jinja_environment = Own
        app.jinja_options = {"trim_blocks": True}
        assert type(app.jinja_env) is Own
        assert app.jinja_env.trim_blocks is True

    @pytest.mark.parametrize(
        ("name", "escaped"),
        [
            ("a.html", True),
            ("a.htm", True),
            ("a.xml", True),
            ("a.xhtml", True),
            ("a.svg", True),
            ("a.HTML", False),
            ("a.txt", False),
            (None, True),
        ],
    )
    def test_autoescape(self, app: Any, name: str | None, escaped: bool) -> None:
        assert app.select_jinja_autoescape(name) is escaped

    def test_auto_reload(self, flask: Any, app: Any, templates: Any) -> None:
        assert app.jinja_env.auto_reload is False
        for config, expected in (
            ({"DEBUG": True}, True),
            ({"TEMPLATES_AUTO_RELOAD": True}, True),
            ({"DEBUG": True, "TEMPLATES_AUTO_RELOAD": False}, False),
        ):
            other = flask.Flask("tested", root_path=app.root_path)
            other.config.update(config)
            assert other.jinja_env.auto_reload is expected

    def test_files_are_looked_at_once(
        self, flask: Any, app: Any, templates: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        templates(**{"a.html": "first"})
        with app.app_context():
            assert flask.render_template("a.html") == "first"
            templates(**{"a.html": "second"})
            monkeypatch.setattr(
                flask.templating.DispatchingJinjaLoader, "get_source", lambda *a: pytest.fail()
            )
            assert flask.render_template("a.html") == "first"
            app.jinja_env.cache.clear()
            monkeypatch.undo()
            assert flask.render_template("a.html") == "second"

    def test_globals_are_live_and_a_templates_own_stay_its_own(
        self, app: Any, templates: Any
    ) -> None:
        templates(**{"a.html": "{{ x }}{{ y }}", "b.html": "{{ x }}{{ y }}"})
        env = app.jinja_env
        a = env.get_template("a.html", globals={"x": "own"})
        b = env.get_template("b.html")
        env.globals.update(x="env", y="later")
        assert (a.render(), b.render()) == ("ownlater", "envlater")
        env.get_template("a.html", globals={"y": "mine"})
        assert (a.render(), b.render()) == ("ownmine", "envlater")
        assert dict(a.globals) == {**env.globals, "x": "own", "y": "mine"}
        assert a.globals["x"] == "own"
        assert len(a.globals) == len(env.globals)
        child = a.globals.new_child({"z": 1})
        assert (child["z"], child["x"], child["y"]) == (1, "own", "mine")
        with pytest.raises(KeyError, match="'nothing'"):
            a.globals["nothing"]

    def test_explained_search(
        self, flask: Any, app: Any, templates: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        templates(**{"a.html": "app"})
        Path(app.root_path, "own").mkdir()
        Path(app.root_path, "own", "a.html").write_text("part")
        Path(app.root_path, "own", "b.html").write_text("part")
        app.register_blueprint(
            flask.Blueprint("part", "tested", root_path=app.root_path, template_folder="own")
        )
        app.config["EXPLAIN_TEMPLATE_LOADING"] = True
        app.logger.setLevel("INFO")
        with app.app_context():
            assert flask.render_template("a.html") == "app"
            assert "Locating template 'a.html':" in caplog.text
            assert "trying loader of application 'tested'" in caplog.text
            assert "trying loader of blueprint 'part'" in caplog.text
            assert "Warning: multiple loaders returned a match for the template." in caplog.text
            assert flask.render_template("b.html") == "part"
            caplog.clear()
            with pytest.raises(jinja2.TemplateNotFound, match=r"c\.html"):
                flask.render_template("c.html")
            assert "Error: the template could not be found." in caplog.text


class TestRegistrars:
    @pytest.mark.parametrize("kind", ["filter", "test", "global"])
    def test_all_ways(self, app: Any, kind: str) -> None:
        def own(value: Any = None) -> bool:
            return True

        decorate = getattr(app, f"template_{kind}")
        assert decorate()(own) is own
        assert decorate("named")(own) is own
        assert decorate(name="keyword")(own) is own
        assert getattr(app, f"add_template_{kind}")(own, name="added") is None
        registered = getattr(app.jinja_env, f"{kind}s")
        assert [registered[n] for n in ("own", "named", "keyword", "added")] == [own] * 4

    @pytest.mark.erlen_only
    @pytest.mark.parametrize("kind", ["filter", "test", "global"])
    def test_without_parentheses(self, app: Any, kind: str) -> None:
        @getattr(app, f"template_{kind}")
        def own(value: Any = None) -> bool:
            return True

        assert getattr(app.jinja_env, f"{kind}s")["own"] is own

    def test_in_templates(self, flask: Any, app: Any) -> None:
        app.template_filter("twice")(lambda s: s * 2)
        app.template_test("even_length")(lambda s: len(s) % 2 == 0)
        app.template_global("double")(lambda n: n * 2)
        with app.app_context():
            source = "{{ 'ab'|twice }} {{ 'ab' is even_length }} {{ double(2) }}"
            assert flask.render_template_string(source) == "abab True 4"

    @pytest.mark.parametrize("kind", ["filter", "test", "global"])
    def test_methods_of_set_up(self, flask: Any, app: Any, client: Any, kind: str) -> None:
        method = getattr(flask.Flask, f"template_{kind}")
        assert method.__name__ == f"template_{kind}"
        assert list(inspect.signature(method).parameters) == ["self", "name"]
        method = getattr(flask.Flask, f"add_template_{kind}")
        assert method.__name__ == f"add_template_{kind}"
        assert list(inspect.signature(method).parameters) == ["self", "f", "name"]
        client.get("/")
        for name in (f"template_{kind}", f"add_template_{kind}"):
            with pytest.raises(AssertionError, match=f"The setup method '{name}' can no longer"):
                getattr(app, name)(lambda: "")

    def test_a_replaced_adder_serves_the_decorator(self, flask: Any, tmp_path: Path) -> None:
        class App(flask.Flask):
            def add_template_filter(self, f: Any, name: str | None = None) -> None:
                super().add_template_filter(f, f"my_{name or f.__name__}")

        app = App("tested", root_path=str(tmp_path))
        app.template_filter("x")(str)
        assert app.jinja_env.filters["my_x"] is str
