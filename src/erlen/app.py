"""The application: what is registered on it, and its methods over the rooms below."""

from __future__ import annotations

import logging
import os
import sys
import typing as t
from collections.abc import Callable, Coroutine, ValuesView
from datetime import timedelta
from functools import partial

from werkzeug.exceptions import Aborter, HTTPException
from werkzeug.routing import BuildError, MapAdapter
from werkzeug.wrappers import Response as BaseResponse

from . import dispatch, errors, templating, urls
from . import typing as ft
from ._lazy import LateModule, lazy
from ._paths import find_instance_path, find_name
from ._returned import to_response
from ._serving import Served, mark_asgi
from .blueprints import Blueprint
from .config import DEFAULTS, Config, ConfigAttribute, get_debug_flag
from .config import _make_timedelta as _make_timedelta
from .ctx import AppContext, RequestContext, _AppCtxGlobals, _sentinel
from .ctx import _current_request_context as _request_ctx
from .dispatch import ROAD
from .globals import g, request, request_ctx
from .json.provider import DefaultJSONProvider, JSONProvider
from .logging import create_logger
from .routing import Map, Rule, route_methods
from .scaffold import _endpoint_from_view_func, setupmethod, static_view
from .sessions import SecureCookieSessionInterface, SessionInterface
from .templating import template_registrar
from .wrappers import Request, Response, redirect_to

if t.TYPE_CHECKING:
    from . import cli as _cli
else:
    _cli = LateModule("erlen.cli")

T_shell_context_processor = t.TypeVar(
    "T_shell_context_processor", bound=ft.ShellContextProcessorCallable
)
T_teardown = t.TypeVar("T_teardown", bound=ft.TeardownCallable)


