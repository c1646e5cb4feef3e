"""Names under the alias: there or missing."""

from __future__ import annotations

import sys

import pytest

from erlen.doctor.names import missing


@pytest.mark.parametrize(
    "name",
    [
        "flask",
        "flask.Flask",
        "flask.json.provider.DefaultJSONProvider",
        "flask.globals._cv_app",
        "flask.sansio.app.App",
        "flask.sansio.scaffold.setupmethod",
        "flask.scaffold.setupmethod",
        "flask.cli.AppGroup",
        "flask.__version__",
        "flask.Flask.whatever_a_class_has",
        "flask.request.no_such",
        "werkzeug.middleware.proxy_fix.ProxyFix",
        "jinja2.ext.Extension",
        "click",
    ],
)
def test_there(name: str) -> None:
    assert missing(name) is None


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        ("flask.Markup", "flask.Markup"),
        ("flask.ext.wtf.Form", "flask.ext"),
        ("flask.globals._request_ctx_stack.top", "flask.globals._request_ctx_stack"),
        ("flask.json.JSONEncoder.default", "flask.json.JSONEncoder"),
        ("flask.sansio.nothing", "flask.sansio.nothing"),
        ("werkzeug.contrib.cache.SimpleCache", "werkzeug.contrib"),
        ("werkzeug.urls.url_quote", "werkzeug.urls.url_quote"),
        ("jinja2.Markup", "jinja2.Markup"),
    ],
)
def test_missing(name: str, lacking: str) -> None:
    assert missing(name) == lacking


def test_looking_leaves_no_flask_behind() -> None:
    before = {name for name in sys.modules if name.partition(".")[0] == "flask"}
    missing("flask.sansio.app.App")
    missing("flask.views.View")
    assert {name for name in sys.modules if name.partition(".")[0] == "flask"} == before
