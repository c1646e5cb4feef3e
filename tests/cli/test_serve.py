from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click.testing
import pytest
import werkzeug.serving
from serving import serve_here

from .program import TIMEOUT, Program, has_ipv6

WARNING = (
    "WARNING: This is a development server. Do not use it in a production deployment."
    " Use a production WSGI server instead."
)


class Calls(list[dict[str, Any]]):
    """Stands for run_simple: keeps what it is called with, and serves nothing."""

    def __call__(self, hostname: str, port: int, application: Any, **options: Any) -> None:
        self.append({"hostname": hostname, "port": port, "application": application, **options})


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, cli: Any) -> Calls:
    calls = Calls()
    monkeypatch.setattr(werkzeug.serving, "run_simple", calls)
    if hasattr(cli, "run_simple"):
        monkeypatch.setattr(cli, "run_simple", calls)
    return calls


class TestBanner:
    def test_the_lines(self, command: Any) -> None:
        server = command("--app", "hello.py", "run", "--port", "0").ready()
        assert server.get() == (200, "Hello, World!")
        log = server.wait_for(r"127\.0\.0\.1 - - \[[^]]+\] (.+)\n")
        assert log[1] == '"GET / HTTP/1.1" 200 -'
        assert server.output.splitlines()[:5] == [
            " * Serving Flask app 'hello.py'",
            " * Debug mode: off",
            WARNING,
            f" * Running on http://127.0.0.1:{server.port}",
            "Press CTRL+C to quit",
        ]

    def test_once_under_the_reloader(self, command: Any) -> None:
        server = command("--app", "hello", "run", "--debug", "--port", "0").ready()
        server.wait_for(r"Debugger PIN: \d{3}-\d{3}-\d{3}\n")
        server.get_until(lambda answer: answer == (200, "Hello, World!"))
        for line in ("Serving Flask app", "Debug mode: on", WARNING, "Running on", "Restarting"):
            assert server.output.count(line) == 1
        assert " * Debugger is active!\n" in server.output

    def test_function(
        self, cli: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cli.show_server_banner(True, "x:app")
        cli.show_server_banner(None, None)
        assert capsys.readouterr().out == " * Serving Flask app 'x:app'\n * Debug mode: on\n"
        monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
        cli.show_server_banner(False, "x:app")
        assert capsys.readouterr().out == ""


@pytest.mark.erlen_only
def test_a_chunk_that_is_cut_off(command: Any) -> None:
    """Werkzeug reads on, and finds zeros until the memory is full."""
    server = command("--app", "hello.py", "run", "--port", "0").ready()
    for body, status in ((b"4\r\nab=1\r\n0\r\n\r\n", b"200"), (b"f" * 9 + b"\r\nab", b"400")):
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as connection:
            connection.sendall(
                b"POST /length HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n" + body
            )
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as answer:
                assert answer.readline().split()[1] == status


@pytest.mark.erlen_only
def test_an_answer_is_closed_though_its_client_resets() -> None:
    """Werkzeug reads on before it closes it, and a reset kept it from that."""
    is_reset, is_closed = threading.Event(), threading.Event()

    class Answer:
        close = staticmethod(is_closed.set)

        def __iter__(self) -> Iterator[bytes]:
            yield b"whole"
            is_reset.wait(TIMEOUT)

    def application(environ: Any, start_response: Any) -> Answer:
        start_response("200 OK", [("Content-Length", "5")])
        return Answer()

    with serve_here(application) as port:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with connection.makefile("rb") as answer:
                assert b"200" in answer.readline()
            # Lingering for no time, as when a client dies.
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        is_reset.set()
        assert is_closed.wait(TIMEOUT)


class TestWhere:
    @pytest.mark.parametrize("name", ["wsgi.py", "app.py"])
    def test_found_without_a_name(self, command: Any, tmp_path: Path, name: str) -> None:
        (tmp_path / "hello.py").rename(tmp_path / name)
        server = command("run", "-p", "0").ready()
        assert server.get() == (200, "Hello, World!")

    def test_port_by_variable(self, command: Any) -> None:
        server = command("run", env={"FLASK_APP": "hello", "FLASK_RUN_PORT": "0"}).ready()
        assert server.get()[0] == 200

    @pytest.mark.erlen_only
    def test_erlen_variables_win(self, command: Any) -> None:
        env = {"ERLEN_APP": "hello", "FLASK_APP": "nowhere"}
        env |= {"ERLEN_RUN_PORT": "0", "FLASK_RUN_PORT": "none"}
        assert command("run", env=env).ready().get()[0] == 200

    def test_any_loopback_address(self, command: Any) -> None:
        if not hasattr(socket, "AF_UNIX"):
            pytest.skip("only Linux has all of 127.0.0.0/8")
        server = command("--app", "hello", "run", "-h", "127.1.0.1", "-p", "0").ready()
        assert server.get(host="127.1.0.1") == (200, "Hello, World!")

    @pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
    def test_ipv6(self, command: Any) -> None:
        server = command("--app", "hello", "run", "-h", "::1", "-p", "0")
        found = server.wait_for(r"Running on http://\[::1\]:(\d+)\n")
        server.port = int(found[1])
        assert server.get(host="::1") == (200, "Hello, World!")

    @pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets here")
    def test_unix_socket(self, command: Any) -> None:
        server = command("--app", "hello", "run", "-h", "unix://here.sock")
        server.wait_for(r" \* Running on unix://here\.sock\n")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT)
            client.connect(str(Path("here.sock").resolve()))
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            response = http.client.HTTPResponse(client)
            response.begin()
            assert (response.status, response.read()) == (200, b"Hello, World!")

    def test_port_in_use(self, command: Any) -> None:
        first = command("--app", "hello", "run", "-p", "0").ready()
        second = command("--app", "hello", "run", "-p", str(first.port))
        assert second.wait() == 1
        assert f"Port {first.port} is in use by another program." in second.output

    def test_no_app(self, command: Any) -> None:
        program = command("--app", "missing", "run", "-p", "0")
        assert program.wait() == 2
        assert "Error: Could not import 'missing'." in program.output

    @pytest.mark.parametrize("reload", [[], ["--debug"]])
    def test_a_broken_module_at_the_start(
        self, command: Any, tmp_path: Path, reload: list[str]
    ) -> None:
        (tmp_path / "broken.py").write_text("def (:\n")
        program = command("--app", "broken", "run", "-p", "0", *reload)
        assert program.wait() == 1
        assert "SyntaxError: " in program.output
        assert "Running on" not in program.output


