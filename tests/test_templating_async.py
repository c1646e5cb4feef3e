"""Templates in async code: what is async in them runs on the event loop of the view."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

TWINS = {
    "render_template_async": ("page.html",),
    "render_template_string_async": ("<{{ x }}>",),
    "stream_template_async": ("page.html",),
    "stream_template_string_async": ("<{{ x }}>",),
    "render_block_async": ("page.html", "whole"),
}


@pytest.fixture
def lock() -> asyncio.Lock:
    """What belongs to the loop that first has somebody wait for it."""
    return asyncio.Lock()


@pytest.fixture(autouse=True)
def page(app: Any) -> None:
    from jinja2 import DictLoader

    app.jinja_loader = DictLoader({"page.html": "{% block whole %}<{{ x }}>{% endblock %}"})


def wait_for(app: Any, lock: asyncio.Lock, loops: list[Any]) -> None:
    """Have a processor wait, for what somebody on the same loop must do."""

    @app.context_processor
    async def processor() -> dict[str, str]:
        loops.append(asyncio.get_running_loop())
        async with lock:
            return {"x": "&"}


@pytest.mark.parametrize("name", TWINS)
def test_a_processor_that_waits(
    flask: Any, app: Any, client: Any, lock: asyncio.Lock, name: str
) -> None:
    loops: list[Any] = []
    wait_for(app, lock, loops)

    @app.get("/")
    async def index() -> Any:
        loop = asyncio.get_running_loop()
        loops.append(loop)
        await lock.acquire()
        loop.call_later(0.01, lock.release)
        return await getattr(flask, name)(*TWINS[name])

    assert client.get("/").text == "<&amp;>"
    assert len(loops) == 2
    assert loops[0] is loops[1]


def test_a_processor_that_does_not_wait_needs_no_await(
    flask: Any, app: Any, client: Any, lock: asyncio.Lock
) -> None:
    loops: list[Any] = []
    wait_for(app, lock, loops)

    @app.get("/")
    async def index() -> Any:
        loops.append(asyncio.get_running_loop())
        return flask.render_template("page.html")

    assert client.get("/").text == "<&amp;>"
    assert loops[0] is loops[1]


def test_a_processor_that_waits_needs_await(
    flask: Any, app: Any, client: Any, lock: asyncio.Lock
) -> None:
    ended: list[str] = []

    @app.context_processor
    async def user() -> dict[str, str]:
        try:
            await asyncio.sleep(0.01)
        finally:
            ended.append("cleaned up")
        return {}

    @app.get("/")
    async def index() -> Any:
        return flask.render_template("page.html")

    with pytest.raises(RuntimeError) as raised:
        client.get("/")
    assert str(raised.value) == (
        "The context processor 'user' waits for something, which sync code on an event loop cannot"
        " do. In async code render with 'await render_template_async(...)'; the functions beside"
        " it have their like."
    )
    assert ended == ["cleaned up"]


def test_order_and_what_wins(flask: Any, app: Any, client: Any) -> None:
    part = flask.Blueprint("part", __name__)

    @app.context_processor
    async def first() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"a": "app", "b": "app", "c": "app"}

    @app.context_processor
    def second() -> dict[str, str]:
        return {"b": "app, sync"}

    @part.context_processor
    async def inner() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"c": "part", "d": "part"}

    @part.get("/")
    async def index() -> Any:
        source = "{{ a }}, {{ b }}, {{ c }}, {{ d }}, {{ request.path }}"
        return await flask.render_template_string_async(source, d="given")

    app.register_blueprint(part)
    assert client.get("/").text == "app, app, sync, part, given, /"


def test_receivers_of_the_signals(flask: Any, app: Any, client: Any) -> None:
    log: list[Any] = []

    async def before(sender: Any, template: Any, context: Any) -> None:
        await asyncio.sleep(0)
        log.append(("before", asyncio.get_running_loop(), context["x"]))

    def after(sender: Any, template: Any, context: Any) -> None:
        log.append(("after", asyncio.get_running_loop(), context["x"]))

    @app.get("/")
    async def index() -> Any:
        log.append(("view", asyncio.get_running_loop(), None))
        return await flask.render_template_async("page.html", x=1)

    with (
        flask.before_render_template.connected_to(before, app),
        flask.template_rendered.connected_to(after, app),
    ):
        assert client.get("/").text == "<1>"
    assert [(what, x) for what, _, x in log] == [("view", None), ("before", 1), ("after", 1)]
    assert len({id(loop) for _, loop, _ in log}) == 1


def test_filters_and_globals_of_an_async_environment(flask: Any, app: Any, client: Any) -> None:
    app.jinja_options = {"enable_async": True}
    loops: list[Any] = []

    @app.template_filter()
    async def doubled(value: str) -> str:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return value * 2

    @app.template_global()
    async def user() -> str:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return "Ada"

    @app.get("/")
    async def index() -> Any:
        loops.append(asyncio.get_running_loop())
        return await flask.render_template_string_async("{{ user()|doubled }}")

    assert client.get("/").text == "AdaAda"
    assert len(loops) == 3
    assert len(set(map(id, loops))) == 1


def test_a_block_of_an_async_environment(flask: Any, app: Any, client: Any) -> None:
    app.jinja_options = {"enable_async": True}

    @app.get("/")
    async def index() -> Any:
        return await flask.render_block_async("page.html", "whole")

    with pytest.raises(RuntimeError, match="cannot render in an environment with 'enable_async'"):
        client.get("/")


def test_an_app_that_updates_the_context_its_own_way(flask: Any) -> None:
    class Own(flask.Flask):
        def update_template_context(self, context: dict[str, Any]) -> None:
            super().update_template_context(context)
            context["x"] = "its own"

    app: Any = Own("own")

    @app.get("/")
    async def index() -> Any:
        return await flask.render_template_string_async("{{ x }} {{ y }}")

    assert app.test_client().get("/").text == "its own "

    def update(context: dict[str, Any]) -> None:
        context["y"] = "on the object"

    app.update_template_context = update
    assert app.test_client().get("/").text == " on the object"


def test_an_app_that_has_its_own_way_to_wait(flask: Any) -> None:
    class Own(flask.Flask):
        def ensure_sync(self, func: Any) -> Any:
            return (lambda: {"x": "replaced"}) if func is processor else super().ensure_sync(func)

    app: Any = Own("own")

    @app.context_processor
    async def processor() -> dict[str, str]:
        return {}

    @app.get("/")
    async def index() -> Any:
        return flask.render_template_string("{{ x }}")

    assert app.test_client().get("/").text == "replaced"


def test_outside_an_app(flask: Any) -> None:
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        asyncio.run(flask.render_template_async("page.html"))
