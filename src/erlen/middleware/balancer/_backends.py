"""The backends, which of them is next, and which is left alone for a while."""

from __future__ import annotations

import hashlib
import re
import threading
import typing as t
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

Policy: t.TypeAlias = t.Literal["round_robin", "least_connections"]

#: What can stand in a cookie, as name or value.
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Backend:
    """A server that requests are forwarded to.

    :param url: its scheme, host and port, and a path that is put before each request's; as in
        ``"http://10.0.0.1:8000"``.
    :param weight: its share among the others. Default: 1.
    :param name: what the sticky cookie calls it, the same in every process; clients see it.
        Default: a digest of the URL.
    :raises ValueError: the URL is not HTTP, or says more; the weight is below 1; the name cannot
        stand in a cookie.
    """

    url: str
    weight: int = 1
    name: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        extra = parts.query or parts.fragment or parts.username or parts.password
        if parts.scheme not in ("http", "https") or not parts.hostname or extra:
            raise ValueError(
                f"A backend is 'http://host:port' or 'https://host:port', not {self.url!r}."
            )
        parts.port  # noqa: B018  (it raises ValueError where it is no port)
        if self.weight < 1:
            raise ValueError(f"The weight of {self.url!r} is at least 1, not {self.weight}.")
        if not self.name:
            object.__setattr__(self, "name", hashlib.sha256(self.url.encode()).hexdigest()[:12])
        if NAME.fullmatch(self.name) is None:
            raise ValueError(
                f"A backend's name is letters, digits, '_', '.' and '-', not {self.name!r}."
            )

    @property
    def host(self) -> str:
        """Its host name or address."""
        return t.cast(str, urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        """Its port."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def secure(self) -> bool:
        """Whether it is asked over TLS."""
        return self.url.startswith("https:")

    @property
    def path(self) -> str:
        """What is put before a request's path."""
        return urlsplit(self.url).path.rstrip("/")


class Circuit:
    """Leaves a backend alone that failed several times in a row, then tries it with one request.

    :param failures: how many in a row open it.
    :param recovery: seconds until one request may try.

    Source: https://martinfowler.com/bliki/CircuitBreaker.html
    """

    def __init__(self, failures: int, recovery: float) -> None:
        self._most = failures
        self._recovery = recovery
        self._failed = 0
        self._opened: float | None = None
        self._trying = False

    def admits(self, now: float) -> bool:
        """Whether a request may go to the backend."""
        if self._opened is None:
            return True
        return not self._trying and now - self._opened >= self._recovery

    def enter(self) -> None:
        """A request goes to the backend; where the circuit is open, it is the one that tries."""
        self._trying = self._opened is not None

    def leave(self, failed: bool | None, now: float) -> None:
        """The request has come back: failed, or not, or nobody knows (None)."""
        self._trying = False
        if failed is None:
            return
        if not failed:
            self._failed, self._opened = 0, None
            return
        self._failed += 1
        if self._failed >= self._most:
            self._opened = now


class Member:
    """A backend and what the balancer knows of it."""

    def __init__(self, backend: Backend, pool: t.Any, circuit: Circuit) -> None:
        self.backend = backend
        self.pool = pool
        self.circuit = circuit
        self.healthy = True
        self.active = 0  # requests that are with it now
        self.credit = 0  # of smooth weighted round robin


class Members:
    """All backends of a balancer; every change is made under one lock."""

    def __init__(self, members: Sequence[Member], policy: Policy) -> None:
        self._lock = threading.Lock()
        self._members = members
        self._policy = policy

    def __iter__(self) -> t.Iterator[Member]:
        return iter(self._members)

    def take(self, now: float, preferred: str, tried: Collection[Member]) -> Member | None:
        """Choose the backend for a request; one that was tried already only if no other is left.

        :return: None where none may be asked. What was taken is to be given back.
        """
        with self._lock:
            able = [each for each in self._members if each.healthy and each.circuit.admits(now)]
            fresh = [each for each in able if each not in tried]
            chosen = self._choose(fresh or able, preferred)
            if chosen is not None:
                chosen.active += 1
                chosen.circuit.enter()
            return chosen

    def give(self, member: Member, failed: bool | None, now: float) -> None:
        """Note that a request has come back from a backend, and how."""
        with self._lock:
            member.active -= 1
            member.circuit.leave(failed, now)

    def set_health(self, member: Member, healthy: bool) -> bool:
        """Note what a health check found.

        :return: whether that is news.
        """
        with self._lock:
            news = member.healthy != healthy
            member.healthy = healthy
            return news

    def _choose(self, able: list[Member], preferred: str) -> Member | None:
        for member in able:
            if member.backend.name == preferred:
                return member
        if not able:
            return None
        if self._policy == "least_connections":
            load = min(each.active / each.backend.weight for each in able)
            able = [each for each in able if each.active / each.backend.weight == load]
        # Smooth weighted round robin: who waited longest for its share is next.
        for each in able:
            each.credit += each.backend.weight
        chosen = max(able, key=lambda each: each.credit)
        chosen.credit -= sum(each.backend.weight for each in able)
        return chosen
