from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from werkzeug.exceptions import NotFound

note: ContextVar[str] = ContextVar("note", default="nothing")


def within(seconds: float, work: Any) -> Any:
    """Run `work` in a thread and give up after a while: a deadlock fails, and does not hang."""
    found: list[Any] = []
    errors: list[BaseException] = []

    def main() -> None:
        try:
            found.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]
    return found[0]


class TestViews:
    def test_the_request_is_there(self, flask: Any, app: Any, client: Any) -> None:
        @app.post("/<int:n>")
        async def index(n: int) -> Any:
            await asyncio.sleep(0)
            flask.session["n"] = n
            return {"path": flask.request.path, "form": flask.request.form, "n": n}

        response = client.post("/4?q=1", data={"a": "1"})
        assert response.json == {"path": "/4", "form": {"a": "1"}, "n": 4}
        with client.session_transaction() as session:
            assert session["n"] == 4

    @pytest.mark.parametrize(
        ("value", "status", "text"),
        [
            ("text", 200, "text"),
            (("text", 201), 201, "text"),
            ({"a": 1}, 200, '{"a":1}\n'),
        ],
    )
    def test_return_values(self, app: Any, client: Any, value: Any, status: int, text: str) -> None:
        @app.get("/")
        async def index() -> Any:
            return value

        response = client.get("/")
        assert (response.status_code, response.text) == (status, text)

    def test_errors(self, app: Any, client: Any) -> None:
        @app.get("/value")
        async def value() -> str:
            raise ValueError("async")

        @app.get("/404")
        async def missing() -> str:
            raise NotFound

        @app.errorhandler(404)
        async def handle(error: NotFound) -> Any:
            await asyncio.sleep(0)
            return "handled", 404

        assert client.get("/404").text == "handled"
        with pytest.raises(ValueError, match="async"):
            client.get("/value")
        app.testing = False
        assert client.get("/value").status_code == 500

    def test_none_is_not_an_answer(self, app: Any, client: Any) -> None:
        @app.get("/")
        async def index() -> None:
            return None

        with pytest.raises(TypeError, match="The view function for 'index' did not return"):
            client.get("/")

    def test_async_wrapper_of_a_sync_view(self, app: Any, client: Any) -> None:
        from functools import wraps

        def decorate(f: Any) -> Any:
            @wraps(f)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                await asyncio.sleep(0)
                return f"<{f(*args, **kwargs)}>"

            return wrapper

        @app.get("/")
        @decorate
        def index() -> str:
            return "x"

        assert client.get("/").text == "<x>"

    def test_class_based(self, flask: Any, app: Any, client: Any) -> None:
        importlib.import_module(f"{flask.__name__}.views")

        class Plain(flask.views.View):
            methods = ["GET"]

            async def dispatch_request(self) -> str:
                await asyncio.sleep(0)
                return "plain"

        class ByMethod(flask.views.MethodView):
            async def post(self) -> str:
                await asyncio.sleep(0)
                return "posted"

        app.add_url_rule("/plain", view_func=Plain.as_view("plain"))
        app.add_url_rule("/method", view_func=ByMethod.as_view("method"))
        assert client.get("/plain").text == "plain"
        assert client.post("/method").text == "posted"

    def test_cookies_and_response_objects(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/")
        async def index() -> Any:
            response = flask.make_response("x")
            response.set_cookie("a", "1")
            return response

        assert client.get("/").headers["Set-Cookie"] == "a=1; Path=/"


class TestHooks:
    def test_all_kinds(self, flask: Any, app: Any, client: Any) -> None:
        log: list[str] = []
        bp = flask.Blueprint("bp", "bp")

        async def add(text: str) -> None:
            await asyncio.sleep(0)
            log.append(f"{text} {flask.request.path}")

        for name, scaffold in (("app", app), ("bp", bp)):

            async def before(name: str = name) -> None:
                await add(f"before {name}")

            async def after(response: Any, name: str = name) -> Any:
                await add(f"after {name}")
                return response

            async def teardown(exc: Any, name: str = name) -> None:
                await add(f"teardown {name} {exc}")

            scaffold.before_request(before)
            scaffold.after_request(after)
            scaffold.teardown_request(teardown)

        @app.teardown_appcontext
        async def teardown_app(exc: Any) -> None:
            await asyncio.sleep(0)
            log.append(f"teardown context {flask.current_app.name}")

        @bp.get("/")
        async def index() -> str:
            @flask.after_this_request
            async def after_this(response: Any) -> Any:
                await add("after this")
                return response

            return "x"

        app.register_blueprint(bp)
        assert client.get("/").text == "x"
        assert log == [
            "before app /",
            "before bp /",
            "after this /",
            "after bp /",
            "after app /",
            "teardown bp None /",
            "teardown app None /",
            "teardown context tested",
        ]

    def test_before_request_may_answer(self, app: Any, client: Any) -> None:
        @app.before_request
        async def stop() -> Any:
            return "stopped", 403

        app.add_url_rule("/", "index", lambda: "x")
        assert client.get("/").status_code == 403

    def test_handlers_of_errors(self, app: Any, client: Any) -> None:
        app.testing = False

        @app.errorhandler(ValueError)
        async def value(error: ValueError) -> str:
            return f"value {error}"

        @app.errorhandler(500)
        async def internal(error: Any) -> Any:
            return f"internal {error.original_exception!r}", 500

        def fail(kind: str) -> Any:
            raise {"value": ValueError("v"), "key": KeyError("k")}[kind]

        app.add_url_rule("/<kind>", "fail", fail)
        assert client.get("/value").text == "value v"
        assert client.get("/key").text == "internal KeyError('k')"

    def test_context_processors(self, flask: Any, app: Any, client: Any) -> None:
        @app.context_processor
        async def processor() -> dict[str, Any]:
            return {"x": "async"}

        app.add_url_rule("/", "index", lambda: flask.render_template_string("{{ x }}"))
        assert client.get("/").text == "async"

    def test_g_is_shared_between_sync_and_async(self, flask: Any, app: Any, client: Any) -> None:
        @app.before_request
        async def before() -> None:
            flask.g.steps = ["async before"]

        @app.before_request
        def sync_before() -> None:
            flask.g.steps.append("sync before")

        @app.get("/")
        async def index() -> list[str]:
            return [*flask.g.steps, "async view"]

        assert client.get("/").json == ["async before", "sync before", "async view"]

    def test_copied_context(self, flask: Any, app: Any, client: Any) -> None:
        found: list[str] = []

        @app.get("/")
        def index() -> str:
            @flask.copy_current_request_context
            async def work() -> None:
                await asyncio.sleep(0)
                found.append(flask.request.path)

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            return "x"

        client.get("/")
        assert found == ["/"]


class TestContextVariables:
    def test_are_seen_inside(self, app: Any, client: Any) -> None:
        @app.get("/")
        async def index() -> str:
            return note.get()

        token = note.set("from the server")
        try:
            assert client.get("/").text == "from the server"
        finally:
            note.reset(token)

    def test_what_a_hook_sets_is_seen_by_the_view(self, app: Any) -> None:
        @app.before_request
        async def before() -> None:
            note.set("from the hook")

        app.add_url_rule("/", "index", lambda: note.get())
        text = within(10, lambda: app.test_client().get("/").text)
        assert text == "from the hook"

    def test_tasks_of_a_view_see_the_request(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/<int:n>")
        async def index(n: int) -> list[str]:
            async def part(i: int) -> str:
                await asyncio.sleep(0)
                return f"{flask.request.path}:{i}"

            return list(await asyncio.gather(*(part(i) for i in range(3))))

        assert client.get("/7").json == ["/7:0", "/7:1", "/7:2"]


class TestEnsureSync:
    def test_sync_functions_pass(self, app: Any) -> None:
        def f() -> None: ...

        assert app.ensure_sync(f) is f

    def test_what_is_a_coroutine_function(self, app: Any) -> None:
        class Called:
            async def __call__(self) -> str:
                return "called"

            async def method(self) -> str:
                return "method"

        async def f() -> str:
            return "f"

        @functools.wraps(f)
        def wrapped() -> str:
            return "wrapped"

        def generator() -> Iterator[str]:
            yield "generated"

        for asynchronous in (f, functools.partial(f), Called().method):
            assert isinstance(app.ensure_sync(asynchronous)(), str)
        for plain in (wrapped, generator, str, Called(), len):
            assert app.ensure_sync(plain) is plain
        if sys.version_info >= (3, 12):

            def marked() -> Any:
                return f()

            assert app.ensure_sync(marked) is marked
            assert app.ensure_sync(inspect.markcoroutinefunction(marked))() == "f"

    def test_async_functions_are_run(self, app: Any) -> None:
        async def f(a: int, *, b: int) -> int:
            await asyncio.sleep(0)
            return a + b

        assert app.ensure_sync(f)(1, b=2) == 3
        assert app.async_to_sync(f)(3, b=4) == 7

    def test_exceptions_come_through(self, app: Any) -> None:
        async def f() -> None:
            raise KeyError("inside")

        with pytest.raises(KeyError, match="inside"):
            app.ensure_sync(f)()

    def test_context_is_seen(self, flask: Any, app: Any) -> None:
        async def f() -> str:
            return str(flask.current_app.name)

        with app.app_context():
            assert app.ensure_sync(f)() == "tested"


@pytest.mark.erlen_only
class TestOneLoop:
    """Under WSGI one event loop serves the process, and nothing can block it for good."""

    def test_requests_share_a_loop(self, app: Any) -> None:
        loops: list[Any] = []

        @app.get("/")
        async def index() -> str:
            loops.append(asyncio.get_running_loop())
            return "x"

        client = app.test_client()
        client.get("/")
        within(10, lambda: app.test_client().get("/"))
        client.get("/")
        assert len(loops) == 3
        assert len(set(map(id, loops))) == 1

    def test_resources_of_one_request_serve_the_next(self, app: Any, client: Any) -> None:
        queue: list[asyncio.Queue[int]] = []

        @app.get("/")
        async def index() -> str:
            if not queue:
                queue.append(asyncio.Queue())
            await queue[0].put(len(queue))
            return str(queue[0].qsize())

        assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]

    def test_views_run_side_by_side(self, app: Any) -> None:
        gate = asyncio.Event()
        waiting = threading.Event()

        @app.get("/wait")
        async def wait() -> str:
            waiting.set()
            await gate.wait()
            return "went on"

        @app.get("/open")
        async def open_gate() -> str:
            gate.set()
            return "opened"

        def both() -> list[str]:
            texts: list[str] = []
            thread = threading.Thread(
                target=lambda: texts.append(app.test_client().get("/wait").text)
            )
            thread.start()
            waiting.wait(10)
            texts.append(app.test_client().get("/open").text)
            thread.join(10)
            return sorted(texts)

        assert within(20, both) == ["opened", "went on"]

    def test_sync_code_of_an_async_view_may_call_async_code(self, flask: Any, app: Any) -> None:
        async def leaf(depth: int) -> str:
            await asyncio.sleep(0)
            if depth:
                return f"{depth} " + str(app.ensure_sync(leaf)(depth - 1))
            return str(flask.request.path)

        @app.get("/")
        async def index() -> str:
            return str(app.ensure_sync(leaf)(3))

        assert within(20, lambda: app.test_client().get("/").text) == "3 2 1 /"

    def test_a_request_made_inside_an_async_view(self, app: Any) -> None:
        @app.get("/outer")
        async def outer() -> str:
            return f"outer {app.test_client().get('/inner').text}"

        @app.get("/inner")
        async def inner() -> str:
            return "inner"

        assert within(20, lambda: app.test_client().get("/outer").text) == "outer inner"

    def test_code_in_a_worker_thread_of_the_view(self, flask: Any, app: Any) -> None:
        async def leaf() -> str:
            return str(flask.request.path)

        @app.get("/")
        async def index() -> str:
            return str(await asyncio.to_thread(app.ensure_sync(leaf)))

        assert within(20, lambda: app.test_client().get("/").text) == "/"

    def test_called_while_another_loop_runs(self, app: Any) -> None:
        @app.get("/")
        async def index() -> str:
            await asyncio.sleep(0)
            return "x"

        async def main() -> str:
            return str(app.test_client().get("/").text)

        assert within(20, lambda: asyncio.run(main())) == "x"

    def test_cancelled_error_of_a_view(self, app: Any) -> None:
        @app.get("/")
        async def index() -> str:
            raise asyncio.CancelledError

        @app.get("/fine")
        async def fine() -> str:
            return "fine"

        def attempt() -> str:
            try:
                app.test_client().get("/")
            except BaseException as error:
                return type(error).__name__
            return "nothing raised"

        assert within(20, attempt) == "CancelledError"
        assert within(20, lambda: app.test_client().get("/fine").text) == "fine"

    def test_contexts_do_not_mix(self, flask: Any, app: Any) -> None:
        @app.get("/<int:n>")
        async def index(n: int) -> list[int]:
            flask.g.n = n
            for _ in range(3):
                await asyncio.sleep(0)
                assert flask.g.n == n
            return [n, flask.request.view_args["n"]]

        wrong: list[Any] = []

        def work(n: int) -> None:
            found = app.test_client().get(f"/{n}").json
            if found != [n, n]:
                wrong.append(found)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert wrong == []
