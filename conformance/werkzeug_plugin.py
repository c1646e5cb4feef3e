"""A pytest plugin: Werkzeug's tests of wrappers and routing meet erlen's classes and matcher.

It changes the names that the tests import, not what Werkzeug itself uses inside, and gives the
classes back the few defaults that a framework sets otherwise than Werkzeug does.
"""

from __future__ import annotations

import importlib
import os

import werkzeug
import werkzeug.wrappers

# The baseline run asks Flask's classes the same questions.
_door = importlib.import_module(os.environ.get("ERLEN_TEST_DOOR", "erlen"))


class Request(_door.Request):  # type: ignore[misc, name-defined]
    """erlen's request, as the tests know Werkzeug's."""


class Response(_door.Response):  # type: ignore[misc, name-defined]
    """erlen's response, as the tests know Werkzeug's."""

    default_mimetype = "text/plain"


for _place in (werkzeug, werkzeug.wrappers):
    vars(_place).update(Request=Request, Response=Response)
