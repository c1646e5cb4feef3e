"""A worker that serves loads only what it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = {"asyncio", "click", "itsdangerous", "jinja2", "msgspec", "erlen.cli", "erlen.testing"}

SCRIPT = """
import io, sys
from erlen import Flask
app = Flask("hello")
app.add_url_rule("/", view_func=lambda: {"a": "dict"}, endpoint="hello")
environ = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "",
    "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr,
}
assert b"".join(app(environ, {}.setdefault)) == b'{"a":"dict"}\\n'
USE
print(*sys.modules)
"""


def loaded(use: str = "") -> set[str]:
    """The modules of a process that answered a request, and then did what is given."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("USE", use)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return set(done.stdout.split())


@pytest.mark.erlen_only
def test_a_worker_does_not_load_what_it_does_not_use() -> None:
    assert loaded() & SLOW == set()


@pytest.mark.erlen_only
@pytest.mark.parametrize(
    ("use", "module"),
    [
        ("app.jinja_env", "jinja2"),
        ("import erlen.templating; erlen.templating.Environment", "jinja2"),
        ("import erlen, typing; typing.get_type_hints(erlen.render_template)", "jinja2"),
        ("app.cli", "click"),
        ("import erlen; erlen.cli.AppGroup", "erlen.cli"),
        ("app.test_client()", "erlen.testing"),
        (
            "app.secret_key = 'k'; app.session_interface.get_signing_serializer(app)",
            "itsdangerous",
        ),
    ],
)
def test_what_is_used_is_loaded(use: str, module: str) -> None:
    assert module in loaded(use)
