"""What debug mode adds to an error: what probably went wrong, and what to do."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator

from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Request

from ._lazy import LateModule
from .globals import _cv_app
from .typing import App

if t.TYPE_CHECKING:
    import jinja2
else:
    jinja2 = LateModule("jinja2")

_Source = tuple[str, str | None, Callable[[], bool] | None]


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """Text came where bytes were expected, or the other way round."""


class DebugFilesKeyError(KeyError, AssertionError):
    """A file was asked for by name in a form that was not sent as ``multipart/form-data``.

    :param request: the request.
    :param key: the field's name.
    """

    def __init__(self, request: Request, key: str) -> None:
        self.msg = (
            f"You tried to access the file {key!r} in the request.files"
            " dictionary but it does not exist. The mimetype for the"
            f" request is {request.mimetype!r} instead of"
            " 'multipart/form-data' which means that no file contents"
            " were transmitted. To fix this error you should provide"
            ' enctype="multipart/form-data" in your form.'
        )
        if submitted := request.form.getlist(key):
            self.msg += (
                "\n\nThe browser instead transmitted some file names. "
                f"This was submitted: {', '.join(map(repr, submitted))}"
            )

    def __str__(self) -> str:
        return self.msg


class FormDataRoutingRedirect(AssertionError):
    """Routing redirects a request in a way that makes browsers drop its form data.

    :param request: a request whose ``routing_exception`` is the redirect.
    """

    def __init__(self, request: t.Any) -> None:
        redirect = request.routing_exception
        assert isinstance(redirect, RequestRedirect)
        message = (
            f"A request was sent to '{request.url}', but routing issued"
            f" a redirect to the canonical URL '{redirect.new_url}'."
        )
        if redirect.new_url.partition("?")[0] == f"{request.base_url}/":
            message += (
                " The URL was defined with a trailing slash. Flask"
                " will redirect to the URL with a trailing slash if it"
                " was accessed without one."
            )
        super().__init__(
            f"{message} Send requests to the canonical URL, or use 307 or 308 for"
            " routing redirects. Otherwise, browsers will drop form"
            " data.\n\n"
            "This exception is only raised in debug mode."
        )


def attach_enctype_error_multidict(request: Request) -> None:
    """Let ``request.files[key]`` explain itself where the form has the key and the files do not.

    :param request: the request, whose ``files`` get a class of their own.
    """
    plain: t.Any = type(request.files)

    def explain(files: t.Any, key: str) -> t.Any:
        try:
            return plain.__getitem__(files, key)
        except KeyError as error:
            if key not in request.form:
                raise
            raise DebugFilesKeyError(request, key).with_traceback(error.__traceback__) from None

    request.files.__class__ = type(
        plain.__name__, (plain,), {"__getitem__": explain, "__module__": plain.__module__}
    )


def explain_template_loading_attempts(
    app: App, template: str, attempts: list[tuple[jinja2.BaseLoader, t.Any, _Source | None]]
) -> None:
    """Log where a template was looked for, for ``EXPLAIN_TEMPLATE_LOADING``.

    :param app: the app that logs.
    :param template: the template's name.
    :param attempts: for each loader, in order: the loader, the app or blueprint it belongs to,
        and what it found.
    """
    lines = [f"Locating template {template!r}:"]
    for number, (loader, owner, source) in enumerate(attempts, 1):
        lines.append(f"{number:5}: trying loader of {_describe_owner(owner)}")
        lines.extend(f"       {line}" for line in _describe_loader(loader))
        outcome = "no match" if source is None else f"found ({source[1] or '<string>'!r})"
        lines.append(f"       -> {outcome}")
    found = sum(source is not None for _, _, source in attempts)
    if found == 0:
        lines.append("Error: the template could not be found.")
    elif found > 1:
        lines.append("Warning: multiple loaders returned a match for the template.")
    blueprint = _current_blueprint()
    if found != 1 and blueprint is not None:
        lines += [
            "  The template was looked up from an endpoint that belongs"
            f" to the blueprint {blueprint!r}.",
            "  Maybe you did not place a template in the right folder?",
            "  See https://flask.palletsprojects.com/blueprints/#templates",
        ]
    app.logger.info("\n".join(lines))


def _current_blueprint() -> str | None:
    ctx = _cv_app.get(None)
    if ctx is None or not ctx.has_request:
        return None
    return ctx._request_ctx.request.blueprint  # type: ignore[no-any-return]  # a context is untyped


def _describe_owner(owner: t.Any) -> str:
    if hasattr(owner, "wsgi_app"):
        return f"application {owner.import_name!r}"
    if hasattr(owner, "record_once"):
        return f"blueprint {owner.name!r} ({owner.import_name})"
    return repr(owner)


def _describe_loader(loader: jinja2.BaseLoader) -> Iterator[str]:
    yield f"class: {type(loader).__module__}.{type(loader).__name__}"
    for key, value in sorted(vars(loader).items()):
        if key.startswith("_"):
            continue
        if isinstance(value, (str, int, float, bool)):
            yield f"{key}: {value!r}"
        elif isinstance(value, (tuple, list)) and all(isinstance(item, str) for item in value):
            yield f"{key}:"
            yield from (f"  - {item}" for item in value)
