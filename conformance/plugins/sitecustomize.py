"""Runs in every Python process of a suite: where erlen is asked for, the real flask stays out."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class NoRealFlask:
    """Stands behind erlen's finder: it is asked for flask only where that one did not answer."""

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "flask":
            # The runner reads the file, should the tests catch the error.
            with open(os.environ["CONFORMANCE_RECORD"] + ".real", "a") as file:
                file.write(f"{sys.argv}\n")
            raise ImportError("this run is on erlen, and the real flask was about to be imported")
        return None


if os.environ.get("ERLEN_AS_FLASK"):
    sys.meta_path.insert(sys.meta_path.index(PathFinder), NoRealFlask())
