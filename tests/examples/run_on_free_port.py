"""Run a program that calls `app.run`, on a port that is free instead of the one it names."""

from __future__ import annotations

import runpy
import sys
from typing import Any

from erlen import Flask

run = Flask.run


def run_on_free_port(app: Flask, **options: Any) -> None:
    run(app, **{**options, "port": 0})


if __name__ == "__main__":
    Flask.run = run_on_free_port  # type: ignore[method-assign, assignment]  # for this process
    runpy.run_path(sys.argv[1], run_name="__main__")
