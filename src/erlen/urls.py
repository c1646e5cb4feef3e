"""From an endpoint to a URL."""

from __future__ import annotations

import sys
import typing as t
from urllib.parse import quote

from werkzeug.routing import BuildError, MapAdapter, Rule, UnicodeConverter
from werkzeug.wsgi import get_host

from . import typing as ft
from .ctx import RequestContext, _sentinel
from .globals import _get_context
from .routing import Map
from .wrappers import _split_blueprint_path, _wsgi_text

# Stands for a slash while a URL is built: a private-use character that no text has.
_SLASH = "\ue02f"
_QUOTED_SLASH = quote(_SLASH)


def create_url_adapter(app: ft.App, request: t.Any) -> MapAdapter | None:
    """Bind the URL map to a request, or to ``SERVER_NAME`` where there is none.

    :raises HTTPException: for a host that is not trusted, or no host at all.
    """
    config = app.config
    if request is None:
        if config["SERVER_NAME"] is None:
            return None
        adapter: MapAdapter = app.url_map.bind(
            config["SERVER_NAME"],
            script_name=config["APPLICATION_ROOT"],
            url_scheme=config["PREFERRED_URL_SCHEME"],
        )
        return adapter
    if config["TRUSTED_HOSTS"] is not None:
        request.trusted_hosts = config["TRUSTED_HOSTS"]
    request.host = get_host(request.environ, request.trusted_hosts)
    server_name = config["SERVER_NAME"]
    subdomain = None
    if app.url_map.host_matching:
        server_name = None
    elif not app.subdomain_matching:
        subdomain = app.url_map.default_subdomain or ""
    adapter = app.url_map.bind_to_environ(
        request.environ, server_name=server_name, subdomain=subdomain
    )
    return adapter


def url_for(
    app: ft.App,
    endpoint: str,
    anchor: str | None,
    method: str | None,
    scheme: str | None,
    external: bool | None,
    values: dict[str, t.Any],
) -> str:
    """Build the URL of an endpoint (the parameters are those of ``Flask.url_for``)."""
    ctx = _get_context(None)
    adapter: MapAdapter | None
    # PERF: the usual context is known by its type, without the two properties.
    if (type(ctx) is RequestContext and not ctx._request_done) or (
        ctx is not None and ctx.has_request
    ):
        if type(ctx) is not RequestContext:
            ctx = ctx._request_ctx
        if endpoint[:1] == ".":
            blueprint = ctx.request.blueprint
            endpoint = endpoint[1:] if blueprint is None else f"{blueprint}{endpoint}"
        if (
            anchor is None
            and method is None
            and scheme is None
            and not external
            and not app.url_default_functions
            and app is ctx.app
        ):
            root = ctx._url_root
            if root is _sentinel:
                root = ctx._url_root = _plain_root(app, ctx)
            if root is not None:
                # PERF: an adapter chooses among rules, hosts and schemes that are not in question
                # (some 6 µs).
                url_map = app.url_map
                builder = url_map._builders.get(endpoint) or url_map.plain_builder(endpoint)
                path = None if builder is None else builder.build(values)
                if path is not None:
                    return root + path  # type: ignore[no-any-return]  # the app, named from below
        if external is None:
            external = scheme is not None
        adapter = ctx.url_adapter
    else:
        adapter = app.create_url_adapter(None) if ctx is None else ctx.url_adapter
        if adapter is None:
            raise RuntimeError(
                "Unable to build URLs outside an active request without 'SERVER_NAME' configured."
                " Also configure 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed."
            )
        if external is None:
            external = True
    if scheme is not None and not external:
        raise ValueError("When specifying '_scheme', '_external' must be True.")
    app.inject_url_defaults(endpoint, values)
    try:
        with_slashes = _mark_slashes(app.url_map, endpoint, values)
        url = t.cast(MapAdapter, adapter).build(
            endpoint, with_slashes, method=method, url_scheme=scheme, force_external=external
        )
    except BuildError as error:
        values.update(_anchor=anchor, _method=method, _scheme=scheme, _external=external)
        handled: str = app.handle_url_build_error(error, endpoint, values)
        return handled
    if with_slashes is not values:
        url = url.replace(_QUOTED_SLASH, "%2F")
    if anchor is not None:
        url += "#" + quote(anchor, safe="%!#$&'()*+,/:;=?@")
    return url


def _plain_root(app: ft.App, ctx: RequestContext) -> str | None:
    """Return what the app's paths begin with; None where more than a rule decides on a URL."""
    if (
        type(app.url_map) is not Map
        or app.subdomain_matching
        or not (ctx._plain or app._keeps("create_url_adapter", "inject_url_defaults"))
        or "HTTP_UPGRADE" in ctx._environ
    ):
        return None
    return _wsgi_text(ctx._environ, "SCRIPT_NAME").rstrip("/")


def _mark_slashes(url_map: t.Any, endpoint: str, values: dict[str, t.Any]) -> dict[str, t.Any]:
    """Replace slashes in values that may not hold one: unquoted, the URL leads elsewhere.

    See pallets/werkzeug#3094.
    """
    marked = values
    for name, value in values.items():
        if isinstance(value, str) and "/" in value and _is_one_segment(url_map, endpoint, name):
            if marked is values:
                marked = dict(values)
            marked[name] = value.replace("/", _SLASH)
    return marked


def _is_one_segment(url_map: t.Any, endpoint: str, name: str) -> bool:
    rules: list[Rule] = url_map._rules_by_endpoint.get(endpoint, [])
    converters = [rule._converters[name] for rule in rules if name in rule._converters]
    return bool(converters) and all(type(c) is UnicodeConverter for c in converters)


def inject_url_defaults(app: ft.App, endpoint: str, values: dict[str, t.Any]) -> None:
    """Let the ``url_defaults`` functions add to the values of a URL, the app's first."""
    names: tuple[str | None, ...] = (None,)
    if "." in endpoint:
        names += tuple(reversed(_split_blueprint_path(endpoint.rpartition(".")[0])))
    for name in names:
        for func in app.url_default_functions.get(name, ()):
            func(endpoint, values)


def handle_url_build_error(
    app: ft.App, error: BuildError, endpoint: str, values: dict[str, t.Any]
) -> str:
    """Ask the build error handlers for a URL; raise the error where none knows one."""
    for handler in app.url_build_error_handlers:
        try:
            url: str | None = handler(error, endpoint, values)
        except BuildError as e:
            error = e
        else:
            if url is not None:
                return url
    if error is sys.exc_info()[1]:
        raise
    raise error
