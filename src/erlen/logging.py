"""The app's logger, and the handler it gets where logging was not set up."""

from __future__ import annotations

import logging
import sys
import typing as t

from werkzeug.local import LocalProxy

from .globals import _cv_app
from .typing import App


@LocalProxy
def wsgi_errors_stream() -> t.TextIO:
    """The stream for errors: the server's ``wsgi.errors`` in a request, else ``sys.stderr``.

    Give it to a :class:`logging.StreamHandler`; a configuration file names it
    ``ext://erlen.logging.wsgi_errors_stream``.
    """
    ctx = _cv_app.get(None)
    if ctx is not None and ctx.has_request:
        return ctx._request_ctx.request.environ["wsgi.errors"]  # type: ignore[no-any-return]  # PEP 3333
    return sys.stderr


def has_level_handler(logger: logging.Logger) -> bool:
    """Tell whether some handler takes what the logger lets pass, here or further up."""
    level = logger.getEffectiveLevel()
    current: logging.Logger | None = logger
    while current is not None:
        if any(handler.level <= level for handler in current.handlers):
            return True
        current = current.parent if current.propagate else None
    return False


#: Writes ``[time] LEVEL in module: message`` to :data:`wsgi_errors_stream`.
default_handler = logging.StreamHandler(t.cast(t.TextIO, wsgi_errors_stream))
default_handler.setFormatter(
    logging.Formatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
)


def create_logger(app: App) -> logging.Logger:
    """Return the logger that bears the app's name, set up as far as nobody else did.

    In debug mode it lets everything pass, unless its level was set; where no handler takes what
    passes, it gets :data:`default_handler`.
    """
    logger = logging.getLogger(app.name)
    if app.debug and not logger.level:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger
