from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

TUPLE = (
    "The view function did not return a valid response tuple. The tuple must have the form"
    " (body, status, headers), (body, status), or (body, headers)."
)
WRONG_TYPE = (
    "The view function did not return a valid response. The return type must be a string, dict,"
    " list, tuple with headers or status, Response instance, or WSGI callable, but it was a {}."
)
NONE = (
    "The view function for 'index' did not return a valid response. The function either returned"
    " None or ended without a return statement."
)


def serve(app: Any, view: Any, *, method: str = "GET", **kwargs: Any) -> Any:
    app.add_url_rule("/", "index", view, methods=[method])
    return app.test_client().open("/", method=method, **kwargs)


class TestReturnValues:
    """Each kind of value a view may return, as Flask's quickstart lists them."""

    @pytest.mark.parametrize(
        ("value", "body", "content_type"),
        [
            ("text é", "text é".encode(), "text/html; charset=utf-8"),
            ("", b"", "text/html; charset=utf-8"),
            (b"bytes\x00\xff", b"bytes\x00\xff", "text/html; charset=utf-8"),
            (bytearray(b"array"), b"array", "text/html; charset=utf-8"),
            ({"b": 1, "a": [None]}, b'{"a":[null],"b":1}\n', "application/json"),
            ({}, b"{}\n", "application/json"),
            ([1, "é"], b'[1,"\\u00e9"]\n', "application/json"),
            ([], b"[]\n", "application/json"),
        ],
    )
    def test_plain(self, app: Any, value: Any, body: bytes, content_type: str) -> None:
        response = serve(app, lambda: value)
        assert response.status == "200 OK"
        assert response.data == body
        assert response.headers["Content-Type"] == content_type
        assert response.headers["Content-Length"] == str(len(body))

    @pytest.mark.parametrize("chunks", [["a", "bé"], [b"a", "bé".encode()], []])
    def test_generators_and_iterators_stream(self, app: Any, chunks: list[Any]) -> None:
        def generator() -> Iterator[Any]:
            yield from chunks

        expected = "".join(c if isinstance(c, str) else c.decode() for c in chunks)
        response = serve(app, generator)
        assert response.text == expected
        assert "Content-Length" not in response.headers

    def test_iterator(self, app: Any) -> None:
        response = serve(app, lambda: iter(["a", "b"]))
        assert response.text == "ab"
        assert response.content_type == "text/html; charset=utf-8"

    @pytest.mark.parametrize(
        ("value", "status"),
        [
            (("text", 201), "201 CREATED"),
            # ASGI sends no reason phrase.
            pytest.param(("text", "299 My Own"), "299 My Own", marks=pytest.mark.wsgi),
            (("text", "202"), "202 ACCEPTED"),
            (({"a": 1}, 400), "400 BAD REQUEST"),
            (([1], 200), "200 OK"),
            ((b"x", 418), "418 I'M A TEAPOT"),
            (("text", None, {"X-A": "1"}), "200 OK"),
            (("text", 599), "599 UNKNOWN"),
        ],
    )
    def test_status(self, app: Any, value: Any, status: str) -> None:
        assert serve(app, lambda: value).status == status

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-A": "1", "X-B": "2"},
            [("X-A", "1"), ("X-B", "2")],
            (("X-A", "1"), ("X-B", "2")),
        ],
    )
    @pytest.mark.parametrize("body", ["text", {"a": 1}])
    def test_headers(self, app: Any, headers: Any, body: Any) -> None:
        response = serve(app, lambda: (body, headers))
        assert response.status_code == 200
        assert (response.headers["X-A"], response.headers["X-B"]) == ("1", "2")

    def test_werkzeug_headers(self, app: Any) -> None:
        from werkzeug.datastructures import Headers

        response = serve(app, lambda: ("x", Headers([("X-A", "1"), ("X-A", "2")])))
        assert response.headers.getlist("X-A") == ["1", "2"]

    def test_headers_with_lists_of_values(self, app: Any) -> None:
        response = serve(app, lambda: ("x", 201, {"X-A": ["1", "2"], "Content-Type": "text/x"}))
        assert response.headers.getlist("X-A") == ["1", "2"]
        assert response.headers["Content-Type"] == "text/x"
        assert response.status_code == 201

    def test_headers_replace_those_of_a_response(self, flask: Any, app: Any) -> None:
        def index() -> Any:
            response = flask.Response("x", headers={"X-A": "old", "X-B": "kept"})
            return response, 203, {"X-A": "new"}

        response = serve(app, index)
        assert response.status_code == 203
        assert response.headers.getlist("X-A") == ["new"]
        assert response.headers["X-B"] == "kept"

    def test_response_objects_are_not_copied(self, flask: Any, app: Any) -> None:
        made: list[Any] = []

        @app.after_request
        def note_response(response: Any) -> Any:
            made.append(response)
            return response

        def index() -> Any:
            made.append(flask.Response("x", 203))
            return made[0]

        assert serve(app, index).status_code == 203
        assert made[0] is made[1]

    def test_other_response_classes_are_coerced(self, flask: Any, app: Any) -> None:
        app.after_request(lambda r: (r.headers.set("X-Class", type(r).__name__), r)[1])
        response = serve(app, lambda: WerkzeugResponse("other", 404, {"X-A": "1"}))
        assert (response.text, response.status_code) == ("other", 404)
        assert response.headers["X-A"] == "1"
        assert response.headers["X-Class"] == "Response"

    def test_wsgi_callable(self, app: Any) -> None:
        def wsgi(environ: Any, start_response: Any) -> Any:
            start_response("207 Multi-Status", [("X-Path", environ["PATH_INFO"])])
            return [b"from ", b"wsgi"]

        response = serve(app, lambda: wsgi)
        assert (response.status_code, response.text) == (207, "from wsgi")
        assert response.headers["X-Path"] == "/"

    def test_http_exception_as_a_value(self, app: Any) -> None:
        from werkzeug.exceptions import Gone

        assert serve(app, lambda: Gone()).status_code == 410

    def test_response_class_of_the_app(self, flask: Any, app: Any) -> None:
        class Plain(flask.Response):
            default_mimetype = "text/plain"
            default_status = 202

        app.response_class = Plain
        response = serve(app, lambda: "x")
        assert response.content_type == "text/plain; charset=utf-8"
        assert response.status_code == 202

    def test_subclass_instance_passes(self, flask: Any, app: Any) -> None:
        class Special(flask.Response):
            pass

        seen: list[type] = []

        @app.after_request
        def note_response(response: Any) -> Any:
            seen.append(type(response))
            return response

        serve(app, lambda: Special("x"))
        assert seen == [Special]

    def test_str_subclasses(self, app: Any) -> None:
        from markupsafe import Markup

        assert serve(app, lambda: Markup("<b>")).data == b"<b>"

    @pytest.mark.parametrize("value", [("a", 200, {}, 1), ("a",), ()])
    def test_tuples_of_wrong_size(self, app: Any, value: Any) -> None:
        with pytest.raises(TypeError) as info:
            serve(app, lambda: value)
        assert str(info.value) == TUPLE

    @pytest.mark.parametrize("value", [None, (None, 200), (None, {}), (None, 200, {})])
    def test_none(self, app: Any, value: Any) -> None:
        with pytest.raises(TypeError) as info:
            serve(app, lambda: value)
        assert str(info.value) == NONE

    @pytest.mark.parametrize("value", [1, 1.5, True, object, {1, 2}, range(3)])
    def test_other_types(self, app: Any, value: Any) -> None:
        with pytest.raises(TypeError) as info:
            serve(app, lambda: value)
        text = str(info.value)
        if callable(value):  # taken for a WSGI application, which it is not
            assert "did not return a valid response" in text
        assert text.endswith(WRONG_TYPE.format(type(value).__name__))

    def test_error_in_production_is_a_500(self, app: Any) -> None:
        app.testing = False
        response = serve(app, lambda: None)
        assert response.status_code == 500
        assert b"TypeError" not in response.data


