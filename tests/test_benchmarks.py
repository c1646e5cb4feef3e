"""What the measurements say of a sample: whose work it is."""

from __future__ import annotations

import pytest

from benchmarks.extensions import owner_of, owners_of
from benchmarks.http import compare, in_turns

SERVE = "serve_orders (/p/benchmarks/extensions.py:150)"


@pytest.mark.parametrize(
    ("innermost", "whose"),
    [
        ("wsgi_app (/v/site-packages/flask/app.py:9)", ("framework", "app.wsgi_app")),
        ("find (/p/src/erlen/routing.py:9)", ("framework", "routing.find")),
        ("get (/v/werkzeug/local.py:9)", ("framework", "local.get")),
        ("check (/v/flask_limiter/_limits.py:9)", ("extensions", "_limits.check")),
        ("execute (/v/sqlalchemy/orm/session.py:9)", ("extensions", "session.execute")),
        ("page (/p/benchmarks/extensions.py:99)", ("view", "extensions.page")),
        ("root (/p/benchmarks/templates/notes.html:1)", ("view", "notes.root")),
        ("_escape (/p/src/erlen/_jinja.py:9)", ("view", "_jinja._escape")),
        ("sign (/v/itsdangerous/signer.py:9)", ("view", "extensions.serve_orders")),
    ],
)
def test_a_sample_belongs_to_the_innermost_file_of_somebody(
    innermost: str, whose: tuple[str, str]
) -> None:
    assert owner_of(f"{SERVE};{innermost}") == whose


def test_what_nobody_owns() -> None:
    assert owner_of("main (/v/json/__init__.py:1)") == ("framework", "?")


def test_only_what_was_served_counts() -> None:
    collapsed = (
        f"{SERVE};a (/v/flask/app.py:1) 3\n"
        f"{SERVE};a (/v/flask/app.py:2) 3\n"
        f"{SERVE};b (/v/wtforms/form.py:1) 2\n"
        "readline (/v/io.py:1) 90\n"
    )
    assert owners_of(collapsed) == {("framework", "app.a"): 6, ("extensions", "form.b"): 2}


def test_the_order_of_a_round_is_by_lot() -> None:
    asked: list[str] = []

    def ask(name: str) -> float:
        asked.append(name)
        return len(asked)

    rates = in_turns(["a", "b"], 20, ask)
    rounds = ["".join(asked[number : number + 2]) for number in range(0, 40, 2)]
    assert {"ab", "ba"} == set(rounds)
    # Neither comes first, nor after itself, much more often than the other.
    assert 7 <= rounds.count("ab") <= 13
    assert rates == {
        name: [number for number, each in enumerate(asked, 1) if each == name] for name in "ab"
    }


def test_a_slow_round_does_not_count() -> None:
    """Where the machine was ten times slower for a round, as medians of each it would count."""
    assert compare([100, 10, 1], [50, 5, 0.5]) == (2.0, "")
    assert compare([40, 5, 30, 20], [20, 5, 10, 20]) == (1.5, "1.00 to 2.75")
