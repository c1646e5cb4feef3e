"""The captcha that needs nobody else: a proof of work."""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erlen.forms import CaptchaField, Form
from erlen.forms import _captcha_work as work
from erlen.forms.captcha import MISSING, REFUSED, UNAVAILABLE

pytestmark = pytest.mark.erlen_only

BITS = 6


class Signed(Form):
    captcha = CaptchaField(provider="work")


def solved(page: str, start: int = 0) -> str:
    """The response to the challenge of a page, found as the browser finds it."""
    found = dict(re.findall('data-(challenge|seed|bits)="(.*?)"', page))
    challenge, seed, bits = found["challenge"], found["seed"], int(found["bits"])
    for number in itertools.count(start):
        digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        if int.from_bytes(digest, "big") < 1 << (256 - bits):
            return f"{challenge}:{number}"
    raise AssertionError


@pytest.fixture
def site(app: Any) -> Any:
    """An app with one form."""
    app.config.update(TESTING=False, WTF_CSRF_ENABLED=False, CAPTCHA_WORK_BITS=BITS)

    def view() -> str:
        form = Signed()
        if form.validate_on_submit():
            return "done"
        return str(form.captcha) + " ".join(form.captcha.errors)

    app.add_url_rule("/", "view", view, methods=["GET", "POST"])
    app.add_url_rule("/other", "other", view, methods=["GET", "POST"])
    return app


@pytest.fixture
def client(site: Any) -> Any:
    return site.test_client()


def send(client: Any, response: str | None, path: str = "/") -> str:
    data = {} if response is None else {"captcha-work-response": response}
    text: str = client.post(path, data=data).text
    return text if text == "done" else text.rpartition("</script>")[2]


def test_solved(client: Any) -> None:
    assert send(client, solved(client.get("/").text)) == "done"


def test_solved_on_another_page_of_the_session(client: Any) -> None:
    assert send(client, solved(client.get("/").text), "/other") == "done"


def test_nothing_was_sent(client: Any) -> None:
    client.get("/")
    assert send(client, None) == send(client, "") == MISSING


def test_it_is_good_once(client: Any) -> None:
    response = solved(client.get("/").text)
    assert [send(client, response) for _ in range(3)] == ["done", REFUSED, REFUSED]
    assert send(client, solved(client.get("/").text)) == "done"


def test_it_is_good_once_for_another_solution_too(client: Any) -> None:
    page = client.get("/").text
    first = solved(page)
    second = solved(page, int(first.rpartition(":")[2]) + 1)
    assert [send(client, first), send(client, second)] == ["done", REFUSED]


def test_threads_do_not_use_it_twice(site: Any, client: Any) -> None:
    response = solved(client.get("/").text)
    cookie = client.get_cookie("session").value
    answers: list[str] = []
    meet = threading.Barrier(8)

    def post() -> None:
        other = site.test_client()
        other.set_cookie("session", cookie)
        meet.wait(30)
        answers.append(send(other, response))

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == sorted(["done"] + [REFUSED] * 7)


def test_it_is_good_in_its_session_only(site: Any, client: Any) -> None:
    response = solved(client.get("/").text)
    stranger = site.test_client()
    assert send(stranger, response) == REFUSED
    stranger.get("/")
    assert send(stranger, response) == REFUSED
    assert send(client, response) == "done"


def test_a_session_with_something_else_there(client: Any) -> None:
    with client.session_transaction() as session:
        session["captcha"] = 7
    assert send(client, solved(client.get("/").text)) == "done"


def test_it_expires(site: Any, client: Any) -> None:
    site.config["CAPTCHA_WORK_LIFETIME"] = -1
    assert send(client, solved(client.get("/").text)) == REFUSED


def unsolved(client: Any) -> str:
    """The challenge of a page for which 0 happens to be no solution."""
    while True:
        challenge, _, number = solved(client.get("/").text).rpartition(":")
        if number != "0":
            return str(challenge)


@pytest.mark.parametrize("number", ["0", "", "-1", "x", "²", "1e3", "9" * 21, None])
def test_the_work_has_to_be_done(client: Any, number: str | None) -> None:
    challenge = unsolved(client)
    assert send(client, challenge if number is None else f"{challenge}:{number}") == REFUSED


