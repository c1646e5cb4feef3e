"""The debugger over HTTP: what it shows, and every way in that must stay shut."""

from __future__ import annotations

import http.client
import importlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from serving import serve_here

from .program import TIMEOUT

pytestmark = pytest.mark.erlen_only

# What a console would have run.
ran: list[str] = []


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    local = f"local of {path}"
    if path == "/chain":
        try:
            raise KeyError("first <b>")
        except KeyError as error:
            raise ValueError("second") from error
    if path == "/context":
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second")  # noqa: B904 - without a cause: this is the test
    if path == "/group":
        raise group("outer <b>", [group("inner", [member(1), member(2)]), member(3)])
    if path == "/caused":
        raise RuntimeError("above") from group("below", [member(1)])
    if path == "/many":
        raise ExceptionGroup("many", [ValueError(f"number {n}") for n in range(40)])
    if path == "/loop":
        looping = ExceptionGroup("looping", [member(1)])
        looping.exceptions[0].__context__ = looping
        raise looping
    if path == "/late":
        return late(start_response)
    if path == "/fine":
        start_response("200 OK", [])
        return [b"fine"]
    raise ZeroDivisionError(local)


def late(start_response: Callable[..., Any]) -> Iterator[bytes]:
    start_response("200 OK", [("X-Begun", "yes")])
    yield b"begun"
    raise ValueError("too late for a page")


def member(number: int) -> Exception:
    inside = f"inside member {number}"
    try:
        raise ValueError(f"member {number}")
    except ValueError as error:
        return error if inside else error


def group(message: str, members: list[Exception]) -> ExceptionGroup[Exception]:
    return ExceptionGroup(message, members)


class Browser:
    """A client of the debugger that says what it likes."""

    def __init__(self, port: int, debugger: Any) -> None:
        self.port = port
        self.debugger = debugger
        self.cookie: str | None = None

    def get(self, path: str, host: str | None = "localhost") -> tuple[int, str]:
        status, headers, body = self.ask(path, host)
        return status, body

    def ask(self, path: str, host: str | None) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        connection.putrequest("GET", path, skip_host=True)
        if host is not None:
            connection.putheader("Host", host)
        if self.cookie:
            connection.putheader("Cookie", self.cookie)
        connection.endheaders()
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, dict(response.getheaders()), body

    def command(self, host: str | None = "localhost", **query: Any) -> tuple[int, str]:
        return self.get("/fine?" + urlencode({"__debugger__": "yes", **query}), host)

    def enter_pin(self, pin: str, host: str | None = "localhost", **query: Any) -> Any:
        query = {"__debugger__": "yes", "cmd": "pinauth", "pin": pin, "s": self.secret} | query
        status, headers, body = self.ask("/fine?" + urlencode(query), host)
        if "Set-Cookie" in headers:
            self.set_cookie = headers["Set-Cookie"]
            self.cookie = self.set_cookie.partition(";")[0]
        return json.loads(body) if status == 200 and body.startswith("{") else status

    @property
    def secret(self) -> str:
        return str(self.debugger.secret)

    def frame(self, path: str = "/fail") -> int:
        """Fail, and take the innermost frame of the page."""
        return int(re.findall(r'id="frame-(\d+)"', self.get(path)[1])[-1])


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    room = importlib.import_module("erlen.cli.debugger")
    monkeypatch.setenv("WERKZEUG_DEBUG_PIN", "123-456-789")
    # A wrong PIN takes seconds; nobody waits for a test of ten.
    clock = SimpleNamespace(time=time.time, sleep=lambda seconds: None)
    monkeypatch.setattr("werkzeug.debug.time", clock)
    ran.clear()
    debugger = room.Debugger(application)
    with serve_here(debugger) as port:
        yield Browser(port, debugger)


RUN = f"__import__('sys').modules[{__name__!r}].ran.append('run')"


