"""Cost per WSGI call: the same application on Flask and on erlen, in turns in one process.

``python -m benchmarks.inproc [--rounds N] [--only TEXT …] [--check]``
"""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import platform
import statistics
import sys
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from time import process_time
from typing import Any

from .workload import Row, make_app, make_rows

GEOMETRIC_MEAN = 6.5
# Seconds of Flask's time in one batch of calls. Each batch follows a garbage collection, which
# leaves the caches cold: it must be long enough that this is not what is measured.
BATCH = 0.1

Call = Callable[[], object]
Answer = tuple[str, list[tuple[str, str]], bytes]


def make_call(app: Any, row: Row) -> Call:
    """A call as a server makes it: an environ of its own, the body drained, close called."""
    environ, body = row.environ(), row.body
    start_response: Any = {}.setdefault  # a C function that takes a status and headers

    def call() -> None:
        fresh = environ.copy()
        if body:
            fresh["wsgi.input"] = io.BytesIO(body)
        answer = app(fresh, start_response)
        for _ in answer:
            pass
        close = getattr(answer, "close", None)
        if close is not None:
            close()

    return call


def ask(app: Any, row: Row) -> Answer:
    """One answer in full, without the date and with all that has no order sorted."""
    started: list[Any] = []
    environ = row.environ() | {"wsgi.input": io.BytesIO(row.body)}
    answer = app(environ, lambda *args: started.extend(args))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    headers = [
        (name, ", ".join(sorted(value.split(", "))) if name == "Allow" else value)
        for name, value in started[1]
        if name != "Date"
    ]
    return started[0], sorted(headers), body


def ensure_same(row: Row, apps: list[Any]) -> None:
    """Refuse to measure what answers differently.

    :raises SystemExit: the answers differ.
    """
    # The second may turn between two calls, and a session is signed with the time.
    answers: list[Answer] = []
    for _ in range(3):
        answers = [ask(app, row) for app in apps]
        if all(answer == answers[0] for answer in answers):
            return
    raise SystemExit(
        f"The answers to {row.name!r} differ:\n" + "\n".join(str(answer) for answer in answers)
    )


def clock(call: Call, number: int) -> float:
    """Seconds of processor time per call; neither garbage collection nor other programs count."""
    gc.collect()
    gc.disable()
    start = process_time()
    for _ in range(number):
        call()
    spent = process_time() - start
    gc.enable()
    return spent / number


def in_turns(calls: list[Call], rounds: int) -> list[list[float]]:
    """The microseconds per call of each, A B A B …, warm.

    The number of calls in a batch is chosen by the first, which is the slowest.
    """
    for call in calls:
        clock(call, 50)
    number = max(5, round(BATCH / clock(calls[0], 20)))
    timed: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for times, call in zip(timed, calls, strict=True):
            times.append(clock(call, number) * 1e6)
    return timed


def compare(rows: list[Row], rounds: int) -> bool:
    """Print the table of Flask and erlen; whether every floor is met."""
    apps = [make_app(importlib.import_module(name)) for name in ("flask", "erlen")]
    line = "{:28} {:>10} {:>10} {:>7} {:>6}  {}"
    print(line.format("µs per call", "Flask", "erlen", "ratio", "floor", ""))
    ratios = []
    met = True
    for row in rows:
        ensure_same(row, apps)
        flask, erlen = in_turns([make_call(app, row) for app in apps], rounds)
        ratio = statistics.median(a / b for a, b in zip(flask, erlen, strict=True))
        ratios.append(ratio)
        met &= ratio >= row.floor
        word = "ok" if ratio >= row.floor else "below"
        us = [f"{statistics.median(times):.2f}" for times in (flask, erlen)]
        print(line.format(row.name, *us, f"{ratio:.2f}", f"{row.floor:g}", word), flush=True)
    mean = statistics.geometric_mean(ratios)
    met &= mean >= GEOMETRIC_MEAN
    word = "ok" if mean >= GEOMETRIC_MEAN else "below"
    print(line.format("geometric mean", "", "", f"{mean:.2f}", f"{GEOMETRIC_MEAN:g}", word))
    return met


def make_falcon() -> Any:
    """Hello and JSON on Falcon."""
    import falcon

    class Hello:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            resp.content_type = falcon.MEDIA_TEXT
            resp.text = "Hello, World!"

    class Json:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            resp.media = {"message": "Hello, World!"}

    app = falcon.App()
    app.add_route("/", Hello())
    app.add_route("/json", Json())
    return app


def bare(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The least a WSGI application does."""
    body = b"Hello, World!"
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


def compare_peers(rows: list[Row], rounds: int) -> bool:
    """Print hello and JSON of Falcon, erlen and a bare function; whether erlen leads Falcon."""
    peers = {
        "Falcon": make_falcon(),
        "erlen": make_app(importlib.import_module("erlen")),
        "bare": bare,
    }
    line = "{:28} {:>10} {:>10} {:>10}  {}"
    print(f"\nFalcon {version('falcon')}")
    print(line.format("µs per call", *peers, ""))
    ahead = True
    for row in rows:
        timed = in_turns([make_call(app, row) for app in peers.values()], rounds)
        falcon, erlen, _ = us = [statistics.median(times) for times in timed]
        ahead &= erlen < falcon
        word = "ok" if erlen < falcon else "behind Falcon"
        print(line.format(row.name, *(f"{time:.2f}" for time in us), word))
    return ahead


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31, help="batches per row and side (31)")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="rows whose name holds a text")
    parser.add_argument("--check", action="store_true", help="exit 1 where a floor is not met")
    args = parser.parse_args()
    rows = make_rows()
    chosen = [row for row in rows if not args.only or any(text in row.name for text in args.only)]
    if not chosen:
        parser.error(f"no row matches; the rows are: {', '.join(row.name for row in rows)}")
    print(
        f"Python {platform.python_version()} on {platform.machine()},"
        f" Flask {version('flask')}, Werkzeug {version('werkzeug')}; {args.rounds} rounds\n"
    )
    met = compare(chosen, args.rounds)
    hello_and_json = [row for row in chosen if row.name in ("hello", "JSON dict")]
    if find_spec("falcon") is None:
        print("\nFalcon is left out: it is not installed.")
    elif hello_and_json:
        met &= compare_peers(hello_and_json, args.rounds)
    return int(args.check and not met)


if __name__ == "__main__":
    sys.exit(main())
