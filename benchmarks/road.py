"""The road of one request in numbers: files entered, switches between them, Python calls.

``python -m benchmarks.road`` prints erlen's, call by call, then the sums of erlen and Flask.
"""

from __future__ import annotations

import importlib
import io
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any


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


def make_environ() -> dict[str, Any]:
    """A plain GET of ``/``."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
    }


def walk(app: Any, warm: int = 3) -> Road:
    """Follow one warm request for ``/`` through a WSGI application, its close included.

    :param warm: how many requests go before the one that is followed.
    """
    for _ in range(warm):
        serve(app, make_environ())
    environ, road, stack = make_environ(), Road(), [""]

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


def serve(app: Any, environ: dict[str, Any]) -> None:
    """What a server does with one request."""
    start_response: Any = {}.setdefault  # a C function that takes a status and headers
    answer = app(environ, start_response)
    for _ in answer:
        pass
    if hasattr(answer, "close"):
        answer.close()


def main() -> None:
    sums = []
    for name in ("erlen", "flask"):
        app = importlib.import_module(name).Flask("road")
        app.add_url_rule("/", "hello", lambda: "Hello, World!")
        road = walk(app)
        sums.append(
            f"{name}: {len(road.files)} files, {road.switches} switches, {len(road.calls)} calls"
        )
        if name == "erlen":
            for file, function, depth in road.calls:
                print(f"{'  ' * depth}{function}  ({'/'.join(Path(file).parts[-2:])})")
    print("\n".join(sums))


if __name__ == "__main__":
    main()
