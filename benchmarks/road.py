"""The road of one request in numbers: files entered, switches between them, Python calls.

``python -m benchmarks.road`` prints erlen's for a hello-world, call by call, then the sums of
erlen and Flask; with ``--row TEXT`` that of a row of ``benchmarks.inproc``.
"""

from __future__ import annotations

import argparse
import importlib
import io
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from .workload import Row, make_app, make_rows

HELLO = Row("hello", 0, "/")


@dataclass
class Road:
    """What the profiler saw between the server and its answer."""

    calls: list[tuple[str, str, int]] = field(default_factory=list)
    """File, function and depth of each Python call, in order."""
    switches: int = 0
    """How many times a call or a return went on in another file."""

    @property
    def files(self) -> set[str]:
        return {file for file, _, _ in self.calls}


def walk(app: Any, row: Row = HELLO, warm: int = 3) -> Road:
    """Follow one warm request through a WSGI application, its close included.

    :param row: what is asked for, a plain GET of ``/`` by default.
    :param warm: how many requests go before the one that is followed.
    """
    for _ in range(warm):
        serve(app, make_environ(row))
    environ, road, stack = make_environ(row), Road(), [""]

    def follow(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code is serve.__code__:
            return
        if event == "call":
            file = frame.f_code.co_filename
            road.calls.append((file, frame.f_code.co_qualname, len(stack) - 1))
            road.switches += len(stack) > 1 and file != stack[-1]
            stack.append(file)
        elif event == "return":
            file = stack.pop()
            road.switches += len(stack) > 1 and file != stack[-1]

    sys.setprofile(follow)
    try:
        serve(app, environ)
    finally:
        sys.setprofile(None)
    return road


def make_environ(row: Row) -> dict[str, Any]:
    return row.environ() | {"wsgi.input": io.BytesIO(row.body)}


def serve(app: Any, environ: dict[str, Any]) -> None:
    """What a server does with one request."""
    start_response: Any = {}.setdefault  # a C function that takes a status and headers
    answer = app(environ, start_response)
    for _ in answer:
        pass
    if hasattr(answer, "close"):
        answer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", metavar="TEXT", help="a row whose name holds the text")
    args = parser.parse_args()
    rows = [row for row in make_rows() if args.row and args.row in row.name]
    if args.row and not rows:
        parser.error(f"no row has {args.row!r} in its name")
    sums = []
    for name in ("erlen", "flask"):
        module = importlib.import_module(name)
        app = module.Flask("road")
        app.add_url_rule("/", "hello", lambda: "Hello, World!")
        road = walk(make_app(module), rows[0]) if rows else walk(app)
        sums.append(
            f"{name}: {len(road.files)} files, {road.switches} switches, {len(road.calls)} calls"
        )
        if name == "erlen":
            for file, function, depth in road.calls:
                print(f"{'  ' * depth}{function}  ({'/'.join(Path(file).parts[-2:])})")
    print("\n".join(sums))


if __name__ == "__main__":
    main()
