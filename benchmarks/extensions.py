"""One application with four extensions, on Flask and on erlen: what a page costs, and whose it is.

``python -m benchmarks.extensions [--rounds N] [--check]``

Flask-Login, Flask-SQLAlchemy, Flask-WTF and Flask-Limiter are active on every request. The same
code runs on Flask in one process and on erlen, under Flask's name, in another. They are measured
in turns; then py-spy samples each while it serves, and a sample belongs to the innermost file on
the stack that is the framework's, an extension's or the view's.
"""

# `make bench` alone installs the extensions.
# pyright: reportMissingImports=false

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any

from .inproc import ask, clock, make_call
from .workload import HERE, SECRET_KEY, Row

SHARE = 1 / 3  # of what Flask adds around extensions and view
DOORS = ("flask", "erlen")
EXTENSIONS = ("flask_login", "flask_sqlalchemy", "flask_wtf", "flask_limiter")
#: Whose a file is, by the package that it stands in. What is in none of them (itsdangerous, the
#: standard library) works for the one that called it.
OWNERS = (
    dict.fromkeys(("flask", "werkzeug", "erlen"), "framework")
    | dict.fromkeys((*EXTENSIONS, "limits", "sqlalchemy", "wtforms"), "extensions")
    | dict.fromkeys(("jinja2", "benchmarks"), "view")
    # What erlen's templates call in place of Jinja's own, and MarkupSafe's.
    | {"_jinja.py": "view"}
)
GROUPS = ("framework", "extensions", "view")
BATCH = 100  # calls of one batch
SECONDS = 7  # of serving while py-spy looks
LOOKS = 3  # at each side, in turns
LARGEST = 12  # functions of the framework that are named


def make_app() -> Any:
    """The application; ``flask`` is whatever the process has under this name."""
    import flask
    import flask_login
    import flask_sqlalchemy
    import flask_wtf
    import wtforms
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address
    from sqlalchemy.pool import StaticPool

    app = flask.Flask("benchmarks", root_path=str(HERE))
    app.config.update(
        SECRET_KEY=SECRET_KEY,
        SQLALCHEMY_DATABASE_URI="sqlite://",
        SQLALCHEMY_ENGINE_OPTIONS={"poolclass": StaticPool},
    )
    db: Any = flask_sqlalchemy.SQLAlchemy(app)
    flask_wtf.CSRFProtect(app)
    Limiter(
        get_remote_address, app=app, default_limits=["1000000000/hour"], storage_uri="memory://"
    )
    login = flask_login.LoginManager(app)

    class User(flask_login.UserMixin, db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(50))
        motto = db.Column(db.String(50))

    class Note(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        user_id = db.Column(db.Integer, db.ForeignKey(User.id))
        text = db.Column(db.String(200))

    class Form(flask_wtf.FlaskForm):
        motto = wtforms.StringField("Motto", [wtforms.validators.Length(max=50)])

    @login.user_loader
    def load_user(user_id: str) -> Any:
        return db.session.get(User, int(user_id))

    @app.route("/", methods=["GET", "POST"])
    @flask_login.login_required
    def page() -> Any:
        form = Form()
        user: Any = flask_login.current_user
        if form.validate_on_submit():
            user.motto = form.motto.data
            db.session.commit()
            return flask.redirect(flask.url_for("page"))
        notes = db.session.scalars(db.select(Note).filter_by(user_id=user.id))
        return flask.render_template("notes.html", notes=notes, form=form)

    @app.get("/login")
    def log_in() -> str:
        flask_login.login_user(db.session.get(User, 1))
        return "logged in"

    with app.app_context():
        db.create_all()
        alice = User()
        alice.name, alice.motto = "Alice <Liddell>", "curiouser"
        db.session.add(alice)
        db.session.add_all(Note(user_id=1, text=f"note & {number}") for number in range(10))
        db.session.commit()
    return app


def make_rows(app: Any) -> list[Row]:
    """The requests of somebody who has logged in and has the form before them."""
    cookie = ""
    # By requests as the rows send them: Flask-Login looks at the address and the browser.
    for path in ("/login", "/"):
        _, answered, page = ask(app, Row("set up", 0, path, headers={"HTTP_COOKIE": cookie}))
        cookie = dict(answered)["Set-Cookie"].partition(";")[0]
    text = page.decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)', text)
    assert token is not None and "note &amp; 9" in text, text
    headers = {"HTTP_COOKIE": cookie}
    body = f"csrf_token={token[1]}&motto=and+curiouser".encode()
    form = "application/x-www-form-urlencoded"
    return [
        Row("page", 0, "/", headers=headers),
        Row("form", 0, "/", "POST", body=body, content_type=form, headers=headers),
    ]


def owner_of(stack: str) -> tuple[str, str]:
    """Whose work a stack of py-spy is, by its innermost file that belongs to somebody, and where.

    Templates stand in a folder of ours, so they are the view's.
    """
    for frame in reversed(stack.split(";")):
        function, _, file = frame.removesuffix(")").rpartition(" (")
        path = Path(file.rpartition(":")[0])
        for part in reversed(path.parts):
            if part in OWNERS:
                return OWNERS[part], f"{path.stem}.{function}"
    return "framework", "?"


def owners_of(collapsed: str) -> Counter[tuple[str, str]]:
    """How many samples each owner and function has, from collapsed stacks."""
    seen: Counter[tuple[str, str]] = Counter()
    for line in collapsed.splitlines():
        stack, _, count = line.rpartition(" ")
        if f"{serve_orders.__name__} " in stack:
            seen[owner_of(stack)] += int(count)
    return seen


