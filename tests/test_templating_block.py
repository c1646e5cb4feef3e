"""One block of a template, rendered alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.erlen_only
class TestRenderBlock:
    def render(self, flask: Any, app: Any, *args: Any, **context: Any) -> str:
        with app.test_request_context("/here"):
            return str(flask.templating.render_block(*args, **context))

    @pytest.fixture(autouse=True)
    def pages(self, templates: Any) -> None:
        templates(
            **{
                "base.html": "<html>{% block head %}base{% endblock %}"
                "{% block body %}body{% endblock %}",
                "middle.html": "{% extends 'base.html' %}{% block head %}<{{ super() }}>"
                "{% endblock %}",
                "page.html": "{% extends 'middle.html' %}"
                "{% from 'macros.html' import bold %}{% set title = 'T' %}"
                "{% block body %}{{ bold(name) }} {{ title }} {{ request.path }}"
                "{% block inner %}{{ name }}{% endblock %}{% endblock %}",
                "macros.html": "{% macro bold(s) %}<b>{{ s }}</b>{% endmacro %}",
                "plain.txt": "no block",
            }
        )

    def test_its_own(self, flask: Any, app: Any) -> None:
        assert self.render(flask, app, "page.html", "inner", name="<n>") == "&lt;n&gt;"
        text = self.render(flask, app, ["none.html", "page.html"], "body", name="<n>")
        assert text == "<b>&lt;n&gt;</b> T /here&lt;n&gt;"

    def test_inherited(self, flask: Any, app: Any) -> None:
        assert self.render(flask, app, "page.html", "head") == "<base>"
        assert self.render(flask, app, "middle.html", "body") == "body"
        assert self.render(flask, app, "base.html", "head") == "base"

    def test_a_block_that_is_missing(self, flask: Any, app: Any) -> None:
        with pytest.raises(LookupError) as caught:
            self.render(flask, app, "page.html", "heda")
        message = "Template 'page.html' has no block 'heda'. It has: body, head, inner."
        assert str(caught.value) == message
        with pytest.raises(LookupError) as caught:
            self.render(flask, app, "plain.txt", "body")
        assert str(caught.value) == "Template 'plain.txt' has no block 'body'. It has: none."

    def test_signals_and_processors(self, flask: Any, app: Any) -> None:
        log: list[str] = []

        def rendered(sender: Any, template: Any, **extra: Any) -> None:
            log.append(template.name)

        app.context_processor(lambda: {"name": "processor"})
        with flask.template_rendered.connected_to(rendered, app):
            assert self.render(flask, app, "page.html", "inner") == "processor"
        assert log == ["page.html"]

    def test_errors_name_the_line_of_the_template(
        self, flask: Any, app: Any, templates: Any
    ) -> None:
        templates(**{"fails.html": "{% block a %}\n{{ x() }}{% endblock %}"})
        with pytest.raises(KeyError) as caught:
            self.render(flask, app, "fails.html", "a", x={}.popitem)
        entry = caught.traceback[-1]
        assert (Path(str(entry.path)).name, entry.lineno + 1) == ("fails.html", 2)

    def test_not_in_an_async_environment(self, flask: Any, app: Any) -> None:
        app.jinja_options = {"enable_async": True}
        with pytest.raises(RuntimeError) as caught:
            self.render(flask, app, "page.html", "body")
        message = "'render_block' cannot render in an environment with 'enable_async'."
        assert str(caught.value) == message
