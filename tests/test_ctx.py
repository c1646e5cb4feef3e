from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app


def test_has_context(flask: Any, app: Any) -> None:
    assert not flask.has_app_context()
    assert not flask.has_request_context()
    with app.app_context():
        assert flask.has_app_context()
        assert not flask.has_request_context()
        with app.test_request_context():
            assert flask.has_app_context()
            assert flask.has_request_context()
        assert flask.has_app_context()
        assert not flask.has_request_context()
    assert not flask.has_app_context()


def test_manual_push_and_pop(flask: Any, app: Any) -> None:
    ctx = app.test_request_context("/?a=1")
    with pytest.raises(RuntimeError):
        flask.request.args  # noqa: B018 - the look-up is what raises
    ctx.push()
    assert flask.request.args["a"] == "1"
    assert flask.current_app == app
    ctx.pop()
    assert not flask.request
    assert not flask.current_app


def test_context_reprs(flask: Any, app: Any) -> None:
    with app.test_request_context("/x?a=1", method="POST", base_url="http://h.example/") as ctx:
        assert repr(ctx) == "<RequestContext 'http://h.example/x?a=1' [POST] of tested>"


def test_enter_gives_the_context(flask: Any, app: Any) -> None:
    app_ctx = app.app_context()
    with app_ctx as entered:
        assert entered is app_ctx
        assert isinstance(entered, flask.ctx.AppContext)
        assert not isinstance(entered, flask.ctx.RequestContext)
        assert entered.app is app
    request_ctx = app.request_context(EnvironBuilder("/").get_environ())
    with request_ctx as entered:
        assert entered is request_ctx
        assert isinstance(entered, flask.ctx.RequestContext)
        assert entered.app is app


