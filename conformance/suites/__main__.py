"""Run the tests that others wrote, on the real Flask and on erlen, and compare test by test.

The tests come from the source distributions on the package index. They are kept, with the
environments to run them in, in ``.cache/conformance``, which is never committed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

from .catalogue import DESELECTED, SUITES, LeftOut, Suite, read_left_out
from .environments import CACHE, ROOT, Unavailable, archive, environment
from .execution import Run, baseline, run
from .report import Result, page

PAGE = ROOT / "docs" / "ecosystem.md"


def result(suite: Suite, left_out: Iterable[LeftOut], keyword: str) -> Result:
    """Run one suite on both."""
    tests = [entry.test for entry in left_out if entry.suite == suite.name]
    try:
        home, source = environment(suite), archive(suite)
    except Unavailable as error:
        none = [Run(name, {}, 0, "", str(error)) for name in ("flask", "erlen")]
        return Result(suite, none[0], none[1])
    on_flask = baseline(suite, home, source, tests, keyword)
    on_erlen = run(suite, home, source, "erlen", tests, keyword)
    return Result(suite, on_flask, on_erlen, whole=not keyword)


def results(
    suites: Iterable[Suite], left_out: Iterable[LeftOut], keyword: str, jobs: int
) -> Iterator[Result]:
    """Run suites side by side; yield each as it is done."""
    with ThreadPoolExecutor(jobs) as pool:
        coming = [pool.submit(result, suite, left_out, keyword) for suite in suites]
        for future in as_completed(coming):
            yield future.result()


def options(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="by name; else the quick ones")
    parser.add_argument("--all", action="store_true", help=f"run all, and write {PAGE.name}")
    parser.add_argument("--list", action="store_true", help="name the suites and stop")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} of what was run")
    parser.add_argument("--jobs", type=int, default=2, help="suites at a time (2)")
    parser.add_argument("-k", dest="keyword", default="", help="pytest's -k")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.suites).difference(SUITES):
        parser.error(f"no suite {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    return chosen


def main() -> int:
    """Run the suites asked for; return 1 if one does not hold."""
    chosen = options(sys.argv[1:])
    if chosen.list:
        print(*SUITES.values(), sep="\n")
        return 0
    suites = [
        suite
        for suite in SUITES.values()
        if chosen.all or (suite.name in chosen.suites if chosen.suites else suite.quick)
    ]
    left_out = list(read_left_out(DESELECTED.read_text()))
    for folder in ("archives", "environments"):
        (CACHE / folder).mkdir(parents=True, exist_ok=True)
    done: dict[str, Result] = {}
    for found in results(suites, left_out, chosen.keyword, chosen.jobs):
        done[found.suite.name] = found
        if problems := list(found.problems()):
            print(found.erlen.output, *problems, sep="\n")
        print(found, flush=True)
    if chosen.write or (chosen.all and not chosen.keyword):
        PAGE.write_text(page([done[suite.name] for suite in suites], left_out))
    return int(any(any(found.problems()) for found in done.values()))


if __name__ == "__main__":
    sys.exit(main())
