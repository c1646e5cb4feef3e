"""What a server is told: the options of ``erlen serve``, as they reach the workers."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from .trust import Trust

Interface: t.TypeAlias = t.Literal["wsgi", "asgi"]


@dataclass(frozen=True)
class Settings:
    """How an application is served; the server and each worker have a copy.

    :param app: what ``--app`` says; None looks for ``wsgi.py`` or ``app.py``.
    :param host: the address or name to bind to.
    :param port: 0 takes a free one.
    :param uds: the path of a unix socket, instead of host and port.
    :param interface: None asks the application.
    :param workers: how many processes.
    :param threads: how many threads run sync code in each; None for the default.
    :param http: ``"auto"``, ``"1"`` or ``"2"``.
    :param tls: the files of the certificate and of its key.
    :param trust: which proxies are believed, and in what.
    :param access_log: ``"off"``, ``"text"`` or ``"json"``.
    :param health: the paths of liveness and readiness; None for none.
    :param graceful_timeout: seconds that requests have to finish after SIGTERM.
    :param drain_delay: seconds between turning unready and closing.
    """

    app: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    uds: Path | None = None
    interface: Interface | None = None
    workers: int = 1
    threads: int | None = None
    http: str = "auto"
    tls: tuple[Path, Path] | None = None
    trust: Trust = Trust()
    access_log: str = "off"
    health: tuple[str, str] | None = ("/livez", "/readyz")
    graceful_timeout: int = 25
    drain_delay: float = 0.0
