"""The application: what it is made of, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from erlen import Flask
from erlen.forms import CSRFProtect

from . import pages

csrf = CSRFProtect()


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the application.

    The secret key is read from ``instance/config.py``, which belongs in no repository; in
    production it may come from the environment, as ``ERLEN_SECRET_KEY``.

    :param config: overrides all other settings; for tests.
    """
    app = Flask(__name__)
    # No request may be larger. What is below may set it otherwise.
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024
    app.config.from_pyfile(f"{app.instance_path}/config.py", silent=True)
    app.config.from_prefixed_env()
    app.config.update(config or {})
    # Each request that changes something must come from a page of ours.
    csrf.init_app(app)
    app.register_blueprint(pages.bp)
    return app