class TestEnd:
    @pytest.mark.parametrize("options", [[], ["--debug"]])
    def test_interrupt(self, command: Any, options: list[str]) -> None:
        server = command("--app", "hello", "run", "-p", "0", *options).ready()
        server.get_until(lambda answer: answer == (200, "Hello, World!"))
        assert server.interrupt() == 0
        assert "Traceback" not in server.output

    def test_terminate_with_the_reloader(self, command: Any) -> None:
        server = command("--app", "hello", "run", "-p", "0", "--debug").ready()
        server.get_until(lambda answer: answer == (200, "Hello, World!"))
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(TIMEOUT) == 0


class TestThreads:
    def test_requests_beside_each_other(
        self, flask: Any, programs: Callable[..., Program], tmp_path: Path
    ) -> None:
        (tmp_path / "two.py").write_text(
            "from threading import Barrier\n"
            "from flask import Flask\n"
            "app = Flask(__name__)\n"
            "both = Barrier(2, timeout=20)\n"
            "@app.get('/<name>')\n"
            "def meet(name):\n    both.wait()\n    return name\n"
        )
        server = programs("-m", flask.__name__, "--app", "two", "run", "-p", "0").ready()
        first = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
        first.request("GET", "/first")
        assert server.get("/second") == (200, "second")
        assert first.getresponse().read() == b"first"
        first.close()

    @pytest.mark.parametrize(
        ("option", "value"), [("--with-threads", "True"), ("--without-threads", "False")]
    )
    def test_option(self, command: Any, option: str, value: str) -> None:
        server = command("--app", "hello", "run", "-p", "0", option).ready()
        assert server.get("/environ?key=wsgi.multithread") == (200, value)
        # What an extension for websockets takes over.
        assert "socket" in server.get("/environ?key=werkzeug.socket")[1]


