"""Sixteen threads with random hooks, `g`, session and errors: nothing of one reaches another."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

THREADS = 16
REQUESTS = 60


@pytest.fixture(autouse=True)
def switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def in_threads(work: Any) -> None:
    """Run `work(number)` in each thread at once, and raise the first error of any."""
    barrier = threading.Barrier(THREADS)
    errors: list[BaseException] = []

    def main(number: int) -> None:
        try:
            barrier.wait(20)
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=main, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if errors:
        raise errors[0]


class Refused(Exception):
    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.token = token


@pytest.fixture
def shared(flask: Any, app: Any) -> Any:
    """One app for all threads; each step checks that it still sees its own request."""
    app.testing = False
    seen = threading.local()

    def check() -> str:
        token = flask.request.args["token"]
        assert flask.g.token == token
        assert flask.request.headers["X-Token"] == token
        assert flask.globals.app_ctx.g.token == token
        assert flask.current_app._get_current_object() is app
        return str(token)

    @app.before_request
    def before() -> None:
        assert "token" not in flask.g
        flask.g.token = flask.request.args["token"]
        flask.g.steps = []
        seen.token = flask.g.token

    @app.before_request
    def random_hook() -> Any:
        check()
        kind = flask.request.args["kind"]
        if kind == "hook-answers":
            return f"hook {flask.g.token}"
        if kind == "hook-fails":
            raise Refused(flask.g.token)
        return None

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-After"] = check()
        return response

    @app.teardown_request
    def teardown(exc: BaseException | None) -> None:
        assert seen.token == check()
        assert exc is None or flask.g.token in str(exc)

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Any:
        assert error.token == check()
        return f"refused {error.token}", 409

    @app.errorhandler(500)
    def internal(error: Any) -> Any:
        return f"internal {check()} {error.original_exception}", 500

    def count() -> str:
        flask.session["count"] = flask.session.get("count", 0) + 1
        flask.session["owner"] = flask.session.get("owner", flask.g.token.partition("-")[0])
        return f"{flask.session['owner']} {flask.session['count']}"

    def stream() -> Any:
        @flask.stream_with_context
        def produce() -> Iterator[str]:
            for n in range(3):
                yield f"{check()}:{n} "

        return flask.Response(produce())

    async def asynchronous() -> str:
        import asyncio

        for _ in range(2):
            check()
            await asyncio.sleep(0)
        return f"async {check()}"

    def template() -> str:
        return str(flask.render_template_string("{{ g.token }} {{ request.args.token }}"))

    def added() -> str:
        token = check()

        @flask.after_this_request
        def once(response: Any) -> Any:
            response.headers["X-Once"] = token
            return response

        return f"added {flask.url_for('view', name=token)}"

    def fail() -> str:
        raise ValueError(check())

    kinds: dict[str, Any] = {
        "plain": lambda: f"plain {check()}",
        "session": count,
        "stream": stream,
        "template": template,
        "added": added,
        "raise": fail,
        "refuse": lambda: (_ for _ in ()).throw(Refused(check())),
    }

    @app.route("/view/<name>", methods=["GET", "POST"])
    def view(name: str) -> Any:
        assert name == check()
        assert flask.request.view_args == {"name": name}
        return kinds[flask.request.args["kind"]]()

    app.add_url_rule("/async", "async", asynchronous)
    return app


@pytest.mark.wsgi  # one thread for a whole request
def test_no_cross_talk(shared: Any) -> None:
    def work(number: int) -> None:
        generator = random.Random(number)
        client = shared.test_client()
        counted = 0
        for i in range(REQUESTS):
            token = f"t{number}-{i}"
            kind = generator.choice(
                "plain session stream template added raise refuse hook-answers hook-fails"
                " missing".split()
            )
            expected = {
                "plain": (200, f"plain {token}"),
                "session": (200, f"t{number} {counted + 1}"),
                "stream": (200, f"{token}:0 {token}:1 {token}:2 "),
                "template": (200, f"{token} {token}"),
                "added": (200, f"added /view/{token}"),
                "raise": (500, f"internal {token} {token}"),
                "refuse": (409, f"refused {token}"),
                "hook-answers": (200, f"hook {token}"),
                "hook-fails": (409, f"refused {token}"),
                "missing": (404, None),
            }[kind]
            counted += kind == "session"
            path = "/nowhere" if kind == "missing" else f"/view/{token}"
            response = client.get(
                path, query_string={"token": token, "kind": kind}, headers={"X-Token": token}
            )
            assert response.status_code == expected[0], (kind, response.text)
            assert expected[1] is None or response.text == expected[1]
            assert response.headers["X-After"] == token
            assert response.headers.get("X-Once") == (token if kind == "added" else None)

    in_threads(work)


@pytest.mark.wsgi  # one thread for a whole request
def test_async_views(shared: Any) -> None:
    def work(number: int) -> None:
        client = shared.test_client()
        for i in range(REQUESTS // 4):
            token = f"t{number}-{i}"
            response = client.get(
                "/async", query_string={"token": token, "kind": "x"}, headers={"X-Token": token}
            )
            assert response.text == f"async {token}"

    in_threads(work)


def test_first_requests_at_once(flask: Any) -> None:
    """What an app makes at its first request is made whole, whoever comes first."""
    for round_ in range(5):
        app = flask.Flask(f"first{round_}")
        app.secret_key = "a secret key of more than thirty-two bytes"
        for n in range(200):
            app.add_url_rule(f"/fixed{n}/<int:x>", f"e{n}", lambda x, n=n: f"{n} {x}")

        def work(number: int, app: Any = app) -> None:
            response = app.test_client().get(f"/fixed{number}/{number}")
            assert response.text == f"{number} {number}"
            with app.test_request_context():
                assert app.url_for(f"e{number}", x=1) == f"/fixed{number}/1"
                assert flask.render_template_string("{{ x }}", x=number) == str(number)

        in_threads(work)


def test_rules_added_while_serving(flask: Any, app: Any) -> None:
    """Extensions add rules to a running app: nobody sees half a map."""
    app.add_url_rule("/x/<name>", "x", lambda name: name)
    app.test_client().get("/x/warm")
    lock = threading.Lock()

    def work(number: int) -> None:
        client = app.test_client()
        for i in range(10):
            if number == 0:
                with lock:
                    endpoint = f"added{i}"
                    app.view_functions[endpoint] = lambda i=i: f"added {i}"
                    app.url_map.add(app.url_rule_class(f"/added{i}", endpoint=endpoint))
                assert client.get(f"/added{i}").text == f"added {i}"
            assert client.get(f"/x/{number}-{i}").text == f"{number}-{i}"

    in_threads(work)


def test_contexts_by_hand(flask: Any) -> None:
    def work(number: int) -> None:
        app = flask.Flask(f"app{number}")
        for i in range(REQUESTS):
            with app.app_context():
                flask.g.n = i
                with app.test_request_context(f"/{i}"):
                    assert flask.current_app.name == f"app{number}"
                    assert flask.request.path == f"/{i}"
                    assert flask.g.n == i
            assert not flask.has_app_context()

    in_threads(work)


def test_what_is_kept_between_requests(flask: Any, app: Any, templates: Any) -> None:
    """Threads fill the same caches at once, and past their bounds."""
    templates(**{f"{n}.html": f"{n} {{{{ x }}}}" for n in range(8)})
    for n in range(8):
        app.add_url_rule(f"/page{n}/<name>/<int:x>", f"page{n}", lambda name, x: f"{name} {x}")

    @app.post("/count")
    def count() -> Any:
        flask.session["count"] = flask.session.get("count", 0) + 1
        return {"count": flask.session["count"], "host": flask.request.host}

    @app.get("/render/<int:n>")
    def render(n: int) -> Any:
        made = flask.render_template_string(f"{n} {{{{ x }}}}", x="<")
        return made + flask.render_template(f"{n % 8}.html", x=n)

    def work(number: int) -> None:
        client = app.test_client()
        for i in range(REQUESTS):
            host = f"host{number * REQUESTS + i}.test"
            counted = client.post("/count", base_url=f"http://{host}")
            assert counted.json == {"count": 1, "host": host}
            counted = client.post("/count", base_url=f"http://{host}")
            assert counted.json == {"count": 2, "host": host}
            n = number * REQUESTS + i
            assert client.get(f"/render/{n}").text == f"{n} &lt;{n % 8} {n}"
            assert client.get(f"/page{i % 8}/{n}/{i}").text == f"{n} {i}"
            allowed = client.options(f"/page{i % 8}/{n}/{i}").headers["Allow"]
            assert set(allowed.split(", ")) == {"GET", "HEAD", "OPTIONS"}
            with app.test_request_context():
                assert flask.url_for(f"page{i % 8}", name="a", x=n) == f"/page{i % 8}/a/{n}"

    in_threads(work)


def test_keys_that_change_while_serving(flask: Any) -> None:
    """Applications of one session interface sign with a key each, more keys than are kept."""

    def make(number: int) -> Any:
        app = flask.Flask(f"app{number}")
        app.config.update(TESTING=True, SECRET_KEY=f"the secret key of the app number {number}")
        app.add_url_rule("/own", "own", lambda: str(flask.session.setdefault("owner", number)))
        app.add_url_rule("/owner", "owner", lambda: str(flask.session.get("owner")))
        return app

    apps = [make(number) for number in range(24)]

    def work(number: int) -> None:
        clients = [app.test_client() for app in apps]
        for _ in range(4):
            for owner, client in enumerate(clients):
                assert client.get("/own").text == str(owner)
                assert client.get("/owner").text == str(owner)

    in_threads(work)
