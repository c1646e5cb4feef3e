"""Jinja's features, each through an app's environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% block a %}x{% endblock %}{{ self.a() }}", "xx"),
        ("{% include 'part.html' %}", "part 1"),
        ("{% include 'part.html' without context %}", "part "),
        ("{% include ['none', 'part.html'] %}{% include 'none' ignore missing %}", "part 1"),
        ("{% import 'macros.html' as m %}{{ m.twice('x') }}", "xx"),
        ("{% from 'macros.html' import twice with context %}{{ twice(n) }}", "2"),
        (
            "{% macro m() %}{{ caller(1) }}{% endmacro %}{% call(x) m() %}<{{ x }}>{% endcall %}",
            "<1>",
        ),
        ("{{ [3, 1, 2]|sort|join(',')|upper }}", "1,2,3"),
        (
            "{{ {'b': 1, 'a': [none, true, '</script>']}|tojson }}",
            '{"a": [null, true, "\\u003c/script\\u003e"], "b": 1}',
        ),
        ("{{ n is odd }}{{ n is divisibleby 2 }}{{ x is defined }}", "TrueFalseFalse"),
        (
            "{% for x in 'ab' %}{{ loop.index }}{{ x }}{{ loop.last }}{% else %}none{% endfor %}",
            "1aFalse2bTrue",
        ),
        ("{% for x in () %}{% else %}none{% endfor %}", "none"),
        (
            "{% for x in [[1], 2] recursive %}"
            "{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}{% endif %}{% endfor %}",
            "[1]2",
        ),
        ("{% set x %}<{{ n }}>{% endset %}{{ x }}", "<1>"),
        (
            "{% set ns = namespace(x=0) %}"
            "{% for i in (1, 2) %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
            "3",
        ),
        ("a  {%- if n -%}  b  {%- endif -%}  c", "abc"),
        ("{% autoescape false %}{{ '<' }}{% endautoescape %}{{ '<' }}{{ '<'|safe }}", "<&lt;<"),
        ("{% raw %}{{ n }}{% endraw %}{# comment #}", "{{ n }}"),
        ("{% with x = 2 %}{{ x }}{% endwith %}{% filter upper %}a{% endfilter %}", "2A"),
    ],
)
def test_language(flask: Any, app: Any, templates: Any, source: str, text: str) -> None:
    templates(
        **{
            "part.html": "part {{ n }}",
            "macros.html": "{% macro twice(s) %}{{ s * 2 }}{% endmacro %}",
        }
    )
    with app.app_context():
        assert flask.render_template_string(source, n=1) == text
        assert "".join(flask.stream_template_string(source, n=1)) == text


def test_extensions(flask: Any, app: Any) -> None:
    app.jinja_options = {
        "extensions": [
            "jinja2.ext.i18n",
            "jinja2.ext.do",
            "jinja2.ext.loopcontrols",
            "jinja2.ext.debug",
        ]
    }
    app.jinja_env.install_gettext_callables(
        lambda s: s.upper(), lambda s, p, n: s if n == 1 else p, newstyle=True
    )
    with app.app_context():
        for source, text in (
            ("{% trans %}hello{% endtrans %}", "HELLO"),
            ("{% trans n=2 %}one{% pluralize %}{{ n }} many{% endtrans %}", "2 many"),
            ("{% set l = [] %}{% do l.append(1) %}{{ l }}", "[1]"),
            (
                "{% for n in (1, 2, 3) %}{% if n == 2 %}{% break %}{% endif %}{{ n }}{% endfor %}",
                "1",
            ),
        ):
            assert flask.render_template_string(source) == text
        assert "filters" in flask.render_template_string("{% debug %}")


def test_what_a_template_is_called(app: Any, templates: Any) -> None:
    templates(**{"named.txt": "{{ x }}"})
    template = app.jinja_env.get_template("named.txt")
    assert repr(template) == "<Template 'named.txt'>"
    assert repr(template.new_context({"x": 1})).startswith("<Context ")


def test_undefined_classes(flask: Any, app: Any) -> None:
    with app.app_context():
        app.jinja_env.undefined = jinja2.ChainableUndefined
        assert flask.render_template_string("{{ a.b.c }}") == ""
        app.jinja_env.undefined = jinja2.StrictUndefined
        with pytest.raises(jinja2.UndefinedError, match="'a' is undefined"):
            flask.render_template_string("{{ a.b.c }}")


def test_bytecode_cache(flask: Any, app: Any, templates: Any, tmp_path: Path) -> None:
    folder = tmp_path / "bytecode"
    folder.mkdir()
    app.jinja_options = {"bytecode_cache": jinja2.FileSystemBytecodeCache(str(folder))}
    templates(**{"a.html": "{{ x }}"})
    with app.app_context():
        assert flask.render_template("a.html", x=1) == "1"
    assert len(list(folder.iterdir())) == 1


def test_async_environment(flask: Any, app: Any) -> None:
    async def value() -> str:
        return "awaited"

    app.jinja_options = {"enable_async": True}
    with app.app_context():
        assert flask.render_template_string("{{ value() }}", value=value) == "awaited"


def test_overlay_and_line_statements(app: Any) -> None:
    overlay = app.jinja_env.overlay(line_statement_prefix="%")
    assert overlay.from_string("% for n in (1, 2)\n{{ n }}\n% endfor").render() == "1\n2\n"
    assert overlay.app is app


def test_sandbox_and_native_types(flask: Any, app: Any) -> None:
    class Sandbox(flask.templating.Environment, SandboxedEnvironment):
        pass

    class Native(flask.templating.Environment, NativeEnvironment):
        pass

    with app.app_context():
        app.jinja_env = Sandbox(app)
        with pytest.raises(SecurityError):
            flask.render_template_string("{{ ''.__class__.__mro__ }}")
        app.jinja_env = Native(app)
        assert flask.render_template_string("{{ [1, 2] }}") == [1, 2]


def test_a_missing_test_in_a_branch(flask: Any, app: Any) -> None:
    source = "{% if x %}{{ 1 is wrong }}{% endif %}"
    with app.app_context():
        assert flask.render_template_string(source) == ""
        with pytest.raises(TemplateRuntimeError, match="No test named 'wrong'"):
            flask.render_template_string(source, x=1)


class Html:
    def __html__(self) -> str:
        return "<html>"

    __str__ = __html__


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("&<>'\"é", "&amp;&lt;&gt;&#39;&#34;é"),
        ("&amp;", "&amp;amp;"),
        (Text("<"), "&lt;"),
        (Markup("<b>"), "<b>"),
        (Html(), "<html>"),
        (12, "12"),
        (True, "True"),
        (1.5, "1.5"),
        (None, "None"),
        (["<"], "[&#39;&lt;&#39;]"),
        (b"<", "b&#39;&lt;&#39;"),
    ],
)
def test_each_value_is_escaped_once(flask: Any, app: Any, value: Any, text: str) -> None:
    with app.app_context():
        for source in (
            "{{ v }}",
            "{% set x %}{{ v }}{% endset %}{{ x }}",
            "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(v) }}",
            "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ v }}{% endcall %}",
            "{% filter trim %}{{ v }}{% endfilter %}",
            "{% for x in [v] %}{{ x }}{% endfor %}",
            "{% autoescape true %}{{ v }}{% endautoescape %}",
        ):
            assert flask.render_template_string(source, v=value) == text, source
            assert "".join(flask.stream_template_string(source, v=value)) == text, source
        unescaped = "{% autoescape false %}{{ v }}{% endautoescape %}"
        assert flask.render_template_string(unescaped, v=value) == str(value)


def test_calls(flask: Any, app: Any) -> None:
    @jinja2.pass_context
    def from_context(context: Any, name: str) -> Any:
        return context[name]

    @jinja2.pass_environment
    def from_environment(env: Any) -> bool:
        return env is app.jinja_env

    @jinja2.pass_eval_context
    def from_eval_context(eval_context: Any) -> bool:
        return bool(eval_context.autoescape)

    class Callable:
        @jinja2.pass_context
        def __call__(self, context: Any) -> Any:
            return context["given"]

        @jinja2.pass_context
        def method(self, context: Any) -> Any:
            return context["given"]

        def keywords(self, /, **kwargs: Any) -> str:
            return ",".join(sorted(kwargs))

    def stops() -> Any:
        raise StopIteration

    with app.app_context():
        for source, text in (
            ("{% for x in 'ab' %}{% set y = x %}{{ from_context('y') }}{% endfor %}", "ab"),
            ("{{ from_environment() }} {{ from_eval_context() }}", "True True"),
            ("{{ o() }} {{ o.method() }}", "given given"),
            ("{% for x in 'a' %}{{ o.keywords(self=1, obj=2, n=3) }}{% endfor %}", "n,obj,self"),
            ("{{ stops() is undefined }}", "True"),
            ("{{ range(3)|list }} {{ 'a'.upper() }} {{ dict(a=1) }}", "[0, 1, 2] A {'a': 1}"),
        ):
            rendered = flask.render_template_string(
                source,
                from_context=from_context,
                from_environment=from_environment,
                from_eval_context=from_eval_context,
                o=Callable(),
                stops=stops,
                given="given",
            )
            assert Markup(rendered).unescape() == text
