"""What an app and a blueprint share: routes, hooks, error handlers and files of their own."""

from __future__ import annotations

import os
import typing as t
import weakref
from collections import defaultdict
from datetime import timedelta
from functools import update_wrapper

from werkzeug.exceptions import HTTPException, default_exceptions

from . import typing as ft
from ._lazy import LateModule, lazy
from ._paths import _find_package_path as _find_package_path
from ._paths import find_package as find_package
from ._paths import get_root_path
from .globals import current_app
from .helpers import send_from_directory
from .templating import _default_template_ctx_processor
from .wrappers import Response

if t.TYPE_CHECKING:
    import jinja2
else:
    jinja2 = LateModule("jinja2")

# Told apart from None where None has a meaning of its own.
_sentinel = object()

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
T_after_request = t.TypeVar("T_after_request", bound=ft.AfterRequestCallable[t.Any])
T_before_request = t.TypeVar("T_before_request", bound=ft.BeforeRequestCallable)
T_error_handler = t.TypeVar("T_error_handler", bound=ft.ErrorHandlerCallable)
T_teardown = t.TypeVar("T_teardown", bound=ft.TeardownCallable)
T_template_context_processor = t.TypeVar(
    "T_template_context_processor", bound=ft.TemplateContextProcessorCallable
)
T_url_defaults = t.TypeVar("T_url_defaults", bound=ft.URLDefaultCallable)
T_url_value_preprocessor = t.TypeVar(
    "T_url_value_preprocessor", bound=ft.URLValuePreprocessorCallable
)
T_route = t.TypeVar("T_route", bound=ft.RouteCallable)


def setupmethod(f: F) -> F:
    """Mark a method as one of set-up: called too late, it raises ``AssertionError``."""
    f_name = f.__name__

    def checked(self: Scaffold, *args: t.Any, **kwargs: t.Any) -> t.Any:
        self._check_setup_finished(f_name)
        return f(self, *args, **kwargs)

    return t.cast(F, update_wrapper(checked, f))


class _RouteDecorator(t.Protocol):
    """What ``app.get(rule)`` returns."""

    def __call__(self, f: T_route, /) -> T_route: ...


class _RouteShortcut(t.Protocol):
    """``app.get`` and its four kin."""

    def __call__(self, rule: str, **options: t.Any) -> _RouteDecorator: ...


def _route_shortcut(method: str) -> _RouteShortcut:
    """Make the setup method that routes one HTTP method, named after it in lower case."""

    def shortcut(self: Scaffold, rule: str, **options: t.Any) -> t.Any:
        return self._method_route(method, rule, options)

    shortcut.__name__ = method.lower()
    shortcut.__qualname__ = f"Scaffold.{shortcut.__name__}"
    shortcut.__doc__ = f'Route a view as :meth:`route` does with ``methods=["{method}"]``.'
    return t.cast(_RouteShortcut, setupmethod(shortcut))