class TestNesting:
    def test_two_apps(self, flask: Any) -> None:
        one, two = flask.Flask("one"), flask.Flask("two")
        with one.app_context():
            flask.g.x = 1
            with two.app_context():
                assert flask.current_app.name == "two"
                assert "x" not in flask.g
                with one.app_context():
                    assert flask.current_app.name == "one"
                    assert "x" not in flask.g
                assert flask.current_app.name == "two"
            assert flask.g.x == 1

    def test_a_request_shares_g_with_the_app_context_around_it(self, flask: Any, app: Any) -> None:
        @app.get("/")
        def index() -> str:
            flask.g.seen = flask.g.get("given", "nothing")
            return str(flask.g.seen)

        client = app.test_client()
        with app.app_context():
            flask.g.given = "outer"
            assert client.get("/").text == "outer"
            assert flask.g.seen == "outer"
        assert client.get("/").text == "nothing"

    def test_a_request_does_not_share_g_of_another_app(self, flask: Any, app: Any) -> None:
        @app.get("/")
        def index() -> str:
            return str(flask.g.get("given", "nothing"))

        with flask.Flask("other").app_context():
            flask.g.given = "other"
            assert app.test_client().get("/").text == "nothing"
            assert flask.current_app.name == "other"

    def test_app_teardown_waits_for_the_context_that_made_g(self, flask: Any, app: Any) -> None:
        log: list[str] = []
        app.teardown_request(lambda exc: log.append("request"))
        app.teardown_appcontext(lambda exc: log.append("app"))
        app.add_url_rule("/", "index", lambda: "ok")
        with app.app_context():
            app.test_client().get("/")
            assert log == ["request"]
        assert log == ["request", "app"]

    def test_requests_inside_requests(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/outer")
        def outer() -> dict[str, str]:
            before = flask.request.path
            inner = app.test_client().get("/inner").text
            return {"before": before, "inner": inner, "after": flask.request.path}

        @app.get("/inner")
        def inner() -> str:
            return str(flask.request.path)

        assert client.get("/outer").json == {
            "before": "/outer",
            "inner": "/inner",
            "after": "/outer",
        }

    def test_one_context_pushed_twice_is_torn_down_once(self, flask: Any, app: Any) -> None:
        log: list[str] = []
        app.teardown_request(lambda exc: log.append("request"))
        ctx = app.test_request_context("/")
        with ctx:
            with ctx:
                assert flask.request.path == "/"
            assert log == []
            assert flask.request.path == "/"
        assert log == ["request"]

    def test_one_app_context_pushed_twice_is_torn_down_once(self, flask: Any, app: Any) -> None:
        log: list[str] = []
        app.teardown_appcontext(lambda exc: log.append("app"))
        ctx = app.app_context()
        with ctx:
            with ctx:
                pass
            assert log == []
        assert log == ["app"]


class TestOrder:
    def test_teardown_and_signals(self, flask: Any, app: Any) -> None:
        log: list[str] = []
        app.teardown_request(lambda exc: log.append("teardown_request"))
        app.teardown_appcontext(lambda exc: log.append("teardown_appcontext"))

        def note(name: str) -> Any:
            return lambda sender, **extra: log.append(f"{name} {sorted(extra)}")

        receivers = [
            (signal, note(signal.name))
            for signal in (
                flask.appcontext_pushed,
                flask.request_tearing_down,
                flask.appcontext_tearing_down,
                flask.appcontext_popped,
            )
        ]
        for signal, receiver in receivers:
            signal.connect(receiver, app)
        with app.test_request_context():
            log.append("inside")
        assert log == [
            "appcontext-pushed []",
            "inside",
            "teardown_request",
            "request-tearing-down ['exc']",
            "teardown_appcontext",
            "appcontext-tearing-down ['exc']",
            "appcontext-popped []",
        ]

    def test_the_request_is_still_there_in_request_teardown(self, flask: Any, app: Any) -> None:
        log: list[tuple[str, bool]] = []
        app.teardown_request(lambda exc: log.append((flask.request.path, flask.g.n == 1)))
        with app.test_request_context("/p"):
            flask.g.n = 1
        assert log == [("/p", True)]

    def test_g_is_still_there_in_app_teardown(self, flask: Any, app: Any) -> None:
        log: list[Any] = []
        app.teardown_appcontext(lambda exc: log.append((flask.g.n, flask.current_app.name)))
        with app.test_request_context("/p"):
            flask.g.n = 1
        assert log == [(1, "tested")]

    def test_teardown_runs_last_registered_first(self, flask: Any, app: Any) -> None:
        log: list[str] = []
        for n in "12":
            app.teardown_request(lambda exc, n=n: log.append(f"request {n}"))
            app.teardown_appcontext(lambda exc, n=n: log.append(f"app {n}"))
        with app.test_request_context():
            pass
        assert log == ["request 2", "request 1", "app 2", "app 1"]


class TestTeardownArguments:
    def test_exception_of_the_block(self, flask: Any, app: Any) -> None:
        log: list[Any] = []
        app.teardown_request(lambda exc: log.append(exc))
        app.teardown_appcontext(lambda exc: log.append(exc))
        error = ValueError("block")
        with pytest.raises(ValueError, match="block"), app.test_request_context():
            raise error
        assert log == [error, error]

    def test_given_to_pop(self, flask: Any, app: Any) -> None:
        log: list[Any] = []
        app.teardown_appcontext(lambda exc: log.append(exc))
        error = ValueError("given")
        ctx = app.app_context()
        ctx.push()
        ctx.pop(error)
        assert log == [error]

    def test_none_where_the_exception_was_handled_inside(self, flask: Any, app: Any) -> None:
        log: list[Any] = []
        app.teardown_request(lambda exc: log.append(exc))
        with app.test_request_context():
            try:
                raise ValueError("handled")
            except ValueError:
                pass
        assert log == [None]

    def test_pop_finds_the_active_exception(self, flask: Any, app: Any) -> None:
        log: list[Any] = []
        app.teardown_appcontext(lambda exc: log.append(exc))
        ctx = app.app_context()
        ctx.push()
        error = ValueError("active")
        try:
            raise error
        except ValueError:
            ctx.pop()
        assert log == [error]

    def test_do_teardown_can_be_called_alone(self, flask: Any, app: Any) -> None:
        log: list[Any] = []
        app.teardown_request(lambda exc: log.append(("request", exc)))
        app.teardown_appcontext(lambda exc: log.append(("app", exc)))
        with app.test_request_context():
            app.do_teardown_request()
            app.do_teardown_appcontext(None)
            assert log == [("request", None), ("app", None)]

    def test_an_error_in_teardown_still_pops(self, flask: Any, app: Any) -> None:
        @app.teardown_request
        def fail(exc: BaseException | None) -> None:
            raise RuntimeError("in teardown")

        with pytest.raises(RuntimeError, match="in teardown"), app.test_request_context():
            pass
        assert not flask.request
        assert not flask.current_app


class TestWrongOrder:
    def test_app_contexts(self, flask: Any, app: Any) -> None:
        first, second = app.app_context(), app.app_context()
        first.push()
        second.push()
        with pytest.raises(AssertionError) as info:
            first.pop()
        assert str(info.value) == f"Popped wrong app context. ({second!r} instead of {first!r})"

    def test_request_contexts(self, flask: Any, app: Any) -> None:
        first, second = app.test_request_context("/1"), app.test_request_context("/2")
        first.push()
        second.push()
        with pytest.raises(AssertionError) as info:
            first.pop()
        assert str(info.value) == (
            f"Popped wrong request context. ({second!r} instead of {first!r})"
        )


class TestAfterThisRequest:
    def test_gets_and_returns_the_response(self, flask: Any, app: Any, client: Any) -> None:
        log: list[str] = []

        @app.after_request
        def app_wide(response: Any) -> Any:
            log.append("app wide")
            return response

        @app.get("/")
        def index() -> str:
            @flask.after_this_request
            def first(response: Any) -> Any:
                log.append("first")
                response.headers["X-First"] = "yes"
                return response

            @flask.after_this_request
            def second(response: Any) -> Any:
                log.append("second")
                return flask.make_response("replaced", 202, response.headers)

            return "ok"

        response = client.get("/")
        assert (response.status_code, response.text) == (202, "replaced")
        assert response.headers["X-First"] == "yes"
        assert log == ["first", "second", "app wide"]

    def test_lasts_for_one_request(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/<int:mark>")
        def index(mark: int) -> str:
            if mark:
                flask.after_this_request(lambda r: (r.headers.set("X-Mark", "1"), r)[1])
            return "ok"

        assert client.get("/1").headers["X-Mark"] == "1"
        assert "X-Mark" not in client.get("/0").headers

    def test_outside_a_request(self, flask: Any, app: Any) -> None:
        with app.app_context(), pytest.raises(RuntimeError) as info:
            flask.after_this_request(lambda response: response)
        assert str(info.value) == (
            "'after_this_request' can only be used when a request"
            " context is active, such as in a view function."
        )


class TestCopyCurrentRequestContext:
    def test_carries_request_and_session_to_a_thread(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        found: list[Any] = []

        @app.get("/")
        def index() -> str:
            flask.session["n"] = 5

            @flask.copy_current_request_context
            def work(x: int, *, y: int) -> None:
                found.append((flask.request.path, flask.session["n"], flask.current_app.name, x, y))

            assert work.__name__ == "work"
            thread = threading.Thread(target=work, args=(1,), kwargs={"y": 2})
            thread.start()
            thread.join()
            return "ok"

        assert client.get("/").text == "ok"
        assert found == [("/", 5, "tested", 1, 2)]

    def test_works_after_the_request(self, flask: Any, app: Any, client: Any) -> None:
        kept: list[Any] = []

        @app.get("/")
        def index() -> str:
            kept.append(flask.copy_current_request_context(lambda: flask.request.args["q"]))
            return "ok"

        client.get("/?q=kept")
        assert kept[0]() == "kept"
        assert not flask.request

    def test_outside_a_request(self, flask: Any) -> None:
        with pytest.raises(RuntimeError) as info:
            flask.copy_current_request_context(lambda: None)
        assert str(info.value) == (
            "'copy_current_request_context' can only be used when a"
            " request context is active, such as in a view function."
        )

    def test_copy_shares_request_and_session(self, flask: Any, app: Any) -> None:
        with app.test_request_context("/") as ctx:
            flask.session["x"] = 1
            copied = ctx.copy()
            assert type(copied) is type(ctx)
            assert copied is not ctx
            assert copied.request is ctx.request
            with copied:
                assert flask.session["x"] == 1

    def test_what_a_copy_sets_is_saved(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/")
        def index() -> str:
            @flask.copy_current_request_context
            def work() -> None:
                flask.session["n"] = 5

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            return "ok"

        client.get("/")
        with client.session_transaction() as session:
            assert session["n"] == 5


class TestContextAttributes:
    @pytest.mark.erlen_only
    def test_session_opens_when_somebody_looks(self, flask: Any, app: Any) -> None:
        """Flask opens it at the push, and refuses before with an AssertionError."""
        ctx = app.test_request_context()
        assert ctx._open_session is None
        with ctx:
            assert ctx._open_session is None
            assert flask.session == {}
            assert ctx._open_session is not None

    def test_push_matches_the_url(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/u/<int:n>", "user", lambda n: str(n))
        with app.test_request_context("/u/4") as ctx:
            assert ctx.request.endpoint == "user"
            assert ctx.request.view_args == {"n": 4}
            assert ctx.request.url_rule.rule == "/u/<int:n>"
            assert ctx.request.routing_exception is None
        with app.test_request_context("/nothing") as ctx:
            assert ctx.request.endpoint is None
            assert ctx.request.view_args is None
            assert ctx.request.routing_exception.code == 404

    def test_session_is_there_in_a_converter(self, flask: Any, app: Any, client: Any) -> None:
        from werkzeug.routing import BaseConverter

        class Mine(BaseConverter):
            def to_python(self, value: str) -> str:
                return f"{flask.session.get('who', 'nobody')}:{value}"

        app.url_map.converters["mine"] = Mine
        app.add_url_rule("/<mine:value>", "index", lambda value: value)
        with client.session_transaction() as session:
            session["who"] = "ada"
        assert client.get("/x").text == "ada:x"

    def test_match_request_can_be_overridden(self, flask: Any, app: Any) -> None:
        class Context(flask.ctx.RequestContext):
            def match_request(self) -> None:
                super().match_request()
                self.request.view_args["n"] = 41

        app.add_url_rule("/<int:n>", "index", lambda n: str(n))
        app.request_context = lambda environ: Context(app, environ)
        assert app.test_client().get("/1").text == "41"

    def test_flashes_and_own_attributes(self, flask: Any, app: Any) -> None:
        with app.test_request_context() as ctx:
            assert ctx.flashes is None
            assert ctx._after_request_functions == []
            ctx.note = "anything"
            assert flask.globals.request_ctx.note == "anything"

    def test_weak_references(self, flask: Any, app: Any) -> None:
        ctx = app.test_request_context()
        app_ctx = app.app_context()
        references = [weakref.ref(ctx), weakref.ref(app_ctx)]
        with ctx, app_ctx:
            assert [ref() for ref in references] == [ctx, app_ctx]
        del ctx, app_ctx
        gc.collect()
        assert [ref() for ref in references] == [None, None]

    def test_a_request_leaves_nothing_for_the_cycle_collector(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        kept: list[weakref.ref[Any]] = []

        @app.get("/")
        def index() -> str:
            kept.append(weakref.ref(flask.globals.request_ctx._get_current_object()))
            return "ok"

        client.get("/").close()
        gc.collect()
        assert [ref() for ref in kept] == [None]

    def test_wsgi_server_of_a_preserving_debugger(self, flask: Any, app: Any) -> None:
        kept: list[Any] = []
        app.add_url_rule("/", "index", lambda: "ok")
        environ = EnvironBuilder("/").get_environ()
        environ["werkzeug.debug.preserve_context"] = kept.append
        run_wsgi_app(app, environ)
        assert [ctx.app for ctx in kept] == [app] * len(kept)
        assert len(kept) >= 1
        assert kept[-1].request.path == "/"


class TestWithClient:
    def test_keeps_the_context(self, flask: Any, app: Any, client: Any) -> None:
        log: list[str] = []
        app.teardown_request(lambda exc: log.append(flask.request.path))
        app.add_url_rule("/<name>", "index", lambda name: name)
        with client:
            client.get("/one")
            assert flask.request.path == "/one"
            client.get("/two")
            assert flask.request.path == "/two"
            assert flask.request.view_args == {"name": "two"}
        assert not flask.request
        # Torn down when the request ended, and when the kept context was popped.
        assert log == ["/one", "/one", "/two", "/two"]

    def test_keeps_the_g_of_the_last_request(self, flask: Any, app: Any, client: Any) -> None:
        """Also where several requests were kept, as a redirect makes them."""
        log: list[str] = []
        app.before_request(lambda: setattr(flask.g, "path", flask.request.path))
        app.teardown_appcontext(lambda exc: log.append("app"))
        app.add_url_rule("/", "index", lambda: flask.redirect("/end"))
        app.add_url_rule("/end", "end", lambda: "end")
        with client:
            assert client.get("/", follow_redirects=True).text == "end"
            assert (flask.request.path, flask.g.path) == ("/end", "/end")
        assert log == ["app"] * 4

    def test_g_of_a_kept_request_is_empty_where_it_was(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        def index() -> Any:
            flask.g.path = flask.request.path
            return flask.redirect("/end")

        app.add_url_rule("/", "index", index)
        app.add_url_rule("/end", "end", lambda: "end")
        with client:
            client.get("/", follow_redirects=True)
            assert "path" not in flask.g

    def test_keeps_nothing_of_a_request_that_raised(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        @app.get("/")
        def index() -> str:
            raise ValueError("broken")

        with client:
            with pytest.raises(ValueError, match="broken"):
                client.get("/")
            assert not flask.request
