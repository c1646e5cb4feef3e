"""The page that is told things live, in a browser."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PROGRAM, Browser, browse
from serving import EXAMPLES, Server, one_door, serve

pytestmark = one_door


@pytest.fixture
def server() -> Iterator[Server]:
    command = ("-m", "erlen", "--app", "live", "run", "--port", "0")
    with serve(*command, folder=EXAMPLES / "live", env={"CHANNELS_URL": "memory://"}) as server:
        yield server


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("there is no chromium command")
    with browse(tmp_path / "profile") as browser:
        yield browser


def write(server: Server, text: str) -> int:
    data = urllib.parse.urlencode({"text": text}).encode()
    try:
        with urllib.request.urlopen(f"{server.url}/notes", data, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


NOTES = "[...document.querySelectorAll('#notes span')].map(each => each.textContent)"


def wait_for_notes(browser: Browser, *texts: str) -> None:
    browser.wait_for(f"{NOTES}.join('|') === {json.dumps('|'.join(texts))}")


def test_what_one_writes_all_see(server: Server, browser: Browser) -> None:
    assert write(server, "before") == 204
    browser.open(server.url)
    browser.wait_for("document.getElementById('state').textContent === 'live'")
    hostile = "<img src=x onerror=alert(1)>"
    assert write(server, hostile) == 204
    # What was there, and what came: as text.
    wait_for_notes(browser, hostile, "before")
    browser.fill("input", "mine")
    browser.evaluate("document.querySelector('form').requestSubmit()")
    wait_for_notes(browser, "mine", hostile, "before")
    browser.wait_for("document.querySelector('input').value === ''")


@pytest.mark.parametrize("text", ["", "  ", "x" * 281])
def test_no_note(server: Server, text: str) -> None:
    assert write(server, text) == 400
