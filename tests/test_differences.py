"""Each heading of ``docs/differences.md``: what Flask does, and what erlen does."""

# mypy: disable-error-code="untyped-decorator"
# The package is Any here: it is the one or the other.

from __future__ import annotations

import asyncio
import hashlib
import importlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import threading
import typing
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click.testing
import pytest
import werkzeug.serving
from itsdangerous import TimestampSigner
from itsdangerous.encoding import base64_encode
from werkzeug.local import LocalProxy
from werkzeug.routing import Map
from werkzeug.test import create_environ, run_wsgi_app

import erlen
import erlen.cli
import erlen.sessions

PAGE = Path(__file__).parents[1] / "docs" / "differences.md"
KEY = "a secret key of more than thirty-two bytes"
peer = pytest.mark.peer


@pytest.fixture
def real() -> Any:
    """The real Flask."""
    return importlib.import_module("flask")


def make(package: Any) -> Any:
    app = package.Flask("differs", root_path="/")
    app.config["SECRET_KEY"] = KEY
    return app


def test_each_heading_is_held() -> None:
    headings = re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), re.M)
    wanted = {"test_" + heading.lower().replace(" ", "_").replace("'", "") for heading in headings}
    here = {name for name in globals() if name.startswith("test_")}
    assert len(headings) > 10
    assert here - {"test_each_heading_is_held"} == wanted


@peer
def test_one_context(real: Any) -> None:
    for package, one in ((real, False), (erlen, True)):
        ctx = make(package).test_request_context()
        assert isinstance(ctx, package.ctx.AppContext) is one
        with ctx:
            app_ctx = package.globals.app_ctx._get_current_object()
            assert (app_ctx is package.globals.request_ctx._get_current_object()) is one
            assert app_ctx.app is package.current_app._get_current_object()
        assert not package.has_app_context()
        app = make(package)
        asked: list[int] = []
        app.app_context = lambda app=app, asked=asked: asked.append(1) or type(app).app_context(app)
        app.test_client().get("/")
        assert asked == ([] if one else [1])


@peer
def test_a_request_keeps_its_application(real: Any) -> None:
    for package, kept in ((real, False), (erlen, True)):
        app = make(package)
        outer, inner = app.app_context(), app.test_request_context("/there")
        outer.push()
        inner.push()
        outer.pop()
        assert package.request.path == "/there"
        assert package.has_app_context() is kept
        inner.pop()


@peer
def test_the_proxies_are_of_classes_of_their_own(real: Any) -> None:
    for package, exact in ((real, True), (erlen, False)):
        for name in ("request", "session", "g", "current_app"):
            kind = type(getattr(package, name))
            assert issubclass(kind, LocalProxy)
            assert (kind is LocalProxy) is exact


@peer
def test_a_request_is_matched_once(real: Any) -> None:
    for package, endpoint in ((real, "index"), (erlen, None)):
        app = make(package)
        app.add_url_rule("/", "index", lambda: "")
        ctx = app.test_request_context("/")
        with ctx:
            assert ctx.request.endpoint == "index"
            ctx.request.url_rule = None
        with ctx:
            assert ctx.request.endpoint == endpoint


