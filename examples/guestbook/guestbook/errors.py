"""Error answers: a page for people, JSON for programs."""

from __future__ import annotations

import json

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from erlen import Flask, render_template, request


def answer(error: HTTPException) -> Response:
    response = error.get_response()  # keeps the status and headers such as Allow
    if request.path.startswith("/api/"):
        shown = {"status": error.code, "message": error.description}
        response.data = json.dumps({"error": shown}) + "\n"
        response.content_type = "application/json"
    else:
        response.data = render_template("error.html", error=error)
        response.content_type = "text/html; charset=utf-8"
    return response


def init_app(app: Flask) -> None:
    # One handler for all of them, an unforeseen exception (500) among them. In debug mode the
    # debugger answers that one.
    app.register_error_handler(HTTPException, answer)