class TestPage:
    def test_traceback_source_and_message(self, browser: Browser) -> None:
        status, page = browser.get("/fail")
        assert status == 500
        assert "<title>ZeroDivisionError: local of /fail" in page
        assert "// Werkzeug Debugger</title>" in page
        assert "raise ZeroDivisionError(local)" in page
        assert "Traceback (most recent call last):" in page
        assert "EVALEX = true" in page and "EVALEX_TRUSTED = false" in page

    def test_resources(self, browser: Browser) -> None:
        assert browser.command(cmd="resource", f="style.css")[0] == 200
        assert browser.command(cmd="resource", f="debugger.js")[0] == 200
        assert browser.command(cmd="resource", f="../__init__.py")[0] == 404

    def test_nothing_where_nothing_fails(self, browser: Browser) -> None:
        assert browser.get("/fine") == (200, "fine")

    def test_a_cause(self, browser: Browser) -> None:
        page = browser.get("/chain")[1]
        assert "The above exception was the direct cause of the following exception:" in page
        assert "KeyError: &#39;first &lt;b&gt;&#39;" in page
        assert "raise KeyError(&#34;first &lt;b&gt;&#34;)" in page
        # The comment at its end has the traceback as text.
        assert "<b>" not in page.partition("<!--")[0]

    def test_a_context(self, browser: Browser) -> None:
        page = browser.get("/context")[1]
        assert "During handling of the above exception, another exception occurred:" in page
        assert "raise KeyError(&#34;first&#34;)" in page

    def test_a_failure_in_the_midst_of_an_answer(
        self, browser: Browser, capsys: pytest.CaptureFixture[str]
    ) -> None:
        status, body = browser.get("/late")
        assert (status, body) == (200, "begun")
        logged = ""
        for _ in range(100):
            logged = capsys.readouterr().err
            if logged:
                break
            time.sleep(0.05)
        assert "response headers were already sent" in logged


class TestGroups:
    def test_members_are_shown(self, browser: Browser) -> None:
        page = browser.get("/group")[1]
        assert "<title>ExceptionGroup: outer &lt;b&gt; (2 sub-exceptions)" in page
        assert page.count("Sub-exception 1 of 2 in ExceptionGroup:") == 2
        assert page.count("Sub-exception 2 of 2 in ExceptionGroup:") == 2
        for number in (1, 2, 3):
            assert f"<blockquote>ValueError: member {number}\n</blockquote>" in page
        # Each member has the frame where it was raised.
        assert page.count('in <code class="function">member</code>') == 3
        # The comment at its end has the traceback as text.
        assert "<b>" not in page.partition("<!--")[0]

    def test_each_member_has_a_console(self, browser: Browser) -> None:
        page = browser.get("/group")[1]
        browser.enter_pin("123-456-789")
        frames = re.findall(r'id="frame-(\d+)"', page)
        answers = [
            browser.command(cmd="inside", frm=frame, s=browser.secret)[1] for frame in frames
        ]
        found = [
            found[0] for answer in answers if (found := re.search(r"inside member \d", answer))
        ]
        assert found == ["inside member 1", "inside member 2", "inside member 3"]

    def test_a_group_further_down(self, browser: Browser) -> None:
        page = browser.get("/caused")[1]
        assert "<title>RuntimeError: above" in page
        assert "Sub-exception 1 of 1 in ExceptionGroup:" in page
        assert "ValueError: member 1" in page

    def test_as_many_as_python_prints(self, browser: Browser) -> None:
        page = browser.get("/many")[1]
        assert page.count("Sub-exception ") == 15
        assert "and 25 more exceptions" in page

    def test_a_circle(self, browser: Browser) -> None:
        page = browser.get("/loop")[1]
        assert page.count("Sub-exception 1 of 1 in ExceptionGroup:") == 1


