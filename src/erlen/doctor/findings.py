"""What is found out about a project, and what it means for its exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias


class Verdict(StrEnum):
    """What a finding comes to. The order is that of the table."""

    FAILS = "fails"  # will not run
    CHECK = "check"  # runs or not: it depends on what cannot be seen from outside
    SET = "set"  # something to set
    SLOWER = "slower"  # runs, and keeps erlen from its short ways
    DIFFERS = "differs"  # runs otherwise than on Flask, on purpose
    UNKNOWN = "unknown"  # nobody has tested it with erlen
    RUNS = "runs"  # runs as it is


#: The kinds of findings, for programs; docs/doctor.md says what each is about.
Code: TypeAlias = Literal[
    "after-request",
    "dead-extension",
    "difference",
    "early-import",
    "failing-extension",
    "ignored-attribute",
    "ignored-setting",
    "late-alias",
    "not-installed",
    "not-loaded",
    "own-flask",
    "registered",
    "removed-attribute",
    "removed-keyword",
    "removed-name",
    "replaced-method",
    "replaced-part",
    "secret-key",
    "start",
    "tested-extension",
    "unknown-extension",
    "unread",
    "wsgi-middleware",
]


@dataclass(frozen=True)
class Finding:
    """One row of the table.

    :param verdict: what it comes to.
    :param code: the kind of finding.
    :param what: what it is about: a dotted name, a setting, a package.
    :param why: one or two sentences.
    :param fix: what to do about it; empty where there is nothing to do.
    :param where: ``file:line`` of each place, in the order found; empty for the whole project.
    :param version: of a package; None for all else.
    """

    verdict: Verdict
    code: Code
    what: str
    why: str
    fix: str = ""
    where: tuple[str, ...] = ()
    version: str | None = None


@dataclass(frozen=True)
class Report:
    """All that ``erlen doctor`` has to say.

    :param app: where the application is, as a server takes it: ``"hello:app"``; None where it
        was not loaded.
    :param root: the folder or package that was read.
    :param files: how many Python files were read.
    :param findings: the rows, in the order of the table.
    :param unused: packages that need Flask and that the project does not use: name and version.
    """

    app: str | None
    root: str
    files: int
    findings: Sequence[Finding]
    unused: Sequence[tuple[str, str]] = field(default=())

    @property
    def exit_code(self) -> int:
        """0 where all runs, 1 where something will not."""
        return int(any(finding.verdict is Verdict.FAILS for finding in self.findings))


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings as the table shows them, and put the same thing in several places together."""
    places: dict[Finding, list[str]] = {}
    for finding in findings:
        same = Finding(
            finding.verdict,
            finding.code,
            finding.what,
            finding.why,
            finding.fix,
            version=finding.version,
        )
        places.setdefault(same, []).extend(finding.where)
    merged = [
        Finding(f.verdict, f.code, f.what, f.why, f.fix, tuple(dict.fromkeys(where)), f.version)
        for f, where in places.items()
    ]
    order = list(Verdict)
    return sorted(merged, key=lambda f: (order.index(f.verdict), f.code, f.what.lower()))
