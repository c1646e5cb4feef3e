from __future__ import annotations

import importlib
import logging
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from jinja2 import BaseLoader, DictLoader, FileSystemLoader
from werkzeug.exceptions import BadRequestKeyError


@pytest.fixture
def helpers(flask: Any) -> Any:
    return importlib.import_module(f"{flask.__name__}.debughelpers")


@pytest.fixture
def upload(flask: Any, app: Any, client: Any) -> Any:
    app.debug = True

    @app.post("/upload")
    def upload() -> str:
        return flask.request.files["picture"].filename  # type: ignore[no-any-return]

    return client


WRONG_FORM = (
    "You tried to access the file 'picture' in the request.files dictionary but it does not exist."
    " The mimetype for the request is 'application/x-www-form-urlencoded' instead of"
    " 'multipart/form-data' which means that no file contents were transmitted. To fix this error"
    ' you should provide enctype="multipart/form-data" in your form.'
)


def test_a_file_in_a_form_without_enctype(upload: Any, helpers: Any) -> None:
    with pytest.raises(helpers.DebugFilesKeyError) as info:
        upload.post("/upload", data={"picture": ["a.png", "b.png"]})
    assert str(info.value) == (
        f"{WRONG_FORM}\n\nThe browser instead transmitted some file names. This was submitted:"
        " 'a.png', 'b.png'"
    )
    assert isinstance(info.value, KeyError) and isinstance(info.value, AssertionError)


def test_a_field_that_is_nowhere(upload: Any) -> None:
    with pytest.raises(BadRequestKeyError):
        upload.post("/upload", data={"other": "x"})


def test_a_file_that_is_there(upload: Any) -> None:
    data = {"picture": (BytesIO(b"x"), "a.png")}
    assert upload.post("/upload", data=data).data == b"a.png"


def test_attaching(app: Any, helpers: Any) -> None:
    with app.test_request_context(method="POST", data={"picture": "a.png"}) as ctx:
        plain = type(ctx.request.files)
        helpers.attach_enctype_error_multidict(ctx.request)
        files = ctx.request.files
        assert isinstance(files, plain) and type(files) is not plain
        assert (type(files).__name__, type(files).__module__) == (plain.__name__, plain.__module__)
        assert files.get("picture") is None
        with pytest.raises(KeyError) as info:
            files["nothing"]
        assert not isinstance(info.value, helpers.DebugFilesKeyError)
        with pytest.raises(helpers.DebugFilesKeyError):
            files["picture"]
        message = str(helpers.DebugFilesKeyError(ctx.request, "nothing"))
        assert message == WRONG_FORM.replace("picture", "nothing")


def test_a_redirect_that_drops_form_data(app: Any, client: Any, helpers: Any) -> None:
    app.debug = True
    app.add_url_rule("/form/", view_func=lambda: "", methods=["GET", "POST"], endpoint="form")
    app.add_url_rule("/new", view_func=lambda: "", methods=["GET", "POST"], endpoint="new")
    app.add_url_rule("/old", redirect_to="/new", methods=["GET", "POST"], endpoint="old")
    tail = (
        " Send requests to the canonical URL, or use 307 or 308 for routing redirects. Otherwise,"
        " browsers will drop form data.\n\nThis exception is only raised in debug mode."
    )

    def redirected(path: str) -> str:
        with app.test_request_context(path, method="POST") as ctx:
            return str(helpers.FormDataRoutingRedirect(ctx.request))

    assert redirected("/form?a=1") == (
        "A request was sent to 'http://localhost/form?a=1', but routing issued a redirect to the"
        " canonical URL 'http://localhost/form/?a=1'. The URL was defined with a trailing slash."
        " Flask will redirect to the URL with a trailing slash if it was accessed without one."
        f"{tail}"
    )
    assert redirected("/old") == (
        "A request was sent to 'http://localhost/old', but routing issued a redirect to the"
        f" canonical URL 'http://localhost/new'.{tail}"
    )
    assert issubclass(helpers.FormDataRoutingRedirect, AssertionError)


