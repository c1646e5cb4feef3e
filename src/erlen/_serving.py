"""How an app is served, and tested without a server."""

from __future__ import annotations

import sys
import typing as t
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial, update_wrapper
from inspect import iscoroutinefunction

from . import typing as ft
from ._ending import Ending
from ._lazy import LateModule, lazy
from .scaffold import Scaffold, setupmethod

if t.TYPE_CHECKING:
    import asyncio
    from contextlib import AsyncExitStack

    from . import testing
    from .asgi import pool, websocket
    from .asgi import testing as _asgi
    from .config import Config
    from .routing import Map
    from .wrappers import Response
else:
    asyncio = LateModule("asyncio")
    testing = LateModule("erlen.testing")
    pool = LateModule("erlen.asgi.pool")
    websocket = LateModule("erlen.asgi.websocket")
    _asgi = LateModule("erlen.asgi.testing")


async def _asgi_3(*args: t.Any) -> None: ...


class _Call(partial[t.Any]):
    """What the ``__call__`` of an object is, for servers that ask whether it is ``async def``.

    They look through a partial function. Calling the object does not come by here.
    """

    def __call__(self, /, *args: t.Any, **kwargs: t.Any) -> t.Any:
        called = self.args[0]()
        return type(called).__call__(called, *args, **kwargs)


def mark_one_asgi(application: t.Any) -> None:
    """Have an object's ``__call__`` pass for ``async def``: by this servers know ASGI 3."""
    application.__call__ = _Call(_asgi_3, weakref.ref(application))


if sys.version_info >= (3, 12):
    from inspect import markcoroutinefunction

    def mark_asgi(app_class: t.Any) -> None:
        """Mark all objects of a class."""
        markcoroutinefunction(app_class.__call__)

    def _mark_app(app: t.Any) -> None:
        """Do nothing: the class is marked."""
else:  # Python 3.11 cannot mark a function

    def mark_asgi(app_class: t.Any) -> None:
        """Do nothing: each app is marked."""

    _mark_app = mark_one_asgi


P = t.ParamSpec("P")
T = t.TypeVar("T")
T_serving = t.TypeVar("T_serving", bound=Callable[[], t.Any])
T_while_serving = t.TypeVar("T_while_serving", bound=Callable[[], t.Any])


