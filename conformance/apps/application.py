"""What an application is to the comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .client import Client
from .compare import Normalisation
from .server import Place

SERVED = Path(__file__).with_name("served")


def nothing_to_prepare(place: Place) -> None:
    """The application needs nothing in its folder."""


@dataclass(frozen=True)
class Visit:
    """One run of a program of requests: whom it asks, and where the application lives."""

    client: Client
    place: Place


@dataclass(frozen=True)
class Application:
    """An application, how it is set up, and the requests that it gets.

    :param name: as the command line names it.
    :param title: its distribution and version, as the report names it.
    :param requirements: what its environment needs beside Flask and the servers.
    :param target: ``module:app`` or ``module:factory()``; for the server ``own`` a command of the
        environment, with ``{port}``.
    :param visit: asks; what it learns from an answer (a token, an id) it may use in the next.
    :param prepare: fills the application's folder, by the same framework that will serve it.
    :param servers: the servers that it is compared on.
    :param normalisations: what must differ between two visits.
    """

    name: str
    title: str
    requirements: tuple[str, ...]
    target: str
    visit: Callable[[Visit], None]
    prepare: Callable[[Place], None] = nothing_to_prepare
    servers: tuple[str, ...] = ("gunicorn",)
    normalisations: tuple[Normalisation, ...] = ()
