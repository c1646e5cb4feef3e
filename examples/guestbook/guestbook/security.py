"""The secret key, the guard against forged requests, and the headers of every answer."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from erlen import Flask, Response, current_app
from erlen.forms import CSRFProtect

# Refuses what another site made the visitor's browser send.
csrf = CSRFProtect()


def _key_file(folder: Path) -> Path:
    return folder / "secret_key"


def make_secret_key(folder: Path) -> None:
    """Write a new random key that only the owner of the file can read."""
    handle = os.open(_key_file(folder), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))


def require_secret_key() -> None:
    if not current_app.secret_key:
        raise RuntimeError(
            "There is no secret key to sign the session cookie with. Run 'erlen --app guestbook"
            " init-db', which makes one, or set GUESTBOOK_SECRET_KEY, and start again."
        )


def set_headers(response: Response) -> Response:
    # A picture comes with a stricter policy of its own.
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def init_app(app: Flask) -> None:
    key_file = _key_file(app.config["DATA_FOLDER"])
    if not app.secret_key and key_file.exists():
        app.secret_key = key_file.read_text()
    app.before_request(require_secret_key)
    csrf.init_app(app)
    app.after_request(set_headers)