class TestTls:
    def ask(self, server: Program) -> tuple[int, str]:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        server.port = int(server.wait_for(r"Running on https://127\.0\.0\.1:(\d+)\n")[1])
        return server.get("/environ?key=wsgi.url_scheme", context=context)

    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[str, str]:
        pytest.importorskip("cryptography")
        return werkzeug.serving.make_ssl_devcert(str(tmp_path / "tls"), host="localhost")

    def test_adhoc(self, command: Any) -> None:
        pytest.importorskip("cryptography")
        server = command("--app", "hello", "run", "-p", "0", "--cert", "adhoc")
        assert self.ask(server) == (200, "'https'")

    def test_files(self, command: Any, files: tuple[str, str]) -> None:
        cert, key = files
        server = command("--app", "hello", "run", "-p", "0", "--cert", cert, "--key", key)
        server.port = int(server.wait_for(r"Running on https://127\.0\.0\.1:(\d+)\n")[1])
        context = ssl.create_default_context(cafile=cert)
        # The certificate's names are of localhost, the server listens at an address.
        context.check_hostname = False
        assert server.get(context=context) == (200, "Hello, World!")

    def test_context_of_one_s_own(
        self, command: Any, files: tuple[str, str], tmp_path: Path
    ) -> None:
        (tmp_path / "mytls.py").write_text(
            "import ssl\ncontext = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
            f"context.load_cert_chain({files[0]!r}, {files[1]!r})\n"
        )
        server = command("--app", "hello", "run", "-p", "0", "--cert", "mytls.context")
        assert self.ask(server) == (200, "'https'")


class TestRunCommand:
    def run(self, cli: Any, app: Any, *args: str, env: dict[str, str] | None = None) -> str:
        group = cli.FlaskGroup(create_app=lambda: app)
        result = click.testing.CliRunner().invoke(group, ["run", *args], env=env)
        assert result.exit_code == 0, result.output
        return result.output

    def test_defaults(self, cli: Any, app: Any, calls: Calls) -> None:
        self.run(cli, app)
        (call,) = calls
        assert (call["hostname"], call["port"], call["application"]) == ("127.0.0.1", 5000, app)
        assert (call["threaded"], call["use_reloader"]) == (True, False)
        for name in ("ssl_context", "extra_files", "exclude_patterns"):
            assert call[name] is None

    def test_options(self, cli: Any, app: Any, calls: Calls) -> None:
        args = ["-h", "localhost", "-p", "8080", "--reload", "--no-debugger", "--without-threads"]
        self.run(cli, app, *args, "--extra-files", "a:b", "--exclude-patterns", "*.c")
        (call,) = calls
        assert (call["hostname"], call["port"], call["application"]) == ("localhost", 8080, app)
        assert (call["threaded"], call["use_reloader"]) == (False, True)
        assert call["extra_files"] == ["a", "b"]
        assert call["exclude_patterns"] == ["*.c"]

    @pytest.mark.parametrize(
        ("args", "env", "reload"),
        [
            (["--debug"], {}, True),
            (["--debug", "--no-reload"], {}, False),
            ([], {"FLASK_DEBUG": "1"}, True),
            (["--no-debug"], {"FLASK_DEBUG": "1"}, False),
            ([], {"FLASK_RUN_RELOAD": "1"}, True),
        ],
    )
    def test_reload_follows_debug(
        self,
        cli: Any,
        app: Any,
        calls: Calls,
        args: list[str],
        env: dict[str, str],
        reload: bool,
    ) -> None:
        self.run(cli, app, *args, env=env)
        assert calls[0]["use_reloader"] is reload

    def test_bad_port(self, cli: Any, app: Any, calls: Calls) -> None:
        group = cli.FlaskGroup(create_app=lambda: app)
        result = click.testing.CliRunner().invoke(group, ["run", "-p", "http"])
        assert (result.exit_code, calls) == (2, [])
        assert "'http' is not a valid integer." in result.stderr


