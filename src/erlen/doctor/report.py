"""A report for people, and for programs."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from dataclasses import asdict
from itertools import groupby
from typing import Any

from .findings import Report, Verdict

#: The version of the JSON's shape; a change that could break a reader makes it another.
FORMAT = 1
_MOST_PLACES = 3
_INDENT = 9
_WHOLE_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}

_SUMMARY = {
    Verdict.FAILS: "{} will not run",
    Verdict.CHECK: "{} to check",
    Verdict.SET: "{} to set",
    Verdict.SLOWER: "{} slower than could be",
    Verdict.DIFFERS: "{} on purpose otherwise than on Flask",
    Verdict.UNKNOWN: "{} unknown",
}


def as_json(report: Report) -> str:
    """Write a report as JSON; docs/doctor.md describes it."""
    shape = {
        "format": FORMAT,
        "exit_code": report.exit_code,
        "app": report.app,
        "root": report.root,
        "files": report.files,
        "findings": [asdict(finding) for finding in report.findings],
        "unused": [{"name": name, "version": version} for name, version in report.unused],
    }
    return json.dumps(shape, indent=2)


def as_table(report: Report, width: int = 80) -> str:
    """Write a report as a table.

    :param width: how many columns it may take; a long name or path takes what it needs.
    """
    files = "1 file" if report.files == 1 else f"{report.files} files"
    state = f"{report.app}, loaded" if report.app else "application not loaded"
    lines = [f"{report.root}: {files} read; {state}", ""]
    names = [f"{finding.what} {finding.version or ''}".rstrip() for finding in report.findings]
    wide = max(map(len, names), default=0)
    lines.append(f"{'Verdict':<{_INDENT}}{'What':<{wide}}  Where".rstrip())
    lines.append(f"{'-' * 7:<{_INDENT}}{'-' * max(wide, 4)}  {'-' * 5}")
    for finding, name in zip(report.findings, names, strict=True):
        row = f"{finding.verdict:<{_INDENT}}{name:<{wide}}  {_places(finding.where)}"
        lines.append(row.rstrip())
        lines += textwrap.wrap(
            f"{finding.why} {finding.fix}".rstrip(),
            max(width, 40),
            initial_indent=" " * _INDENT,
            subsequent_indent=" " * _INDENT,
            **_WHOLE_WORDS,
        )
    if report.unused:
        told = ", ".join(f"{name} {version}" for name, version in report.unused)
        told = f"Installed, and not used here: {told}."
        lines += ["", *textwrap.wrap(told, max(width, 40), **_WHOLE_WORDS)]
    return "\n".join([*lines, "", _summary(report)])


def _places(where: tuple[str, ...]) -> str:
    """Write the first few places, those in one file together: ``a.py:3,7``."""
    told = [
        f"{file}:{','.join(place.rpartition(':')[2] for place in places)}" if file else places[0]
        for file, group in groupby(where[:_MOST_PLACES], lambda place: place.rpartition(":")[0])
        for places in [list(group)]
    ]
    more = len(where) - _MOST_PLACES
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")


def _summary(report: Report) -> str:
    counts = Counter(finding.verdict for finding in report.findings)
    told = [text.format(counts[verdict]) for verdict, text in _SUMMARY.items() if counts[verdict]]
    if not counts[Verdict.FAILS]:
        told.insert(0, "Nothing found that will not run")
    return f"{'; '.join(told)}."
