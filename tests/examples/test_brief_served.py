"""The brief's samples that are about the server, on a real one."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from serving import EXAMPLES, one_door, serve

pytestmark = one_door

BRIEF = EXAMPLES / "brief"
ON_FREE_PORT = str(Path(__file__).with_name("run_on_free_port.py"))


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize("variable", ["FLASK_APP", "ERLEN_APP"])
def test_hello_by_environment(variable: str) -> None:
    command = ("-m", "erlen", "run", "--port", "0")
    with serve(*command, folder=BRIEF, env={variable: "hello.py"}) as server:
        assert get(server.url) == (200, "Hello, World!")
        printed = server.printed
    assert " * Serving Flask app 'hello.py'\n * Debug mode: off\n" in printed
    assert "WARNING: This is a development server." in printed
    assert f" * Running on {server.url}\n" in printed
    assert "Press CTRL+C to quit\n" in printed


def test_wsgi_py_is_found_without_being_named() -> None:
    with serve("-m", "erlen", "run", "--port", "0", folder=BRIEF / "heroku") as server:
        assert get(server.url) == (200, "Hello from a dyno!")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_another_loopback_address() -> None:
    with serve(ON_FREE_PORT, "request_headers.py", folder=BRIEF) as server:
        assert server.url.startswith("http://127.1.0.1:")
        status, text = get(server.url)
        assert status == 200
        assert f"Host: {server.url.removeprefix('http://')}\r\n" in text


def test_debug_mode_by_run() -> None:
    with serve(ON_FREE_PORT, "debug_run.py", folder=BRIEF) as server:
        server.wait_for(r" \* Debugger PIN: \d{3}-\d{3}-\d{3}\n")
        status, text = get(f"{server.url}/fail")
        assert status == 500
        assert "look at me in the browser" in text
        assert "raise ZeroDivisionError" in text  # the source, in the debugger's page
        assert " * Debug mode: on\n" in server.printed
        assert " * Debugger is active!\n" in server.printed


@pytest.mark.parametrize("path", ["old", "new"])
def test_pdb_in_a_view(path: str) -> None:
    command = ("-m", "erlen", "--app", "pdb_break", "run", "--port", "0")
    with serve(*command, folder=BRIEF) as server, ThreadPoolExecutor() as pool:
        answer = pool.submit(get, f"{server.url}/{path}")
        server.wait_for(r"\(Pdb\) $")
        server.stdin.write("p x + 1\n")
        server.stdin.flush()
        server.wait_for(r"\(Pdb\) 42\n")
        server.stdin.write("c\n")
        server.stdin.flush()
        assert answer.result() == (200, "x was 41")