class TestConsole:
    def test_behind_the_pin(self, browser: Browser) -> None:
        frame = browser.frame("/fail")
        assert browser.enter_pin("123456789") == {"auth": True, "exhausted": False}
        for part in ("HttpOnly", "SameSite=Strict"):
            assert part in browser.set_cookie
        answer = browser.command(cmd="local", frm=frame, s=browser.secret)
        assert answer[0] == 200 and "local of /fail" in answer[1]
        # The locals as a table.
        answer = browser.command(cmd="dump()", frm=frame, s=browser.secret)
        assert "local of /fail" in answer[1] and "<th>path" in answer[1]
        assert "EVALEX_TRUSTED = true" in browser.get("/fail")[1]

    def test_of_its_own(self, browser: Browser) -> None:
        status, page = browser.get("/console")
        assert status == 200 and "Interactive Console" in page
        browser.enter_pin("123-456-789")
        answer = browser.command(cmd="app.__name__", frm=0, s=browser.secret)
        assert "application" in answer[1]

    @pytest.mark.parametrize(
        "host", ["localhost", "localhost:80", "dev.localhost", "127.0.0.1", "[::1]", "[::1]:5000"]
    )
    def test_hosts_of_this_machine(self, browser: Browser, host: str) -> None:
        assert "EVALEX = true" in browser.get("/fail", host)[1]
        assert browser.enter_pin("123-456-789", host) == {"auth": True, "exhausted": False}

    def test_hosts_allowed(self) -> None:
        room = importlib.import_module("erlen.cli.debugger")
        debugger = room.Debugger(
            application, trusted_hosts=["dev.example", ".b.example", "[fe80::1]"]
        )
        hosts = {
            "dev.example": True,
            "dev.example:80": True,
            "x.dev.example": False,
            "x.b.example": True,
            "[fe80::1]:80": True,
            "[FE80::1]": True,
            "[fe80::2]": False,
            "example": False,
        }
        found = {host: debugger.check_host_trust({"HTTP_HOST": host}) for host in hosts}
        assert found == hosts

    def test_none_if_not_wanted(self) -> None:
        room = importlib.import_module("erlen.cli.debugger")
        debugger = room.Debugger(application, evalex=False)
        from werkzeug.test import Client

        page = Client(debugger).get("/fail", base_url="http://localhost")
        assert page.status_code == 500
        assert "EVALEX = false" in page.text and "ZeroDivisionError" in page.text
        # The path is the application's again.
        console = Client(debugger).get("/console", base_url="http://localhost")
        assert "local of /console" in console.text


FOREIGN_HOSTS = [
    None,
    "",
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost@evil.example",
    "evil.example@localhost",
    "localhost, evil.example",
    "evillocalhost",
    "192.0.2.1",
    "0.0.0.0",
    "[::2]",
    "[::1].evil.example",
    "evil@[::1]",
    "[::1",
]


