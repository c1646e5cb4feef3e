"""Templates: Jinja's environment and loaders, rendering and streaming, filters and their kin."""

from __future__ import annotations

import typing as t
from collections import ChainMap
from collections.abc import Generator, Iterator, Mapping, MutableMapping
from types import CodeType, FunctionType, MethodType

from jinja2 import BaseLoader, Template, TemplateNotFound
from jinja2 import Environment as BaseEnvironment
from jinja2.runtime import Context, new_context
from jinja2.utils import internalcode
from markupsafe import escape

from . import typing as ft
from .ctx import has_request_context
from .debughelpers import explain_template_loading_attempts
from .globals import _cv_app, _no_app_msg
from .helpers import stream_with_context
from .signals import before_render_template, template_rendered
from .typing import App

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
T_template_filter = t.TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = t.TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = t.TypeVar("T_template_test", bound=ft.TemplateTestCallable)

_Source: t.TypeAlias = tuple[str, str | None, t.Callable[[], bool] | None]

#: How many sources given as strings an environment keeps compiled.
_MAX_STRING_TEMPLATES = 400


# The context of a template


def _default_template_ctx_processor() -> dict[str, t.Any]:
    """Give templates ``g`` and ``request`` themselves, which is faster than the proxies.

    The session is not among them: reading it marks it as accessed, and the proxy in the
    environment's globals does so only when a template really reads it.
    """
    ctx = _cv_app.get(None)
    if ctx is None:
        return {}
    if not ctx.has_request:
        return {"g": ctx.g}
    return {"g": ctx.g, "request": ctx.request}


def update_template_context(app: App, context: dict[str, t.Any]) -> None:
    """Add what the context processors return to a template's context, in place.

    The app's processors come first, then those of the request's blueprints from the outermost
    in. A name that is in the context already keeps its value.
    """
    processors = app.template_context_processors
    scopes: tuple[str | None, ...] = (None,)
    # PERF: only blueprints have further scopes; where there are none, which ones handle the
    # request need not be asked.
    if len(processors) > 1 or None not in processors:
        ctx = _cv_app.get(None)
        if ctx is not None and ctx.has_request:
            scopes = (None, *reversed(ctx.request.blueprints))

    values: dict[str, t.Any] = {}
    for scope in scopes:
        for processor in processors.get(scope, ()):
            # PERF: the default one is known to be synchronous.
            if processor is not _default_template_ctx_processor:
                processor = app.ensure_sync(processor)
            values.update(processor())

    values.update(context)
    context.update(values)


# The environment and its loader


# What a compiled template calls for each value and each call, and for each rendering. Everything
# else is Jinja's.

_FUNCTIONS = frozenset({FunctionType, MethodType})


def _escape(value: t.Any) -> str:
    # PERF: this only feeds joins, whose result is marked as safe where it has to be, so a plain
    # string will do; markupsafe's takes three times as long, to mark each one.
    kind = type(value)
    if kind is str:
        text: str = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return text.replace("'", "&#39;").replace('"', "&#34;")
    return str(value) if kind is int else escape(value)


class _Context(Context):
    # PERF: Jinja looks twice for a mark on what is called, and mostly in vain, which is slow for
    # methods: more than half the cost of a call such as that of ``url_for``.
    @internalcode
    def call(
        self,
        obj: t.Any,
        /,
        *args: t.Any,
        _loop_vars: dict[str, t.Any] | None = None,
        _block_vars: dict[str, t.Any] | None = None,
        **kwargs: t.Any,
    ) -> t.Any:
        if type(obj) not in _FUNCTIONS or "jinja_pass_arg" in obj.__dict__:
            return super().call(
                obj, *args, _loop_vars=_loop_vars, _block_vars=_block_vars, **kwargs
            )
        try:
            return obj(*args, **kwargs)
        except StopIteration:
            # Jinja's answer to it, which is an undefined value.
            return super().call(next, iter(()))


class _Template(Template):
    # PERF: Jinja copies the globals at each rendering by way of a ChainMap, which raises and
    # catches a KeyError for each: that was more than half the cost of a small template.
    def new_context(
        self,
        vars: dict[str, t.Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, t.Any] | None = None,
    ) -> Context:
        if shared or not isinstance(self.globals, ChainMap):
            return super().new_context(vars, shared, locals)
        merged: dict[str, t.Any] = {}
        for mapping in reversed(self.globals.maps):
            merged.update(mapping)
        values = {**merged, **(vars or {})}
        return new_context(self.environment, self.name, self.blocks, values, True, merged, locals)

    @classmethod
    def from_code(
        cls,
        environment: BaseEnvironment,
        code: CodeType,
        globals: MutableMapping[str, t.Any],
        uptodate: t.Callable[[], bool] | None = None,
    ) -> Template:
        """Make a template of compiled code, as Jinja's loaders do."""
        template = super().from_code(environment, code, globals, uptodate)
        template.root_render_func.__globals__["escape"] = _escape
        return template