def serve_orders(door: str) -> None:
    """Measure what standard input asks for, and print it, a line each."""
    if door == "erlen":
        import erlen.as_flask  # noqa: F401
    app = make_app()
    rows = {row.name: row for row in make_rows(app)}
    calls = {name: make_call(app, row) for name, row in rows.items()}
    for line in sys.stdin:
        order, name = line.split()
        result: object
        if order == "answer":
            status, headers, body = ask(app, rows[name])
            result = [status, headers, body.decode(), type(app).__module__]
        elif order == "time":
            result = clock(calls[name], BATCH) * 1e6
        else:
            end = monotonic() + SECONDS
            while monotonic() < end:
                calls[name]()
            result = None
        print(json.dumps(result), flush=True)


class Side:
    """A process with the application on one of the frameworks."""

    def __init__(self, door: str) -> None:
        self.door = door
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.extensions", "--serve", door],
            env={key: value for key, value in os.environ.items() if key != "ERLEN_AS_FLASK"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, what: str, name: str) -> Any:
        """Have something done, and wait for it."""
        self.give(what, name)
        return self.result()

    def give(self, what: str, name: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what} {name}\n")
        self.process.stdin.flush()

    def result(self) -> Any:
        """What the process answers to the order given.

        :raises RuntimeError: it ended.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process on {self.door} ended")
        return json.loads(line)

    def sample(self, name: str) -> Counter[tuple[str, str]]:
        """Whose work serving is: samples by owner and function.

        py-spy looks from outside at any moment. A profiler inside would see the process only
        between two instructions of Python, and slow down many small calls more than few long ones.
        """
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "stacks")
            self.give("serve", name)
            options = ["--rate", "500", "--duration", str(SECONDS - 1), "--format", "raw"]
            tool = str(Path(sys.executable).with_name("py-spy"))
            command = [tool, "record", *options, "--full-filenames", "--output", str(output)]
            command += ["--pid", str(self.process.pid)]
            done = subprocess.run(command, capture_output=True, text=True)
            self.result()
            if done.returncode:
                raise RuntimeError(f"py-spy failed: {done.stderr}")
            return owners_of(output.read_text())

    def end(self) -> None:
        self.process.communicate(timeout=20)


def ensure_same(sides: list[Side], name: str) -> None:
    """Refuse to measure what answers differently, or does not run on its framework.

    :raises SystemExit: so it is.
    """
    answers = [side.order("answer", name) for side in sides]
    for side, answer in zip(sides, answers, strict=True):
        if (module := answer.pop()) != f"{side.door}.app":
            raise SystemExit(f"the application on {side.door} is made of {module}")
    # Each process draws its own secret and signs with the time.
    texts = [re.sub(r"Im?[\w-]{20,}\.[\w.-]+", "<token>", repr(answer)) for answer in answers]
    if texts[0] != texts[1]:
        raise SystemExit(f"The answers to {name!r} differ:\n" + "\n".join(texts))


def compare(sides: list[Side], name: str, rounds: int) -> bool:
    """Print a request's table; whether erlen adds no more than it may."""
    ensure_same(sides, name)
    times: dict[str, list[float]] = {side.door: [] for side in sides}
    for side in sides:
        side.order("time", name)  # warm
    for _ in range(rounds):
        for side in sides:
            times[side.door].append(side.order("time", name))
    seen: dict[str, Counter[tuple[str, str]]] = {side.door: Counter() for side in sides}
    for _ in range(LOOKS):
        for side in sides:
            seen[side.door] += side.sample(name)
    costs: dict[str, dict[str, float]] = {}
    largest: dict[str, list[str]] = {}
    for door in DOORS:
        total = statistics.median(times[door])
        each = total / seen[door].total()
        costs[door] = {group: 0.0 for group in GROUPS} | {"all": total}
        largest[door] = []
        for (group, function), count in seen[door].most_common():
            costs[door][group] += count * each
            if group == "framework" and len(largest[door]) < LARGEST:
                largest[door].append(f"{function.rpartition('.')[2]} {count * each:.0f}")
    print(f"\n{name + ', µs':16}{'Flask':>10}{'erlen':>10}{'erlen / Flask':>16}")
    for group in (*GROUPS, "all"):
        flask, erlen = (costs[door][group] for door in DOORS)
        print(f"{group:16}{flask:10.1f}{erlen:10.1f}{erlen / flask:16.2f}")
    for door in DOORS:
        print(f"Most of it on {door}: {', '.join(largest[door])}")
    ratio = costs["erlen"]["framework"] / costs["flask"]["framework"]
    met = ratio <= SHARE
    print(
        f"The framework's part is {ratio:.2f} of Flask's: {'ok' if met else 'above'} ({SHARE:.2f})"
    )
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31, help="batches per side (31)")
    parser.add_argument("--check", action="store_true", help="exit 1 where erlen adds too much")
    parser.add_argument("--serve", choices=DOORS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve_orders(args.serve)
        return 0
    if missing := [name for name in EXTENSIONS if find_spec(name) is None]:
        print(f"Nothing is measured with extensions: {', '.join(missing)} is not installed.")
        return 0
    versions = ", ".join(f"{name} {version(name)}" for name in ("flask", *EXTENSIONS))
    print(f"Python {platform.python_version()}, {versions}; {args.rounds} rounds")
    sides = [Side(door) for door in DOORS]
    try:
        met = [compare(sides, name, args.rounds) for name in ("page", "form")]
    finally:
        for side in sides:
            side.end()
    return int(args.check and not all(met))


if __name__ == "__main__":
    sys.exit(main())
