"""A guestbook: visitors leave their name, a few words and perhaps a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from erlen import Flask
from erlen.i18n import Translations
from erlen.i18n import lazy_gettext as _l

from . import api, db, errors, pages, pictures, security


def create_app(test_config: Mapping[str, Any] | None = None) -> Flask:
    """Make the application.

    Settings come from the defaults below, then `config.py` in the instance folder, then
    environment variables that begin with `GUESTBOOK_`. With a `test_config` the file and the
    environment are left alone, so that tests see the same settings on every machine.
    """
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(
        TITLE=_l("Our guestbook"),
        LANGUAGES={"en": "English", "de": "Deutsch"},
        DATA_FOLDER=app.instance_path,
        ENTRIES_PER_PAGE=6,
        MAX_CONTENT_LENGTH=4 * 1024 * 1024,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    if test_config is None:
        app.config.from_pyfile("config.py", silent=True)
        app.config.from_prefixed_env("GUESTBOOK")
    else:
        app.config.from_mapping(test_config)
    app.config["DATA_FOLDER"] = Path(app.config["DATA_FOLDER"]).absolute()

    Translations(app)
    security.init_app(app)
    db.init_app(app)
    errors.init_app(app)
    pictures.init_app(app)
    app.register_blueprint(pages.bp)
    app.register_blueprint(api.bp)
    return app