class TestMethods:
    def test_head_is_get_without_a_body(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: "Hello, World!")
        response = client.head("/")
        assert response.status_code == 200
        assert response.headers["Content-Length"] == "13"
        assert response.data == b""

    def test_options(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: "x", methods=["GET", "POST"])
        response = client.options("/")
        assert response.status_code == 200
        assert response.allow.as_set() == {"get", "head", "options", "post"}
        assert response.data == b""

    def test_wrong_method(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: "x")
        app.add_url_rule("/", "more", lambda: "x", methods=["DELETE"])
        response = client.post("/")
        assert response.status_code == 405
        assert response.allow.as_set() == {"get", "head", "options", "delete"}

    def test_own_options_view(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: "mine", methods=["OPTIONS"])
        assert client.options("/").text == "mine"

    @pytest.mark.parametrize("way", ["argument", "attribute", "config"])
    def test_no_automatic_options(self, app: Any, client: Any, way: str) -> None:
        def index() -> str:
            return "x"

        argument = None
        if way == "argument":
            argument = False
        elif way == "attribute":
            index.provide_automatic_options = False  # type: ignore[attr-defined]  # Flask's knob
        else:
            app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
        app.add_url_rule("/", "index", index, provide_automatic_options=argument)
        response = client.options("/")
        assert response.status_code == 405
        assert response.allow.as_set() == {"get", "head"}

    def test_forced_automatic_options(self, app: Any, client: Any) -> None:
        def index() -> str:
            return "view"

        index.provide_automatic_options = True  # type: ignore[attr-defined]  # Flask's knob
        app.add_url_rule("/", "index", index, methods=["GET", "OPTIONS"])
        assert client.options("/").data == b""

    def test_methods_and_required_methods_of_the_view(self, app: Any, client: Any) -> None:
        def index() -> str:
            return "x"

        index.methods = ["PUT"]  # type: ignore[attr-defined]  # Flask's knob
        index.required_methods = ["DELETE"]  # type: ignore[attr-defined]  # Flask's knob
        app.add_url_rule("/", "index", index)
        assert client.put("/").status_code == 200
        assert client.delete("/").status_code == 200
        assert client.get("/").status_code == 405

    @pytest.mark.parametrize("verb", ["get", "post", "put", "delete", "patch"])
    def test_verb_decorators(self, app: Any, client: Any, verb: str) -> None:
        @getattr(app, verb)("/thing")
        def thing() -> str:
            return f"{verb} it"

        assert client.open("/thing", method=verb.upper()).text == f"{verb} it"
        other = "post" if verb == "get" else "get"
        assert client.open("/thing", method=other.upper()).status_code == 405

    def test_a_resource(self, flask: Any, app: Any, client: Any) -> None:
        store: dict[str, str] = {}

        @app.put("/things/<name>")
        def put(name: str) -> Any:
            created = name not in store
            store[name] = flask.request.get_data(as_text=True)
            return "", 201 if created else 204

        @app.get("/things/<name>")
        def get(name: str) -> Any:
            return store[name] if name in store else ("", 404)

        @app.delete("/things/<name>")
        def delete(name: str) -> Any:
            store.pop(name, None)
            return "", 204

        assert client.put("/things/a", data="1").status_code == 201
        assert client.put("/things/a", data="2").status_code == 204
        assert client.get("/things/a").text == "2"
        response = client.delete("/things/a")
        assert (response.status_code, response.data) == (204, b"")
        assert client.get("/things/a").status_code == 404

    def test_answers_to_post_are_not_made_cacheable(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: "x", methods=["POST"])
        headers = client.post("/").headers
        assert not {"Cache-Control", "Expires", "ETag"} & set(headers.keys())


