"""The options of ``erlen serve``: what the server is told, and what is said of bad ones."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from unittest import mock

import click.testing
import pytest

from erlen.cli import cli
from erlen.server import serve_command
from erlen.server.settings import Settings
from erlen.server.trust import Trust

pytestmark = pytest.mark.erlen_only


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What the server is told, instead of serving."""
    settings: list[Settings] = []
    monkeypatch.setattr("erlen.server.supervisor.serve", settings.append)
    return settings


def run(*args: str, env: dict[str, str] | None = None) -> click.testing.Result:
    # As erlen.__main__ adds it, which cannot be imported beside the real Flask.
    with mock.patch.dict(cli.commands, serve=serve_command):
        return click.testing.CliRunner().invoke(cli, args, env=env, prog_name="erlen")


def test_defaults(told: list[Settings]) -> None:
    assert run("serve").exit_code == 0
    assert told == [Settings()]
    assert (told[0].host, told[0].port, told[0].trust) == ("127.0.0.1", 8000, Trust())


def test_options(told: list[Settings], tmp_path: Path) -> None:
    cert, key = tmp_path / "cert", tmp_path / "key"
    cert.touch()
    key.touch()
    result = run(
        *("--app", "x:y", "serve", "-h", "::1", "-p", "0", "-w", "3", "--threads", "4"),
        *("--interface", "asgi", "--http", "2", "--cert", str(cert), "--key", str(key)),
        *("--trusted-proxies", "10.0.0.1,unix", "--forwarded-host", "--access-log", "json"),
        *("--health", "/a,/b", "--graceful-timeout", "5", "--drain-delay", "1.5"),
    )
    assert result.exit_code == 0, result.output
    assert told == [
        Settings(
            app="x:y",
            host="::1",
            port=0,
            interface="asgi",
            workers=3,
            threads=4,
            http="2",
            tls=(cert, key),
            trust=Trust.parse("10.0.0.1,unix", host=True),
            access_log="json",
            health=("/a", "/b"),
            graceful_timeout=5,
            drain_delay=1.5,
        )
    ]


PLATFORM = {"PORT": "5001", "WEB_CONCURRENCY": "2", "FORWARDED_ALLOW_IPS": "*"}


def test_variables(told: list[Settings]) -> None:
    assert run("serve", env=PLATFORM).exit_code == 0
    trust = Trust(everyone=True)
    assert told == [Settings(host="0.0.0.0", port=5001, workers=2, trust=trust)]


def test_options_win_over_variables(told: list[Settings]) -> None:
    options = ("--port", "6000", "--workers", "1", "--trusted-proxies", "")
    assert run("serve", *options, env=PLATFORM).exit_code == 0
    assert told == [Settings(port=6000)]
    assert run("serve", "--host", "127.0.0.9", env=PLATFORM).exit_code == 0
    assert told[1].host == "127.0.0.9"
    assert run("serve", "--uds", "socket", env=PLATFORM).exit_code == 0
    assert told[2].uds == Path("socket")


def test_no_health(told: list[Settings]) -> None:
    assert run("serve", "--health", "off").exit_code == 0
    assert told == [Settings(health=None)]


@pytest.mark.parametrize(
    ("args", "env", "message"),
    [
        (["--port", "x"], {}, "Invalid value for '--port' / '-p'"),
        ([], {"PORT": "x"}, "Invalid value for '--port' / '-p' (env var: 'PORT')"),
        (["--port", "65536"], {}, "65536 is not in the range 0<=x<=65535"),
        ([], {"WEB_CONCURRENCY": "0"}, "(env var: 'WEB_CONCURRENCY'): 0 is not in the range x>=1"),
        (["--interface", "cgi"], {}, "'cgi' is not one of 'auto', 'wsgi', 'asgi'"),
        (["--cert", "missing"], {}, "File 'missing' does not exist"),
        (["--cert", __file__], {}, "'--cert' and '--key' need each other."),
        (["--key", __file__], {}, "'--cert' and '--key' need each other."),
        (["--uds", "x", "--port", "1"], {}, "'--uds' takes the place of '--host' and '--port'."),
        (["--uds", "x", "--host", "x"], {}, "'--uds' takes the place of '--host' and '--port'."),
        (["--health", "livez"], {}, "'livez' is neither 'off' nor two different paths"),
        (["--health", "/a,/a"], {}, "'/a,/a' is neither 'off' nor two different paths"),
        (["--health", "/a,/b,/c"], {}, "'/a,/b,/c' is neither 'off' nor two different paths"),
        (["--trusted-proxies", "nginx"], {}, "'nginx' does not appear to be an IPv4 or IPv6"),
        ([], {"FORWARDED_ALLOW_IPS": "10.0.0.1/8"}, "10.0.0.1/8 has host bits set"),
        (["--forwarded-host"], {}, "'--forwarded-host' needs '--trusted-proxies'."),
        (["--graceful-timeout", "0"], {}, "0 is not in the range x>=1"),
        (["--drain-delay", "-1"], {}, "-1.0 is not in the range x>=0"),
        (["--drain-delay", "inf"], {}, "'--drain-delay': inf is no number of seconds."),
        (["--drain-delay", "nan"], {}, "'--drain-delay': nan is no number of seconds."),
        (["--debug"], {}, "Debug mode is on"),
        ([], {"FLASK_DEBUG": "1"}, "Debug mode is on"),
        ([], {"ERLEN_DEBUG": "1"}, "Debug mode is on"),
    ],
)
def test_what_is_not_right_is_said(
    told: list[Settings], args: list[str], env: dict[str, str], message: str
) -> None:
    result = run("serve", *args, env=env)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output and told == []


def test_debug_mode_of_the_whole_program(told: list[Settings]) -> None:
    result = run("--debug", "serve")
    assert (result.exit_code, told) == (2, [])
    assert "develop with 'erlen run --debug'" in result.output


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "erlen.server.supervisor", raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "granian"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "granian", None)
    result = run("serve")
    assert result.exit_code == 1
    assert "pip install 'erlen[serve]'" in result.output


def test_without_worker_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_config_var", {"Py_GIL_DISABLED": 1}.get)
    result = run("serve")
    assert result.exit_code == 1
    assert "does not have on a free-threaded build of Python" in " ".join(result.output.split())


def test_the_command_is_in_the_list() -> None:
    assert re.search(r"\n  serve +Serve the app in production\.\n", run("--help").output)
