"""Test an app without a server: a client, an environ builder and a runner of commands."""

from __future__ import annotations

import importlib.metadata
import typing as t
from contextlib import ExitStack, contextmanager
from copy import copy
from functools import cache
from types import TracebackType
from urllib.parse import urlsplit

import werkzeug.test
from click.testing import CliRunner, Result
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request as BaseRequest

from ._lazy import LateModule
from .cli import ScriptInfo
from .sessions import SessionMixin
from .typing import App, WSGIEnvironment

if t.TYPE_CHECKING:
    from .asgi import testing as _asgi
else:
    _asgi = LateModule("erlen.asgi.testing")


class EnvironBuilder(werkzeug.test.EnvironBuilder):
    """Build the WSGI environment of a request to an app; closes its files as a context manager.

    :param app: the app, whose configuration gives what is not told.
    :param path: path of the URL, or a whole URL.
    :param base_url: scheme, host and root; by default from ``PREFERRED_URL_SCHEME``,
        ``SERVER_NAME`` and ``APPLICATION_ROOT``.
    :param subdomain: put before ``SERVER_NAME``; not together with ``base_url``.
    :param url_scheme: instead of ``PREFERRED_URL_SCHEME``; not together with ``base_url``.
    :param args: further arguments of :class:`werkzeug.test.EnvironBuilder`.
    :param kwargs: further arguments of :class:`werkzeug.test.EnvironBuilder`.
    """

    def __init__(
        self,
        app: App,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: t.Any,
        **kwargs: t.Any,
    ) -> None:
        # An assertion because Flask's users may catch it as one.
        assert not (base_url or subdomain or url_scheme) or (base_url is not None) != bool(
            subdomain or url_scheme
        ), 'Cannot pass "subdomain" or "url_scheme" with "base_url".'

        if base_url is None:
            host = app.config.get("SERVER_NAME") or "localhost"
            if subdomain:
                host = f"{subdomain}.{host}"
            if url_scheme is None:
                url_scheme = app.config["PREFERRED_URL_SCHEME"]

            url = urlsplit(path)
            root = app.config["APPLICATION_ROOT"].lstrip("/")
            base_url = f"{url.scheme or url_scheme}://{url.netloc or host}/{root}"
            path = f"{url.path}?{url.query}" if url.query else url.path

        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def __enter__(self) -> t.Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def json_dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Serialize ``obj`` as the app does; for the argument ``json``."""
        return t.cast(str, self.app.json.dumps(obj, **kwargs))


@cache
def _get_werkzeug_version() -> str:
    return importlib.metadata.version("werkzeug")


class FlaskClient(Client):
    """Werkzeug's test client, which in a ``with`` block keeps the context of the last request.

    ::

        with app.test_client() as client:
            client.get("/?vodka=42")
            assert request.args["vodka"] == "42"

    Each request starts from :attr:`environ_base`, which may be changed.

    See https://flask.palletsprojects.com/en/stable/testing/
    """

    application: App

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.preserve_context = False
        # Contexts that ended during the last request, and those entered again after it.
        self._new_contexts: list[t.ContextManager[t.Any]] = []
        self._context_stack = ExitStack()
        self.environ_base = {
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_USER_AGENT": f"Werkzeug/{_get_werkzeug_version()}",
        }

    @contextmanager
    def session_transaction(self, *args: t.Any, **kwargs: t.Any) -> t.Iterator[SessionMixin]:
        """Open the client's session for reading and writing; it is stored when the block ends.

        ::

            with client.session_transaction() as session:
                session["user_id"] = 1

        :param args: those of :meth:`Flask.test_request_context`, if the session depends on the
            request.
        :raise TypeError: if the client has no cookies.
        :raise RuntimeError: if the session interface opens no session.
        """
        if self._cookies is None:
            raise TypeError("Cookies are disabled. Create a client with 'use_cookies=True'.")

        app = self.application
        ctx = app.test_request_context(*args, **kwargs)
        self._add_cookies_to_wsgi(ctx.request.environ)

        with ctx:
            session = app.session_interface.open_session(app, ctx.request)

        if session is None:
            raise RuntimeError("Session backend did not open a session.")

        yield session

        if app.session_interface.is_null_session(session):
            return

        response = app.response_class()
        with ctx:
            app.session_interface.save_session(app, session, response)

        self._update_cookies_from_response(
            ctx.request.host.partition(":")[0],
            ctx.request.path,
            response.headers.getlist("Set-Cookie"),
        )

    def _copy_environ(self, other: WSGIEnvironment) -> WSGIEnvironment:
        environ = {**self.environ_base, **other}
        if self.preserve_context:
            environ["werkzeug.debug.preserve_context"] = self._new_contexts.append
        return environ

    def _request_from_builder_args(
        self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
    ) -> BaseRequest:
        kwargs["environ_base"] = self._copy_environ(kwargs.get("environ_base", {}))
        with EnvironBuilder(self.application, *args, **kwargs) as builder:
            return builder.get_request()

    def _request_from_args(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> BaseRequest:
        given = args[0] if args else None
        if isinstance(given, werkzeug.test.EnvironBuilder):
            builder = copy(given)
            builder.environ_base = self._copy_environ(dict(builder.environ_base or {}))
            return builder.get_request()
        if isinstance(given, dict):
            return EnvironBuilder.from_environ(
                given, app=self.application, environ_base=self._copy_environ({})
            ).get_request()
        if isinstance(given, BaseRequest):
            request = copy(given)
            request.environ = self._copy_environ(request.environ)
            return request
        return self._request_from_builder_args(args, kwargs)

    def open(
        self,
        *args: t.Any,
        buffered: bool = False,
        follow_redirects: bool = False,
        **kwargs: t.Any,
    ) -> TestResponse:
        """Make a request and return the response; ``get``, ``post`` and so on call this.

        :param args: those of :class:`EnvironBuilder`, or one builder, environ or request.
        :param buffered: whether to read the whole body and close the app's iterator at once.
        :param follow_redirects: whether to go on until the answer is no redirect; ``history`` of
            the response then lists those on the way.
        """
        request = self._request_from_args(args, kwargs)

        # What the request before kept ends now, so that one context at most is kept.
        self._context_stack.close()

        response = super().open(request, buffered=buffered, follow_redirects=follow_redirects)
        response.json_module = self.application.json

        for context in self._new_contexts:
            self._context_stack.enter_context(context)
        self._new_contexts.clear()
        return response

    def websocket(self, *args: t.Any, **kwargs: t.Any) -> _asgi.WebSocketConnection:
        """Open a WebSocket: ``with client.websocket("/chat") as ws: ws.send("hello")``.

        :param args: those of :class:`EnvironBuilder`, headers among them.
        """
        # PERF: asyncio is slow to import, and most tests need none of it.
        from .asgi.testing import WebSocketConnection

        request = self._request_from_args(args, kwargs)
        return WebSocketConnection(self, request.environ)

    def __enter__(self) -> t.Self:
        if self.preserve_context:
            raise RuntimeError("Cannot nest client invocations")
        self.preserve_context = True
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.preserve_context = False
        self._context_stack.close()


class FlaskCliRunner(CliRunner):
    """Click's test runner, for the commands of an app.

    :param app: the app.
    :param kwargs: those of :class:`click.testing.CliRunner`.

    See https://flask.palletsprojects.com/en/stable/testing/#running-commands-with-the-cli-runner
    """

    def __init__(self, app: App, **kwargs: t.Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def invoke(  # type: ignore[override]  # the command has a default here
        self, cli: t.Any = None, args: t.Any = None, **kwargs: t.Any
    ) -> Result:
        """Run a command as the shell would, and return its output, exit code and exception.

        :param cli: the command; by default the app's group of commands.
        :param args: the words after it, as a list or one string.
        :param kwargs: those of :meth:`click.testing.CliRunner.invoke`; ``obj`` is by default a
            :class:`ScriptInfo` that knows the app.
        """
        if cli is None:
            cli = self.app.cli
        if "obj" not in kwargs:
            kwargs["obj"] = ScriptInfo(create_app=lambda: self.app)
        return super().invoke(cli, args, **kwargs)
