"""Blueprints: parts of an app, written without the app and registered on it, once or often."""

from __future__ import annotations

import os
import typing as t
from collections import defaultdict
from functools import update_wrapper

from . import typing as ft
from ._lazy import LateModule, lazy
from ._serving import T_serving, T_while_serving
from .scaffold import (
    Scaffold,
    T_after_request,
    T_before_request,
    T_error_handler,
    T_teardown,
    T_template_context_processor,
    T_url_defaults,
    T_url_value_preprocessor,
    _endpoint_from_view_func,
    _sentinel,
    setupmethod,
)
from .templating import T_template_filter as T_template_filter
from .templating import T_template_global as T_template_global
from .templating import T_template_test as T_template_test
from .templating import template_registrar
from .typing import App

if t.TYPE_CHECKING:
    import jinja2

    from . import cli as _cli
else:
    jinja2 = LateModule("jinja2")
    _cli = LateModule("erlen.cli")

DeferredSetupFunction = t.Callable[["BlueprintSetupState"], None]


class BlueprintSetupState:
    """One registration of a blueprint on an app: what each recorded function is called with.

    :param blueprint: the blueprint being registered.
    :param app: the app it is registered on.
    :param options: the keyword arguments of :meth:`Flask.register_blueprint`.
    :param first_registration: whether the blueprint was never registered on the app before.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        app: App,
        options: t.Any,
        first_registration: bool,
    ) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration

        subdomain = options.get("subdomain")
        #: The subdomain of all its rules, or ``None``.
        self.subdomain = blueprint.subdomain if subdomain is None else subdomain

        url_prefix = options.get("url_prefix")
        #: The prefix of all its rules, or ``None``.
        self.url_prefix = blueprint.url_prefix if url_prefix is None else url_prefix

        self.name = options.get("name", blueprint.name)
        self.name_prefix = options.get("name_prefix", "")

        #: Default values of all its rules.
        self.url_defaults = {
            **blueprint.url_values_defaults,
            **dict(options.get("url_defaults", ())),
        }

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        **options: t.Any,
    ) -> None:
        """Register a rule on the app, with the blueprint's prefix, name, subdomain and defaults."""
        if self.url_prefix is not None:
            if rule:
                rule = "/".join((self.url_prefix.rstrip("/"), rule.lstrip("/")))
            else:
                rule = self.url_prefix
        options.setdefault("subdomain", self.subdomain)
        if endpoint is None:
            endpoint = _endpoint_from_view_func(t.cast(ft.RouteCallable, view_func))
        defaults = self.url_defaults
        if "defaults" in options:
            defaults = {**defaults, **options.pop("defaults")}

        self.app.add_url_rule(
            rule,
            f"{self.name_prefix}.{self.name}.{endpoint}".lstrip("."),
            view_func,
            defaults=defaults,
            **options,
        )


def _when_registered(blueprint: Blueprint, put: t.Callable[[jinja2.Environment], None]) -> None:
    blueprint.record_once(lambda state: put(state.app.jinja_env))


