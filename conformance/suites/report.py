"""What two runs of a suite say together, as a line and as a page."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .catalogue import LeftOut, Suite
from .environments import EVERYWHERE
from .execution import Run


@dataclass(frozen=True)
class Result:
    """One suite on Flask and on erlen."""

    suite: Suite
    flask: Run
    erlen: Run
    whole: bool = True  # not a part of the suite, chosen by a keyword

    def problems(self) -> Iterator[str]:
        """What keeps the suite from holding: on Flask too little passes, on erlen less."""
        for run in (self.flask, self.erlen):
            if run.problem:
                yield f"on {run.framework}: {run.problem}"
        passed = Counter(self.flask.outcomes.values())["passed"]
        if self.whole and passed < self.suite.passes:
            yield f"on flask: {passed} passed, of at least {self.suite.passes}"
        for test in sorted({**self.flask.outcomes, **self.erlen.outcomes}):
            was, now = (run.outcomes.get(test, "absent") for run in (self.flask, self.erlen))
            if was != now and (was == "passed" or now == "failed"):
                yield f"{test}: {was} on flask, {now} on erlen"

    def __str__(self) -> str:
        verdict = "FAILED" if any(self.problems()) else "ok"
        return f"{self.suite}: {self.flask}; {self.erlen}: {verdict}"


def page(results: Sequence[Result], left_out: Sequence[LeftOut]) -> str:
    """The page of the documentation that tells of the suites."""
    versions = " and ".join(EVERYWHERE[:2])
    lines = [
        "# The ecosystem",
        "",
        "What was built on Flask runs on erlen without a changed line. To show it, the tests that",
        "extensions and applications bring along are run twice, on Flask and on erlen under the",
        "name of Flask, and compared test by test. [Conformance](conformance.md) tells how.",
        "",
        "A test that fails or is skipped on Flask too needs a network, a service or versions that",
        "are not there, or is at odds with Flask 3.1 itself. The seconds tell how long a run",
        "takes, not how fast a framework is: the two are not run side by side, nor on an idle",
        "machine. [Performance](performance.md) tells that.",
        "",
        f"`make conformance-all` writes this page, here with {versions} on Python"
        f" {platform.python_version()}.",
        "",
        "| suite | version | on Flask: passed | failed | skipped | seconds"
        " | on erlen: passed | failed | skipped | seconds |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        cells = [result.suite.name, result.suite.version]
        for run in (result.flask, result.erlen):
            counts = Counter(run.outcomes.values())
            cells += [str(counts[word]) for word in ("passed", "failed", "skipped")]
            cells += [f"{run.seconds:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## Left out", "", "These tests are not run on either, and this is why:", ""]
    told = [result.suite.name for result in results]
    lines += [
        f"- {entry.suite}: `{entry.test}`: {entry.reason}"
        for entry in left_out
        if entry.suite in told
    ]
    return "\n".join(lines) + "\n"
