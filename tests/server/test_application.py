"""Finding the application before it is served, and what it needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from erlen import current_app
from erlen.asgi.protocol import Protocol
from erlen.cli import NoAppException, ScriptInfo
from erlen.middleware import Balancer, Compress, Dispatcher, ProxyFix
from erlen.server.application import CannotServe, Found, examine, load, look_at
from erlen.server.within import apps_within
from erlen.views import MethodView

pytestmark = pytest.mark.erlen_only


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Writes ``wsgi.py`` in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("app", "wsgi"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    def write(text: str) -> Path:
        file = tmp_path / "wsgi.py"
        file.write_text(text)
        return file

    yield write
    sys.modules.pop("wsgi", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nx / 0", "ZeroDivisionError: division by zero ({file}, line 2)"),
        ("def f():\n  raise OSError('a\\nb')\nf()", "OSError: a b ({file}, line 2)"),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere' ({file}, line 1)"),
        ("\nx =", "SyntaxError: invalid syntax ({file}, line 2)"),
        ("raise SystemExit(3)", "SystemExit: 3 ({file}, line 1)"),
        ("raise ValueError", "ValueError ({file}, line 1)"),
    ],
)
def test_an_application_that_fails(source: Any, text: str, message: str) -> None:
    file = source(text)
    with pytest.raises(CannotServe) as caught:
        load(None)
    assert caught.value.exit_code == 1
    assert caught.value.message == (
        f"The application cannot be loaded: {message.format(file=file)}."
        " 'erlen routes' shows the whole traceback."
    )


def test_the_application_is_named_where_it_has_a_name(source: Any) -> None:
    source("1 / 0")
    with pytest.raises(CannotServe, match="^The application 'wsgi:app' cannot be loaded: Zero"):
        load("wsgi:app")


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (None, None, "Could not locate a Flask application."),
        ("missing", None, "Could not import 'missing'."),
        ("wsgi", "x = 1", "Failed to find Flask application or factory in module 'wsgi'."),
        ("wsgi:x", "x = 1", "A valid Flask application was not obtained from 'wsgi:x'."),
    ],
)
def test_an_application_that_is_not_there(
    source: Any, path: str | None, text: str | None, message: str
) -> None:
    if text is not None:
        source(text)
    else:
        source("").unlink()
    with pytest.raises(CannotServe) as caught:
        load(path)
    assert caught.value.exit_code == 2
    assert caught.value.message.startswith(message) and "\n" not in caught.value.message


@pytest.mark.parametrize("setting", ["app.debug = True", "app.config['DEBUG'] = True"])
def test_debug_mode_is_refused(source: Any, setting: str) -> None:
    source(f"from erlen import Flask\napp = Flask('x')\n{setting}")
    with pytest.raises(CannotServe, match="The application turns debug mode on") as caught:
        load(None)
    assert caught.value.exit_code == 2


def test_the_server_does_not_import_the_application(source: Any) -> None:
    source("from flask import Flask\napp = Flask('x')")
    assert examine(None) == Found("wsgi")
    assert "wsgi" not in sys.modules


def test_an_application_that_ends_its_process(source: Any) -> None:
    source("import os\nos._exit(7)")
    with pytest.raises(CannotServe, match=r"ended the process that loaded it \(exit code 7\)"):
        examine(None)


def test_what_fails_in_the_other_process_is_told(source: Any) -> None:
    source("")
    with pytest.raises(CannotServe, match="Failed to find Flask application") as caught:
        examine(None)
    assert caught.value.exit_code == 2


PLAIN = """
from erlen import Flask
from erlen.middleware import Dispatcher

app = Flask("app")
other = Flask("other")
count = 0

def plain(environ, start_response): ...

async def asynchronous(scope, receive, send): ...

def make(config=None, debug=False):
    global count
    count += 1
    return Dispatcher(app)

class Callable:
    def __call__(self, environ, start_response): ...

