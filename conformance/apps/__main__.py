"""Run applications from the package index on Flask and on erlen, and compare every answer.

``python -m conformance.apps [NAME …] [--server NAME]``

Each application has an environment of its own in ``.cache/conformance``. From this environment it
is served twice, with ``ERLEN_AS_FLASK=1`` and without, and asked the same.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

from .application import Application, Visit
from .client import Client
from .compare import differences
from .environment import CACHE, environment
from .server import DOORS, SERVERS, Place, serving

NAMES = ("httpbin", "flaskr", "moto", "dash", "appbuilder", "flask_admin")


def load(name: str) -> Application:
    module = importlib.import_module(f".{name}", __package__)
    application: Application = module.APPLICATION
    return application


def answers(application: Application, server: str, place: Place) -> list[str]:
    """Set an application up, serve it, and visit it; return the answers as text."""
    place.folder.mkdir(parents=True)
    place.witness.mkdir()
    application.prepare(place)
    with serving(SERVERS[server], place, application.target) as running:
        client = Client(running.port)
        application.visit(Visit(client, place))
    return [str(answer) for answer in client.answers]


def compare(application: Application, server: str) -> bool:
    """Compare an application on a server; print the line of it, and every difference."""
    commands = environment(application.name, application.requirements)
    texts: list[list[str]] = []
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(dir=CACHE) as home:
        for door in DOORS:
            # The folder has the same name for both: some answers tell it.
            folder = Path(home, "served")
            place = Place(door, commands, folder, Path(home, door))
            started = time.perf_counter()
            texts.append(answers(application, server, place))
            seconds.append(time.perf_counter() - started)
            folder.rename(Path(home, f"{door}.done"))
    differ = differences(texts[0], texts[1], application.normalisations)
    print(*differ, sep="\n", end="\n" if differ else "")
    verdict = f"FAILED: {len(differ)} differ" if differ else "ok"
    print(
        f"{application.title} on {server}: {len(texts[1])} answers,"
        f" Flask {seconds[0]:.1f} s, erlen {seconds[1]:.1f} s: {verdict}",
        flush=True,
    )
    return not differ


def main() -> int:
    """Compare what was asked for; return 1 if an answer differed."""
    parser = argparse.ArgumentParser(prog="conformance.apps", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--server", choices=SERVERS, help="instead of the application's own")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    same = True
    for name in options.names or NAMES:
        application = load(name)
        for server in [options.server] if options.server else application.servers:
            try:
                same &= compare(application, server)
            except (RuntimeError, OSError, LookupError, ValueError) as error:
                print(f"{application.title} on {server}: FAILED: {error}", flush=True)
                same = False
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
