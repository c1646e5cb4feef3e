"""Classes and objects of the app that extensions put their own in the place of, at any time.

Run with ``ERLEN_TEST_DOOR=flask`` and without the alias, these are tests of Flask itself.
"""

from __future__ import annotations

import importlib
import uuid
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound


class TestRequestClass:
    def test_with_an_init_of_its_own(self, flask: Any, app: Any, client: Any) -> None:
        """CTFd rewrites the environ's script name there."""

        class Mine(flask.Request):
            def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
                super().__init__(environ, *args, **kwargs)
                self.tenant = environ.get("HTTP_X_TENANT", "nobody")

        app.request_class = Mine
        app.add_url_rule("/<int:n>", "index", lambda n: f"{flask.request.tenant} {n}")
        app.before_request(lambda: setattr(flask.request, "seen", True))
        app.after_request(lambda r: (r.headers.update(seen=str(flask.request.seen)), r)[1])
        response = client.get("/5", headers={"X-Tenant": "ada"})
        assert response.text == "ada 5"
        assert response.headers["seen"] == "True"

    def test_parses_another_way(self, flask: Any, app: Any, client: Any) -> None:
        """Flask-API overrides form and data; others the storage of parameters."""

        class Mine(flask.Request):
            parameter_storage_class = MultiDict

            @property
            def data(self) -> Any:
                return {"own": self.get_data(as_text=True)}

            def on_json_loading_failed(self, e: ValueError | None) -> Any:
                return {"failed": e is not None}

        app.request_class = Mine
        app.add_url_rule("/data", "data", lambda: flask.request.data, methods=["POST"])
        app.add_url_rule("/json", "json", lambda: flask.request.get_json(), methods=["POST"])
        app.add_url_rule("/args", "args", lambda: type(flask.request.args).__name__)
        assert client.post("/data", data=b"x").json == {"own": "x"}
        assert client.post("/json", data="{", content_type="application/json").json == {
            "failed": True
        }
        assert client.get("/args?a=1").text == "MultiDict"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("args", {"a": "mocked"}),
            ("form", {"a": "mocked"}),
            ("cookies", {"a": "mocked"}),
            ("host", "mocked.example"),
            ("url", "http://mocked/"),
            ("base_url", "http://mocked/"),
            ("full_path", "/mocked?"),
            ("path", "/mocked"),
            ("method", "MOCKED"),
            ("remote_addr", "10.0.0.1"),
            ("scheme", "https"),
            ("accept_languages", "mocked"),
            ("user_agent", "mocked"),
            ("stream", b"mocked"),
            ("files", {}),
            ("view_args", {"n": 7}),
            ("url_rule", None),
            ("routing_exception", None),
            ("trusted_hosts", ["mocked"]),
            ("headers", {"X": "mocked"}),
            ("data", b"mocked"),
            ("values", {"a": "mocked"}),
        ],
    )
    def test_attribute_set(self, flask: Any, app: Any, name: str, value: Any) -> None:
        """Middleware of the Flask kind, and tests, write over what the request says."""
        with app.test_request_context("/x?a=1"):
            setattr(flask.request, name, value)
            assert getattr(flask.request, name) == value
            assert getattr(flask.globals.request_ctx.request, name) == value

    @pytest.mark.parametrize("name", ["json", "is_json", "endpoint", "blueprint", "script_root"])
    def test_attribute_that_cannot_be_set(self, flask: Any, app: Any, name: str) -> None:
        with app.test_request_context("/"), pytest.raises(AttributeError):
            setattr(flask.request, name, "x")

    def test_written_over_before_the_view(self, flask: Any, app: Any, client: Any) -> None:
        """A hook that changes `view_args` changes what the view gets."""
        app.add_url_rule("/<lang>/<int:n>", "index", lambda n: f"{flask.g.lang} {n}")

        def pull(endpoint: str | None, values: dict[str, Any] | None) -> None:
            assert endpoint == "index" and values is not None
            flask.g.lang = values.pop("lang")

        app.url_value_preprocessor(pull)
        app.before_request(lambda: flask.request.view_args.update(n=9))
        assert client.get("/de/5").text == "de 9"

    def test_rule_written_over(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/a", "a", lambda: "a")
        app.add_url_rule("/b", "b", lambda: "b")
        rule = next(app.url_map.iter_rules("b"))
        app.before_request(lambda: setattr(flask.request, "url_rule", rule))
        assert client.get("/a").text == "b"

    def test_routing_exception_set_and_taken_away(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/a", "a", lambda: "a")

        def before() -> None:
            if "refuse" in flask.request.args:
                flask.request.routing_exception = NotFound("refused")

        app.before_request(before)
        assert client.get("/a").text == "a"
        assert "refused" in client.get("/a?refuse").text

    def test_several_bases(self, flask: Any, app: Any, client: Any) -> None:
        class Mixin:
            def tell(self) -> str:
                return f"{self.method} {self.endpoint}"  # type: ignore[attr-defined]  # a mixin

        app.request_class = type("Mixed", (Mixin, flask.Request), {})
        app.add_url_rule("/", "index", lambda: flask.request.tell())
        assert client.get("/").text == "GET index"


class TestResponseClass:
    def test_with_an_init_of_its_own(self, flask: Any, app: Any, client: Any) -> None:
        """Flask-HTMX and Flask-API have responses with parameters and defaults of their own."""

        class Mine(flask.Response):
            def __init__(self, response: Any = None, *args: Any, **kwargs: Any) -> None:
                super().__init__(response, *args, **kwargs)
                self.headers["X-Mine"] = "1"

        app.response_class = Mine
        app.add_url_rule("/text", "text", lambda: "x")
        app.add_url_rule("/dict", "dict", lambda: {"a": 1})
        app.add_url_rule("/tuple", "tuple", lambda: ("x", 201))
        app.add_url_rule("/made", "made", lambda: flask.make_response("x"))
        app.add_url_rule("/json", "json", lambda: flask.jsonify(a=1))
        app.add_url_rule("/redirect", "redirect", lambda: flask.redirect("/"))
        for path in ("/text", "/dict", "/tuple", "/made", "/json", "/redirect"):
            response = client.get(path)
            assert (path, response.headers.get("X-Mine")) == (path, "1")

    def test_takes_other_values(self, flask: Any, app: Any, client: Any) -> None:
        """Its `force_type` is asked for what no one else knows, as the docs' JSON response."""

        class Mine(flask.Response):
            @classmethod
            def force_type(cls, response: Any, environ: Any = None) -> Any:
                if isinstance(response, uuid.UUID):
                    response = cls(str(response))
                return super().force_type(response, environ)

        app.response_class = Mine
        app.add_url_rule("/forced", "forced", lambda: Mine.force_type(uuid.UUID(int=5)))
        app.add_url_rule("/foreign", "foreign", lambda: NotFound())
        assert client.get("/forced").text.endswith("-000000000005")
        response = client.get("/foreign")
        assert response.status_code == 404

    @pytest.mark.wsgi  # ASGI sends no reason phrase
    def test_called_as_a_wsgi_app(self, flask: Any, app: Any, client: Any) -> None:
        """flask-sock answers with a response that does nothing when it is called."""

        class Silent(flask.Response):
            def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
                start_response("299 Silent", [])
                return []

        app.add_url_rule("/", "index", lambda: Silent())
        assert client.get("/").status == "299 Silent"

    def test_default_status_and_mimetype(self, flask: Any, app: Any, client: Any) -> None:
        class Mine(flask.Response):
            default_status = 299
            default_mimetype = "text/x-mine"

        app.response_class = Mine
        app.add_url_rule("/", "index", lambda: "x")
        response = client.get("/")
        assert (response.status_code, response.mimetype) == (299, "text/x-mine")

    def test_autocorrected_location(self, flask: Any, app: Any, client: Any) -> None:
        """httpbin and redirect-heavy apps set the switch on the class."""

        class Mine(flask.Response):
            autocorrect_location_header = True

        app.response_class = Mine
        app.add_url_rule("/", "index", lambda: flask.redirect("/x"))
        assert client.get("/").location == "http://localhost/x"

    def test_patched_on_the_class(
        self, flask: Any, app: Any, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ddtrace wraps `Response.set_cookie`."""
        original = flask.Response.set_cookie

        def set_cookie(self: Any, key: str, *args: Any, **kwargs: Any) -> None:
            original(self, f"wrapped-{key}", *args, **kwargs)

        def view() -> Any:
            response = flask.make_response("x")
            response.set_cookie("a", "1")
            return response

        monkeypatch.setattr(flask.Response, "set_cookie", set_cookie)
        app.add_url_rule("/", "index", view)
        assert client.get("/").headers["Set-Cookie"] == "wrapped-a=1; Path=/"

    def test_switches_on_the_class(
        self, flask: Any, app: Any, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """httpbin and others switch the corrected location on the class itself."""
        app.add_url_rule("/", "index", lambda: flask.redirect("/x"))
        app.add_url_rule("/text", "text", lambda: "x")
        assert client.get("/").location == "/x"
        monkeypatch.setattr(flask.Response, "autocorrect_location_header", True)
        monkeypatch.setattr(flask.Response, "default_mimetype", "text/plain")
        assert client.get("/").location == "http://localhost/x"
        assert client.get("/text").mimetype == "text/plain"


class Store:
    """A session interface with a store of its own, as Flask-Session, KVSession and CTFd have."""

    def __init__(self, flask: Any) -> None:
        sessions: Any = importlib.import_module(f"{flask.__name__}.sessions")
        stored: dict[str, dict[str, Any]] = {}
        self.stored = stored

        class Session(dict[str, Any], sessions.SessionMixin):
            def __init__(self, sid: str, initial: dict[str, Any], new: bool) -> None:
                super().__init__(initial)
                self.sid = sid
                self.new = new

        class Interface(sessions.SessionInterface):
            session_class = Session

            def open_session(self, app: Any, request: Any) -> Any:
                sid = request.cookies.get(self.get_cookie_name(app))
                if sid in stored:
                    return Session(sid, stored[sid], new=False)
                return Session(f"sid{len(stored) + 1}", {}, new=True)

            def save_session(self, app: Any, session: Any, response: Any) -> None:
                name = self.get_cookie_name(app)
                if not session:
                    stored.pop(session.sid, None)
                    response.delete_cookie(name)
                    return
                stored[session.sid] = dict(session)
                response.set_cookie(name, session.sid, httponly=self.get_cookie_httponly(app))
                response.vary.add("Cookie")

            def is_null_session(self, obj: object) -> bool:
                return bool(super().is_null_session(obj))

        self.interface = Interface()


class TestSessionInterface:
    @pytest.fixture
    def store(self, flask: Any, app: Any) -> Store:
        store = Store(flask)
        app.session_interface = store.interface
        app.add_url_rule(
            "/set/<v>",
            "set",
            lambda v: (flask.session.__setitem__("v", v), flask.session.sid)[1],
        )
        app.add_url_rule("/get", "get", lambda: f"{flask.session.get('v')} {flask.session.new}")
        app.add_url_rule("/clear", "clear", lambda: (flask.session.clear(), "x")[1])
        return store

    def test_own_store(self, store: Store, client: Any) -> None:
        assert client.get("/get").text == "None True"
        response = client.get("/set/a")
        assert response.text in store.stored
        assert response.headers["Vary"] == "Cookie"
        assert client.get("/get").text == "a False"
        client.get("/clear")
        assert store.stored == {}
        assert client.get("/get").text == "None True"

    def test_session_transaction(self, store: Store, client: Any) -> None:
        with client.session_transaction() as session:
            session["v"] = "by a test"
        assert client.get("/get").text == "by a test False"

    def test_seen_by_each_hook_as_one_object(
        self, flask: Any, app: Any, store: Store, client: Any
    ) -> None:
        seen: list[int] = []

        def note(*args: Any) -> None:
            seen.append(id(flask.session._get_current_object()))

        app.before_request(note)
        app.after_request(lambda response: (note(), response)[1])
        app.teardown_request(note)
        client.get("/get")
        assert len(seen) == 3 and len(set(seen)) == 1

    def test_swapped_on_the_context(self, flask: Any, app: Any, store: Store) -> None:
        """Flask-SocketIO puts a session of its own on the context of an event."""
        with app.test_request_context("/"):
            ctx = flask.globals.request_ctx._get_current_object()
            own = {"own": "session"}
            ctx._session = type("Own", (dict,), {})(own)
            assert flask.session["own"] == "session"

    def test_none_makes_a_null_session(self, flask: Any, app: Any, client: Any) -> None:
        sessions: Any = importlib.import_module(f"{flask.__name__}.sessions")

        class Interface(sessions.SessionInterface):
            def open_session(self, app: Any, request: Any) -> Any:
                return None

            def save_session(self, app: Any, session: Any, response: Any) -> None:
                raise AssertionError("a null session is not saved")

        app.session_interface = Interface()
        app.add_url_rule("/get", "get", lambda: str(flask.session.get("a")))
        app.add_url_rule("/set", "set", lambda: flask.session.update(a=1))
        assert client.get("/get").text == "None"
        with pytest.raises(RuntimeError, match="session is unavailable"):
            client.get("/set")

    def test_default_one_with_another_serializer(self, flask: Any, app: Any, client: Any) -> None:
        """Applications derive from the cookie interface and change what it signs with."""
        sessions: Any = importlib.import_module(f"{flask.__name__}.sessions")

        class Interface(sessions.SecureCookieSessionInterface):
            salt = "other-salt"
            key_derivation = "concat"

            def get_cookie_name(self, app: Any) -> str:
                return "other"

            def get_cookie_samesite(self, app: Any) -> str:
                return "Strict"

            def should_set_cookie(self, app: Any, session: Any) -> bool:
                return True

        app.session_interface = Interface()
        app.add_url_rule("/", "index", lambda: str(flask.session.setdefault("n", 5)))
        response = client.get("/")
        assert response.headers["Set-Cookie"].startswith("other=")
        assert "SameSite=Strict" in response.headers["Set-Cookie"]
        value = client.get_cookie("other").value
        assert Interface().get_signing_serializer(app).loads(value) == {"n": 5}
        default = sessions.SecureCookieSessionInterface().get_signing_serializer(app)
        assert default.loads_unsafe(value)[0] is False
        assert client.get("/").text == "5"
