"""Templates: their context, rendering and streaming, filters and their kin."""

from __future__ import annotations

import typing as t
from collections.abc import Generator, Iterator
from inspect import isawaitable

from . import typing as ft
from ._lazy import LateModule
from .ctx import has_request_context
from .dispatch import is_async
from .globals import _cv_app, _no_app_msg, g, request, session
from .helpers import get_flashed_messages, stream_with_context
from .signals import before_render_template, template_rendered
from .typing import App

if t.TYPE_CHECKING:
    import jinja2

    from . import _jinja
    from ._jinja import DispatchingJinjaLoader as DispatchingJinjaLoader
    from ._jinja import Environment as Environment
else:
    jinja2 = LateModule("jinja2")
    _jinja = LateModule("erlen._jinja")

    def __getattr__(name: str) -> t.Any:
        if name not in ("DispatchingJinjaLoader", "Environment"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # PERF: Jinja takes a seventh of the time to import erlen; an API has no templates.
        return getattr(_jinja, name)


F = t.TypeVar("F", bound=t.Callable[..., t.Any])
T_template_filter = t.TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = t.TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = t.TypeVar("T_template_test", bound=ft.TemplateTestCallable)


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
    return {"g": ctx.g, "request": ctx._request_ctx.request}


def update_template_context(app: App, context: dict[str, t.Any]) -> None:
    """Add what the context processors return to a template's context, in place.

    The app's processors come first, then those of the request's blueprints from the outermost
    in. A name that is in the context already keeps its value.
    """
    values: dict[str, t.Any] = {}
    for scope in _scopes(app):
        for processor in app.template_context_processors.get(scope, ()):
            # PERF: the default one is known to be synchronous.
            if processor is not _default_template_ctx_processor:
                values.update(_call(app, processor))
            else:
                values.update(processor())
    values.update(context)
    context.update(values)


def _scopes(app: App) -> tuple[str | None, ...]:
    """Return whose processors apply, as keys of their dict."""
    processors = app.template_context_processors
    # PERF: only blueprints have further scopes; where there are none, which ones handle the
    # request need not be asked.
    if len(processors) > 1 or None not in processors:
        ctx = _cv_app.get(None)
        if ctx is not None and ctx.has_request:
            return (None, *reversed(ctx._request_ctx.request.blueprints))
    return (None,)


def _call(app: App, processor: t.Callable[[], t.Any]) -> t.Any:
    """Call a processor; an async one on the loop that the caller stands on, if on any."""
    if is_async(processor) and app._keeps("ensure_sync", "async_to_sync"):
        from . import _background

        if _background.has_running_loop():
            try:
                return _background.run_here(processor())
            except _background.WaitsError:
                raise RuntimeError(
                    f"The context processor {_name_of(processor)!r} waits for something, which"
                    " sync code on an event loop cannot do. In async code render with 'await"
                    " render_template_async(...)'; the functions beside it have their like."
                ) from None
    return app.ensure_sync(processor)()


def _name_of(func: t.Any) -> str:
    return getattr(func, "__name__", None) or repr(func)


async def _update_template_context_async(app: App, context: dict[str, t.Any]) -> None:
    """Do as :func:`update_template_context`, and await the async processors."""
    values: dict[str, t.Any] = {}
    for scope in _scopes(app):
        for processor in app.template_context_processors.get(scope, ()):
            added = processor()
            values.update(await added if isawaitable(added) else added)
    values.update(context)
    context.update(values)


class LateEnvironment:
    """In a class body it stands for :class:`Environment`, and imports Jinja when it is read."""

    def __get__(self, instance: object, owner: type | None = None) -> type[_jinja.Environment]:
        return _jinja.Environment


def create_environment(app: App) -> _jinja.Environment:
    """Make an app's Jinja environment, with Flask's globals and its JSON."""
    options = dict(app.jinja_options)
    options.setdefault("autoescape", app.select_jinja_autoescape)
    if "auto_reload" not in options:
        auto_reload = app.config["TEMPLATES_AUTO_RELOAD"]
        options["auto_reload"] = app.debug if auto_reload is None else auto_reload
    env: _jinja.Environment = app.jinja_environment(app, **options)
    env.globals.update(
        url_for=app.url_for,
        get_flashed_messages=get_flashed_messages,
        config=app.config,
        request=request,
        session=session,
        g=g,
    )
    env.policies["json.dumps_function"] = app.json.dumps
    return env


# Rendering


def _current_app() -> App:
    ctx = _cv_app.get(None)
    if ctx is None:
        raise RuntimeError(_no_app_msg)
    return ctx.app


def _from_string(app: App, source: str) -> jinja2.Template:
    env = app.jinja_env
    # An app may have put a plain Jinja environment in the place of ours.
    template: jinja2.Template = getattr(env, "compile_once", env.from_string)(source)
    return template


def _prepare(app: App, template: jinja2.Template, context: dict[str, t.Any]) -> None:
    app.update_template_context(context)
    if before_render_template.receivers:
        before_render_template.send(
            app, _async_wrapper=app.ensure_sync, template=template, context=context
        )


def _rendered(app: App, template: jinja2.Template, context: dict[str, t.Any]) -> None:
    if template_rendered.receivers:
        template_rendered.send(
            app, _async_wrapper=app.ensure_sync, template=template, context=context
        )


async def _prepare_async(app: App, template: jinja2.Template, context: dict[str, t.Any]) -> None:
    name = "update_template_context"
    if name not in app.__dict__ and app._keeps(name):
        await _update_template_context_async(app, context)
    else:
        app.update_template_context(context)
    await _send_async(before_render_template, app, template, context)


async def _send_async(
    signal: t.Any, app: App, template: jinja2.Template, context: dict[str, t.Any]
) -> None:
    if signal.receivers:
        await signal.send_async(
            app, _sync_wrapper=_as_coroutine, template=template, context=context
        )


def _as_coroutine(receiver: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    async def receive(*args: t.Any, **values: t.Any) -> t.Any:
        return receiver(*args, **values)

    return receive


def _render(app: App, template: jinja2.Template, context: dict[str, t.Any]) -> str:
    _prepare(app, template, context)
    text = template.render(context)
    _rendered(app, template, context)
    return text


async def _render_async(app: App, template: jinja2.Template, context: dict[str, t.Any]) -> str:
    await _prepare_async(app, template, context)
    if template.environment.is_async:
        text = await template.render_async(context)
    else:
        text = template.render(context)
    await _send_async(template_rendered, app, template, context)
    return text


def _stream(app: App, template: jinja2.Template, context: dict[str, t.Any]) -> Iterator[str]:
    def generate() -> Iterator[str]:
        yield from template.generate(context)
        _rendered(app, template, context)

    # In a request, keep its context for as long as the stream runs.
    return stream_with_context(generate()) if has_request_context() else generate()


def render_template(
    template_name_or_list: str | jinja2.Template | list[str | jinja2.Template], **context: t.Any
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
    template_name_or_list: str | jinja2.Template | list[str | jinja2.Template], **context: t.Any
) -> Iterator[str]:
    """Render a template of the current app piece by piece; a view can return the iterator.

    :param template_name_or_list: its name; of a list, the first that exists is taken.
    :param context: the variables of the template.
    :raise jinja2.TemplateNotFound: if there is none of that name.
    """
    app = _current_app()
    template = app.jinja_env.get_or_select_template(template_name_or_list)
    _prepare(app, template, context)
    return _stream(app, template, context)


def stream_template_string(source: str, **context: t.Any) -> Iterator[str]:
    """Render a template from its source piece by piece; a view can return the iterator.

    :param source: the template itself.
    :param context: the variables of the template.
    """
    app = _current_app()
    template = _from_string(app, source)
    _prepare(app, template, context)
    return _stream(app, template, context)


def render_block(
    template_name_or_list: str | jinja2.Template | list[str | jinja2.Template],
    block: str,
    **context: t.Any,
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
    template = _template_with_blocks(app, template_name_or_list)
    _prepare(app, template, context)
    text = _text_of_block(template, block, context)
    _rendered(app, template, context)
    return text


def _template_with_blocks(
    app: App, name_or_list: str | jinja2.Template | list[str | jinja2.Template]
) -> jinja2.Template:
    template: jinja2.Template = app.jinja_env.get_or_select_template(name_or_list)
    if template.environment.is_async:
        raise RuntimeError("'render_block' cannot render in an environment with 'enable_async'.")
    return template


def _text_of_block(template: jinja2.Template, block: str, context: dict[str, t.Any]) -> str:
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
    return text


# The same for async code: what is async in them runs on its event loop.


async def render_template_async(
    template_name_or_list: str | jinja2.Template | list[str | jinja2.Template], **context: t.Any
) -> str:
    """Render a template of the current app in async code.

    Async context processors and async receivers of the signals are awaited on the caller's event
    loop; so is the template, where the environment was made with ``enable_async``.

    :param template_name_or_list: as for :func:`render_template`.
    :param context: the variables of the template.
    :raise jinja2.TemplateNotFound: if there is none of that name.
    """
    app = _current_app()
    template = app.jinja_env.get_or_select_template(template_name_or_list)
    return await _render_async(app, template, context)


async def render_template_string_async(source: str, **context: t.Any) -> str:
    """Render a template from its source in async code, as :func:`render_template_async` does.

    :param source: as for :func:`render_template_string`.
    :param context: the variables of the template.
    """
    app = _current_app()
    return await _render_async(app, _from_string(app, source), context)


async def stream_template_async(
    template_name_or_list: str | jinja2.Template | list[str | jinja2.Template], **context: t.Any
) -> Iterator[str]:
    """Render a template piece by piece; async context processors are awaited before the first.

    :param template_name_or_list: as for :func:`stream_template`.
    :param context: the variables of the template.
    :return: an iterator, which a view can return.
    :raise jinja2.TemplateNotFound: if there is none of that name.
    """
    app = _current_app()
    template = app.jinja_env.get_or_select_template(template_name_or_list)
    await _prepare_async(app, template, context)
    return _stream(app, template, context)


async def stream_template_string_async(source: str, **context: t.Any) -> Iterator[str]:
    """Render a template from its source piece by piece, as :func:`stream_template_async` does.

    :param source: as for :func:`stream_template_string`.
    :param context: the variables of the template.
    :return: an iterator, which a view can return.
    """
    app = _current_app()
    template = _from_string(app, source)
    await _prepare_async(app, template, context)
    return _stream(app, template, context)


async def render_block_async(
    template_name_or_list: str | jinja2.Template | list[str | jinja2.Template],
    block: str,
    **context: t.Any,
) -> str:
    """Render one block of a template in async code; async context processors are awaited.

    :param template_name_or_list: as for :func:`render_template`.
    :param block: name of the block.
    :param context: the variables of the template.
    :raise LookupError: if the template has no such block.
    :raise RuntimeError: if the environment was made with ``enable_async``.
    """
    app = _current_app()
    template = _template_with_blocks(app, template_name_or_list)
    await _prepare_async(app, template, context)
    text = _text_of_block(template, block, context)
    await _send_async(template_rendered, app, template, context)
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
    set_up: t.Callable[[t.Any, t.Callable[[jinja2.Environment], None]], t.Any],
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

        def put(env: jinja2.Environment) -> None:
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