class Scaffold:
    """The common ground of :class:`Flask` and :class:`Blueprint`.

    :param import_name: name of the module this object is defined in, usually ``__name__``.
    :param static_folder: folder of static files; ``None`` serves none.
    :param static_url_path: where they are served; by default the folder's name.
    :param template_folder: folder of templates; ``None`` adds none.
    :param root_path: what the folders are relative to; by default found from ``import_name``.
    """

    name: str
    _static_folder: str | None = None
    _static_url_path: str | None = None

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ):
        #: The module or package this object belongs to; not to be changed.
        self.import_name = import_name

        self.static_folder = static_folder
        self.static_url_path = static_url_path

        #: The templates' folder, relative to :attr:`root_path`, or ``None``.
        self.template_folder = template_folder

        #: Absolute folder that files and folders of this object are relative to.
        self.root_path = get_root_path(import_name) if root_path is None else root_path

        #: Endpoint -> view function.
        self.view_functions: dict[str, ft.RouteCallable] = {}

        # All the following are live: read at each request, and keyed by scope, which is a
        # blueprint's name, or None for every request. A scope that nobody registered for has no
        # entry, so that a plain truth test tells that there is nothing to do.

        #: Error handlers: ``{scope: {code: {class: handler}}}``; code ``None`` is for
        #: exceptions other than :class:`~werkzeug.exceptions.HTTPException`.
        self.error_handler_spec: dict[
            ft.AppOrBlueprintKey,
            dict[int | None, dict[type[Exception], ft.ErrorHandlerCallable]],
        ] = defaultdict(lambda: defaultdict(dict))

        #: Called before the view: ``{scope: [functions]}``.
        self.before_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.BeforeRequestCallable]] = (
            defaultdict(list)
        )

        #: Called with the response: ``{scope: [functions]}``.
        self.after_request_funcs: dict[
            ft.AppOrBlueprintKey, list[ft.AfterRequestCallable[t.Any]]
        ] = defaultdict(list)

        #: Called when the request's context ends: ``{scope: [functions]}``.
        self.teardown_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.TeardownCallable]] = (
            defaultdict(list)
        )

        #: Called for values added to a template's context: ``{scope: [functions]}``.
        self.template_context_processors: dict[
            ft.AppOrBlueprintKey, list[ft.TemplateContextProcessorCallable]
        ] = defaultdict(list, {None: [_default_template_ctx_processor]})

        #: Called with endpoint and view arguments before the hooks: ``{scope: [functions]}``.
        self.url_value_preprocessors: dict[
            ft.AppOrBlueprintKey, list[ft.URLValuePreprocessorCallable]
        ] = defaultdict(list)

        #: Called with endpoint and values when a URL is built: ``{scope: [functions]}``.
        self.url_default_functions: dict[ft.AppOrBlueprintKey, list[ft.URLDefaultCallable]] = (
            defaultdict(list)
        )

    # The same for WebSockets. PERF: an object with more than 30 attributes is slower to read on
    # each request, so these are made for those who use them.

    @lazy
    def before_websocket_funcs(self) -> dict[ft.AppOrBlueprintKey, list[ft.BeforeRequestCallable]]:
        """Called before the view of a WebSocket: ``{scope: [functions]}``."""
        return {}

    @lazy
    def after_websocket_funcs(
        self,
    ) -> dict[ft.AppOrBlueprintKey, list[ft.AfterRequestCallable[t.Any]]]:
        """Called after the view of a WebSocket: ``{scope: [functions]}``."""
        return {}

    @lazy
    def teardown_websocket_funcs(self) -> dict[ft.AppOrBlueprintKey, list[ft.TeardownCallable]]:
        """Called when the context of a WebSocket ends: ``{scope: [functions]}``."""
        return {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    # Files of its own

    @property
    def static_folder(self) -> str | None:
        """Absolute path of the static folder, or ``None`` if there is none."""
        if self._static_folder is None:
            return None
        return os.path.join(self.root_path, self._static_folder)

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        """Whether :attr:`static_folder` is set."""
        return self.static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """URL prefix of the static files; if not set, the name of :attr:`static_folder`."""
        if self._static_url_path is not None:
            return self._static_url_path
        if self.static_folder is None:
            return None
        return f"/{os.path.basename(self.static_folder)}".rstrip("/")

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Say for how many seconds a browser may keep a file, when ``max_age`` was not given.

        :param filename: path of the file, for subclasses that decide by it.
        :return: :data:`SEND_FILE_MAX_AGE_DEFAULT` of the current app, in seconds; ``None`` tells
            browsers to ask again each time, with a conditional request.
        """
        value: timedelta | int | None = current_app.config["SEND_FILE_MAX_AGE_DEFAULT"]
        if isinstance(value, timedelta):
            return int(value.total_seconds())
        return value

    def send_static_file(self, filename: str) -> Response:
        """Answer a request for a file in :attr:`static_folder`: the view of the static route.

        :param filename: path relative to the folder.
        :raise RuntimeError: if no static folder is set.
        """
        if not self.has_static_folder:
            raise RuntimeError("'static_folder' must be set to serve static_files.")
        # send_file would ask the app alone; a blueprint may have its own answer.
        max_age = self.get_send_file_max_age(filename)
        folder: t.Any = self.static_folder  # not None, as it has one
        return send_from_directory(folder, filename, max_age=max_age)

    def open_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = None
    ) -> t.IO[t.Any]:
        """Open a file that lies beside the code, for reading.

        :param resource: path relative to :attr:`root_path`.
        :param mode: ``"r"``, ``"rt"`` or ``"rb"``.
        :param encoding: encoding of the text; ignored in binary mode.
        :raise ValueError: for a mode that writes.
        """
        if mode not in {"r", "rt", "rb"}:
            raise ValueError("Resources can only be opened for reading.")
        path = os.path.join(self.root_path, resource)
        return open(path, mode, encoding=None if mode == "rb" else encoding)

    @lazy
    def jinja_loader(self) -> jinja2.BaseLoader | None:
        """The loader of this object's own templates, or ``None`` without a template folder."""
        if self.template_folder is None:
            return None
        # PERF: Jinja comes in with the first template.
        from jinja2 import FileSystemLoader

        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    # Routes

    def _method_route(
        self, method: str, rule: str, options: dict[str, t.Any]
    ) -> t.Callable[[T_route], T_route]:
        if "methods" in options:
            raise TypeError("Use the 'route' decorator to use the 'methods' argument.")
        return self.route(rule, methods=[method], **options)

    get = _route_shortcut("GET")
    post = _route_shortcut("POST")
    put = _route_shortcut("PUT")
    delete = _route_shortcut("DELETE")
    patch = _route_shortcut("PATCH")

    @setupmethod
    def route(self, rule: str, **options: t.Any) -> t.Callable[[T_route], T_route]:
        """Register the decorated view for a URL rule.

        :param rule: URL rule, such as ``/user/<int:id>``.
        :param options: those of :meth:`add_url_rule`, ``endpoint`` and ``methods`` among them.

        See https://flask.palletsprojects.com/en/stable/api/#url-route-registrations
        """

        def decorator(f: T_route) -> T_route:
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **options)
            return f

        return decorator

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a URL rule; what :meth:`route` does, without a decorator.

        :param rule: URL rule, such as ``/user/<int:id>``.
        :param endpoint: name of the rule in :func:`url_for`; by default the view's name.
        :param view_func: the view; may be given later with :meth:`endpoint`. Its attributes
            ``methods``, ``required_methods`` and ``provide_automatic_options`` are defaults.
        :param provide_automatic_options: whether ``OPTIONS`` is answered without the view.
        :param options: ``methods`` (default ``["GET"]``; ``HEAD`` comes with it) and all else
            that :class:`werkzeug.routing.Rule` takes.

        See https://flask.palletsprojects.com/en/stable/api/#url-route-registrations
        """
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> t.Callable[[F], F]:
        """Register the decorated view for an endpoint whose rule was added without one.

        :param endpoint: the name given to :meth:`add_url_rule`.
        """

        def decorator(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorator

    @setupmethod
    def websocket(self, rule: str, **options: t.Any) -> t.Callable[[F], F]:
        """Register the decorated ``async def`` view for WebSockets at a URL.

        :param rule: URL rule, such as ``/chat/<room>``.
        :param options: those of :meth:`add_websocket`.
        """

        def decorator(f: F) -> F:
            self.add_websocket(rule, options.pop("endpoint", None), f, **options)
            return f

        return decorator

    @setupmethod
    def add_websocket(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: t.Callable[..., t.Any] | None = None,
        **options: t.Any,
    ) -> None:
        """Register a rule for WebSockets; what :meth:`websocket` does, without a decorator.

        :param rule: URL rule, such as ``/chat/<room>``.
        :param endpoint: name of the rule in :func:`url_for`; by default the view's name.
        :param view_func: the view, an ``async def`` function.
        :param options: those of :meth:`add_url_rule`, without ``methods``.
        """
        self.add_url_rule(
            rule,
            endpoint,
            view_func,
            provide_automatic_options=False,
            methods=["GET"],
            websocket=True,
            **options,
        )

    # Hooks: on an app for every request, on a blueprint for those it handles

    @setupmethod
    def before_request(self, f: T_before_request) -> T_before_request:
        """Register a function to call before the view.

        It takes nothing. What it returns, if not ``None``, is the answer: hooks after it and the
        view are not called.
        """
        self.before_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def after_request(self, f: T_after_request) -> T_after_request:
        """Register a function that takes the response and returns it, or another.

        The last one registered is called first. If one raises, the others are not called: what
        must happen belongs in :meth:`teardown_request`.
        """
        self.after_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def teardown_request(self, f: T_teardown) -> T_teardown:
        """Register a function to call when the request's context ends, whatever happened.

        It takes the exception that nobody handled, or ``None``, and must not raise. What it
        returns is ignored.
        """
        self.teardown_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def before_websocket(self, f: T_before_request) -> T_before_request:
        """Register a function to call before the view of a WebSocket.

        What it returns, if not ``None``, is the answer to the handshake, which is refused.
        """
        self.before_websocket_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def after_websocket(self, f: T_after_request) -> T_after_request:
        """Register a function to call after the view of a WebSocket.

        It takes the response that refuses the handshake, or None where it was accepted, and
        returns it or another.
        """
        self.after_websocket_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def teardown_websocket(self, f: T_teardown) -> T_teardown:
        """Register a function to call when the context of a WebSocket ends.

        It takes the exception that nobody handled, or ``None``.
        """
        self.teardown_websocket_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def context_processor(self, f: T_template_context_processor) -> T_template_context_processor:
        """Register a function that returns a dict of values for the templates rendered."""
        self.template_context_processors[None].append(f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Register a function that may edit the values matched in the URL before the hooks run.

        It takes the endpoint and the dict of values; what it returns is ignored.
        """
        self.url_value_preprocessors[None].append(f)
        return f

    @setupmethod
    def url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Register a function that may add values to a URL being built.

        It takes the endpoint and the dict of values, to be edited in place.
        """
        self.url_default_functions[None].append(f)
        return f

    # Error handlers

    @setupmethod
    def errorhandler(
        self, code_or_exception: type[Exception] | int
    ) -> t.Callable[[T_error_handler], T_error_handler]:
        """Register the decorated function to answer an error; it takes the exception.

        :param code_or_exception: an HTTP status code or an exception class; subclasses of the
            class are meant too, and the handler of the nearest class wins.
        """

        def decorator(f: T_error_handler) -> T_error_handler:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorator

    @setupmethod
    def register_error_handler(
        self,
        code_or_exception: type[Exception] | int,
        f: ft.ErrorHandlerCallable,
    ) -> None:
        """Register a function to answer an error: :meth:`errorhandler` without a decorator."""
        exc_class, code = self._get_exc_class_and_code(code_or_exception)
        self.error_handler_spec[None][code][exc_class] = f

    @staticmethod
    def _get_exc_class_and_code(
        exc_class_or_code: type[Exception] | int,
    ) -> tuple[type[Exception], int | None]:
        """Return the exception class meant, and its status code if it is an HTTP one."""
        exc_class: type[Exception]

        if isinstance(exc_class_or_code, int):
            try:
                exc_class = default_exceptions[exc_class_or_code]
            except KeyError:
                raise ValueError(
                    f"'{exc_class_or_code}' is not a recognized HTTP"
                    " error code. Use a subclass of HTTPException with"
                    " that code instead."
                ) from None
        else:
            exc_class = exc_class_or_code

        if isinstance(exc_class, Exception):
            raise TypeError(
                f"{exc_class!r} is an instance, not a class. Handlers"
                " can only be registered for Exception classes or HTTP"
                " error codes."
            )

        if not issubclass(exc_class, Exception):
            raise ValueError(
                f"'{exc_class.__name__}' is not a subclass of Exception."
                " Handlers can only be registered for Exception classes"
                " or HTTP error codes."
            )

        return exc_class, exc_class.code if issubclass(exc_class, HTTPException) else None


def _endpoint_from_view_func(view_func: ft.RouteCallable) -> str:
    """Return the endpoint that a view has when none was given: its name."""
    assert view_func is not None, "expected view func if endpoint is not provided."
    return view_func.__name__


def static_view(app: ft.App) -> ft.RouteCallable:
    """Make the view of an app's static files."""
    # It holds no reference to the app, so that a dropped app is freed at once.
    app_ref = weakref.ref(app)

    def static(**kwargs: t.Any) -> Response:
        app = app_ref()
        assert app is not None  # it is handling the request
        response: Response = app.send_static_file(**kwargs)
        return response

    return static
