"""Uses the Dash application by a real browser; prints what it saw as JSON.

``python dash_browser.py PORT``, in the environment of Dash.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response, sync_playwright

CHROMIUM = "/usr/bin/chromium"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
OPTIONS += ["--disable-background-networking", "--disable-component-update"]


def path_of(url: str) -> str:
    """The path; a query tells the version, or which of the pages asks."""
    return urlsplit(url).path


def visit(page: Page, url: str) -> list[dict[str, object]]:
    """Click and type; return the page's text after each step, then the callbacks' answers."""
    seen: list[dict[str, object]] = []
    answered: list[Response] = []
    faults: list[str] = []
    page.on("response", lambda response: answered.append(response))
    page.on("pageerror", lambda error: faults.append(str(error)))

    def look(step: str) -> None:
        seen.append({"asked": step, "status": 200, "body": page.inner_text("#react-entry-point")})

    page.goto(url)
    page.wait_for_selector("#chosen b:has-text('red')")
    look("the page, its first callback fired")
    page.fill("#name", "Ada")
    page.click("#greet")
    page.wait_for_selector("#greeting:has-text('Hello Ada, for the 1. time')")
    look("the greeting")
    with page.expect_response("**/_dash-update-component*") as response:
        page.click("#fail")
    if response.value.status != 500:
        raise SystemExit("a callback that raises was answered as if it had not")
    page.wait_for_selector("#failed:has-text('no failure yet')")
    look("after a callback that raised")
    # Scripts are loaded side by side, so in any order.
    for response in sorted(answered, key=lambda response: path_of(response.url)):
        path = path_of(response.url)
        body = response.text()
        if "/_dash-component-suites/" in path:
            body = hashlib.sha256(body.encode()).hexdigest()
        seen.append({"asked": f"browser: {path}", "status": response.status, "body": body})
    seen.append({"asked": "faults of scripts", "status": 200, "body": "\n".join(faults)})
    return seen


def main() -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        browser = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=OPTIONS, headless=True
        )
        try:
            print(json.dumps(visit(browser.new_page(), f"http://127.0.0.1:{sys.argv[1]}/")))
        finally:
            browser.close()


if __name__ == "__main__":
    main()