class Environment(BaseEnvironment):
    """A Jinja environment that belongs to an app.

    :param app: the app, whose loader is the default one.
    :param options: those of :class:`jinja2.Environment`.
    """

    _compiled: dict[str, Template]

    def __init__(self, app: App, **options: t.Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        if self.template_class is Template:
            self.template_class = _Template
        if self.context_class is Context:
            self.context_class = _Context
        self.app = app

    def __setattr__(self, name: str, value: t.Any) -> None:
        # Any option, extension or delimiter that changes may change what a source compiles to.
        # An overlay sets attributes of its own, and so comes to have a cache of its own.
        super().__setattr__(name, value)
        self.__dict__["_compiled"] = {}

    def add_extension(self, extension: str | type[t.Any]) -> None:
        """Add a Jinja extension; sources compiled before are compiled anew."""
        super().add_extension(extension)
        self.__dict__["_compiled"] = {}

    def compile_once(self, source: str) -> Template:
        """Return the template of a source given as a string, compiled when it first comes.

        The last few hundred sources are kept, none if the option ``cache_size`` is 0. As with
        templates that are loaded by name, filters and globals are looked up at each rendering,
        except that Jinja works out a filter or test of constants when it compiles.
        """
        compiled = self._compiled
        template = compiled.get(source)
        if template is None:
            template = self.from_string(source)
            if self.cache is not None:
                # Each step is atomic: two threads may compile the same, but nothing goes wrong.
                if len(compiled) >= _MAX_STRING_TEMPLATES:
                    compiled.pop(next(iter(compiled.copy())), None)
                compiled[source] = template
        return template


class DispatchingJinjaLoader(BaseLoader):
    """Look for a template in the app's folder, then in its blueprints' in order of registration.

    :param app: the app. With its option ``EXPLAIN_TEMPLATE_LOADING`` each search is logged.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    def get_source(self, environment: BaseEnvironment, template: str) -> _Source:
        """Return source, file name and up-to-date check of a template, as Jinja asks for.

        :raise jinja2.TemplateNotFound: if no loader has it.
        """
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            return self._get_source_explained(environment, template)
        return self._get_source_fast(environment, template)

    def _get_source_explained(self, environment: BaseEnvironment, template: str) -> _Source:
        attempts: list[tuple[BaseLoader, t.Any, _Source | None]] = []
        for owner, loader in self._iter_loaders(template):
            try:
                attempts.append((loader, owner, loader.get_source(environment, template)))
            except TemplateNotFound:
                attempts.append((loader, owner, None))

        explain_template_loading_attempts(self.app, template, attempts)

        for _, _, found in attempts:
            if found is not None:
                return found
        raise TemplateNotFound(template)

    def _get_source_fast(self, environment: BaseEnvironment, template: str) -> _Source:
        for _, loader in self._iter_loaders(template):
            try:
                return loader.get_source(environment, template)
            except TemplateNotFound:
                continue
        raise TemplateNotFound(template)

    def _iter_loaders(self, template: str) -> Iterator[tuple[t.Any, BaseLoader]]:
        for owner in (self.app, *self.app.iter_blueprints()):
            if owner.jinja_loader is not None:
                yield owner, owner.jinja_loader

    def list_templates(self) -> list[str]:
        """Return the names of all templates there are."""
        loaders = self._iter_loaders("")
        return list({name for _, loader in loaders for name in loader.list_templates()})


# Rendering


def _current_app() -> App:
    ctx = _cv_app.get(None)
    if ctx is None:
        raise RuntimeError(_no_app_msg)
    return ctx.app


def _from_string(app: App, source: str) -> Template:
    env = app.jinja_env
    # An app may have put a plain Jinja environment in the place of ours.
    template: Template = getattr(env, "compile_once", env.from_string)(source)
    return template


def _prepare(app: App, template: Template, context: dict[str, t.Any]) -> None:
    app.update_template_context(context)
    if before_render_template.receivers:
        before_render_template.send(
            app, _async_wrapper=app.ensure_sync, template=template, context=context
        )


def _rendered(app: App, template: Template, context: dict[str, t.Any]) -> None:
    if template_rendered.receivers:
        template_rendered.send(
            app, _async_wrapper=app.ensure_sync, template=template, context=context
        )


def _render(app: App, template: Template, context: dict[str, t.Any]) -> str:
    _prepare(app, template, context)
    text = template.render(context)
    _rendered(app, template, context)
    return text


def _stream(app: App, template: Template, context: dict[str, t.Any]) -> Iterator[str]:
    _prepare(app, template, context)

    def generate() -> Iterator[str]:
        yield from template.generate(context)
        _rendered(app, template, context)

    # In a request, keep its context for as long as the stream runs.
    return stream_with_context(generate()) if has_request_context() else generate()


def render_template(
    template_name_or_list: str | Template | list[str | Template], **context: t.Any
) -> str:
    """Render a template of the current app.

    :param template_name_or_list: its name; of a list, the first that exists is taken.
    :param context: the variables of the template.
    :raise jinja2.TemplateNotFound: if there is none of that name.

    See https://flask.palletsprojects.com/en/stable/api/#flask.render_template
    """
    app = _current_app()
    template = app.jinja_env.get_or_select_template(template_name_or_list)
    return _render(app, template, context)


def render_template_string(source: str, **context: t.Any) -> str:
    """Render a template from its source, which is compiled only the first time it comes.

    Hand values over as variables: they are escaped, and the source stays one and the same.

    :param source: the template itself.
    :param context: the variables of the template.
    """
    app = _current_app()
    return _render(app, _from_string(app, source), context)


def stream_template(
    template_name_or_list: str | Template | list[str | Template], **context: t.Any
) -> Iterator[str]:
    """Render a template of the current app piece by piece; a view can return the iterator.

    :param template_name_or_list: its name; of a list, the first that exists is taken.
    :param context: the variables of the template.
    :raise jinja2.TemplateNotFound: if there is none of that name.
    """
    app = _current_app()
    template = app.jinja_env.get_or_select_template(template_name_or_list)
    return _stream(app, template, context)


def stream_template_string(source: str, **context: t.Any) -> Iterator[str]:
    """Render a template from its source piece by piece; a view can return the iterator.

    :param source: the template itself.
    :param context: the variables of the template.
    """
    app = _current_app()
    return _stream(app, _from_string(app, source), context)


def render_block(
    template_name_or_list: str | Template | list[str | Template], block: str, **context: t.Any
) -> str:
    """Render one block of a template, such as the part of a page that htmx asks for.

    The block may be inherited, call ``super()``, and use what the template imports or sets
    before its first text.

    :param template_name_or_list: as for :func:`render_template`.
    :param block: name of the block.
    :param context: the variables of the template.
    :raise LookupError: if the template has no such block.
    :raise RuntimeError: if the environment was made with ``enable_async``.
    """
    app = _current_app()
    template: Template = app.jinja_env.get_or_select_template(template_name_or_list)
    if template.environment.is_async:
        raise RuntimeError("'render_block' cannot render in an environment with 'enable_async'.")
    _prepare(app, template, context)
    jinja_context = template.new_context(context)
    try:
        # Up to its first text a template makes its imports and meets the templates it extends.
        root = t.cast("Generator[str]", template.root_render_func(jinja_context))
        next(root, None)
        root.close()
        render = jinja_context.blocks.get(block, [None])[0]
        text = None if render is None else "".join(render(jinja_context))
    except Exception:
        template.environment.handle_exception()
    if text is None:
        known = ", ".join(sorted(jinja_context.blocks)) or "none"
        raise LookupError(f"Template {template.name!r} has no block {block!r}. It has: {known}.")
    _rendered(app, template, context)
    return text


# Filters, tests and globals


class TemplateDecorator(t.Protocol):
    """``app.template_filter`` and its kin: with a name, with empty parentheses, or with none."""

    @t.overload
    def __call__(self, name: F, /) -> F: ...
    @t.overload
    def __call__(self, name: str | None = None) -> t.Callable[[F], F]: ...


class TemplateAdder(t.Protocol):
    """``app.add_template_filter`` and its kin."""

    def __call__(self, f: t.Callable[..., t.Any], name: str | None = None) -> None: ...


def template_registrar(
    kind: str,
    method: str,
    set_up: t.Callable[[t.Any, t.Callable[[BaseEnvironment], None]], t.Any],
) -> tuple[TemplateDecorator, TemplateAdder]:
    """Make the decorator and the ``add_`` method that register filters, tests or globals.

    Both are methods of set-up, to be bound in the class body of an app or a blueprint::

        template_filter, add_template_filter = template_registrar(
            "filters", "template_filter", lambda app, put: put(app.jinja_env)
        )

    :param kind: the environment's dict: ``"filters"``, ``"tests"`` or ``"globals"``.
    :param method: name of the decorator; the other method is named after it, with ``add_``.
    :param set_up: takes the app or blueprint and a function, which it calls with the
        environment, now or when there is one.
    """

    def add(self: t.Any, f: t.Callable[..., t.Any], name: str | None = None) -> None:
        self._check_setup_finished(add.__name__)

        def put(env: BaseEnvironment) -> None:
            getattr(env, kind)[name or f.__name__] = f

        set_up(self, put)

    def decorator(self: t.Any, name: t.Any = None) -> t.Any:
        self._check_setup_finished(method)
        # By name, so that a subclass may replace the one method for both.
        add_to_self = getattr(self, add.__name__)
        if callable(name):
            add_to_self(name)
            return name

        def register(f: F) -> F:
            add_to_self(f, name=name)
            return f

        return register

    noun = kind.removesuffix("s")
    decorator.__name__ = decorator.__qualname__ = method
    decorator.__doc__ = (
        f"Register the decorated function as a template {noun}.\n\n"
        f":param name: name of the {noun} in templates; by default the function's. The\n"
        "    parentheses may be left out."
    )
    add.__name__ = add.__qualname__ = f"add_{method}"
    add.__doc__ = (
        f"Register a function as a template {noun}.\n\n"
        f":param f: the function.\n:param name: name of the {noun}; by default the function's."
    )
    return t.cast(TemplateDecorator, decorator), t.cast(TemplateAdder, add)
