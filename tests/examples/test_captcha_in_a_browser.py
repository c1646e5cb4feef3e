"""Captchas in a real browser: the proof of work, and reCAPTCHA v3 with a script in its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PROGRAM, Browser, browse
from serving import Server, one_door, serve

pytestmark = one_door

PROGRAM_SOURCE = """
import json, logging, sys
from erlen import Flask, render_template_string, request
from erlen.forms import CaptchaField, CSRFProtect, Form, StringField, SubmitField
from erlen.forms import _captcha_services

app = Flask(__name__)
app.config.update(SECRET_KEY="k" * 40, CAPTCHA_WORK_BITS=12, RECAPTCHA_PUBLIC_KEY="the-site-key",
                  RECAPTCHA_PRIVATE_KEY="s", RECAPTCHA_SCRIPT="/api.js")
CSRFProtect(app)
PAGE = "<!doctype html>{% import 'erlen/forms/plain.html' as m %}{{ m.render_form(form) }}"
POLICY = "default-src 'self'; script-src 'nonce-n1'"

# What Google would answer, so that nothing leaves this machine.
def ask(url, data, timeout):
    return {"success": True, "score": 0.9, "action": json.loads(data["response"])["action"]}

_captcha_services.ask = ask

def form_of(provider, **options):
    class Signed(Form):
        name = StringField()
        captcha = CaptchaField(provider=provider, nonce="n1", **options)
        send = SubmitField()
    return Signed()

def view(**options):
    form = form_of(**options)
    if form.validate_on_submit():
        return f"Thank you, {form.name.data}, by {form.send.data}. {request.form}"
    return render_template_string(PAGE, form=form), {"Content-Security-Policy": POLICY}

app.add_url_rule("/work", "work", lambda: view(provider="work"), methods=["GET", "POST"])
app.add_url_rule("/v3", "v3", lambda: view(provider="recaptcha_v3", action="sign"),
                 methods=["GET", "POST"])

@app.get("/api.js")
def script():
    return '''
    window.grecaptcha = {
      ready: function (then) { setTimeout(then, 0); },
      execute: function (key, options) {
        return Promise.resolve(JSON.stringify({key: key, action: options.action}));
      }
    };''', {"Content-Type": "text/javascript"}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("captcha")
    (folder / "signing.py").write_text(PROGRAM_SOURCE)
    with serve("-m", "erlen", "--app", "signing", "run", "--port", "0", folder=folder) as server:
        yield server


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("there is no chromium command")
    with browse(tmp_path / "profile") as browser:
        yield browser


def test_the_work_is_done_when_the_form_is_sent(server: Server, browser: Browser) -> None:
    browser.open(f"{server.url}/work")
    assert "Checking" not in browser.text()
    browser.fill("#name", "Ada")
    browser.click("#send")
    assert browser.text().startswith("Thank you, Ada, by True.")  # the button's name went along


def test_the_work_begins_with_the_first_click(server: Server, browser: Browser) -> None:
    browser.open(f"{server.url}/work")
    browser.evaluate("document.querySelector('#name').focus()")
    response = "document.querySelector('[name=captcha-work-response]')"
    found = browser.evaluate(
        "new Promise(function (done) { (function look() {"
        f"  {response}.value ? done({response}.value) : setTimeout(look, 5); }})(); }})"
    )
    assert found.rpartition(":")[2].isdigit()
    browser.fill("#name", "Ada")
    browser.click("#send")
    assert "Thank you, Ada" in browser.text()

    # What was sent once is worth nothing the second time, and the page asks anew.
    browser.open(f"{server.url}/work")
    browser.evaluate(f"{response}.value = {json.dumps(found)}")
    browser.click("#send")
    assert "It was not confirmed that you are not a robot. Please try again." in browser.text()
    browser.click("#send")
    assert "Thank you" in browser.text()


def test_it_needs_no_crypto_subtle(server: Server, browser: Browser) -> None:
    """As in a page that came by plain HTTP from another host than localhost."""
    browser.do(
        "Page.addScriptToEvaluateOnNewDocument",
        source="Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined})",
    )
    browser.open(f"{server.url}/work")
    assert browser.evaluate("typeof crypto.subtle") == "undefined"
    browser.click("#send")
    assert "Thank you" in browser.text()


def test_v3_asks_for_a_token_when_the_form_is_sent(server: Server, browser: Browser) -> None:
    browser.open(f"{server.url}/v3")
    browser.fill("#name", "Ada")
    browser.click("#send")
    assert browser.text().startswith("Thank you, Ada, by True.")
    assert '{"key":"the-site-key","action":"sign"}' in browser.text()


def test_v3_without_its_script(server: Server, browser: Browser) -> None:
    browser.do("Network.enable")
    browser.do("Network.setBlockedURLs", urls=["*/api.js*"])
    browser.open(f"{server.url}/v3")
    browser.click("#send")
    assert "Please confirm that you are not a robot." in browser.text()
