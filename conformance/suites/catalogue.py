"""The peers' suites, and which of their tests are left out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

HERE = Path(__file__).resolve().parents[1]
DESELECTED = HERE / "deselected.txt"
MOST_OF_FLASK = 5


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tests in one source distribution; ``suites.toml`` says what the fields mean."""

    name: str
    project: str
    version: str
    passes: int
    requires: tuple[str, ...] = ()
    folder: str = "."
    tests: tuple[str, ...] = ("tests",)
    plugins: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    quick: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.project} {self.version})"


def read_suites(text: str) -> dict[str, Suite]:
    """Read the suites, one a table.

    :raises msgspec.ValidationError: a key is unknown, missing or of a wrong type.
    """
    tables = tomllib.loads(text).items()
    return {name: msgspec.convert({"name": name, **table}, Suite) for name, table in tables}


SUITES = read_suites((HERE / "suites.toml").read_text())


@dataclass(frozen=True)
class LeftOut:
    """A test that is not run, and why."""

    suite: str
    test: str
    reason: str


def read_left_out(text: str) -> Iterator[LeftOut]:
    """Read the tests that are not to be run.

    :param text: the lines of the file: a suite, a test, "#" and the reason.
    :raises SystemExit: a line has no reason or no known suite, or Flask has too many.
    """
    of_flask = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        named, _, reason = line.partition("  # ")
        suite, _, test = named.strip().partition(" ")
        test, reason = test.strip(), reason.strip()
        if suite not in SUITES or not test or not reason:
            raise SystemExit(
                f"{DESELECTED.name}:{number}: expected 'suite  test  # reason', got {line!r}"
            )
        of_flask += suite == "flask"
        yield LeftOut(suite, test, reason)
    if of_flask > MOST_OF_FLASK:
        raise SystemExit(
            f"{DESELECTED.name}: at most {MOST_OF_FLASK} of Flask's tests may be deselected,"
            f" not {of_flask}: make erlen pass them"
        )
