"""The secret key, the guard against forged requests, and the headers of every answer."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from erlen import Flask, Response, abort, current_app, request

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


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


def refuse_forged_requests() -> None:
    """Refuse what another site made the visitor's browser send (CSRF).

    A browser says by itself where a request comes from: `Sec-Fetch-Site` in all current ones,
    `Origin` in older ones and on plain HTTP; no page can forge either. A program that sends
    neither, such as curl, is no browser: nobody's cookies travel along, so nothing is forged.
    Hence no token has to be put into every form. It rests on GET never changing anything.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        ours = site in ("same-origin", "none")  # none: the visitor's own doing, a reload say
    else:
        # Without the scheme: behind a proxy that ends TLS we would see http here.
        ours = origin is None or urlsplit(origin).netloc == request.host
    if not ours:
        abort(403, "This was sent from another site.")


def set_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def init_app(app: Flask) -> None:
    key_file = _key_file(app.config["DATA_FOLDER"])
    if not app.secret_key and key_file.exists():
        app.secret_key = key_file.read_text()
    app.before_request(require_secret_key)
    app.before_request(refuse_forged_requests)
    app.after_request(set_headers)