class TestAttacks:
    @pytest.mark.parametrize("host", FOREIGN_HOSTS)
    def test_another_host(self, browser: Browser, host: str | None) -> None:
        """Such as a site whose name was rebound to this machine, even with the PIN and secret."""
        frame = browser.frame()
        browser.enter_pin("123-456-789")
        browser.get("/console")
        assert browser.command(host, cmd=RUN, frm=frame, s=browser.secret)[0] == 400
        assert browser.command(host, cmd=RUN, frm=0, s=browser.secret)[0] == 400
        assert browser.get("/console", host)[0] == 400
        assert browser.enter_pin("123-456-789", host) == 400
        assert browser.command(host, cmd="printpin", s=browser.secret)[0] == 400
        assert "EVALEX = false" in browser.get("/fail", host)[1]
        assert ran == []
        # All was right but the host.
        browser.command(cmd=RUN, frm=frame, s=browser.secret)
        assert ran == ["run"]

    def test_no_pin(self, browser: Browser) -> None:
        frame = browser.frame()
        # The command is not taken for one: the request goes to the application.
        assert browser.command(cmd=RUN, frm=frame, s=browser.secret) == (200, "fine")
        assert ran == []

    @pytest.mark.parametrize("secret", ["", "wrong", None])
    def test_wrong_secret(self, browser: Browser, secret: str | None) -> None:
        frame = browser.frame()
        browser.enter_pin("123-456-789")
        query = {} if secret is None else {"s": secret}
        assert browser.command(cmd=RUN, frm=frame, **query) == (200, "fine")
        assert browser.command(cmd="printpin", **query) == (200, "fine")
        assert browser.command(cmd="pinauth", pin="123-456-789", **query) == (200, "fine")
        assert ran == []

    def test_wrong_frame(self, browser: Browser) -> None:
        browser.frame()
        browser.enter_pin("123-456-789")
        for frame in ("1", "x", ""):
            assert browser.command(cmd=RUN, frm=frame, s=browser.secret) == (200, "fine")
        assert ran == []

    def test_forged_cookies(self, browser: Browser) -> None:
        frame = browser.frame()
        browser.enter_pin("123-456-789")
        name, _, right = str(browser.cookie).partition("=")
        digest = right.partition("|")[2]
        old = int(time.time()) - 60 * 60 * 24 * 8
        for value in (
            "",
            "x",
            f"{int(time.time())}|0123456789ab",
            f"x|{digest}",
            f"{old}|{digest}",
        ):
            browser.cookie = f"{name}={value}"
            assert browser.command(cmd=RUN, frm=frame, s=browser.secret) == (200, "fine")
        assert ran == []

    def test_a_cookie_of_another_pin_counts_as_a_wrong_one(self, browser: Browser) -> None:
        browser.enter_pin("123-456-789")
        browser.debugger.pin = "987-654-321"
        answer = browser.enter_pin("987-654-321")
        assert answer == {"auth": False, "exhausted": False}
        assert "Max-Age=0" in browser.set_cookie

    def test_ten_wrong_pins_lock(self, browser: Browser) -> None:
        frame = browser.frame()
        for number in range(10):
            answer = browser.enter_pin(f"000-000-{number:03}")
            assert answer == {"auth": False, "exhausted": False}
        assert browser.cookie is None
        # Now the right one is refused as well, and so is whoever had entered it.
        assert browser.enter_pin("123-456-789") == {"auth": False, "exhausted": True}
        assert browser.command(cmd=RUN, frm=frame, s=browser.secret) == (200, "fine")
        assert ran == []

    def test_the_lock_is_for_all(self, browser: Browser) -> None:
        frame = browser.frame()
        browser.enter_pin("123-456-789")
        other = Browser(browser.port, browser.debugger)
        for _ in range(10):
            other.enter_pin("000-000-000")
        assert browser.command(cmd=RUN, frm=frame, s=browser.secret) == (200, "fine")
        assert ran == []

    def test_the_right_pin_in_time_starts_the_count_again(self, browser: Browser) -> None:
        for _ in range(2):
            for _ in range(9):
                browser.enter_pin("000-000-000")
            assert browser.enter_pin("123-456-789") == {"auth": True, "exhausted": False}
            browser.cookie = None


class TestLoopback:
    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            ("127.0.0.1", True),
            ("127.1.2.3", True),
            ("::1", True),
            ("localhost", True),
            ("unix:///run/x.sock", True),
            ("0.0.0.0", False),
            ("::", False),
            ("192.0.2.1", False),
            ("2001:db8::1", False),
            ("no.such.host.invalid", False),
            ("x" * 300, False),
        ],
    )
    def test_addresses(self, host: str, expected: bool) -> None:
        room = importlib.import_module("erlen.cli.debugger")
        assert room.is_loopback(host) is expected

    def test_a_name_of_both_kinds_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        room = importlib.import_module("erlen.cli.debugger")
        both = [(2, 1, 6, "", ("127.0.0.1", 0)), (2, 1, 6, "", ("192.0.2.1", 0))]
        monkeypatch.setattr(room.socket, "getaddrinfo", lambda *args, **kwargs: both)
        assert room.is_loopback("both.example") is False