def test_unexpected_unicode(helpers: Any) -> None:
    assert issubclass(helpers.UnexpectedUnicodeError, AssertionError)
    assert issubclass(helpers.UnexpectedUnicodeError, UnicodeError)


class OddLoader(BaseLoader):
    def __init__(self) -> None:
        self.flag = True
        self.names = ("a", "b")
        self.mixed = ["a", 1]
        self.ratio = 1.5
        self.mapping = {"skipped": 1}
        self._private = "skipped"


def explained(
    flask: Any, app: Any, helpers: Any, caplog: pytest.LogCaptureFixture, found: list[Any]
) -> list[str]:
    blueprint = flask.Blueprint("front", "somewhere")
    attempts = list(
        zip(
            [FileSystemLoader("/srv/templates"), DictLoader({}), OddLoader()],
            [app, blueprint, "neither"],
            found,
            strict=True,
        )
    )
    with caplog.at_level(logging.INFO):
        helpers.explain_template_loading_attempts(app, "page.html", attempts)
    return caplog.messages[-1].splitlines()


LOADERS = [
    "Locating template 'page.html':",
    "    1: trying loader of application 'tested'",
    "       class: jinja2.loaders.FileSystemLoader",
    "       encoding: 'utf-8'",
    "       followlinks: False",
    "       searchpath:",
    "         - /srv/templates",
    "       -> {}",
    "    2: trying loader of blueprint 'front' (somewhere)",
    "       class: jinja2.loaders.DictLoader",
    "       -> {}",
    "    3: trying loader of 'neither'",
    "       class: test_debughelpers.OddLoader",
    "       flag: True",
    "       names:",
    "         - a",
    "         - b",
    "       ratio: 1.5",
    "       -> {}",
]


@pytest.mark.parametrize(
    ("found", "outcomes", "verdict"),
    [
        (
            [None, None, None],
            ["no match", "no match", "no match"],
            ["Error: the template could not be found."],
        ),
        ([None, ("", None, None), None], ["no match", "found ('<string>')", "no match"], []),
        (
            [("", "/srv/page.html", None), None, ("", None, None)],
            ["found ('/srv/page.html')", "no match", "found ('<string>')"],
            ["Warning: multiple loaders returned a match for the template."],
        ),
    ],
)
@pytest.mark.parametrize("in_blueprint", [False, True])
def test_where_a_template_was_looked_for(
    flask: Any,
    app: Any,
    helpers: Any,
    caplog: pytest.LogCaptureFixture,
    found: list[Any],
    outcomes: list[str],
    verdict: list[str],
    in_blueprint: bool,
) -> None:
    waiting = iter(outcomes)
    expected = [line.format(next(waiting)) if "{}" in line else line for line in LOADERS]
    if in_blueprint:
        here = flask.Blueprint("here", __name__)
        here.add_url_rule("/", endpoint="index", view_func=lambda: "")
        app.register_blueprint(here)
        with app.test_request_context("/"):
            lines = explained(flask, app, helpers, caplog, found)
        if verdict:
            verdict = [
                *verdict,
                "  The template was looked up from an endpoint that belongs to the blueprint"
                " 'here'.",
                "  Maybe you did not place a template in the right folder?",
                "  See https://flask.palletsprojects.com/blueprints/#templates",
            ]
    else:
        lines = explained(flask, app, helpers, caplog, found)
    assert lines == expected + verdict


def test_the_setting(
    flask: Any, app: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "there.html").write_text("hello", "utf-8")
    with caplog.at_level(logging.INFO), app.app_context():
        assert flask.render_template("there.html") == "hello"
    (message,) = caplog.messages
    assert message.startswith(
        "Locating template 'there.html':\n    1: trying loader of application"
    )
    assert message.endswith("there.html')")