class Blueprint(Scaffold):
    """A part of an app: views, hooks, templates and files that an app registers as a whole.

    :param name: name of the blueprint, which comes before the names of its endpoints.
    :param import_name: name of the module it is defined in, usually ``__name__``.
    :param static_folder: folder of its static files; ``None`` serves none.
    :param static_url_path: where they are served, below ``url_prefix``; by default the folder's
        name.
    :param template_folder: folder of its templates, searched after the app's.
    :param url_prefix: path before all its rules.
    :param subdomain: subdomain of all its rules.
    :param url_defaults: default values of all its rules.
    :param root_path: what the folders are relative to; by default found from ``import_name``.
    :param cli_group: name of the group of its commands; by default its name, ``None`` puts them
        beside the app's own.
    :param owns_prefix: whether its 404 and 405 handlers also answer the URLs below its prefix
        that no rule matches, on every host. Flask has no such option.
    :raise ValueError: if the name is empty or has a dot.

    See https://flask.palletsprojects.com/en/stable/blueprints/
    """

    _got_registered_once = False

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, t.Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = t.cast("str | None", _sentinel),
        *,
        owns_prefix: bool = False,
    ) -> None:
        super().__init__(
            import_name=import_name,
            static_folder=static_folder,
            static_url_path=static_url_path,
            template_folder=template_folder,
            root_path=root_path,
        )
        if not name:
            raise ValueError("'name' may not be empty.")
        if "." in name:
            raise ValueError("'name' may not contain a dot '.' character.")

        self.name = name
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.deferred_functions: list[DeferredSetupFunction] = []
        self.url_values_defaults = {} if url_defaults is None else url_defaults
        self.cli_group = cli_group
        self.owns_prefix = owns_prefix
        self._blueprints: list[tuple[Blueprint, dict[str, t.Any]]] = []

    @lazy
    def cli(self) -> _cli.AppGroup:
        """The Click group of its commands, found under the ``erlen`` command."""
        # PERF: click and the command line take a fifth of the time to import; a worker that
        # serves requests needs neither.
        from .cli import AppGroup

        return AppGroup(name=self.name)

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the blueprint"
                f" '{self.name}'. It has already been registered at least once, any"
                " changes will not be applied consistently.\n"
                "Make sure all imports, decorators, functions, etc. needed to set up"
                " the blueprint are done before registering it."
            )

    def open_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> t.IO[t.Any]:
        """Open a file that lies beside the code, for reading; text is UTF-8 by default."""
        return super().open_resource(resource, mode, encoding)

    # Recorded now, done when registered

    @setupmethod
    def record(self, func: DeferredSetupFunction) -> None:
        """Have a function called at each registration, with a :class:`BlueprintSetupState`."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: DeferredSetupFunction) -> None:
        """Have a function called at the first registration on an app only."""

        def once(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(once, func))

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a URL rule: as on the app, with the blueprint's prefix and name before it.

        :raise ValueError: if the endpoint or the name of the view has a dot.
        """
        if endpoint and "." in endpoint:
            raise ValueError("'endpoint' may not contain a dot '.' character.")
        if view_func and "." in getattr(view_func, "__name__", ""):
            raise ValueError("'view_func' name may not contain a dot '.' character.")

        self.record(
            lambda state: state.add_url_rule(
                rule,
                endpoint,
                view_func,
                provide_automatic_options=provide_automatic_options,
                **options,
            )
        )

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Nest a blueprint in this one.

        :param options: ``url_prefix``, ``subdomain``, ``url_defaults``, ``name`` and
            ``cli_group`` instead of the nested blueprint's own.
        :raise ValueError: if it is this very blueprint.
        """
        if blueprint is self:
            raise ValueError("Cannot register a blueprint on itself")
        self._blueprints.append((blueprint, options))

    # Registration

    def make_setup_state(
        self, app: App, options: dict[str, t.Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Make the state that recorded functions are called with; subclasses may make another."""
        return BlueprintSetupState(self, app, options, first_registration)

    def register(self, app: App, options: dict[str, t.Any]) -> None:
        """Do on an app all that was recorded; what :meth:`Flask.register_blueprint` calls.

        :param app: the app.
        :param options: the keyword arguments of the registration.
        :raise ValueError: if the name is taken, or a prefix is to be owned that cannot be.
        """
        name_prefix = options.get("name_prefix", "")
        self_name = options.get("name", self.name)
        name = f"{name_prefix}.{self_name}".lstrip(".")

        if name in app.blueprints:
            bp_desc = "this" if app.blueprints[name] is self else "a different"
            existing_at = f" '{name}'" if self_name != name else ""
            raise ValueError(
                f"The name '{self_name}' is already registered for"
                f" {bp_desc} blueprint{existing_at}. Use 'name=' to"
                f" provide a unique name."
            )

        first_registration = not any(bp is self for bp in app.blueprints.values())
        state = self.make_setup_state(app, options, first_registration)
        if self.owns_prefix:
            app.prefix_owners[self._owned_prefix(state.url_prefix)] = name
        app.blueprints[name] = self
        self._got_registered_once = True

        if self.has_static_folder:
            state.add_url_rule(
                f"{self.static_url_path}/<path:filename>",
                view_func=self.send_static_file,
                endpoint="static",
            )

        self._merge_blueprint_funcs(app, name)
        for deferred in self.deferred_functions:
            deferred(state)
        self._register_commands(app, name, options)

        for blueprint, nested_options in self._blueprints:
            blueprint.register(app, self._nested_options(state, name, blueprint, nested_options))

    def _owned_prefix(self, url_prefix: str | None) -> str:
        prefix = (url_prefix or "").strip("/")
        if not prefix or "<" in prefix:
            raise ValueError(
                f"The blueprint '{self.name}' cannot own its prefix {url_prefix!r}:"
                " 'owns_prefix' needs a 'url_prefix' with at least one segment and without"
                " variables. To answer unknown URLs everywhere, use 'app_errorhandler'."
            )
        return f"/{prefix}"

    def _merge_blueprint_funcs(self, app: App, name: str) -> None:
        """Copy hooks, handlers and views to the app, under the name of this registration."""

        def scoped(key: str | None) -> str:
            return name if key is None else f"{name}.{key}"

        for key, handlers in self.error_handler_spec.items():
            app.error_handler_spec[scoped(key)] = defaultdict(
                dict, {code: dict(by_class) for code, by_class in handlers.items()}
            )

        app.view_functions.update(self.view_functions)

        for hooks in (
            "before_request_funcs",
            "after_request_funcs",
            "teardown_request_funcs",
            "before_websocket_funcs",
            "after_websocket_funcs",
            "teardown_websocket_funcs",
            "url_default_functions",
            "url_value_preprocessors",
            "template_context_processors",
        ):
            for key, functions in self.__dict__.get(hooks, {}).items():
                if functions:
                    getattr(app, hooks).setdefault(scoped(key), []).extend(functions)

    def _register_commands(self, app: App, name: str, options: dict[str, t.Any]) -> None:
        # PERF: a group that nobody asked for is not made only to find it empty.
        if "cli" not in self.__dict__ or not self.cli.commands:
            return
        group = options.get("cli_group", self.cli_group)
        if group is None:
            app.cli.commands.update(self.cli.commands)
        else:
            self.cli.name = name if group is _sentinel else group
            app.cli.add_command(self.cli)

    @staticmethod
    def _nested_options(
        state: BlueprintSetupState, name: str, blueprint: Blueprint, options: dict[str, t.Any]
    ) -> dict[str, t.Any]:
        """Return the options of a nested registration, joined with those of this one."""
        options = {**options, "name_prefix": name}

        subdomain = options.get("subdomain")
        if subdomain is None:
            subdomain = blueprint.subdomain
        if state.subdomain is not None:
            subdomain = state.subdomain if subdomain is None else f"{subdomain}.{state.subdomain}"
        if subdomain is not None:
            options["subdomain"] = subdomain

        prefix = options.get("url_prefix")
        if prefix is None:
            prefix = blueprint.url_prefix
        if state.url_prefix is not None:
            if prefix is None:
                prefix = state.url_prefix
            else:
                prefix = f"{state.url_prefix.rstrip('/')}/{prefix.lstrip('/')}"
        if prefix is not None:
            options["url_prefix"] = prefix

        return options

    # Filters, tests and globals for every template of the app

    app_template_filter, add_app_template_filter = template_registrar(
        "filters", "app_template_filter", _when_registered
    )
    app_template_test, add_app_template_test = template_registrar(
        "tests", "app_template_test", _when_registered
    )
    app_template_global, add_app_template_global = template_registrar(
        "globals", "app_template_global", _when_registered
    )

    # Hooks for every request of the app, not only for those the blueprint handles

    def _record_hook(self, hooks: str, f: t.Callable[..., t.Any]) -> None:
        self.record_once(lambda state: getattr(state.app, hooks).setdefault(None, []).append(f))

    @setupmethod
    def before_app_request(self, f: T_before_request) -> T_before_request:
        """Register a function as :meth:`Flask.before_request` does."""
        self._record_hook("before_request_funcs", f)
        return f

    @setupmethod
    def after_app_request(self, f: T_after_request) -> T_after_request:
        """Register a function as :meth:`Flask.after_request` does."""
        self._record_hook("after_request_funcs", f)
        return f

    @setupmethod
    def teardown_app_request(self, f: T_teardown) -> T_teardown:
        """Register a function as :meth:`Flask.teardown_request` does."""
        self._record_hook("teardown_request_funcs", f)
        return f

    @setupmethod
    def before_app_websocket(self, f: T_before_request) -> T_before_request:
        """Register a function as :meth:`Flask.before_websocket` does."""
        self._record_hook("before_websocket_funcs", f)
        return f

    @setupmethod
    def after_app_websocket(self, f: T_after_request) -> T_after_request:
        """Register a function as :meth:`Flask.after_websocket` does."""
        self._record_hook("after_websocket_funcs", f)
        return f

    @setupmethod
    def teardown_app_websocket(self, f: T_teardown) -> T_teardown:
        """Register a function as :meth:`Flask.teardown_websocket` does."""
        self._record_hook("teardown_websocket_funcs", f)
        return f

    @setupmethod
    def before_app_serving(self, f: T_serving) -> T_serving:
        """Register a function as :meth:`Flask.before_serving` does."""
        self.record_once(lambda state: state.app.before_serving(f))
        return f

    @setupmethod
    def while_app_serving(self, f: T_while_serving) -> T_while_serving:
        """Register an async generator as :meth:`Flask.while_serving` does."""
        self.record_once(lambda state: state.app.while_serving(f))
        return f

    @setupmethod
    def after_app_serving(self, f: T_serving) -> T_serving:
        """Register a function as :meth:`Flask.after_serving` does."""
        self.record_once(lambda state: state.app.after_serving(f))
        return f

    @setupmethod
    def app_context_processor(
        self, f: T_template_context_processor
    ) -> T_template_context_processor:
        """Register a function as :meth:`Flask.context_processor` does."""
        self._record_hook("template_context_processors", f)
        return f

    @setupmethod
    def app_url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Register a function as :meth:`Flask.url_value_preprocessor` does."""
        self._record_hook("url_value_preprocessors", f)
        return f

    @setupmethod
    def app_url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Register a function as :meth:`Flask.url_defaults` does."""
        self._record_hook("url_default_functions", f)
        return f

    @setupmethod
    def app_errorhandler(
        self, code: type[Exception] | int
    ) -> t.Callable[[T_error_handler], T_error_handler]:
        """Register the decorated function as :meth:`Flask.errorhandler` does."""

        def decorator(f: T_error_handler) -> T_error_handler:
            self.record_once(lambda state: state.app.errorhandler(code)(f))
            return f

        return decorator
