"""Cost of a form: five fields validated and rendered, with Flask-WTF on Flask and on erlen.

The same code but for its imports, in turns in one process; what is answered is compared first.

``python -m benchmarks.forms [--rounds N] [--check] [--profile]``
"""

from __future__ import annotations

import argparse
import cProfile
import importlib
import platform
import pstats
import re
import statistics
import sys
from importlib.metadata import version
from typing import Any
from urllib.parse import urlencode

from jinja2 import DictLoader

from .inproc import ask, ensure_same, in_turns, make_call
from .workload import Row

FLOOR = 2.0
FORM = "application/x-www-form-urlencoded"
SECRET_KEY = "a secret key of more than thirty-two bytes"
TEMPLATE = """<!doctype html><title>Sign up</title><form method="post">{{ form.hidden_tag() }}
{% for field in (form.name, form.email, form.age, form.about, form.agree) %}<p>{{ field.label }}
{{ field(class_="wide") }}{% for error in field.errors %}<em>{{ error }}</em>{% endfor %}</p>
{% endfor %}</form>"""
GOOD = {"name": "Ada", "email": "ada@example.com", "age": "36", "about": "Notes.", "agree": "y"}
BAD = {"name": "", "email": "ada@example.com", "age": "no", "about": "x" * 201}


def make_app(framework: str, forms: str) -> Any:
    """Make the app with its own framework and its own forms."""
    flask: Any = importlib.import_module(framework)
    lib: Any = importlib.import_module(forms)
    from wtforms import BooleanField, IntegerField, StringField, TextAreaField
    from wtforms.validators import DataRequired, Length, NumberRange, Regexp

    class SignUp(lib.FlaskForm if forms == "flask_wtf" else lib.Form):  # type: ignore[misc]  # chosen here
        name = StringField("Name", [DataRequired(), Length(max=60)])
        email = StringField("E-mail", [DataRequired(), Regexp(r"[^@]+@[^@]+$")])
        age = IntegerField("Age", [NumberRange(0, 150)])
        about = TextAreaField("About you", [Length(max=200)])
        agree = BooleanField("I agree", [DataRequired()])

    app = flask.Flask("forms")
    app.config["SECRET_KEY"] = SECRET_KEY
    app.jinja_loader = DictLoader({"page.html": TEMPLATE})
    lib.CSRFProtect(app)

    @app.get("/")
    def show() -> Any:
        return flask.render_template("page.html", form=SignUp())

    @app.post("/")
    def sign_up() -> Any:
        form = SignUp()
        valid = form.validate_on_submit()
        return flask.render_template("page.html", form=form), 200 if valid else 422

    return app


def make_rows(app: Any) -> list[Row]:
    """Make the requests, with the session and the token that an app's page hands out."""
    _, headers, page = ask(app, Row("page", 0, "/"))
    cookie = dict(headers)["Set-Cookie"].partition(";")[0]
    found = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None
    token = {"csrf_token": found[1].decode()}
    old = {"HTTP_COOKIE": cookie}
    browser = old | {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "http://127.0.0.1:8000"}
    return [
        Row("shown", FLOOR, "/", headers=browser),
        Row("valid", FLOOR, "/", "POST", "", body(GOOD | token), FORM, browser),
        Row("valid, by an old browser", FLOOR, "/", "POST", "", body(GOOD | token), FORM, old),
        Row("with mistakes", FLOOR, "/", "POST", "", body(BAD | token), FORM, browser),
    ]


def body(fields: dict[str, str]) -> bytes:
    """Encode a form."""
    return urlencode(fields).encode()


def compare(rounds: int) -> bool:
    """Print the table of both; whether the floor is met by every row."""
    apps = [make_app("flask", "flask_wtf"), make_app("erlen", "erlen.forms")]
    line = "{:28} {:>10} {:>10} {:>7} {:>6}  {}"
    print(line.format("µs per call", "Flask-WTF", "erlen", "ratio", "floor", ""))
    met = True
    for row in make_rows(apps[0]):
        ensure_same(row, apps)
        peer, erlen = in_turns([make_call(app, row) for app in apps], rounds)
        ratio = statistics.median(a / b for a, b in zip(peer, erlen, strict=True))
        met &= ratio >= row.floor
        word = "ok" if ratio >= row.floor else "below"
        us = [f"{statistics.median(times):.1f}" for times in (peer, erlen)]
        print(line.format(row.name, *us, f"{ratio:.2f}", f"{row.floor:g}", word), flush=True)
    return met


def profile(sort: str = "tottime") -> None:
    """Print where erlen's time goes."""
    app = make_app("erlen", "erlen.forms")
    for row in make_rows(app):
        call, profiler = make_call(app, row), cProfile.Profile()
        in_turns([call], 1)
        profiler.enable()
        for _ in range(2000):
            call()
        profiler.disable()
        print(row.name)
        pstats.Stats(profiler).sort_stats(sort).print_stats(25)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31, help="batches per row and side (31)")
    parser.add_argument("--check", action="store_true", help="exit 1 where the floor is not met")
    parser.add_argument("--profile", action="store_true", help="where erlen's time goes, instead")
    args = parser.parse_args()
    if args.profile:
        profile()
        return 0
    versions = ", ".join(f"{name} {version(name)}" for name in ("flask", "flask-wtf", "wtforms"))
    print(f"Python {platform.python_version()} on {platform.machine()}, {versions}\n")
    return int(not compare(args.rounds) and args.check)


if __name__ == "__main__":
    sys.exit(main())