class Served(Scaffold):
    """How an app is served and tested; what ASGI brings stands under Quart's names."""

    #: The class of :data:`erlen.websocket`; default: :class:`erlen.asgi.WebSocket`.
    websocket_class: type[websocket.WebSocket] | None = None
    test_client_class: type[testing.FlaskClient] | None = None
    test_cli_runner_class: type[testing.FlaskCliRunner] | None = None

    if t.TYPE_CHECKING:  # the app's
        config: Config
        response_class: type[Response]
        url_map: Map

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        _mark_app(self)

    # PERF: made for those who use them, as an app that has few attributes is read faster.

    @lazy
    def before_serving_funcs(self) -> list[Callable[[], t.Any]]:
        """Called before the first request."""
        return []

    @lazy
    def while_serving_gens(self) -> list[Callable[[], t.Any]]:
        """Async generators, run around all requests."""
        return []

    @lazy
    def after_serving_funcs(self) -> list[Callable[[], t.Any]]:
        """Called after the last request."""
        return []

    @lazy
    def background_tasks(self) -> set[asyncio.Task[None]]:
        """What runs in the background."""
        return set()

    @lazy
    def _ending(self) -> Ending:
        return Ending()

    @lazy
    def _lifespans(self) -> dict[asyncio.AbstractEventLoop, AsyncExitStack]:
        """What ends each server's lifespan."""
        return {}

    @lazy
    def _asgi_pool(self) -> pool.Pool:
        # PERF: asyncio is slow to import, and WSGI needs none of it; the same below.
        from .asgi.pool import Pool

        return Pool(self.config["ASGI_THREADS"])

    @lazy
    def _door(self) -> Callable[..., Coroutine[t.Any, t.Any, None]]:
        from .asgi.door import handle

        return handle

    def asgi_app(
        self, scope: ft.Scope, receive: ft.Receive, send: ft.Send
    ) -> Coroutine[t.Any, t.Any, None]:
        """Serve a connection (ASGI 3); ASGI middleware goes around this method.

        :param scope: what is known of the connection.
        :param receive: awaited for what the client sends.
        :param send: awaited with what the client gets.
        """
        return self._door(self, scope, receive, send)

    @setupmethod
    def before_serving(self, f: T_serving) -> T_serving:
        """Register a function to call before the first request, in each worker.

        Where it raises, the worker does not serve.
        """
        self.before_serving_funcs.append(f)
        return f

    @setupmethod
    def while_serving(self, f: T_while_serving) -> T_while_serving:
        """Register an async generator: up to its ``yield`` before serving, the rest after."""
        self.while_serving_gens.append(f)
        return f

    @setupmethod
    def after_serving(self, f: T_serving) -> T_serving:
        """Register a function to call after the last request, in each worker."""
        self.after_serving_funcs.append(f)
        return f

    def add_background_task(
        self, func: Callable[..., t.Any], *args: t.Any, **kwargs: t.Any
    ) -> None:
        """Run a function beside the requests; called in a request, after the response.

        It runs in an app context. What it raises is logged. When the server ends, it waits up
        to ``BACKGROUND_TASK_SHUTDOWN_TIMEOUT`` seconds for it.

        :param func: an ``async def`` function, or one that runs in a thread.
        :param args: for the function, as are ``kwargs``.
        """
        from .asgi.lifespan import add_task

        add_task(self, (func, args, kwargs))

    async def startup(self) -> None:
        """Run what comes before serving, as an ASGI server has it done.

        :raises Exception: what one of them raises; what had begun is ended then.
        """
        from .asgi.lifespan import start_up

        await start_up(self)

    async def shutdown(self) -> None:
        """Run what comes after serving, in the event loop that :meth:`startup` ran in.

        :raises Exception: what one of them raises; the others are run all the same.
        """
        from .asgi.lifespan import shut_down

        await shut_down(self)

    @t.overload
    def ensure_async(
        self, func: Callable[P, Coroutine[t.Any, t.Any, T]]
    ) -> Callable[P, Coroutine[t.Any, t.Any, T]]: ...

    @t.overload
    def ensure_async(self, func: Callable[P, T]) -> Callable[P, Coroutine[t.Any, t.Any, T]]: ...

    def ensure_async(self, func: Callable[P, t.Any]) -> Callable[P, Coroutine[t.Any, t.Any, t.Any]]:
        """Return what can be awaited: an ``async def`` function itself, any other in a thread.

        :param func: the function.
        """
        return func if iscoroutinefunction(func) else self.sync_to_async(func)

    def sync_to_async(self, func: Callable[P, T]) -> Callable[P, Coroutine[t.Any, t.Any, T]]:
        """Wrap a function that blocks so that it can be awaited: it runs in one of the threads.

        It sees the context of its caller.

        :param func: the function.
        :return: an ``async def`` function of the same parameters.
        """

        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return await self._asgi_pool.run(partial(func, *args, **kwargs))

        return update_wrapper(call, func)

    def test_app(self) -> _asgi.TestApp:
        """Make what runs the lifespan around tests: ``with app.test_app(): …``."""
        from .asgi.testing import TestApp

        return TestApp(self)

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: t.Any,
    ) -> None:
        """Serve the app for development, not for production.

        :param host: address to listen on; default ``127.0.0.1`` or that of ``SERVER_NAME``.
        :param port: default 5000 or that of ``SERVER_NAME``.
        :param debug: turn debug mode on or off.
        :param load_dotenv: read ``.env`` and ``.flaskenv``.
        :param options: passed to :func:`werkzeug.serving.run_simple`.
        """
        from .cli import run_app

        run_app(self, host, port, debug, load_dotenv, **options)

    async def run_task(
        self,
        host: str = "127.0.0.1",
        port: int = 5000,
        debug: bool | None = None,
        ca_certs: str | None = None,
        certfile: str | None = None,
        keyfile: str | None = None,
        shutdown_trigger: Callable[..., Awaitable[t.Any]] | None = None,
    ) -> None:
        """Serve the app on the running event loop, beside what else a program does there.

        Ends when it is cancelled, or when the trigger does. For production there is
        ``erlen serve``. Needs the extra ``serve``.

        :param host: an address or name, or ``unix:`` and a path.
        :param port: 0 takes a free one; it is printed.
        :param debug: turn debug mode on or off.
        :param ca_certs: the file of the authority that clients' certificates are of.
        :param certfile: the file of the certificate, for TLS.
        :param keyfile: the file of the certificate's key.
        :param shutdown_trigger: awaited; when it ends, so does serving.
        :raises OSError: it cannot listen there.
        :raises Exception: what ``before_serving`` and its kin raise.
        """
        # PERF: the server is an extra.
        from .asgi.task import run

        if debug is not None:
            self.debug = debug
        tls = {"ssl_cert": certfile, "ssl_key": keyfile, "ssl_ca": ca_certs}
        await run(self, host, port, tls, shutdown_trigger)

    def test_client(self, use_cookies: bool = True, **kwargs: t.Any) -> testing.FlaskClient:
        """Make a client that calls the app without a server.

        :param use_cookies: keep cookies between requests.
        :param kwargs: passed to ``test_client_class``.
        """
        # PERF: a worker that serves needs no test client.
        from .testing import FlaskClient

        cls = self.test_client_class or FlaskClient
        return cls(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: t.Any) -> testing.FlaskCliRunner:
        """Make a runner of the app's commands.

        :param kwargs: passed to ``test_cli_runner_class``.
        """
        from .testing import FlaskCliRunner

        return (self.test_cli_runner_class or FlaskCliRunner)(self, **kwargs)
