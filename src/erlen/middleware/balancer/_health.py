"""Active health checks: each backend is asked at intervals, whether requests come or not."""

from __future__ import annotations

import logging
import threading
import typing as t
from dataclasses import dataclass

from ._backends import Member, Members

logger = logging.getLogger("erlen.middleware")


@dataclass(frozen=True)
class HealthCheck:
    """How backends are asked whether they are well: a GET that answers 2xx or 3xx.

    :param path: what is asked for.
    :param interval: seconds between two checks of a backend. Default: 5.
    :param timeout: seconds after which a check has failed. Default: 2.
    :param fall: how many failures in a row take a backend out. Default: 2.
    :param rise: how many successes in a row take it in again. Default: 1.
    :raises ValueError: the path is none, or a number is not above 0.
    """

    path: str
    interval: float = 5.0
    timeout: float = 2.0
    fall: int = 2
    rise: int = 1

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f"The path of a health check begins with '/', unlike {self.path!r}.")
        for name in ("interval", "timeout", "fall", "rise"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} of a health check is above 0, not {getattr(self, name)}.")


class Checker:
    """Watches backends, each from a thread of its own, until it is stopped."""

    def __init__(self, check: HealthCheck, members: Members, errors: type[Exception]) -> None:
        self._check = check
        self._members = members
        self._errors = errors  # what asking in vain raises
        self._runs = dict.fromkeys(members, 0)  # of equal answers, failures below 0
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._watch, args=(each,), name="erlen-health-check", daemon=True
            )
            for each in members
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def note(self, member: Member, well: bool) -> None:
        """Count an answer of a backend; enough equal ones in a row change its state."""
        run = self._runs[member]
        run = max(run, 0) + 1 if well else min(run, 0) - 1
        self._runs[member] = run
        needed = self._check.rise if well else self._check.fall
        if abs(run) >= needed and self._members.set_health(member, well):
            logger.warning("Backend %s is %s", member.backend.url, "up" if well else "down")

    def _watch(self, member: Member) -> None:
        while True:
            self.note(member, self._ask(member))
            if self._stopped.wait(self._check.interval):
                return

    def _ask(self, member: Member) -> bool:
        asked: dict[str, t.Any] = {"retries": False, "redirect": False}
        target = member.backend.path + self._check.path
        try:
            response = member.pool.urlopen("GET", target, timeout=self._check.timeout, **asked)
        except self._errors:
            return False
        return bool(200 <= response.status < 400)