class Flask(Served):
    """An application: a WSGI and ASGI callable with routes, hooks, templates and a configuration.

    :param import_name: name of the module or package, mostly ``__name__``; where templates and
        static files are looked for.
    :param static_url_path: where static files are served; default: the folder's name.
    :param static_folder: folder of static files; None for none.
    :param static_host: host of the static files; needs ``host_matching``.
    :param host_matching: let rules have a ``host``.
    :param subdomain_matching: let rules have a ``subdomain`` below ``SERVER_NAME``.
    :param template_folder: folder of templates; None for none.
    :param instance_path: absolute path of the instance folder; default: found beside the package.
    :param instance_relative_config: read configuration files from the instance folder.
    :param root_path: the folder that all of these are relative to; default: the module's.
    """

    request_class: type[Request] = Request
    response_class: type[Response] = Response
    session_interface: SessionInterface = SecureCookieSessionInterface()
    aborter_class = Aborter
    jinja_environment = t.cast("type[templating.Environment]", templating.LateEnvironment())
    jinja_options: dict[str, t.Any] = {}
    app_ctx_globals_class = _AppCtxGlobals
    config_class = Config
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    url_rule_class = Rule
    url_map_class: type[t.Any] = Map

    testing = ConfigAttribute[bool]("TESTING")
    secret_key = ConfigAttribute[str | bytes | None]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute[timedelta](
        "PERMANENT_SESSION_LIFETIME",
        get_converter=_make_timedelta,  # type: ignore[arg-type]  # a configured lifetime is never None
    )

    default_config = DEFAULTS

    # What a context does when it is pushed and popped.
    _open_context = staticmethod(dispatch.open_context)
    _close_context = staticmethod(dispatch.close_context)
    # Which methods of the road were replaced on the object (see __setattr__).
    _replaced: frozenset[str] = frozenset()

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        super().__init__(
            import_name=import_name,
            static_folder=static_folder,
            static_url_path=static_url_path,
            template_folder=template_folder,
            root_path=root_path,
        )
        if instance_path is None:
            instance_path = self.auto_find_instance_path()
        elif not os.path.isabs(instance_path):
            raise ValueError(
                "If an instance path is provided it must be absolute. A relative path was given"
                " instead."
            )
        self.instance_path = instance_path
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        #: The JSON provider, a ``json_provider_class``.
        self.json: JSONProvider = self.json_provider_class(self)
        self.url_build_error_handlers: list[
            Callable[[Exception, str, dict[str, t.Any]], str | None]
        ] = []
        self.teardown_appcontext_funcs: list[ft.TeardownCallable] = []
        self.shell_context_processors: list[ft.ShellContextProcessorCallable] = []
        self.blueprints: dict[str, Blueprint] = {}
        #: Where extensions keep what belongs to this app, by their names.
        self.extensions: dict[str, t.Any] = {}
        #: The blueprints that answer unknown URLs, by the prefix that they own.
        self.prefix_owners: dict[str, str] = {}
        self.url_map = self.url_map_class(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching
        self._got_first_request = False
        if self.has_static_folder:
            self._add_static_route(static_host, host_matching)

    def _add_static_route(self, static_host: str | None, host_matching: bool) -> None:
        # An assertion because Flask's users may catch it as one.
        assert bool(static_host) == host_matching, "Invalid static_host/host_matching combination"
        self.add_url_rule(
            f"{self.static_url_path}/<path:filename>",
            endpoint="static",
            host=static_host,
            view_func=static_view(self),
        )

    # Which road to take.

    def __setattr__(self, name: str, value: t.Any) -> None:
        if name in ROAD:
            object.__setattr__(self, "_replaced", self._replaced | {name})
        object.__setattr__(self, name, value)

    def _is_plain(self) -> bool:
        """Tell whether nobody has replaced a method of the road, on the class or the object."""
        cls = type(self)
        # PERF: written out, each is two specialised look-ups; a loop or an attrgetter costs five
        # times as much, on every request. Not by ==: wrapt's wrappers equal what they wrap.
        return (
            not self._replaced
            and cls.async_to_sync is _async_to_sync
            and cls.create_url_adapter is _create_url_adapter
            and cls.dispatch_request is _dispatch_request
            and cls.do_teardown_appcontext is _do_teardown_appcontext
            and cls.do_teardown_request is _do_teardown_request
            and cls.ensure_sync is _ensure_sync
            and cls.finalize_request is _finalize_request
            and cls.full_dispatch_request is _full_dispatch_request
            and cls.inject_url_defaults is _inject_url_defaults
            and cls.make_response is _make_response
            and cls.preprocess_request is _preprocess_request
            and cls.process_response is _process_response
            and cls.request_context is _request_context
        )

    def _keeps(self, *names: str) -> bool:
        """Tell whether nobody has replaced certain methods of the road."""
        cls = type(self)
        return all(
            name not in self._replaced and getattr(cls, name) is getattr(_Own, name)
            for name in names
        )

    async def _leave_context(self, ctx: AppContext, exc: BaseException | None) -> None:
        if not self._keeps("do_teardown_request", "do_teardown_appcontext"):
            ctx.pop(exc)
            return
        # PERF: WSGI needs no event loop.
        from .asgi.dispatch import close_context

        await close_context(ctx, exc)

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the application. It has"
                " already handled its first request, any changes will not be applied"
                " consistently.\nMake sure all imports, decorators, functions, etc. needed to set"
                " up the application are done before running it."
            )

    # What the app consists of.

    @lazy
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # set at the first look
        """The import name, or the file's where that is ``__main__``."""
        return find_name(self.import_name)

    @lazy
    def cli(self) -> _cli.AppGroup:
        """The Click group of its commands, found under the ``erlen`` command."""
        # PERF: as for a blueprint's.
        from .cli import AppGroup

        return AppGroup(name=self.name)

    @lazy
    def logger(self) -> logging.Logger:
        """The logger of the app's name."""
        return create_logger(self)

    @lazy
    def jinja_env(self) -> templating.Environment:
        """The Jinja environment; made when it is first used."""
        return self.create_jinja_environment()

    @property
    def debug(self) -> bool:
        """Whether debug mode is on: ``DEBUG`` of the configuration."""
        return self.config["DEBUG"]  # type: ignore[no-any-return]  # a bool by contract

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        if self.config["TEMPLATES_AUTO_RELOAD"] is None:
            self.jinja_env.auto_reload = value

    def make_config(self, instance_relative: bool = False) -> Config:
        """Make the configuration, from ``default_config`` and the environment's debug flag."""
        root_path = self.instance_path if instance_relative else self.root_path
        return self.config_class(root_path, {**self.default_config, "DEBUG": get_debug_flag()})

    def make_aborter(self) -> Aborter:
        """Make what :func:`erlen.abort` calls, an ``aborter_class``."""
        return self.aborter_class()

    def auto_find_instance_path(self) -> str:
        """Find the instance folder: beside the package, or under ``var`` where installed."""
        return find_instance_path(self.import_name, self.name)

    def open_instance_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> t.IO[t.Any]:
        """Open a file of the instance folder, for reading or writing.

        :param resource: path below the instance folder.
        :param mode: as for ``open``.
        :param encoding: of text modes.
        """
        path = os.path.join(self.instance_path, resource)
        return open(path, mode, encoding=None if "b" in mode else encoding)

    def create_jinja_environment(self) -> templating.Environment:
        """Make the Jinja environment, a ``jinja_environment`` with ``jinja_options``."""
        return templating.create_environment(self)

    def create_global_jinja_loader(self) -> templating.DispatchingJinjaLoader:
        """Make the loader that looks in the app's folder, then in the blueprints'."""
        return templating.DispatchingJinjaLoader(self)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Tell whether a template escapes by default: HTML, XML, SVG, and those of a string."""
        return filename is None or filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))

    # What is registered on it.

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Add a blueprint's routes and hooks.

        :param options: override what the blueprint was made with: ``url_prefix``, ``name`` ….
        """
        blueprint.register(self, options)

    def iter_blueprints(self) -> ValuesView[Blueprint]:
        """Return the registered blueprints, in the order of registration."""
        return self.blueprints.values()

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Route a URL to a view; what ``route`` and its kin call.

        :param rule: the URL with its variables, ``/post/<int:id>``.
        :param endpoint: name of the view; default: the function's.
        :param view_func: the view; it may be set later, in ``view_functions``.
        :param provide_automatic_options: answer OPTIONS; default: where no view does.
        :param options: passed to ``url_rule_class``: ``methods``, ``defaults`` ….
        :raises TypeError: for methods that are a string.
        :raises AssertionError: for an endpoint that has another view.
        """
        if endpoint is None:
            endpoint = _endpoint_from_view_func(t.cast(ft.RouteCallable, view_func))
        methods, automatic = route_methods(
            options.pop("methods", None),
            view_func,
            provide_automatic_options,
            self.config["PROVIDE_AUTOMATIC_OPTIONS"],
        )
        url_rule: t.Any = self.url_rule_class(rule, methods=methods, endpoint=endpoint, **options)
        url_rule.provide_automatic_options = automatic
        self.url_map.add(url_rule)
        if view_func is not None:
            old_func = self.view_functions.get(endpoint)
            if old_func is not None and old_func != view_func:
                raise AssertionError(
                    "View function mapping is overwriting an existing endpoint function:"
                    f" {endpoint}"
                )
            self.view_functions[endpoint] = view_func

    template_filter, add_template_filter = template_registrar(
        "filters", "template_filter", lambda app, put: put(app.jinja_env)
    )
    template_test, add_template_test = template_registrar(
        "tests", "template_test", lambda app, put: put(app.jinja_env)
    )
    template_global, add_template_global = template_registrar(
        "globals", "template_global", lambda app, put: put(app.jinja_env)
    )

    @setupmethod
    def teardown_appcontext(self, f: T_teardown) -> T_teardown:
        """Call a function when the app context ends, after a request or a command.

        :param f: takes the exception that ended it, or None; what it returns is ignored.
        """
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: T_shell_context_processor) -> T_shell_context_processor:
        """Call a function for names that the ``shell`` command shall have."""
        self.shell_context_processors.append(f)
        return f

    def make_shell_context(self) -> dict[str, t.Any]:
        """Return the names that the ``shell`` command has."""
        context = {"app": self, "g": g}
        for processor in self.shell_context_processors:
            context.update(processor())
        return context

    # Contexts.

    def app_context(self) -> AppContext:
        """Make a context in which this app is current: ``with app.app_context(): …``."""
        return AppContext(self)

    def request_context(self, environ: ft.WSGIEnvironment) -> RequestContext:
        """Make the context of a request.

        :param environ: the WSGI environment (PEP 3333).
        """
        return RequestContext(self, environ)

    def test_request_context(self, *args: t.Any, **kwargs: t.Any) -> RequestContext:
        """Make the context of a request that no client sent, for tests and shells.

        The parameters are those of :class:`erlen.testing.EnvironBuilder`.
        """
        # PERF: a worker that serves needs no test client.
        from .testing import EnvironBuilder

        with EnvironBuilder(self, *args, **kwargs) as builder:
            return self.request_context(builder.get_environ())

    # The road: see dispatch.py. Each method may be replaced.

    def __call__(self, scope: t.Any, receive: t.Any = None, send: t.Any = None) -> t.Any:
        """Be a WSGI application, an ASGI 3 one, or with one argument an ASGI 2 one.

        Middleware goes around ``wsgi_app`` and ``asgi_app``, so that the app stays.

        :param scope: of the connection, or under WSGI the environ. The names are ASGI's, as
            Daphne calls by them.
        :param receive: awaited for messages, or under WSGI ``start_response``.
        :param send: awaited with messages; None under WSGI.
        """
        if send is None and receive is not None:
            return self.wsgi_app(scope, receive)
        if send is None:
            return partial(self.asgi_app, scope)
        return self.asgi_app(scope, receive, send)  # pyright: ignore[reportArgumentType]  # ASGI gives all three

    wsgi_app = dispatch.wsgi_app

    def full_dispatch_request(self) -> Response:
        """Run hooks and view, and what handles their exceptions."""
        response: Response = dispatch.full_dispatch_request(self, _request_ctx(), plain=False)
        return response

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Run the ``before_request`` hooks; what one returns is the answer."""
        rv: ft.ResponseReturnValue | None
        rv = dispatch.preprocess_request(self, _request_ctx(), plain=False)
        return rv

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Call the view."""
        rv: ft.ResponseReturnValue = dispatch.dispatch_request(self, _request_ctx(), plain=False)
        return rv

    def finalize_request(
        self, rv: ft.ResponseReturnValue | HTTPException, from_error_handler: bool = False
    ) -> Response:
        """Make a response of what was returned, and let the hooks and the session have it.

        :param from_error_handler: log what goes wrong here, and send the response all the same.
        """
        return dispatch.finalize_request(self, _request_ctx(), rv, False, from_error_handler)

    def make_response(self, rv: ft.ResponseReturnValue) -> Response:
        """Make a response of what a view returned.

        :raises TypeError: for what no response can be made of.
        """
        # The proxy: outside of a request only what needs one fails.
        response: Response = to_response(self, request_ctx, rv)
        return response

    def process_response(self, response: Response) -> Response:
        """Run the ``after_request`` hooks, and save the session."""
        processed: Response
        processed = dispatch.process_response(self, _request_ctx(), response, plain=False)
        return processed

    def make_default_options_response(self) -> Response:
        """Answer OPTIONS with the methods that the URL allows."""
        methods = dispatch.allowed_methods(_request_ctx())
        response = self.response_class()
        if methods:
            allow = ", ".join(methods)
            if isinstance(response, Response):
                response._add_header("Allow", allow)
            else:
                response.headers["Allow"] = allow
        return response

    def do_teardown_request(self, exc: BaseException | None = _sentinel) -> None:
        """Run the ``teardown_request`` functions.

        :param exc: what ended the request; the exception being handled where not given.
        """
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        dispatch.do_teardown_request(self, _request_ctx(), exc, plain=False)

    def do_teardown_appcontext(self, exc: BaseException | None = _sentinel) -> None:
        """Run the ``teardown_appcontext`` functions.

        :param exc: what ended the context; the exception being handled where not given.
        """
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        dispatch.do_teardown_appcontext(self, exc, plain=False)

    def ensure_sync(self, func: Callable[..., t.Any]) -> Callable[..., t.Any]:
        """Return a function that can be called without ``await``."""
        return self.async_to_sync(func) if dispatch.is_async(func) else func

    def async_to_sync(
        self, func: Callable[..., Coroutine[t.Any, t.Any, t.Any]]
    ) -> Callable[..., t.Any]:
        """Wrap an ``async def`` function so that it runs on the background event loop.

        Replace it to run coroutines elsewhere.
        """
        return dispatch.awaited(func)

    # Errors: see errors.py.

    _find_error_handler = errors.find_error_handler

    def handle_http_exception(self, e: HTTPException) -> HTTPException | ft.ResponseReturnValue:
        """Let its handler answer an HTTP exception; without one it is the answer itself."""
        rv: ft.ResponseReturnValue = errors.handle_http_exception(self, _request_ctx(), e)
        return rv

    def handle_user_exception(self, e: Exception) -> HTTPException | ft.ResponseReturnValue:
        """Let its handler answer an exception of a view or a hook; without one it goes on."""
        rv: ft.ResponseReturnValue = errors.handle_user_exception(self, _request_ctx(), e)
        return rv

    def handle_exception(self, e: Exception) -> Response:
        """Answer 500 for what nobody handled, and log it; in debug mode and tests it goes on."""
        response: Response = errors.handle_exception(self, _request_ctx(), e)
        return response

    def log_exception(self, exc_info: errors.ExcInfo) -> None:
        """Log what nobody handled.

        :param exc_info: as ``sys.exc_info()`` returns it.
        """
        errors.log_exception(self.logger, request, exc_info)

    def trap_http_exception(self, e: Exception) -> bool:
        """Tell whether an HTTP exception counts as an error of the program."""
        return errors.trap_http_exception(self, e)

    def should_ignore_error(self, error: BaseException | None) -> bool:
        """Tell whether the teardown functions shall not hear of an error."""
        return False

    def raise_routing_exception(self, request: Request) -> t.NoReturn:
        """Raise what the match raised; in debug mode, explain a redirect that loses the form."""
        errors.raise_routing_exception(self, request)

    def redirect(self, location: str, code: int = 302) -> BaseResponse:
        """Make a redirect; what :func:`erlen.redirect` calls."""
        return redirect_to(location, code, self.response_class)

    # URLs and templates: see urls.py and templating.py.

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the URL map to a request, or to ``SERVER_NAME`` where there is none."""
        return urls.create_url_adapter(self, request)

    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: t.Any,
    ) -> str:
        """Build the URL of an endpoint; the parameters are those of :func:`erlen.url_for`."""
        return urls.url_for(self, endpoint, _anchor, _method, _scheme, _external, values)

    # By which helpers.url_for sees whether somebody has replaced it.
    _own_url_for = url_for

    def inject_url_defaults(self, endpoint: str, values: dict[str, t.Any]) -> None:
        """Let the ``url_defaults`` functions add to the values of a URL."""
        urls.inject_url_defaults(self, endpoint, values)

    def handle_url_build_error(
        self, error: BuildError, endpoint: str, values: dict[str, t.Any]
    ) -> str:
        """Ask ``url_build_error_handlers`` for a URL; raise the error where none knows one."""
        return urls.handle_url_build_error(self, error, endpoint, values)

    def update_template_context(self, context: dict[str, t.Any]) -> None:
        """Add to a template's context what the processors return; what is there stays."""
        templating.update_template_context(self, context)


mark_asgi(Flask)

#: Flask's own methods of the road and around it, whatever becomes of the class.
_Own: t.Any = type(
    "_Own",
    (),
    {name: getattr(Flask, name) for name in ROAD | errors.HANDLERS | {"update_template_context"}},
)
(
    _async_to_sync,
    _create_url_adapter,
    _dispatch_request,
    _do_teardown_appcontext,
    _do_teardown_request,
    _ensure_sync,
    _finalize_request,
    _full_dispatch_request,
    _inject_url_defaults,
    _make_response,
    _preprocess_request,
    _process_response,
    _request_context,
) = (getattr(Flask, name) for name in sorted(ROAD))
