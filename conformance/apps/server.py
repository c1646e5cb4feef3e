"""Start an application on a server, find its port, stop it, and hear what it ran on."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .environment import clean_environ

WITNESS = Path(__file__).with_name("witness")
SECONDS_TO_START = 60
SECONDS_TO_STOP = 20
DOORS = ("flask", "erlen")


@dataclass(frozen=True)
class Place:
    """Where an application runs: which framework, whose environment, in which folder.

    :param door: ``flask``, or ``erlen``, which is Flask's alias in the same environment.
    :param commands: the folder of the environment's commands.
    :param folder: the application's, fresh, and the current one of all that runs here.
    :param witness: the folder where the processes tell what they ran on.
    """

    door: str
    commands: Path
    folder: Path
    witness: Path

    def environ(self) -> dict[str, str]:
        """The environment of a process that runs here."""
        alias = {"ERLEN_AS_FLASK": "1"} if self.door == "erlen" else {}
        # Applications list what stands in sets: without a seed, each time in another order.
        python = {"PYTHONPATH": f"{WITNESS}:{self.folder}", "PYTHONHASHSEED": "0"}
        return clean_environ() | alias | python

    def run(self, command: str, *arguments: str | Path) -> str:
        """Run a command of the environment on this framework; return what it printed.

        :raises RuntimeError: it failed.
        """
        done = subprocess.run(
            [self.commands / command, *arguments],
            cwd=self.folder,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            raise RuntimeError(f"{command} on {self.door} failed: {done.stdout}{done.stderr}")
        return done.stdout


@dataclass(frozen=True)
class Server:
    """A way to serve: its command line on a port, and the signal that ends it in peace."""

    name: str
    picks_port: bool = True
    """Whether it takes port 0 and says which one it got."""
    ends_by: signal.Signals = signal.SIGTERM

    def command(self, place: Place, target: str, port: int) -> list[str]:
        """The command line.

        :param target: ``module:app`` or ``module:factory()``; for ``own`` a command line.
        :param port: 0 where the server picks.
        """
        tool = str(place.commands)
        plain = target.removesuffix("()")
        factory = plain != target
        if self.name == "own":
            return f"{tool}/{target.format(port=port)}".split()
        if self.name == "run":
            # The command `erlen` does it by itself: it needs no variable.
            return [f"{tool}/{place.door}", "--app", target, "run", "--port", str(port)]
        if self.name == "gunicorn":
            return [f"{tool}/gunicorn", "--bind", f"127.0.0.1:{port}", target]
        if self.name == "waitress":
            call = ["--call"] if factory else []
            return [f"{tool}/waitress-serve", "--listen", f"127.0.0.1:{port}", *call, plain]
        call = ["--factory"] if factory else []
        options = ["--interface", "wsgi", "--blocking-threads", "1"]
        options += ["--host", "127.0.0.1", "--port", str(port)]
        return [f"{tool}/granian", *options, *call, plain]


SERVERS = {
    server.name: server
    for server in (
        Server("run", ends_by=signal.SIGINT),
        Server("gunicorn"),
        Server("waitress", ends_by=signal.SIGINT),
        Server("granian", picks_port=False),
        Server("own"),
    )
}


@dataclass(frozen=True)
class Running:
    """A server that runs: where it listens, and its first process."""

    port: int
    pid: int


@contextmanager
def serving(server: Server, place: Place, target: str) -> Iterator[Running]:
    """Serve an application while the block runs.

    :raises RuntimeError: the server did not start, did not end in peace, or did not run on the
        framework that it had to.
    """
    port = 0 if server.picks_port else free_port()
    environ = place.environ()
    if server.name == "run":
        environ.pop("ERLEN_AS_FLASK", None)
    log = place.witness / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            server.command(place, target, port),
            cwd=place.folder,
            env=environ | {"APPS_WITNESS": str(place.witness), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(wait_for_port(process, log, port), process.pid)
        process.send_signal(server.ends_by)
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{server.name} did not end: {log.read_text()[-2000:]}") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    hear(place)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(process: subprocess.Popen[bytes], log: Path, port: int) -> int:
    """The port where a server listens, once it does.

    :raises RuntimeError: it ended, or did not listen in time.
    """
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        said = re.search(r"http://(?:127\.0\.0\.1|localhost):(\d+)", log.read_text())
        found = port or (int(said[1]) if said else 0)
        if found:
            try:
                socket.create_connection(("127.0.0.1", found), 1).close()
                return found
            except OSError:
                pass
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text()[-4000:]}")


def hear(place: Place) -> None:
    """Read what the server's processes said when they ended.

    :raises RuntimeError: none of them served a request, or one ran on the other framework.
    """
    files = sorted(place.witness.glob("*.json"))
    if not files:
        raise RuntimeError("no process of the server told that it had served a request")
    home = f"/site-packages/{place.door}/"
    for file in files:
        said = json.loads(file.read_text())
        apps = [names for names in said["apps"] if f"{place.door}.app.Flask" in names]
        if home not in said["flask"] or len(apps) != len(said["apps"]):
            raise RuntimeError(f"this was to run on {place.door}: {said}")
        if place.door == "flask" and "erlen" in said["modules"]:
            raise RuntimeError("erlen was loaded in a process of the real Flask")