class TestHooks:
    @pytest.fixture
    def log(self) -> list[str]:
        return []

    @pytest.fixture
    def logged(self, flask: Any, app: Any, log: list[str]) -> Any:
        """An app, a blueprint and a nested blueprint with two of each hook."""

        def note(text: str, value: Any = None) -> Any:
            log.append(text)
            return value

        parent = flask.Blueprint("parent", "parent", url_prefix="/p")
        child = flask.Blueprint("child", "child", url_prefix="/c")
        for where, scaffold in (("app", app), ("parent", parent), ("child", child)):
            for n in "12":
                tag = f"{where}{n}"
                scaffold.url_value_preprocessor(lambda e, v, t=tag: note(f"values {t}"))
                scaffold.before_request(lambda t=tag: note(f"before {t}"))
                scaffold.after_request(lambda r, t=tag: note(f"after {t}", r))
                scaffold.teardown_request(lambda exc, t=tag: note(f"teardown {t}"))
        app.teardown_appcontext(lambda exc: note("teardown context"))
        child.add_url_rule("/", "index", lambda: note("view", "ok"))
        app.add_url_rule("/", "index", lambda: note("view", "ok"))
        parent.register_blueprint(child)
        app.register_blueprint(parent)
        return app

    def test_order_in_the_app(self, logged: Any, log: list[str]) -> None:
        logged.test_client().get("/")
        assert log == [
            "values app1",
            "values app2",
            "before app1",
            "before app2",
            "view",
            "after app2",
            "after app1",
            "teardown app2",
            "teardown app1",
            "teardown context",
        ]

    def test_order_with_nested_blueprints(self, logged: Any, log: list[str]) -> None:
        logged.test_client().get("/p/c/")
        assert log == [
            *(f"values {t}{n}" for t in ("app", "parent", "child") for n in "12"),
            *(f"before {t}{n}" for t in ("app", "parent", "child") for n in "12"),
            "view",
            *(f"after {t}{n}" for t in ("child", "parent", "app") for n in "21"),
            *(f"teardown {t}{n}" for t in ("child", "parent", "app") for n in "21"),
            "teardown context",
        ]

    def test_not_found_runs_the_apps_hooks(self, logged: Any, log: list[str]) -> None:
        assert logged.test_client().get("/nothing").status_code == 404
        assert log == [
            "values app1",
            "values app2",
            "before app1",
            "before app2",
            "after app2",
            "after app1",
            "teardown app2",
            "teardown app1",
            "teardown context",
        ]

    def test_before_request_answers_in_place_of_the_view(self, app: Any, client: Any) -> None:
        log: list[str] = []
        app.before_request(lambda: log.append("first"))
        app.before_request(lambda: ("stopped", 403))
        app.before_request(lambda: log.append("never"))

        @app.after_request
        def note_response(response: Any) -> Any:
            log.append(f"after {response.status_code}")
            return response

        app.teardown_request(lambda exc: log.append("teardown"))

        @app.get("/")
        def index() -> str:
            log.append("never")
            return "view"

        response = client.get("/")
        assert (response.status_code, response.text) == (403, "stopped")
        assert log == ["first", "after 403", "teardown"]

    @pytest.mark.parametrize("value", ["", 0, [], {}, ()])
    def test_only_none_goes_on(self, app: Any, client: Any, value: Any) -> None:
        """Falsy values are answers (an int or an empty tuple is a wrong one)."""
        app.before_request(lambda: value)
        app.add_url_rule("/", "index", lambda: "view")
        if value in ("", [], {}) and not isinstance(value, tuple):
            assert client.get("/").text != "view"
        else:
            with pytest.raises(TypeError):
                client.get("/")

    def test_after_request_may_replace_the_response(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        app.after_request(lambda r: flask.Response(r.get_data() + b"!", 202))
        app.add_url_rule("/", "index", lambda: "x")
        response = client.get("/")
        assert (response.text, response.status_code) == ("x!", 202)

    def test_error_in_before_request_is_handled(self, app: Any, client: Any) -> None:
        @app.before_request
        def fail() -> None:
            raise ValueError("before")

        @app.errorhandler(ValueError)
        def handle(error: ValueError) -> Any:
            return f"handled {error}", 400

        app.add_url_rule("/", "index", lambda: "view")
        response = client.get("/")
        assert (response.text, response.status_code) == ("handled before", 400)

    def test_error_in_after_request_is_a_500(self, app: Any, client: Any) -> None:
        app.testing = False

        @app.after_request
        def fail(response: Any) -> Any:
            raise ValueError("after")

        app.add_url_rule("/", "index", lambda: "view")
        assert client.get("/").status_code == 500

    @pytest.mark.erlen_only
    @pytest.mark.parametrize("register", ["after_request", "after_this_request"])
    def test_after_request_that_returns_nothing(
        self, flask: Any, app: Any, client: Any, register: str
    ) -> None:
        """In Flask, it is the server that calls None."""

        @app.get("/")
        def index() -> str:
            if register == "after_this_request":
                flask.after_this_request(lambda response: None)
            return "view"

        if register == "after_request":
            app.after_request(lambda response: None)
        message = (
            "An 'after_request' or 'after_this_request' function returned None. It must return the"
            " response: the one that it was given, or another."
        )
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            client.get("/")
        app.testing = False
        assert client.get("/").status_code == 500

    def test_error_in_teardown_is_not_hidden(self, app: Any, client: Any) -> None:
        @app.teardown_request
        def fail(exc: BaseException | None) -> None:
            raise ValueError("teardown")

        app.add_url_rule("/", "index", lambda: "view")
        with pytest.raises(ValueError, match="teardown"):
            client.get("/")

    def test_teardown_gets_the_exception(self, app: Any, client: Any) -> None:
        log: list[Any] = []

        @app.teardown_request
        def note(exc: BaseException | None) -> str:
            log.append(repr(exc))
            return "ignored"

        @app.after_request
        def note_response(response: Any) -> Any:
            log.append(f"after {response.status_code}")
            return response

        @app.get("/<int:fail>")
        def index(fail: int) -> str:
            if fail:
                raise ZeroDivisionError("division by zero")
            return "ok"

        client.get("/0")
        assert log == ["after 200", "None"]
        log.clear()
        with pytest.raises(ZeroDivisionError):
            client.get("/1")
        assert log == ["ZeroDivisionError('division by zero')"]
        log.clear()
        app.testing = False
        assert client.get("/1").status_code == 500
        assert log == ["after 500", "ZeroDivisionError('division by zero')"]

    def test_teardown_of_a_handled_error_gets_none(self, app: Any, client: Any) -> None:
        log: list[Any] = []
        app.teardown_request(lambda exc: log.append(exc))
        app.register_error_handler(ValueError, lambda error: "handled")

        @app.get("/")
        def index() -> str:
            raise ValueError

        assert client.get("/").text == "handled"
        assert log == [None]

    def test_hooks_run_for_static_files_and_options(self, app: Any, client: Any) -> None:
        log: list[str] = []
        app.before_request(lambda: log.append("before"))
        app.add_url_rule("/", "index", lambda: "x")
        client.options("/")
        client.get("/static/missing.css")
        assert log == ["before", "before"]

    def test_body_read_in_a_hook_is_still_there(self, flask: Any, app: Any, client: Any) -> None:
        bodies: list[bytes] = []
        app.before_request(lambda: bodies.append(flask.request.get_data()))
        app.add_url_rule("/", "index", lambda: flask.request.form["a"], methods=["POST"])
        assert client.post("/", data={"a": "1"}).text == "1"
        assert bodies == [b"a=1"]

    def test_g_and_session_from_a_hook(self, flask: Any, app: Any, client: Any) -> None:
        """The brief's `load_user` and `/admin`, corrected."""
        users = {"1": "ada", "2": "bob"}

        @app.before_request
        def load_user() -> None:
            flask.g.user = users.get(flask.session.get("user_id"))

        @app.get("/")
        def index() -> str:
            return "home"

        @app.get("/admin")
        def admin() -> Any:
            if flask.g.user != "ada":
                return flask.redirect(flask.url_for("index"))
            return f"admin {flask.g.user}"

        response = client.get("/admin")
        assert (response.status_code, response.location) == (302, "/")
        with client.session_transaction() as session:
            session["user_id"] = "1"
        assert client.get("/admin").text == "admin ada"
        with app.test_client() as other:
            assert other.get("/admin").status_code == 302


class TestDirectCalls:
    def test_full_dispatch_request(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/", "index", lambda: ("x", 201))
        with app.test_request_context("/"):
            response = app.full_dispatch_request()
            assert isinstance(response, flask.Response)
            assert response.status_code == 201
        with app.test_request_context("/nothing"):
            assert app.full_dispatch_request().status_code == 404

    def test_dispatch_and_preprocess(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/<int:n>", "index", lambda n: f"n={n}")
        app.before_request(lambda: flask.request.args.get("stop"))
        with app.test_request_context("/4"):
            assert app.preprocess_request() is None
            assert app.dispatch_request() == "n=4"
        with app.test_request_context("/4?stop=now"):
            assert app.preprocess_request() == "now"
        with app.test_request_context("/x"), pytest.raises(HTTPException) as info:
            app.dispatch_request()
        assert info.value.code == 404

    def test_make_process_finalize(self, flask: Any, app: Any) -> None:
        app.after_request(lambda r: (r.headers.set("X-After", "1"), r)[1])
        with app.test_request_context("/"):
            made = app.make_response(("x", 203))
            assert made.status_code == 203
            assert "X-After" not in made.headers
            assert app.process_response(made).headers["X-After"] == "1"
            assert app.finalize_request("y").headers["X-After"] == "1"
            assert app.make_default_options_response().status_code == 200
