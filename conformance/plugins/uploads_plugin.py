"""A pytest plugin: Flask-Reuploaded's tests meet erlen's battery, by the name that they import."""

from __future__ import annotations

import importlib
import os
import sys

import pytest

# The baseline run asks Flask-Reuploaded itself, which is installed, the same questions.
if os.environ["CONFORMANCE_FRAMEWORK"] == "erlen":
    sys.modules["flask_uploads"] = importlib.import_module("erlen.uploads")


def pytest_collection_finish(session: pytest.Session) -> None:
    asked = sys.modules["flask_uploads"].__name__.startswith("erlen")
    if asked is not (os.environ["CONFORMANCE_FRAMEWORK"] == "erlen"):
        raise pytest.UsageError("the tests did not meet the battery")