class TestAppRun:
    def test_defaults(self, app: Any, calls: Calls) -> None:
        app.run()
        (call,) = calls
        assert (call["hostname"], call["port"], call["application"]) == ("127.0.0.1", 5000, app)
        assert (call["threaded"], call["use_reloader"]) == (True, False)

    @pytest.mark.parametrize(
        ("host", "port", "server_name", "expected"),
        [
            (None, None, "name.example:8080", ("name.example", 8080)),
            (None, None, "name.example", ("name.example", 5000)),
            ("a.example", None, "name.example:8080", ("a.example", 8080)),
            (None, 9000, "name.example:8080", ("name.example", 9000)),
            (None, 0, "name.example:8080", ("name.example", 0)),
            (None, "80", None, ("127.0.0.1", 80)),
            ("", None, None, ("127.0.0.1", 5000)),
        ],
    )
    def test_host_and_port(
        self,
        app: Any,
        calls: Calls,
        host: str | None,
        port: Any,
        server_name: str | None,
        expected: tuple[str, int],
    ) -> None:
        app.config["SERVER_NAME"] = server_name
        app.run(host, port)
        assert (calls[0]["hostname"], calls[0]["port"]) == expected

    @pytest.mark.parametrize(
        ("variable", "argument", "debug"),
        [(None, None, True), ("0", None, False), ("0", True, True), ("1", False, False)],
    )
    def test_debug(
        self,
        app: Any,
        calls: Calls,
        monkeypatch: pytest.MonkeyPatch,
        variable: str | None,
        argument: bool | None,
        debug: bool,
    ) -> None:
        if variable is not None:
            monkeypatch.setenv("FLASK_DEBUG", variable)
        app.debug = True
        app.run(debug=argument)
        assert app.debug is debug
        assert calls[0]["use_reloader"] is debug

    @pytest.mark.erlen_only
    def test_debug_by_erlen_s_variable(
        self, app: Any, calls: Calls, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ERLEN_DEBUG", "1")
        app.run()
        assert app.debug is True

    def test_dotenv(self, app: Any, calls: Calls, tmp_path: Path) -> None:
        pytest.importorskip("dotenv")
        (tmp_path / ".env").write_text("FLASK_DEBUG=1\n")
        app.run(load_dotenv=False)
        assert app.debug is False
        app.run()
        assert app.debug is True

    def test_options_go_through(self, app: Any, calls: Calls) -> None:
        app.run(threaded=False, processes=2, passthrough_errors=True, extra_files=["a"])
        (call,) = calls
        assert (call["threaded"], call["processes"]) == (False, 2)
        assert (call["passthrough_errors"], call["extra_files"]) == (True, ["a"])

    def test_set_up_may_go_on_afterwards(self, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def serve_one_request(hostname: str, port: int, application: Any, **options: Any) -> None:
            application.test_client().get("/")
            raise KeyboardInterrupt

        monkeypatch.setattr(werkzeug.serving, "run_simple", serve_one_request)
        with pytest.raises(KeyboardInterrupt):
            app.run()
        app.add_url_rule("/late", "late", lambda: "late")
        assert app.test_client().get("/late").text == "late"

    def test_a_script(self, programs: Callable[..., Program], flask: Any, tmp_path: Path) -> None:
        (tmp_path / "script.py").write_text(
            f"from {flask.__name__} import Flask\n"
            "app = Flask(__name__)\n"
            "app.get('/')(lambda: 'from a script')\n"
            "if __name__ == '__main__':\n    app.run(port=0)\n"
        )
        server = programs("script.py").ready()
        assert server.get() == (200, "from a script")
        assert server.output.startswith(" * Serving Flask app 'script'\n * Debug mode: off\n")

    def test_ignored_under_a_command(self, command: Any, tmp_path: Path) -> None:
        with (tmp_path / "hello.py").open("a") as file:
            file.write("\napp.run(port=0)\n")
        server = command("--app", "hello", "run", "-p", "0").ready()
        assert server.get() == (200, "Hello, World!")
        assert server.output.startswith(
            " * Ignoring a call to 'app.run()' that would block the current 'flask' CLI command.\n"
            "   Only call 'app.run()' in an 'if __name__ == \"__main__\"' guard.\n"
            " * Serving Flask app 'hello'\n"
        )

    def test_ignored_silently_in_the_reloader_s_child(
        self,
        app: Any,
        calls: Calls,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
        monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
        app.run()
        assert (calls, capsys.readouterr().out) == ([], "")


@pytest.mark.erlen_only
class TestDebuggerHosts:
    """The debugger runs code for whoever reaches it, so others must not, unless told."""

    def run(self, cli: Any, app: Any, calls: Calls, *args: str) -> tuple[Any, str]:
        group = cli.FlaskGroup(create_app=lambda: app)
        command = ["run", "--debug", "--no-reload", *args]
        result = click.testing.CliRunner().invoke(group, command)
        assert result.exit_code == 0, result.output
        assert not calls[-1].get("use_debugger")
        return calls[-1]["application"], result.stderr

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.0.1", "::1", "unix://x"])
    def test_attached_on_loopback(self, cli: Any, app: Any, calls: Calls, host: str) -> None:
        debugger, said = self.run(cli, app, calls, "-h", host)
        assert debugger.app is app
        assert debugger.evalex is True
        assert {".localhost", "127.0.0.1", host, "[::1]"} == set(debugger.trusted_hosts)
        assert said == ""

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "no.such.host.invalid"])
    def test_refused_elsewhere(self, cli: Any, app: Any, calls: Calls, host: str) -> None:
        application, said = self.run(cli, app, calls, "-h", host)
        assert application is app
        assert said == (
            f" * The debugger is off: others can reach '{host}', and the debugger runs any code.\n"
            "   To use it there, name the host that you open in the browser:"
            " '--debugger-host-allowed NAME',\n"
            "   or app.run(debugger_host_allowed=['NAME']).\n"
        )

    def test_attached_when_told(self, cli: Any, app: Any, calls: Calls) -> None:
        names = ["--debugger-host-allowed", "dev.example", "--debugger-host-allowed", ".b.example"]
        debugger, said = self.run(cli, app, calls, "-h", "0.0.0.0", *names)
        assert debugger.app is app
        assert {"dev.example", ".b.example"} < set(debugger.trusted_hosts)
        assert said == ""

    def test_not_wanted_not_told(self, cli: Any, app: Any, calls: Calls) -> None:
        application, said = self.run(cli, app, calls, "-h", "0.0.0.0", "--no-debugger")
        assert (application, said) == (app, "")

    def test_by_app_run(self, app: Any, calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
        app.run("0.0.0.0", debug=True, use_reloader=False)
        assert calls[-1]["application"] is app
        assert "debugger_host_allowed" in capsys.readouterr().err
        app.run("0.0.0.0", debug=True, debugger_host_allowed=["dev.example"], use_evalex=False)
        assert "dev.example" in calls[-1]["application"].trusted_hosts
        assert calls[-1]["application"].evalex is False
        assert capsys.readouterr().err == ""

    def test_said_once_under_the_reloader(
        self,
        app: Any,
        calls: Calls,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
        app.run("0.0.0.0", debug=True)
        assert calls[-1]["application"] is app
        assert capsys.readouterr().err == ""

    def test_a_refused_page_shows_nothing(
        self, flask: Any, programs: Callable[..., Program], tmp_path: Path
    ) -> None:
        """The answer is plain, the traceback in the log: as if this address were not loopback."""
        (tmp_path / "script.py").write_text(
            "import erlen.cli.debugger\n"
            "erlen.cli.debugger.is_loopback = lambda host: False\n"
            f"from {flask.__name__} import Flask\n"
            "app = Flask(__name__)\n"
            "@app.get('/')\n"
            "def fail():\n    secret = 42\n    return 1 / 0\n"
            "app.run(port=0, debug=True, use_reloader=False)\n"
        )
        server = programs("script.py").ready()
        assert "The debugger is off" in server.output
        status, body = server.get()
        assert status == 500
        assert "Internal Server Error" in body
        assert re.search("secret|ZeroDivision|Traceback|debugger", body) is None
        assert server.get("/console")[0] == 404
        server.wait_for("ZeroDivisionError: division by zero")


class TestErrors:
    def test_debug_off_shows_nothing(self, command: Any) -> None:
        server = command("--app", "hello", "run", "-p", "0").ready()
        status, body = server.get("/fail")
        assert status == 500
        assert "Internal Server Error" in body and "Traceback" not in body
        server.wait_for(r"ERROR in app: Exception on /fail \[GET\]\nTraceback")
        server.wait_for("ZeroDivisionError: division by zero")

    def test_debug_shows_the_debugger(self, command: Any) -> None:
        server = command("--app", "hello", "run", "-p", "0", "--debug", "--no-reload").ready()
        status, body = server.get("/fail")
        assert status == 500
        assert "<title>ZeroDivisionError: division by zero" in body
        assert "// Werkzeug Debugger</title>" in body
        assert "number = 42" in body
        assert server.get("/console")[0] == 200

    def test_the_console_has_the_request(self, command: Any, tmp_path: Path) -> None:
        env = {"WERKZEUG_DEBUG_PIN": "off"}
        options = ["run", "-p", "0", "--debug", "--no-reload"]
        server = command("--app", "hello", *options, env=env).ready()
        page = server.get("/fail?x=1")[1]
        secret = json.loads(re.search(r'SECRET = (".+?")', page)[1])  # type: ignore[index]
        frame = re.findall(r'id="frame-(\d+)"', page)[-1]
        query = f"/?__debugger__=yes&frm={frame}&s={secret}&cmd="
        assert "42" in server.get(query + "number")[1]
        assert "/fail?x=1" in server.get(query + "request.full_path")[1]
