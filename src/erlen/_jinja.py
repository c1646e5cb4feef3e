"""Jinja's environment and loader for an app; :mod:`erlen.templating` names them.

They stand in a room of their own because Jinja is slow to import: it comes in with the first
template.
"""

from __future__ import annotations

import typing as t
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping
from types import CodeType, FunctionType, MethodType

from jinja2 import BaseLoader, TemplateNotFound
from jinja2 import Environment as BaseEnvironment
from jinja2 import Template as BaseTemplate
from jinja2.runtime import Context as BaseContext
from jinja2.runtime import new_context
from jinja2.utils import internalcode
from markupsafe import escape

from .debughelpers import explain_template_loading_attempts
from .typing import App

_Source: t.TypeAlias = tuple[str, str | None, t.Callable[[], bool] | None]

#: How many sources given as strings an environment keeps compiled.
_MAX_STRING_TEMPLATES = 400

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


class Context(BaseContext):
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


class Template(BaseTemplate):
    # PERF: Jinja copies the globals at each rendering by way of a ChainMap, which raises and
    # catches a KeyError for each: that was more than half the cost of a small template.
    def new_context(
        self,
        vars: dict[str, t.Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, t.Any] | None = None,
    ) -> BaseContext:
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
    ) -> BaseTemplate:
        """Make a template of compiled code, as Jinja's loaders do."""
        template = super().from_code(environment, code, globals, uptodate)
        template.root_render_func.__globals__["escape"] = _escape
        return template


class Environment(BaseEnvironment):
    """A Jinja environment that belongs to an app.

    :param app: the app, whose loader is the default one.
    :param options: those of :class:`jinja2.Environment`.
    """

    _compiled: dict[str, BaseTemplate]

    def __init__(self, app: App, **options: t.Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        if self.template_class is BaseTemplate:
            self.template_class = Template
        if self.context_class is BaseContext:
            self.context_class = Context
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

    def compile_once(self, source: str) -> BaseTemplate:
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
