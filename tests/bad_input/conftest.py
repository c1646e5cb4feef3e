from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def app(flask: Any, tmp_path: Any) -> Any:
    """Make an app in production mode that reads every part of a request it is asked to."""
    app = flask.Flask("bad_input", root_path=str(tmp_path))
    app.config["SECRET_KEY"] = "a secret key of more than thirty-two bytes"
    parts: dict[str, Callable[[], Any]] = {
        "args": lambda: flask.request.args.to_dict(flat=False),
        "form": lambda: flask.request.form.to_dict(flat=False),
        "files": lambda: {k: f.filename for k, f in flask.request.files.items()},
        "values": lambda: flask.request.values.to_dict(),
        "cookies": lambda: flask.request.cookies.to_dict(),
        "json": lambda: {"json": flask.request.get_json()},
        "data": lambda: {"length": len(flask.request.get_data())},
        "stream": lambda: {"length": len(flask.request.stream.read())},
        "host": lambda: {"host": flask.request.host, "url": flask.request.url},
        "session": lambda: dict(flask.session),
        "headers": lambda: dict(flask.request.headers),
    }

    @app.route("/read/<part>", methods=["GET", "POST", "PUT"])
    def read(part: str) -> Any:
        return parts[part]()

    @app.route("/path/<path:rest>")
    def path(rest: str) -> Any:
        return {"rest": rest}

    @app.route("/int/<int:n>")
    def integer(n: int) -> Any:
        return {"n": str(n)[:20]}

    return app
