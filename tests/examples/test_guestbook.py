"""The demo as a newcomer starts it, and people using it in a browser. It has tests of its own."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import PROGRAM, Browser, browse
from serving import EXAMPLES, Server, environment, one_door, serve

pytestmark = one_door

GUESTBOOK = EXAMPLES / "guestbook"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The guestbook as `init-db` and `run` give it, with a book of its own."""
    settings = {"GUESTBOOK_DATA_FOLDER": str(tmp_path_factory.mktemp("guestbook"))}
    subprocess.run(
        [sys.executable, "-m", "erlen", "--app", "guestbook", "init-db"],
        cwd=GUESTBOOK,
        env=environment(settings),
        capture_output=True,
        timeout=60,
        check=True,
    )
    command = ("-m", "erlen", "--app", "guestbook", "run", "--debug", "--port", "0")
    with serve(*command, folder=GUESTBOOK, env=settings) as server:
        yield server


def test_served_in_debug_mode(server: Server) -> None:
    assert " * Serving Flask app 'guestbook'\n * Debug mode: on\n" in server.printed
    with urllib.request.urlopen(f"{server.url}/api/entries", timeout=30) as answer:
        assert set(json.load(answer)) == {"entries", "page", "pages", "total", "next", "previous"}


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("there is no chromium command")
    with browse(tmp_path / "profile") as browser:
        yield browser