callable_object = Callable()
number = 1
"""


class TestOtherApplications:
    """Whatever a server can call, as it is named."""

    @pytest.mark.parametrize("name", ["plain", "asynchronous", "callable_object"])
    def test_named(self, source: Any, name: str) -> None:
        source(PLAIN)
        assert load(f"wsgi:{name}") is getattr(sys.modules["wsgi"], name)

    @pytest.mark.parametrize("name", ["make", "make()", "make('x', debug=True)"])
    def test_made(self, source: Any, name: str) -> None:
        source(PLAIN)
        assert isinstance(load(f"wsgi:{name}"), Dispatcher)
        assert sys.modules["wsgi"].count == 1

    @pytest.mark.parametrize("name", ["Callable", "number"])
    def test_what_is_none(self, source: Any, name: str) -> None:
        source(PLAIN)
        with pytest.raises(CannotServe, match="A valid Flask application was not obtained"):
            load(f"wsgi:{name}")

    @pytest.mark.parametrize("path", [None, "wsgi"])
    def test_by_the_name_that_servers_look_for(self, source: Any, path: str | None) -> None:
        """Where the app is in it, the app alone is not what is meant."""
        source(PLAIN + "application = make()")
        assert load(path) is sys.modules["wsgi"].application

    def test_an_app_of_that_name_is_not_preferred(self, source: Any) -> None:
        source(PLAIN + "application = other")
        assert load(None) is sys.modules["wsgi"].app

    def test_commands_need_an_app(self, source: Any) -> None:
        source(PLAIN + "application = make()")
        assert ScriptInfo("wsgi").load_app() is sys.modules["wsgi"].app
        with pytest.raises(NoAppException):
            ScriptInfo("wsgi:application").load_app()

    def test_debug_mode_within_is_refused(self, source: Any) -> None:
        source(PLAIN + "app.debug = True\napplication = make()")
        with pytest.raises(CannotServe, match="The application turns debug mode on"):
            load(None)


def closed_over(app: Any) -> Any:
    def middleware(environ: Any, start_response: Any) -> Any:
        return app(environ, start_response)

    return middleware


class Slotted:
    __slots__ = ()


class TestWithin:
    @pytest.mark.parametrize(
        "put_around",
        [
            lambda app: app,
            ProxyFix,
            closed_over,
            partial(partial, closed_over),
            lambda app: ProxyFix(closed_over(ProxyFix(app))),
            lambda app: Dispatcher(None, {"/app": Compress(app)}),
            lambda app: ProxyFix(app).__call__,
        ],
    )
    def test_apps(self, app: Any, put_around: Any) -> None:
        assert apps_within(put_around(app)) == [app]

    def test_several(self, app: Any, flask: Any) -> None:
        other: Any = flask.Flask("other")
        application = Dispatcher(app, {"/other": other, "/again": closed_over(app)})
        assert apps_within(application) == [app, other]

    def test_none(self) -> None:
        empty: Any = closed_over(None)

        def unbound() -> Any:
            return later

        assert apps_within([empty, unbound, Slotted(), current_app]) == []
        later = 1

    def test_circles_end(self, app: Any) -> None:
        circle: list[Any] = [{"more": ()}]
        circle += [circle, app]
        assert apps_within(circle) == [app]


class TestInterfaceOfOthers:
    def test_both_doors(self, app: Any) -> None:
        assert look_at(Dispatcher(app)) == Found("wsgi")

        @app.get("/async")
        async def index() -> str:
            return ""

        assert look_at(Dispatcher(app)) == Found("asgi", "the view 'index' is async")
        app.websocket("/ws")(index)
        found = Found("asgi", "it has WebSockets", runs_on_wsgi=False, has_websockets=True)
        assert look_at(Dispatcher(app)) == found

    def test_wsgi_alone(self, app: Any) -> None:
        wsgi: frozenset[Protocol] = frozenset({"WSGI"})
        assert look_at(ProxyFix(app)) == Found("wsgi", speaks=wsgi)
        app.before_serving(lambda: None)
        lost = "it has functions around serving"
        assert look_at(ProxyFix(app)) == Found("wsgi", speaks=wsgi, lost=lost)

    def test_asgi_alone(self) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None: ...

        asgi: frozenset[Protocol] = frozenset({"ASGI"})
        reason = "it speaks ASGI alone"
        assert look_at(application) == Found("asgi", reason, False, False, asgi)
        reason = "an ASGI application is mounted on it"
        assert look_at(Compress(Dispatcher(None, {"/a": application}))) == Found("asgi", reason)

    def test_a_balancer(self, app: Any) -> None:
        pytest.importorskip("urllib3", reason="urllib3 is not installed")
        balancer = Balancer(["http://127.0.0.1:1"])
        reason = "it passes on WebSockets"
        assert look_at(balancer) == Found("asgi", reason)
        assert look_at(Dispatcher(app, {"/other": balancer})) == Found("asgi", reason)


class TestInterface:
    def test_of_sync_views(self, app: Any) -> None:
        class Things(MethodView):
            def get(self) -> str:
                return "things"

        app.add_url_rule("/", "index", lambda: "")
        app.add_url_rule("/things", view_func=Things.as_view("things"))
        assert look_at(app) == Found("wsgi")

    def test_of_an_async_view(self, app: Any) -> None:
        @app.get("/")
        async def index() -> str:
            return ""

        assert look_at(app) == Found("asgi", "the view 'index' is async")

    def test_of_an_async_method(self, app: Any) -> None:
        class Things(MethodView):
            async def get(self) -> str:
                return "things"

        app.add_url_rule("/things", view_func=Things.as_view("things"))
        assert look_at(app) == Found("asgi", "the view 'things' is async")

    def test_of_asgi_middleware(self, app: Any) -> None:
        app.asgi_app = partial(app.asgi_app)
        reason = "it has ASGI middleware around it"
        assert look_at(app) == Found("asgi", reason, runs_on_wsgi=False)
        # Around both: WSGI has it as well.
        app.wsgi_app = partial(app.wsgi_app)
        assert look_at(app) == Found("wsgi")

    def test_of_websockets(self, app: Any) -> None:
        @app.websocket("/")
        async def talk() -> None: ...

        found = Found("asgi", "it has WebSockets", runs_on_wsgi=False, has_websockets=True)
        assert look_at(app) == found

    @pytest.mark.parametrize("hook", ["before_serving", "while_serving", "after_serving"])
    def test_of_functions_around_serving(self, app: Any, hook: str) -> None:
        getattr(app, hook)(lambda: None)
        found = Found("asgi", "it has functions around serving", runs_on_wsgi=False)
        assert look_at(app) == found
