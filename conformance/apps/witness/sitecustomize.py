"""Tells, when a process of a server ends, which framework its application really ran on.

Python imports a module of this name by itself when it starts. The applications are left as they
are: nothing of theirs is wrapped, and nothing is asked of them while they serve.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import sys
from multiprocessing import util
from pathlib import Path


def testify(folder: str) -> None:
    """Write down the framework of this process, if it served a request by one."""
    flask = sys.modules.get("flask")
    if flask is None or not hasattr(flask, "Flask"):
        return
    served = [
        kind.__mro__
        for kind, thing in ((type(thing), thing) for thing in gc.get_objects())
        if flask.Flask in kind.__mro__ and getattr(thing, "_got_first_request", False)
    ]
    if served:
        said = {
            "flask": flask.__file__,
            "modules": sorted(
                name for name in sys.modules if name.partition(".")[0] in ("flask", "erlen")
            ),
            "apps": [[f"{kind.__module__}.{kind.__qualname__}" for kind in mro] for mro in served],
        }
        Path(folder, f"{os.getpid()}.json").write_text(json.dumps(said))


def register(folder: str) -> None:
    """Let this process testify when it ends, and those that it forks."""
    atexit.register(testify, folder)
    # A worker that multiprocessing forks (granian's) ends without atexit.
    util.register_after_fork(
        testify, lambda _: util.Finalize(None, testify, (folder,), exitpriority=0)
    )


if "APPS_WITNESS" in os.environ:
    register(os.environ["APPS_WITNESS"])