def png(width: int, height: int, rows: bytes | None = None) -> bytes:
    """A picture that a browser can show, in one colour unless its rows are given."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    if rows is None:
        rows = (b"\0" + b"\x60\x80\x50" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def sign(browser: Browser, name: str, message: str, picture: Path | None = None) -> None:
    browser.fill("#name", name)
    browser.fill("#message", message)
    if picture:
        browser.choose_file("#picture", picture)
    browser.click(".sign form > button")


def test_a_visitor_signs_and_removes(server: Server, browser: Browser, tmp_path: Path) -> None:
    picture = tmp_path / "green.png"
    picture.write_bytes(png(40, 30))
    browser.open(server.url)
    sign(browser, "Ada <Lovelace>", "Came, saw,\ncomputed.", picture)
    assert "Thank you, Ada <Lovelace>. Your entry is in the book." in browser.text()
    assert "Hello, Ada <Lovelace>" in browser.text()
    assert "Came, saw,\ncomputed." in browser.text()
    assert browser.evaluate("location.pathname") == "/"
    shown = "document.querySelector('.picture img')"
    assert browser.evaluate(f"{shown}.decode().then(() => {shown}.naturalWidth)") == 40
    assert browser.evaluate("document.querySelector('#name').value") == "Ada <Lovelace>"

    browser.click(".card .foot button")
    assert "Your entry is removed." in browser.text()
    assert "computed" not in browser.text()


def test_a_form_with_mistakes(server: Server, browser: Browser, tmp_path: Path) -> None:
    no_picture = tmp_path / "green.png"
    no_picture.write_text("I am no picture")
    browser.open(server.url)
    sign(browser, " ", "Dear words", no_picture)
    assert "Please tell us your name." in browser.text()
    assert "The file ends in .png, but there is no such picture in it." in browser.text()
    assert browser.evaluate("document.querySelector('#message').value") == "Dear words"
    described = "document.querySelector('#name').getAttribute('aria-describedby')"
    assert browser.evaluate(f"document.getElementById({described}).innerText").startswith("Please")


def noise(width: int, height: int) -> bytes:
    """A picture that nothing compresses."""
    rows = b"".join(b"\0" + os.urandom(3 * width) for _ in range(height))
    return png(width, height, rows)


def set_upload_speed(browser: Browser, speed: int) -> None:
    """Throttle what the page sends to so many bytes a second; -1 for no limit."""
    browser.do("Network.enable")
    browser.do(
        "Network.emulateNetworkConditions",
        offline=False,
        latency=0,
        downloadThroughput=-1,
        uploadThroughput=speed,
    )


def test_a_progress_bar(server: Server, browser: Browser, tmp_path: Path) -> None:
    picture = tmp_path / "noise.png"
    picture.write_bytes(noise(600, 500))
    browser.set_screen(1280, 900)
    browser.open(server.url)
    browser.fill("#name", "Ada")
    browser.fill("#message", "Look!")
    browser.choose_file("#picture", picture)
    # The window outlives the page that the answer replaces.
    browser.evaluate(
        "window.seen = []; new MutationObserver(() => {"
        " const bar = document.querySelector('progress');"
        " if (bar) seen.push([bar.value, bar.parentElement.innerText,"
        " document.querySelector('.sign form > button').disabled]);"
        "}).observe(document.querySelector('.sign form'), {subtree: true, attributes: true})"
    )
    set_upload_speed(browser, 100_000)
    with browser.loading():
        browser.evaluate("document.querySelector('.sign form > button').click()")
        browser.wait_for("document.querySelector('progress').value > 0.1")
        assert browser.screenshot(tmp_path / "progress.png").startswith(b"\x89PNG")
        set_upload_speed(browser, -1)
    assert "Thank you, Ada. Your entry is in the book." in browser.text()
    seen = browser.evaluate("seen")
    shares = [share for share, _, _ in seen]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    assert any(0 < share < 1 for share in shares)
    words = [text for _, text, _ in seen]
    assert any(re.fullmatch(r"\d+% of the picture is sent\.", text) for text in words)
    assert words[-1] == "Sent; one moment, please."
    assert seen[-1][2] is True
    shown = "document.querySelector('.picture img')"
    assert browser.evaluate(f"{shown}.decode().then(() => {shown}.naturalWidth)") == 600
    assert browser.evaluate("location.pathname") == "/"


def test_a_picture_that_is_too_large(server: Server, browser: Browser, tmp_path: Path) -> None:
    picture = tmp_path / "large.png"
    picture.write_bytes(png(40, 30) + bytes(5 * 1024 * 1024))
    browser.open(server.url)
    browser.fill("#name", "Ada")
    browser.fill("#message", "Kept words")
    browser.choose_file("#picture", picture)
    browser.evaluate("document.querySelector('.sign form > button').click()")
    # The server may hang up before it was told all, or have its page read.
    browser.wait_for(
        "/could not be sent|That is too large/.test(document.body?.innerText)"
        " && (document.querySelector('.error') !== null"
        " || document.querySelector('#message').value === 'Kept words')"
    )


@pytest.mark.parametrize(
    ("language", "title", "problem", "advice"),
    [
        ("en", "Sign the book", "Please tell us your name.", "At most 1000 characters, please"),
        ("de", "Ins Buch schreiben", "Bitte sagen Sie uns Ihren Namen.", "Bitte höchstens 1000"),
    ],
)
def test_errors_in_two_languages(
    server: Server, browser: Browser, language: str, title: str, problem: str, advice: str
) -> None:
    """As the browser asks for; then a visitor chooses, and it stays."""
    agent = browser.evaluate("navigator.userAgent")
    browser.do("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
    browser.open(server.url)
    assert browser.evaluate("document.documentElement.lang") == language
    assert browser.evaluate("document.querySelector('h1').innerText") == title
    browser.evaluate("document.querySelector('.sign form').noValidate = true")
    sign(browser, " ", "x" * 1001)
    errors = browser.evaluate("[...document.querySelectorAll('.errors')].map(it => it.innerText)")
    assert len(errors) == 2
    assert errors[0] == problem and errors[1].startswith(advice)

    other = "de" if language == "en" else "en"
    browser.click(f"button[name=language][value={other}]")
    assert browser.evaluate("document.documentElement.lang") == other
    browser.open(server.url)
    assert browser.evaluate("document.documentElement.lang") == other


def test_another_site_cannot_sign(server: Server, browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "evil.html"
    page.write_text(
        f'<form method="post" action="{server.url}/"><input name="name" value="Mallory">'
        '<input name="message" value="forged"><button>Win!</button></form>'
    )
    browser.open(page.as_uri())
    browser.click("button")
    assert "The request came from another site." in browser.text()
    browser.open(server.url)
    assert "forged" not in browser.text()


def test_by_plain_http_browsers_say_only_the_origin(server: Server, tmp_path: Path) -> None:
    """On a host that is not this machine, and not HTTPS, there is no ``Sec-Fetch-Site``."""
    if PROGRAM is None:
        pytest.skip("there is no chromium command")
    book = f"http://book.test:{urlsplit(server.url).port}"
    form = (
        f'<form method="post" action="{book}/"><input name="name" value="Mallory">'
        '<input name="message" value="forged"><button>Win!</button></form>'
    )
    (tmp_path / "app.py").write_text(
        "import erlen\n"
        "app = erlen.Flask('evil')\n"
        f"app.add_url_rule('/', 'page', lambda: {form!r})\n"
    )
    # The page that forges is on the site's own host as well, but on another port.
    with (
        serve("-m", "erlen", "run", "--port", "0", folder=tmp_path) as other,
        browse(tmp_path / "profile", "--host-resolver-rules=MAP *.test 127.0.0.1") as browser,
    ):
        for host in ("evil.test", "book.test"):
            browser.open(f"http://{host}:{urlsplit(other.url).port}/")
            browser.click("button")
            assert "The request came from another site." in browser.text()
        browser.open(book)
        sign(browser, "Ada", "By plain HTTP")
        assert "Thank you, Ada." in browser.text()
        assert "forged" not in browser.text()
        assert "Sec-Fetch-Site: None" in server.printed


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (360, 740)])
@pytest.mark.parametrize("path", ["/", "/nothing"])
def test_it_fits_the_screen_and_can_be_read(
    server: Server,
    browser: Browser,
    path: str,
    width: int,
    height: int,
    scheme: str,
    tmp_path: Path,
) -> None:
    browser.set_screen(width, height, scheme)
    browser.open(server.url + path)
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    shown = "[...document.querySelectorAll('input:not([type=hidden]), textarea')]"
    assert browser.evaluate(f"{shown}.every(it => it.labels.length)") is True
    assert contrast(browser, "body") > 7
    assert contrast(browser, "main :is(button, .button)") > 4.5
    assert browser.screenshot(tmp_path / "page.png").startswith(b"\x89PNG")


def contrast(browser: Browser, selector: str) -> float:
    """The contrast of ink and paper: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""

    def luminance(colour: str) -> float:
        style = f"getComputedStyle(document.querySelector('{selector}')).{colour}"
        parts = re.findall(r"[\d.]+", browser.evaluate(style))
        shares = [int(part) / 255 for part in parts[:3]]
        red, green, blue = (
            share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
            for share in shares
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance("color"), luminance("backgroundColor")))
    return (lighter + 0.05) / (darker + 0.05)