@peer
def test_the_session_opens_when_asked_for(real: Any) -> None:
    signer = TimestampSigner(
        KEY, salt="cookie-session", key_derivation="hmac", digest_method=hashlib.sha1
    )
    cookie = "session=" + signer.sign(base64_encode(b"[1]")).decode()  # signed, but no session
    for package, hooked in ((real, []), (erlen, ["before"])):
        app = make(package)
        seen: list[str] = []
        app.before_request(lambda seen=seen: seen.append("before"))
        app.get("/")(lambda package=package: str(package.session.get("a")))
        environ = create_environ("/", headers={"Cookie": cookie})
        assert answer(app, environ) == "500 INTERNAL SERVER ERROR"
        assert seen == hooked

    with pytest.raises(AssertionError, match="has not yet been opened"):
        make(real).test_request_context().session.get("a")
    assert make(erlen).test_request_context().session.get("a") is None

    opened: list[str] = []

    class Interface(erlen.sessions.SecureCookieSessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            opened.append(request.path)
            return super().open_session(app, request)

    app = make(erlen)
    app.session_interface = Interface()
    with app.test_request_context("/eager"):
        assert opened == ["/eager"]


def answer(app: Any, environ: dict[str, Any]) -> str:
    """The status of one request."""
    statuses: list[str] = []
    body = app(environ, lambda status, headers, exc_info=None: statuses.append(status))
    getattr(body, "close", lambda: None)()
    return statuses[-1]


@peer
def test_a_sent_file_is_not_buffered(real: Any) -> None:
    for package, kind in ((real, io.BufferedReader), (erlen, io.FileIO)):
        with make(package).test_request_context():
            response = package.send_file(__file__)
            assert type(response.response.file) is kind
            response.close()


@peer
def test_a_stream_keeps_its_context(real: Any) -> None:
    for package, expected in (
        (real, ["teardown", "view made None", "teardown"]),
        (erlen, ["view made 1", "teardown"]),
    ):
        app = make(package)
        seen: list[str] = []

        @app.get("/")
        def index(package: Any = package, seen: list[str] = seen) -> Any:
            package.g.made = 1

            def produce() -> Iterator[str]:
                seen.append(f"view made {package.g.get('made')}")
                yield package.request.path

            return package.Response(package.stream_with_context(produce()))

        @app.teardown_request
        def teardown(
            error: BaseException | None, package: Any = package, seen: list[str] = seen
        ) -> None:
            seen.append("teardown")
            package.g.pop("made", None)

        # Not by the test client, which keeps contexts of its own.
        body = app(create_environ("/"), lambda status, headers, exc_info=None: None)
        assert b"".join(body) == b"/"
        body.close()
        assert seen == expected


@peer
def test_async_views_share_a_loop(real: Any) -> None:
    for package, one in ((real, False), (erlen, True)):
        app = make(package)
        loops: list[Any] = []

        @app.get("/")
        async def index(loops: list[Any] = loops) -> str:
            loops.append(asyncio.get_running_loop())
            return threading.current_thread().name

        client = app.test_client()
        assert client.get("/").status_code == client.get("/").status_code == 200
        assert (loops[0] is loops[1]) is one


@peer
def test_source_templates_are_compiled_once(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, times in ((real, 3), (erlen, 1)):
        app = make(package)
        compiled: list[str] = []
        kind = type(app.jinja_env)
        plain = kind.compile
        with monkeypatch.context() as patch:
            patch.setattr(
                kind,
                "compile",
                lambda self, source, *args, compiled=compiled, plain=plain, **kwargs: (
                    compiled.append(source) or plain(self, source, *args, **kwargs)
                ),
            )
            with app.app_context():
                for n in range(3):
                    assert package.render_template_string("{{ n }}", n=n) == str(n)
        assert compiled == ["{{ n }}"] * times


@peer
def test_a_slash_in_a_value_is_quoted(real: Any) -> None:
    for package, built, status in ((real, "/user/a/b", 404), (erlen, "/user/a%2Fb", 404)):
        app = make(package)
        app.get("/user/<name>", endpoint="user")(lambda name: name)
        with app.test_request_context():
            assert package.url_for("user", name="a/b") == built
            assert package.url_for("user", name="a b") == "/user/a%20b"
        # A server hands over the path decoded, so neither is found; but "a%2Fb" is one segment,
        # and no other rule of the app takes it for its own.
        assert app.test_client().get("/user/a/b").status_code == status


@peer
@pytest.mark.parametrize(
    ("path", "body", "environ", "status"),
    [
        ("/json", b"[" * 100_000, {"CONTENT_TYPE": "application/json"}, ("500", "400")),
        ("/user", b"", {"HTTP_AUTHORIZATION": "Basic \xff"}, ("500", "200")),
        ("/data", b"x" * 11, {"wsgi.input_terminated": True}, ("200", "413")),
        (
            "/data",
            b"x",
            {"CONTENT_LENGTH": "9", "wsgi.input_terminated": True},
            ("200", "400"),
        ),
    ],
    ids=["deep", "credentials", "large", "short"],
)
def test_bad_input_is_refused(
    real: Any, path: str, body: bytes, environ: dict[str, Any], status: tuple[str, str]
) -> None:
    # The chunk: tests/cli/test_serve.py.
    for package, expected in zip((real, erlen), status, strict=True):
        app = make(package)
        app.config["MAX_CONTENT_LENGTH"] = None if path == "/json" else 10
        request = package.request
        app.post("/json", endpoint="json")(lambda request=request: str(request.json))
        app.post("/user", endpoint="user")(lambda request=request: str(request.authorization))
        app.post("/data", endpoint="data")(lambda request=request: request.get_data())
        asked = create_environ(path, method="POST") | {"wsgi.input": io.BytesIO(body)} | environ
        if "wsgi.input_terminated" not in environ:
            asked["CONTENT_LENGTH"] = str(len(body))
        _, line, _ = run_wsgi_app(app, asked)
        assert line[:3] == expected


@peer
def test_error_pages_are_whole(real: Any) -> None:
    for package, whole in ((real, False), (erlen, True)):
        app = make(package)
        seen: list[bool] = []

        def note(response: Any, seen: list[bool] = seen) -> Any:
            seen.append(response.is_sequence)
            return response

        app.after_request(note)
        response = app.test_client().get("/unknown")
        assert (response.status_code, response.content_length) == (404, len(response.data))
        assert seen == [whole]


@peer
def test_a_forgotten_return_is_told(real: Any) -> None:
    for package, message in ((real, "not callable"), (erlen, "must return the response")):
        app = make(package)
        app.testing = True
        app.get("/")(lambda: "view")
        app.after_request(lambda response: None)
        with pytest.raises(TypeError, match=message):
            app.test_client().get("/")


@peer
def test_a_blueprint_can_own_its_prefix(real: Any) -> None:
    with pytest.raises(TypeError, match="owns_prefix"):
        real.Blueprint("part", "differs", owns_prefix=True)
    for package, options, text in (
        (real, {}, "app"),
        (erlen, {}, "app"),
        (erlen, {"owns_prefix": True}, "part"),
    ):
        app = make(package)
        part = package.Blueprint("part", "differs", url_prefix="/part", root_path="/", **options)
        part.errorhandler(404)(lambda error: ("part", 404))
        app.errorhandler(404)(lambda error: ("app", 404))
        app.register_blueprint(part)
        assert app.test_client().get("/part/unknown").text == text


@peer
def test_weak_keys_are_reported(real: Any, caplog: pytest.LogCaptureFixture) -> None:
    for package, expected in ((real, 0), (erlen, 1)):
        caplog.clear()
        app = make(package)
        app.secret_key = "dev"
        app.get("/")(lambda package=package: str(package.session.setdefault("a", 1)))
        client = app.test_client()
        assert client.get("/").text == client.get("/").text == "1"
        assert len(caplog.messages) == expected
    assert "everybody knows" in caplog.text


@peer
def test_the_debugger_stays_at_home(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, attached in ((importlib.import_module("flask.cli"), True), (erlen.cli, False)):
        calls: list[Any] = []

        def serve(*args: Any, calls: list[Any] = calls, **options: Any) -> None:
            calls.append((args[2], options))

        monkeypatch.setattr(werkzeug.serving, "run_simple", serve)
        monkeypatch.setattr(package, "run_simple", serve, raising=False)  # Flask binds it
        app = make(real if attached else erlen)
        group = package.FlaskGroup(create_app=lambda app=app: app)
        args = ["run", "--debug", "--no-reload", "--host", "0.0.0.0"]
        result = click.testing.CliRunner().invoke(group, args)
        assert result.exit_code == 0, result.output
        served, options = calls[0]
        assert (served is not app or bool(options.get("use_debugger"))) is attached
        assert ("The debugger is off" in result.output) is not attached


@peer
def test_own_environment_variables(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "0")
    monkeypatch.setenv("ERLEN_DEBUG", "1")
    assert make(real).debug is False
    assert make(erlen).debug is True


def test_more_commands(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import click\nfrom erlen import Flask\napp = Flask(__name__)\n"
        "for name in ('new', 'translate'):\n"
        "    app.cli.command(name)(lambda: click.echo('its own'))\n"
    )
    for name, own in (("new", False), ("translate", True)):
        done = subprocess.run(
            [sys.executable, "-m", "erlen", name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={key: value for key, value in os.environ.items() if key != "FLASK_APP"},
        )
        assert (done.stdout == "its own\n") is own


@peer
@pytest.mark.parametrize("kind", ["filter", "test", "global"])
def test_decorators_without_parentheses(real: Any, kind: str) -> None:
    def plain(value: Any = None) -> bool:
        return value is None

    for package, returned in ((real, False), (erlen, True)):
        app = make(package)
        assert (getattr(app, f"template_{kind}")(plain) is plain) is returned
        part = package.Blueprint("part", "differs", root_path="/")
        assert (getattr(part, f"app_template_{kind}")(plain) is plain) is returned


@peer
def test_the_map_is_a_subclass(real: Any) -> None:
    assert type(make(real).url_map) is Map
    app = make(erlen)
    assert type(app.url_map) is not Map
    assert isinstance(app.url_map, Map)
    app.url_map = Map()
    app.get("/a/<int:n>")(lambda n: str(n))
    client = app.test_client()
    assert client.get("/a/3").text == "3"
    assert client.get("/a/x").status_code == 404


@peer
def test_modules_have_erlens_names(real: Any) -> None:
    for package, name in ((real, "flask"), (erlen, "erlen")):
        assert package.Flask.__module__ == f"{name}.app"
        assert package.Request.__module__ == f"{name}.wrappers"


@peer
def test_annotations_can_be_evaluated(real: Any) -> None:
    def hello() -> Any: ...

    def hints(package: Any) -> list[dict[str, Any]]:
        types = importlib.import_module(f"{package.__name__}.typing")
        hello.__annotations__["return"] = types.ResponseReturnValue
        asked = (hello, package.make_response, package.Flask.dispatch_request)
        return [typing.get_type_hints(function) for function in asked]

    # Which name it misses first depends on what was evaluated before.
    with pytest.raises(NameError, match="'(Response|Headers|WSGIApplication)' is not defined"):
        hints(real)
    assert all(found["return"] for found in hints(erlen))


@peer
def test_no_second_core(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sansio = importlib.import_module("flask.sansio.app")
    assert sansio.App in real.Flask.__mro__[1:]
    assert importlib.util.find_spec("erlen.sansio") is None
    finder = importlib.import_module("_erlen_as_flask")
    monkeypatch.setattr(finder, "_lend", lambda module, name: None)  # no alias for this process
    module = SimpleNamespace(__name__="flask.sansio.app")
    finder._Sansio().exec_module(module)
    assert issubclass(module.App, erlen.Flask)
    assert issubclass(erlen.Flask, module.App)


@peer
def test_the_version_asked_for_is_flasks(real: Any) -> None:
    for package in (real, erlen):
        with pytest.warns(DeprecationWarning) as caught:
            version = package.__version__
        assert version == "3.1.3"
        assert str(caught[0].message) == (
            "The '__version__' attribute is deprecated and will be removed in Flask 3.2. Use"
            " feature detection or 'importlib.metadata.version(\"flask\")' instead."
        )
        assert caught[0].filename == __file__
        with warnings.catch_warnings(), pytest.raises(AttributeError):
            package.no_such_name  # noqa: B018  # the look is the test
