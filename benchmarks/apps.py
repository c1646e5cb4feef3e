"""Whole applications from the package index: requests per second and memory, on Flask and on erlen.

``python -m benchmarks.apps [NAME] [--server NAME] [--rounds N] [--seconds N]``

The environments and servers are those of ``conformance.apps``, where the answers are compared. Both
servers run at once and are asked in turns, by wrk.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from conformance.apps.__main__ import load
from conformance.apps.environment import CACHE, environment
from conformance.apps.server import DOORS, SERVERS, Place, Running, serving

from .http import load as load_by_wrk
from .http import on_core

#: What is asked of each application.
PATHS = {
    "httpbin": ("/get", "/anything/a/b?q=1", "/encoding/utf8", "/response-headers?a=b"),
    "flaskr": ("/", "/hello", "/auth/login", "/static/style.css"),
}


def memory(running: Running) -> float:
    """The resident size of a server's worker in MiB: its process, or the largest that it forked."""
    tasks = Path(f"/proc/{running.pid}/task").glob("*/children")
    pids = [str(running.pid), *(pid for task in tasks for pid in task.read_text().split())]
    kilobytes = []
    for pid in pids:
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        kilobytes.append(int(status["VmRSS"].split()[0]))
    return max(kilobytes) / 1024


def measure(name: str, server: str, rounds: int, seconds: float) -> None:
    """Print an application's table."""
    application = load(name)
    commands = environment(name, application.requirements)
    running: dict[str, Running] = {}
    idle: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=CACHE) as home, ExitStack() as stack:
        for door in DOORS:
            place = Place(door, commands, Path(home, door), Path(home, f"{door}.witness"))
            place.folder.mkdir()
            place.witness.mkdir()
            application.prepare(place)
            serve = serving(SERVERS[server], place, application.target)
            with on_core(0):
                running[door] = stack.enter_context(serve)
        for door in DOORS:
            load_by_wrk(running[door].port, 1, PATHS[name][0])  # warm
            idle[door] = memory(running[door])
        print(f"\n{application.title} on {server}, Python {platform.python_version()}")
        print(f"{'':24}{'Flask':>10}{'erlen':>10}{'erlen / Flask':>16}")
        for path in PATHS[name]:
            rates: dict[str, list[float]] = {door: [] for door in DOORS}
            for _ in range(rounds):
                for door in DOORS:
                    rates[door].append(load_by_wrk(running[door].port, seconds, path))
            tell(path, [statistics.median(rates[door]) for door in DOORS])
        tell("worker, MiB", [idle[door] for door in DOORS], digits=1)
        tell("after the load, MiB", [memory(running[door]) for door in DOORS], digits=1)


def tell(what: str, figures: list[float], digits: int = 0) -> None:
    flask, erlen = figures
    print(
        f"{what:24}{flask:>10,.{digits}f}{erlen:>10,.{digits}f}{erlen / flask:>16.2f}", flush=True
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(PATHS)} (all)")
    parser.add_argument("--server", choices=SERVERS, default="granian", help="(granian)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a turn (3)")
    args = parser.parse_args()
    if unknown := set(args.names) - PATHS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PATHS)}")
    if shutil.which("wrk") is None:
        print("Nothing is measured: wrk is not installed (Debian's package wrk).")
        return 0
    if sys.platform != "linux":
        print("Nothing is measured: the memory of a process is read as Linux tells it.")
        return 0
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in args.names or PATHS:
        measure(name, args.server, args.rounds, args.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