def test_a_challenge_of_ones_own(client: Any) -> None:
    response = solved(client.get("/").text)
    for bad in (response[1:], "a" + response, response.replace(".", "", 1), ":1", "x:1", "a.b.c:1"):
        assert send(client, bad) == REFUSED
    assert send(client, response) == "done"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    response=st.none()
    | st.integers()
    | st.text(max_size=20)
    | st.text(alphabet="a:.-_=\0²9", max_size=60)
    | st.lists(st.text(max_size=3), max_size=3)
)
def test_any_response_is_refused_with_words(site: Any, response: Any) -> None:
    json = {"captcha-work-response": response}
    with site.test_request_context(method="POST", json=json):
        form = Signed()
        assert not form.validate()
        assert form.captcha.errors[-1] in (REFUSED, MISSING)


def test_more_work_from_now_on(site: Any, client: Any) -> None:
    response = solved(client.get("/").text)
    site.config["CAPTCHA_WORK_BITS"] = BITS + 2
    assert send(client, response) == REFUSED


def test_a_key_that_was_replaced(site: Any, client: Any) -> None:
    response = solved(client.get("/").text)
    site.config["SECRET_KEY_FALLBACKS"] = [site.secret_key]
    site.secret_key = "a new secret key of more than thirty-two bytes"
    assert send(client, response) == "done"


def test_what_is_remembered_is_bounded(
    site: Any, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site.extensions[work.SPENT] = work.Spent(most=2)
    responses = [solved(client.get("/").text) for _ in range(3)]
    with caplog.at_level(logging.ERROR):
        answers = [send(client, it) for it in [*responses, responses[0]]]
    assert answers == ["done", "done", UNAVAILABLE, REFUSED]
    assert caplog.messages == [
        "A captcha of the proof of work could not be checked: 2 solutions are remembered, more"
        " cannot be"
    ]


def test_what_has_expired_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("erlen.forms._captcha_work.time.monotonic", lambda: now[0])
    spent = work.Spent(most=2)
    assert [spent.add(it, 1, timeout=10) for it in ("a", "b", "a")] == [True, True, False]
    now[0] = 111.0
    assert (spent.add("c", 1, timeout=10), len(spent)) == (True, 1)


def test_apps_remember_their_own(flask: Any, site: Any, client: Any) -> None:
    send(client, solved(client.get("/").text))
    assert len(site.extensions[work.SPENT]) == 1
    assert work.SPENT not in flask.Flask("other").extensions


class Store:
    """A cache of several processes, as cachelib has them."""

    def __init__(self) -> None:
        self.stored: dict[str, float] = {}

    def add(self, key: str, value: object, timeout: float) -> bool:
        is_new = key not in self.stored
        self.stored.setdefault(key, timeout)
        return is_new


def test_a_store_of_ones_own(site: Any, client: Any) -> None:
    site.config["CAPTCHA_WORK_STORE"] = store = Store()
    response = solved(client.get("/").text)
    assert [send(client, response) for _ in range(2)] == ["done", REFUSED]
    ((key, timeout),) = store.stored.items()
    assert key.startswith("captcha:") and timeout > work.LIFETIME


def test_a_store_that_fails(site: Any, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.config["CAPTCHA_WORK_STORE"] = object()
    with caplog.at_level(logging.ERROR):
        assert send(client, solved(client.get("/").text)) == UNAVAILABLE
    assert "the store of solutions failed: AttributeError(" in caplog.text


@pytest.mark.parametrize("bits", [0, 31, -1, "17", None])
def test_wrong_difficulties(site: Any, bits: Any) -> None:
    site.config["CAPTCHA_WORK_BITS"] = bits
    told = rf"CAPTCHA_WORK_BITS is {bits!r}: it is a number from 1 to 30, and each one more"
    with site.test_request_context(), pytest.raises(RuntimeError, match=told):
        str(Signed().captcha)


def test_without_a_key(site: Any) -> None:
    site.secret_key = None
    told = "Challenges are signed, and there is no key"
    with site.test_request_context(), pytest.raises(RuntimeError, match=told):
        str(Signed().captcha)


def test_switched_off(site: Any, client: Any) -> None:
    site.config["CAPTCHA_WORK_ENABLED"] = False
    assert client.get("/").text == ""
    assert send(client, None) == "done"
    site.config.update(CAPTCHA_WORK_ENABLED=True, TESTING=True)
    assert send(client, None) == "done"


def test_what_is_in_the_page(site: Any) -> None:
    with site.test_request_context():
        page = str(Signed().captcha(nonce="abc"))
    assert '<script nonce="abc">\n' in page
    assert '<span role="status"></span><noscript>This form needs JavaScript, to check' in page
    assert 'data-wait="Checking that you are not a robot …"' in page
