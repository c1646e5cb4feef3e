"""The test client, the environ builder and the runner of commands."""

from __future__ import annotations

import importlib.metadata
import io
from typing import Any

import click
import pytest
from werkzeug.test import EnvironBuilder as WerkzeugBuilder
from werkzeug.wrappers import Request

METHODS = ["get", "post", "put", "delete", "patch", "head", "options", "trace"]


@pytest.fixture
def echo(flask: Any, app: Any) -> Any:
    """An app that tells what it was asked."""

    @app.route("/", defaults={"path": ""}, methods=[m.upper() for m in METHODS])
    @app.route("/<path:path>", methods=[m.upper() for m in METHODS])
    def tell(path: str) -> Any:
        request = flask.request
        return {
            "method": request.method,
            "url": request.url,
            "args": request.args.to_dict(flat=False),
            "form": request.form.to_dict(flat=False),
            "files": {name: f.read().decode() for name, f in request.files.items()},
            "json": request.get_json(silent=True),
            "type": request.content_type,
            "agent": request.headers.get("User-Agent"),
            "address": request.remote_addr,
            "custom": request.headers.get("X-Custom"),
            "cookies": request.cookies,
        }

    return app


class TestEnvironBuilder:
    def builder(self, flask: Any, app: Any, *args: Any, **kwargs: Any) -> Any:
        return flask.testing.EnvironBuilder(app, *args, **kwargs)

    def test_defaults(self, flask: Any, app: Any) -> None:
        with app.test_request_context() as ctx:
            assert ctx.request.url == "http://localhost/"
        builder = self.builder(flask, app, "/path?a=1")
        assert builder.app is app
        assert (builder.base_url, builder.path) == ("http://localhost/", "/path")
        assert builder.query_string == "a=1"

    def test_from_the_configuration(self, flask: Any, app: Any) -> None:
        app.config.update(
            SERVER_NAME="example.com:8000",
            APPLICATION_ROOT="/under",
            PREFERRED_URL_SCHEME="https",
        )
        assert self.builder(flask, app).base_url == "https://example.com:8000/under/"
        builder = self.builder(flask, app, "/x", subdomain="sub", url_scheme="ftp")
        assert builder.base_url == "ftp://sub.example.com:8000/under/"
        with app.test_request_context("/x", base_url="http://other.example/") as ctx:
            assert ctx.request.url == "http://other.example/x"

    def test_a_whole_url(self, flask: Any, app: Any) -> None:
        builder = self.builder(flask, app, "https://other.example:99/x?q=%20y")
        assert (builder.base_url, builder.path) == ("https://other.example:99/", "/x")
        assert builder.get_request().args["q"] == " y"

    @pytest.mark.parametrize("option", [{"subdomain": "s"}, {"url_scheme": "https"}])
    def test_what_contradicts_the_base_url(self, app: Any, option: dict[str, str]) -> None:
        with pytest.raises(AssertionError) as caught:
            app.test_request_context(base_url="http://x/", **option)
        assert str(caught.value) == 'Cannot pass "subdomain" or "url_scheme" with "base_url".'

    def test_json_is_the_apps(self, flask: Any, app: Any) -> None:
        app.json.sort_keys = False
        builder = self.builder(flask, app, json={"b": 1, "a": "é"})
        assert builder.json_dumps({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'
        assert builder.get_request().get_data() == b'{"b": 1, "a": "\\u00e9"}'
        assert builder.content_type == "application/json"

    @pytest.mark.erlen_only
    def test_it_closes_its_files(self, flask: Any, app: Any) -> None:
        with (
            self.builder(flask, app, data={"f": (io.BytesIO(b"x"), "x.txt")}) as builder,
            builder.get_request() as request,
        ):
            assert request.files["f"].read() == b"x"
        assert builder.closed


class TestClient:
    @pytest.mark.parametrize("method", [m for m in METHODS if m != "head"])
    def test_methods(self, echo: Any, method: str) -> None:
        assert getattr(echo.test_client(), method)("/x").json["method"] == method.upper()

    def test_head(self, echo: Any) -> None:
        response = echo.test_client().head("/x")
        assert (response.status_code, response.data) == (200, b"")

    def test_arguments(self, echo: Any) -> None:
        told = echo.test_client().post(
            "/x", query_string={"q": ["1", "2"]}, data={"f": "v"}, headers={"X-Custom": "c"}
        )
        assert told.json["args"] == {"q": ["1", "2"]}
        assert told.json["form"] == {"f": ["v"]}
        assert told.json["custom"] == "c"
        told = echo.test_client().post("/x", json=[1, {"a": None}])
        assert (told.json["json"], told.json["type"]) == ([1, {"a": None}], "application/json")
        told = echo.test_client().post("/x", data={"f": (io.BytesIO(b"content"), "f.txt")})
        assert told.json["files"] == {"f": "content"}

    def test_who_asks(self, echo: Any) -> None:
        client = echo.test_client()
        agent = f"Werkzeug/{importlib.metadata.version('werkzeug')}"
        assert client.environ_base == {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": agent}
        told = client.get("/").json
        assert (told["address"], told["agent"]) == ("127.0.0.1", agent)
        client.environ_base["REMOTE_ADDR"] = "10.0.0.1"
        client.environ_base["HTTP_USER_AGENT"] = "own"
        told = client.get("/").json
        assert (told["address"], told["agent"]) == ("10.0.0.1", "own")
        told = client.get("/", environ_base={"REMOTE_ADDR": "10.0.0.2"}).json
        assert (told["address"], told["agent"]) == ("10.0.0.2", "own")

    def test_subdomain_and_base_url(self, echo: Any) -> None:
        echo.config["SERVER_NAME"] = "example.com"
        client = echo.test_client()
        assert client.get("/x", subdomain="s").json["url"] == "http://s.example.com/x"
        assert client.get("/x", url_scheme="https").json["url"] == "https://example.com/x"
        assert client.get("/x", base_url="http://other/").json["url"] == "http://other/x"

    def test_one_ready_made_argument(self, flask: Any, echo: Any) -> None:
        client = echo.test_client()
        client.environ_base["HTTP_USER_AGENT"] = "own"
        builders = (
            flask.testing.EnvironBuilder(echo, "/x", method="PUT"),
            WerkzeugBuilder("/x", method="PUT", environ_base={"REMOTE_ADDR": "10.0.0.1"}),
        )
        for builder, address in zip(builders, ("127.0.0.1", "10.0.0.1"), strict=True):
            told = client.open(builder).json
            assert (told["method"], told["agent"]) == ("PUT", "own")
            assert told["address"] == address
        environ = WerkzeugBuilder("/x", method="PUT").get_environ()
        assert client.open(environ).json["method"] == "PUT"
        told = client.open(Request(environ)).json
        assert (told["method"], told["agent"]) == ("PUT", "own")

    def test_redirects(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/a", "a", lambda: flask.redirect("/b"))
        app.add_url_rule("/b", "b", lambda: flask.redirect("/c", 303))
        app.add_url_rule("/c", "c", lambda: "there")
        assert client.get("/a").status_code == 302
        response = client.get("/a", follow_redirects=True)
        assert response.text == "there"
        assert [(r.request.path, r.status_code) for r in response.history] == [
            ("/a", 302),
            ("/b", 303),
        ]
        assert response.request.path == "/c"

    def test_buffered(self, app: Any, client: Any) -> None:
        closed: list[str] = []

        def generate() -> Any:
            try:
                yield "piece"
            finally:
                closed.append("closed")

        app.add_url_rule("/", "index", generate)
        response = client.get("/", buffered=True)
        assert closed == ["closed"]
        assert response.text == "piece"

    def test_responses_read_json_as_the_app(self, flask: Any, app: Any, client: Any) -> None:
        class Provider(flask.json.provider.DefaultJSONProvider):
            def loads(self, s: Any, **kwargs: Any) -> Any:
                return {"read": super().loads(s, **kwargs)}

        app.add_url_rule("/", "index", lambda: {"a": 1})
        app.json = Provider(app)
        assert client.get("/").json == {"read": {"a": 1}}

    def test_the_apps_client_class(self, flask: Any, app: Any) -> None:
        class Client(flask.testing.FlaskClient):
            def __init__(self, *args: Any, who: str = "", **kwargs: Any) -> None:
                self.who = who
                super().__init__(*args, **kwargs)

        app.test_client_class = Client
        assert app.test_client(who="me").who == "me"
        assert app.test_client().application is app

    def test_what_extensions_call(self, app: Any, client: Any) -> None:
        client.set_cookie("a", "1")
        environ = WerkzeugBuilder("/").get_environ()
        client._add_cookies_to_wsgi(environ)
        assert environ["HTTP_COOKIE"] == "a=1"
        request = client._request_from_builder_args(("/x",), {"method": "POST"})
        assert (request.method, request.path) == ("POST", "/x")
        assert request.remote_addr == "127.0.0.1"


class TestCookies:
    def test_they_persist(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/set")
        def give() -> Any:
            response = flask.Response("set")
            response.set_cookie("color", "blue")
            return response

        app.add_url_rule("/get", "get", lambda: flask.request.cookies.get("color", "none"))
        assert client.get("/get").text == "none"
        client.get("/set")
        assert client.get("/get").text == "blue"
        assert client.get_cookie("color").value == "blue"
        client.delete_cookie("color")
        assert client.get("/get").text == "none"

    def test_or_not(self, flask: Any, app: Any) -> None:
        client = app.test_client(use_cookies=False)
        with pytest.raises(TypeError) as caught, client.session_transaction():
            pass
        assert str(caught.value) == (
            "Cookies are disabled. Create a client with 'use_cookies=True'."
        )


class TestSessionTransaction:
    @pytest.fixture(autouse=True)
    def views(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/set/<v>", "set", lambda v: flask.session.update(v=v) or "")
        app.add_url_rule("/get", "get", lambda: str(flask.session.get("v")))

    def test_write_and_read(self, flask: Any, app: Any, client: Any) -> None:
        with client:
            with client.session_transaction() as session:
                assert not session
                session["v"] = "written"
            assert client.get("/get").text == "written"
            client.get("/set/view")
            with client.session_transaction() as session:
                assert session["v"] == "view"
        assert not flask.has_request_context()

    def test_beside_a_kept_context(self, flask: Any, client: Any) -> None:
        with client:
            client.get("/get")
            kept = flask.request._get_current_object()
            with client.session_transaction() as session:
                session["v"] = "between"
                assert flask.request._get_current_object() is kept
            assert flask.request._get_current_object() is kept
            assert client.get("/get").text == "between"

    def test_an_error_stores_nothing(self, client: Any) -> None:
        with pytest.raises(KeyError), client.session_transaction() as session:
            session["v"] = "lost"
            raise KeyError
        assert client.get("/get").text == "None"

    def test_arguments_are_those_of_the_request(self, flask: Any, app: Any, client: Any) -> None:
        seen = []

        class Interface(flask.sessions.SecureCookieSessionInterface):
            def open_session(self, app: Any, request: Any) -> Any:
                seen.append(request.url)
                return super().open_session(app, request)

        app.session_interface = Interface()
        with client.session_transaction("/x", base_url="http://other.example/"):
            pass
        assert set(seen) == {"http://other.example/x"}

    def test_a_backend_that_opens_none(self, app: Any, client: Any) -> None:
        app.secret_key = None
        with (
            pytest.raises(RuntimeError) as caught,
            client.session_transaction(),
        ):
            pass
        assert str(caught.value) == "Session backend did not open a session."

    def test_a_null_session_is_not_stored(self, flask: Any, app: Any, client: Any) -> None:
        class Interface(flask.sessions.SecureCookieSessionInterface):
            def open_session(self, app: Any, request: Any) -> Any:
                return self.make_null_session(app)

            def save_session(self, *args: Any) -> None:
                raise AssertionError("a null session was saved")

        app.session_interface = Interface()
        with client.session_transaction() as session:
            assert app.session_interface.is_null_session(session)


class TestKeptContexts:
    @pytest.fixture
    def torn(self, flask: Any, app: Any) -> list[str]:
        torn: list[str] = []
        app.teardown_request(lambda e: torn.append(f"request {flask.request.path} {e!r}"))
        app.teardown_appcontext(lambda e: torn.append(f"app {e!r}"))

        @app.get("/fail")
        def fail() -> str:
            raise ValueError("x")

        @app.get("/go")
        def go() -> Any:
            return flask.redirect("/ok")

        @app.get("/ok")
        def ok() -> str:
            flask.g.seen = flask.request.path
            flask.session["a"] = 1
            return "ok"

        return torn

    def test_without_with_nothing_is_kept(self, flask: Any, client: Any, torn: list[str]) -> None:
        client.get("/ok")
        assert torn == ["request /ok None", "app None"]
        assert not flask.has_request_context()

    def test_with_the_last_one_is_kept(
        self, flask: Any, app: Any, client: Any, torn: list[str]
    ) -> None:
        with client:
            client.get("/ok?a=1")
            assert torn == ["request /ok None", "app None"]
            assert flask.request.args["a"] == "1"
            assert flask.g.seen == "/ok"
            assert flask.session["a"] == 1
            assert flask.current_app._get_current_object() is app
            assert flask.url_for("ok") == "/ok"
        # Entered again after the request, it is torn down again.
        assert torn == ["request /ok None", "app None"] * 2
        assert not flask.has_request_context()
        assert not flask.has_app_context()

    def test_the_next_request_ends_it(self, flask: Any, client: Any, torn: list[str]) -> None:
        with client:
            client.get("/ok?n=1")
            client.get("/ok?n=2")
            assert len(torn) == 6
            assert flask.request.args["n"] == "2"
        assert len(torn) == 8

    def test_across_redirects(self, flask: Any, client: Any, torn: list[str]) -> None:
        with client:
            assert client.get("/go", follow_redirects=True).text == "ok"
            assert flask.request.path == "/ok"
            torn.clear()
        assert [t for t in torn if t.startswith("request")] == [
            "request /ok None",
            "request /go None",
        ]
        assert not flask.has_app_context()

    def test_a_failed_request(self, flask: Any, app: Any, client: Any, torn: list[str]) -> None:
        app.config["PROPAGATE_EXCEPTIONS"] = False
        with client:
            assert client.get("/fail").status_code == 500
            assert flask.request.path == "/fail"
        assert not flask.has_request_context()

    def test_an_exception_that_propagates(self, flask: Any, client: Any, torn: list[str]) -> None:
        with client:
            with pytest.raises(ValueError):
                client.get("/fail")
            client.get("/ok")
            assert flask.request.path == "/ok"
        assert not flask.has_request_context()

    def test_two_clients(self, flask: Any, app: Any, torn: list[str]) -> None:
        one, two = app.test_client(), app.test_client()
        with one:
            one.get("/ok?n=1")
            with two:
                two.get("/ok?n=2")
                assert flask.request.args["n"] == "2"
            assert flask.request.args["n"] == "1"
        assert not flask.has_request_context()

    def test_not_nested(self, client: Any) -> None:
        with (
            client,
            pytest.raises(RuntimeError) as caught,
            client,
        ):
            pass
        assert str(caught.value) == "Cannot nest client invocations"

    def test_a_stream_is_read_within(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/stream")
        def stream() -> Any:
            def pieces() -> Any:
                yield flask.request.args["a"]
                yield flask.request.args["b"]

            return flask.Response(flask.stream_with_context(pieces()))

        with client:
            assert client.get("/stream?a=x&b=y").data == b"xy"
        assert not flask.has_request_context()


class TestCliRunner:
    @pytest.fixture(autouse=True)
    def command(self, flask: Any, app: Any) -> None:
        @app.cli.command("hello")
        @click.argument("name", default="you")
        def hello(name: str) -> None:
            click.echo(f"Hello {name} of {flask.current_app.name}")

    def test_by_words(self, app: Any) -> None:
        runner = app.test_cli_runner()
        assert runner.app is app
        result = runner.invoke(args=["hello", "me"])
        assert (result.output, result.exit_code) == ("Hello me of tested\n", 0)
        assert runner.invoke(args="hello 'you there'").output == "Hello you there of tested\n"
        assert runner.invoke(args=["unknown"]).exit_code == 2

    def test_by_command(self, app: Any) -> None:
        result = app.test_cli_runner().invoke(app.cli.commands["hello"])
        assert result.output == "Hello you of tested\n"

    def test_the_script_info(self, flask: Any, app: Any) -> None:
        @click.command()
        @click.pass_obj
        def show(obj: Any) -> None:
            click.echo(obj if isinstance(obj, str) else obj.load_app().name)

        runner = app.test_cli_runner()
        assert runner.invoke(show).output == "tested\n"
        assert runner.invoke(show, obj="own").output == "own\n"

    def test_the_runner_class(self, flask: Any, app: Any) -> None:
        class Runner(flask.testing.FlaskCliRunner):
            pass

        app.test_cli_runner_class = Runner
        runner = app.test_cli_runner(env={"A": "b"})
        assert isinstance(runner, Runner)
        assert runner.env["A"] == "b"
