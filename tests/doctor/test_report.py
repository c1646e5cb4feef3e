"""The table and the JSON, to the letter."""

from __future__ import annotations

import json

from erlen.doctor.findings import Finding, Report, Verdict, in_order
from erlen.doctor.report import as_json, as_table

FINDINGS = [
    Finding(Verdict.RUNS, "tested-extension", "Flask-Login", "It passes.", version="0.6.3"),
    Finding(
        Verdict.FAILS, "removed-name", "flask.Markup", "Removed.", "Instead: this.", ("a.py:3",)
    ),
    Finding(
        Verdict.FAILS, "not-loaded", "Zebra", "A long reason " + "that goes on " * 6 + "and ends."
    ),
    Finding(
        Verdict.FAILS,
        "removed-name",
        "flask.Markup",
        "Removed.",
        "Instead: this.",
        ("a.py:9", "b.py:1"),
    ),
    Finding(
        Verdict.FAILS,
        "removed-name",
        "flask.Markup",
        "Removed.",
        "Instead: this.",
        ("b.py:1", "b.py:2"),
    ),
]

TABLE = """\
/shop: 2 files read; app:app, loaded

Verdict  What               Where
-------  -----------------  -----
fails    Zebra
         A long reason that goes on that goes on that
         goes on that goes on that goes on that goes
         on and ends.
fails    flask.Markup       a.py:3,9, b.py:1 and 1 more
         Removed. Instead: this.
runs     Flask-Login 0.6.3
         It passes.

Installed, and not used here: Flask-Other-Thing 1.0,
Flask-X 2.

2 will not run."""


def report(findings: list[Finding]) -> Report:
    unused = [("Flask-Other-Thing", "1.0"), ("Flask-X", "2")]
    return Report("app:app", "/shop", 2, in_order(findings), unused)


def test_table() -> None:
    assert as_table(report(FINDINGS), 54) == TABLE


def test_table_of_nothing() -> None:
    assert as_table(Report(None, "/shop", 1, ())) == (
        "/shop: 1 file read; application not loaded\n\n"
        "Verdict  What  Where\n"
        "-------  ----  -----\n\n"
        "Nothing found that will not run."
    )


def test_summary_of_all_verdicts() -> None:
    findings = [Finding(verdict, "unread", verdict, "Why.") for verdict in Verdict]
    assert as_table(Report(None, "/", 0, findings)).endswith(
        "\n\n1 will not run; 1 to check; 1 to set; 1 slower than could be; 1 on purpose otherwise"
        " than on Flask; 1 unknown."
    )


def test_json() -> None:
    assert json.loads(as_json(report(FINDINGS[:2]))) == {
        "format": 1,
        "exit_code": 1,
        "app": "app:app",
        "root": "/shop",
        "files": 2,
        "findings": [
            {
                "verdict": "fails",
                "code": "removed-name",
                "what": "flask.Markup",
                "why": "Removed.",
                "fix": "Instead: this.",
                "where": ["a.py:3"],
                "version": None,
            },
            {
                "verdict": "runs",
                "code": "tested-extension",
                "what": "Flask-Login",
                "why": "It passes.",
                "fix": "",
                "where": [],
                "version": "0.6.3",
            },
        ],
        "unused": [
            {"name": "Flask-Other-Thing", "version": "1.0"},
            {"name": "Flask-X", "version": "2"},
        ],
    }


def test_exit_code() -> None:
    for verdict in Verdict:
        findings = [Finding(verdict, "unread", "what", "why")]
        assert Report(None, "/", 1, findings).exit_code == (verdict is Verdict.FAILS)
