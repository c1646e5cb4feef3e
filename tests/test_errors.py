from __future__ import annotations

import logging
from typing import Any

import pytest
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    InternalServerError,
    NotFound,
    default_exceptions,
)
from werkzeug.routing import RequestRedirect


class AppError(Exception):
    pass


class SpecialError(AppError):
    pass


class Teapot(HTTPException):
    code = 418
    description = "short and stout"


def raiser(error: BaseException | type[BaseException]) -> Any:
    def view() -> str:
        raise error

    return view


class TestWithoutHandlers:
    @pytest.mark.parametrize("code", sorted(default_exceptions))
    def test_abort(self, flask: Any, app: Any, client: Any, code: int) -> None:
        app.add_url_rule("/", "index", lambda: flask.abort(code))
        response = client.get("/")
        assert response.status_code == code
        assert response.content_type == "text/html; charset=utf-8"
        assert response.data == default_exceptions[code]().get_body().encode()

    def test_description_is_escaped(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: flask.abort(400, "<script>"))
        assert "<p>&lt;script&gt;</p>" in client.get("/").text

    def test_abort_with_a_response(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: flask.abort(flask.Response("own", 299)))
        response = client.get("/")
        assert (response.text, response.status_code) == ("own", 299)

    def test_abort_with_an_unknown_code(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: flask.abort(799))
        with pytest.raises(LookupError, match="no exception for 799"):
            client.get("/")

    def test_abort_without_an_app(self, flask: Any) -> None:
        with pytest.raises(NotFound):
            flask.abort(404)

    def test_http_exceptions_are_responses(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", raiser(Teapot))
        response = client.get("/")
        assert response.status_code == 418
        assert "short and stout" in response.text

    def test_headers_of_http_exceptions(self, flask: Any, app: Any, client: Any) -> None:
        from werkzeug.datastructures import WWWAuthenticate

        app.add_url_rule(
            "/",
            "index",
            lambda: flask.abort(401, www_authenticate=WWWAuthenticate("basic", {"realm": "r"})),
        )
        assert client.get("/").headers["WWW-Authenticate"] == "Basic realm=r"
        response = client.get("/missing")
        assert "was not found on the server" in response.text


class TestUnhandled:
    @pytest.fixture
    def failing(self, app: Any) -> Any:
        app.testing = False
        app.add_url_rule("/", "index", raiser(ValueError("secret detail")), methods=["GET", "POST"])
        return app

    def test_production_says_nothing(self, failing: Any, caplog: pytest.LogCaptureFixture) -> None:
        response = failing.test_client().post("/?a=1")
        assert response.status_code == 500
        assert response.text == (
            "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n"
            "<h1>Internal Server Error</h1>\n"
            "<p>The server encountered an internal error and was unable to complete your request."
            " Either the server is overloaded or there is an error in the application.</p>\n"
        )
        (record,) = [r for r in caplog.records if r.name == "tested"]
        assert record.getMessage() == "Exception on / [POST]"
        assert record.levelno == logging.ERROR
        assert record.exc_info is not None
        assert record.exc_info[0] is ValueError

    @pytest.mark.parametrize(
        ("config", "propagates"),
        [
            ({}, False),
            ({"TESTING": True}, True),
            ({"DEBUG": True}, True),
            ({"PROPAGATE_EXCEPTIONS": True}, True),
            ({"PROPAGATE_EXCEPTIONS": False, "TESTING": True, "DEBUG": True}, False),
        ],
    )
    def test_propagation(self, failing: Any, config: dict[str, Any], propagates: bool) -> None:
        log: list[str] = []

        @failing.after_request
        def note_response(response: Any) -> Any:
            log.append("after")
            return response

        failing.teardown_request(lambda exc: log.append(f"teardown {exc}"))
        failing.config.update(config)
        if propagates:
            with pytest.raises(ValueError, match="secret detail"):
                failing.test_client().get("/")
            assert log == ["teardown secret detail"]
        else:
            assert failing.test_client().get("/").status_code == 500
            assert log == ["after", "teardown secret detail"]

    def test_signal(self, flask: Any, failing: Any) -> None:
        seen: list[Any] = []

        def receive(sender: Any, exception: Exception) -> None:
            seen.append((sender, str(exception)))

        with flask.got_request_exception.connected_to(receive, failing):
            failing.test_client().get("/")
        assert seen == [(failing, "secret detail")]

    def test_500_handler_gets_the_original(self, failing: Any) -> None:
        @failing.errorhandler(500)
        def handle(error: InternalServerError) -> Any:
            assert isinstance(error, InternalServerError)
            return f"sorry: {type(error.original_exception).__name__}", 500

        assert failing.test_client().get("/").text == "sorry: ValueError"

    @pytest.mark.parametrize("key", [InternalServerError, HTTPException])
    def test_handlers_of_its_classes(self, failing: Any, key: Any) -> None:
        @failing.errorhandler(key)
        def handle(error: InternalServerError) -> Any:
            return f"{error.code} {error.original_exception}", error.code

        response = failing.test_client().get("/")
        assert (response.text, response.status_code) == ("500 secret detail", 500)

    def test_abort_500_has_no_original(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: flask.abort(500))
        app.register_error_handler(500, lambda error: (str(error.original_exception), 500))
        assert client.get("/").text == "None"

    def test_error_in_an_error_handler(
        self, failing: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        failing.register_error_handler(ValueError, lambda error: 1 / 0)
        assert failing.test_client().get("/").status_code == 500
        (record,) = [r for r in caplog.records if r.name == "tested"]
        assert record.exc_info is not None
        assert record.exc_info[0] is ZeroDivisionError

    def test_error_in_after_request_of_an_error_is_logged(
        self, failing: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        failing.after_request(lambda response: 1 / 0)
        assert failing.test_client().get("/").status_code == 500
        assert [r.getMessage() for r in caplog.records if r.name == "tested"] == [
            "Exception on / [GET]",
            "Request finalizing failed with an error while handling an error",
        ]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_not_even_an_exception(self, app: Any, error: type[BaseException]) -> None:
        log: list[Any] = []
        app.testing = False
        app.register_error_handler(Exception, lambda error: "never")
        app.teardown_request(lambda exc: log.append(type(exc)))
        app.add_url_rule("/", "index", raiser(error))
        with pytest.raises(error):
            app.test_client().get("/")
        assert log == [error]


class TestHandlers:
    @pytest.mark.parametrize(
        ("keys", "raised", "winner"),
        [
            (["AppError"], SpecialError, "AppError"),
            (["AppError", "SpecialError"], SpecialError, "SpecialError"),
            (["SpecialError", "AppError"], AppError, "AppError"),
            (["Exception"], AppError, "Exception"),
            (["Exception", "AppError"], SpecialError, "AppError"),
            (["404"], NotFound, "404"),
            (["404", "HTTPException"], NotFound, "404"),
            (["NotFound", "HTTPException"], NotFound, "NotFound"),
            (["HTTPException"], NotFound, "HTTPException"),
            (["Exception"], NotFound, "Exception"),
            (["HTTPException", "Exception"], NotFound, "HTTPException"),
            (["418", "HTTPException"], Teapot, "HTTPException"),  # 418 is Werkzeug's own class
            (["Teapot", "HTTPException"], Teapot, "Teapot"),
        ],
    )
    def test_the_most_specific_wins(
        self, app: Any, client: Any, keys: list[str], raised: type[Exception], winner: str
    ) -> None:
        for key in keys:
            spec = int(key) if key.isdigit() else (globals().get(key) or Exception)
            app.register_error_handler(spec, lambda error, key=key: f"handled by {key}")
        app.add_url_rule("/", "index", raiser(raised))
        assert client.get("/").text == f"handled by {winner}"

    def test_blueprint_before_app(self, flask: Any, app: Any, client: Any) -> None:
        bp = flask.Blueprint("bp", "bp", url_prefix="/bp")
        bp.register_error_handler(AppError, lambda error: "blueprint")
        app.register_error_handler(SpecialError, lambda error: "app special")
        app.register_error_handler(AppError, lambda error: "app")
        bp.add_url_rule("/", "index", raiser(AppError))
        bp.add_url_rule("/special", "special", raiser(SpecialError))
        app.add_url_rule("/", "index", raiser(AppError))
        app.register_blueprint(bp)
        assert client.get("/bp/").text == "blueprint"
        assert client.get("/bp/special").text == "blueprint"
        assert client.get("/").text == "app"

    def test_code_before_class_across_levels(self, flask: Any, app: Any, client: Any) -> None:
        bp = flask.Blueprint("bp", "bp", url_prefix="/bp")
        bp.register_error_handler(HTTPException, lambda error: "blueprint any")
        app.register_error_handler(403, lambda error: "app 403")
        bp.add_url_rule("/", "index", raiser(Forbidden))
        app.register_blueprint(bp)
        assert client.get("/bp/").text == "app 403"

    def test_nested_blueprints(self, flask: Any, app: Any, client: Any) -> None:
        parent = flask.Blueprint("parent", "parent", url_prefix="/p")
        child = flask.Blueprint("child", "child", url_prefix="/c")
        parent.register_error_handler(AppError, lambda error: "parent")
        parent.register_error_handler(403, lambda error: "parent 403")
        child.register_error_handler(403, lambda error: "child 403")
        child.add_url_rule("/app", "app", raiser(AppError))
        child.add_url_rule("/403", "403", raiser(Forbidden))
        parent.add_url_rule("/403", "403", raiser(Forbidden))
        parent.register_blueprint(child)
        app.register_blueprint(parent)
        assert client.get("/p/c/app").text == "parent"
        assert client.get("/p/c/403").text == "child 403"
        assert client.get("/p/403").text == "parent 403"

    def test_app_errorhandler_of_a_blueprint(self, flask: Any, app: Any, client: Any) -> None:
        bp = flask.Blueprint("bp", "bp")
        bp.app_errorhandler(404)(lambda error: ("from the blueprint", 404))
        app.register_blueprint(bp)
        assert client.get("/nothing").text == "from the blueprint"

    def test_unknown_urls_do_not_reach_blueprint_handlers(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        bp = flask.Blueprint("bp", "bp", url_prefix="/bp")
        bp.register_error_handler(404, lambda error: "blueprint")
        bp.add_url_rule("/", "index", lambda: flask.abort(404))
        app.register_blueprint(bp)
        assert client.get("/bp/").text == "blueprint"
        assert "Not Found" in client.get("/bp/unknown").text

    def test_handlers_return_what_views_return(self, app: Any, client: Any) -> None:
        app.register_error_handler(AppError, lambda e: ({"error": str(e)}, 409, {"X-A": "1"}))
        app.add_url_rule("/", "index", raiser(AppError("taken")))
        response = client.get("/")
        assert (response.json, response.status_code) == ({"error": "taken"}, 409)
        assert response.headers["X-A"] == "1"

    def test_handler_may_return_the_exception(self, app: Any, client: Any) -> None:
        app.register_error_handler(AppError, lambda error: Forbidden("not you"))
        app.add_url_rule("/", "index", raiser(AppError))
        response = client.get("/")
        assert response.status_code == 403
        assert "not you" in response.text

    def test_handler_may_raise_again(self, app: Any, client: Any) -> None:
        @app.errorhandler(AppError)
        def handle(error: AppError) -> Any:
            raise error

        app.add_url_rule("/", "index", raiser(AppError("again")))
        with pytest.raises(AppError, match="again"):
            client.get("/")

    def test_after_request_sees_handled_errors(self, app: Any, client: Any) -> None:
        app.after_request(lambda r: (r.headers.set("X-After", str(r.status_code)), r)[1])
        app.register_error_handler(AppError, lambda error: ("sorry", 409))
        app.add_url_rule("/", "index", raiser(AppError))
        assert client.get("/").headers["X-After"] == "409"
        assert client.get("/nothing").headers["X-After"] == "404"

    def test_methods_and_not_found(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: "x")
        app.register_error_handler(404, lambda error: ("mine 404", 404))
        app.register_error_handler(405, lambda error: (f"mine {sorted(error.valid_methods)}", 405))
        assert client.get("/nothing").text == "mine 404"
        assert client.post("/").text == "mine ['GET', 'HEAD', 'OPTIONS']"

    def test_redirects_of_the_router_pass_by(self, app: Any, client: Any) -> None:
        app.add_url_rule("/a/", "index", lambda: "x")
        app.register_error_handler(HTTPException, lambda error: "never")
        assert client.get("/a").status_code == 308

    def test_exceptions_without_a_code_pass_by(self, app: Any, client: Any) -> None:
        from werkzeug.wrappers import Response

        app.register_error_handler(HTTPException, lambda error: "never")
        app.add_url_rule("/", "index", raiser(HTTPException(response=Response("own", 222))))
        assert client.get("/").status_code == 222

    def test_raised_redirect(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", raiser(RequestRedirect("http://localhost/x")))
        response = client.get("/")
        assert (response.status_code, response.location) == (308, "http://localhost/x")


class TestTraps:
    def test_key_of_a_form(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: flask.request.form["missing"])
        response = client.get("/")
        assert response.status_code == 400
        assert "missing" not in response.text

    def test_debug_shows_the_key(self, flask: Any, app: Any, client: Any) -> None:
        app.config.update(DEBUG=True, TRAP_BAD_REQUEST_ERRORS=False)
        app.add_url_rule("/", "index", lambda: flask.request.args["missing"])
        response = client.get("/")
        assert response.status_code == 400
        assert "KeyError: &#39;missing&#39;" in response.text

    def test_debug_traps_keys(self, flask: Any, app: Any, client: Any) -> None:
        app.debug = True
        app.add_url_rule("/key", "key", lambda: flask.request.args["missing"])
        app.add_url_rule("/400", "400", lambda: flask.abort(400))
        with pytest.raises(KeyError, match="missing"):
            client.get("/key")
        assert client.get("/400").status_code == 400

    def test_trap_bad_request_errors(self, flask: Any, app: Any, client: Any) -> None:
        app.config["TRAP_BAD_REQUEST_ERRORS"] = True
        app.add_url_rule("/key", "key", lambda: flask.request.args["missing"])
        app.add_url_rule("/400", "400", lambda: flask.abort(400))
        app.add_url_rule("/404", "404", lambda: flask.abort(404))
        with pytest.raises(KeyError) as info:
            client.get("/key")
        assert "missing" in info.value.get_description()  # type: ignore[attr-defined]  # both
        with pytest.raises(BadRequest):
            client.get("/400")
        assert client.get("/404").status_code == 404

    def test_trap_http_exceptions(self, flask: Any, app: Any, client: Any) -> None:
        app.config["TRAP_HTTP_EXCEPTIONS"] = True
        app.add_url_rule("/", "index", lambda: flask.abort(404))
        with pytest.raises(NotFound):
            client.get("/")
        with pytest.raises(NotFound):
            client.get("/unknown")

    def test_a_trapped_exception_still_meets_class_handlers(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        app.config["TRAP_HTTP_EXCEPTIONS"] = True
        app.register_error_handler(NotFound, lambda error: "handled")
        app.add_url_rule("/", "index", lambda: flask.abort(404))
        assert client.get("/").text == "handled"

    def test_debug_explains_a_redirected_form(self, flask: Any, app: Any) -> None:
        app.debug = True
        with app.test_request_context("/x", method="POST", data={"a": "1"}):
            moved = RequestRedirect("http://localhost/x/")
            moved.code = 302
            flask.request.routing_exception = moved
            with pytest.raises(AssertionError, match="request was sent to 'http://localhost/x'"):
                app.raise_routing_exception(flask.request)
            moved.code = 308
            with pytest.raises(RequestRedirect):
                app.raise_routing_exception(flask.request)
