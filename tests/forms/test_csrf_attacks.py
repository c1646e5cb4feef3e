"""Each test is an attack that has to fail: what a page of another site makes a browser send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from erlen.forms import CSRFProtect, generate_csrf, renew_csrf

pytestmark = pytest.mark.erlen_only

EVIL = "https://evil.example"
#: How browsers mark what a page of another site sends: today's, old ones, and by plain HTTP.
CROSS_SITE: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site", "Origin": EVIL},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": EVIL},
]


@pytest.fixture
def bank(app: Any, csrf: CSRFProtect, flask: Any) -> Any:
    """A bank: /login takes a name, /transfer moves money of who is logged in."""
    app.add_url_rule("/token", "token", generate_csrf)
    app.transfers = []

    @app.post("/login")
    def login() -> str:
        flask.session["user"] = flask.request.form.get("name")
        renew_csrf()
        return "in"

    @app.post("/logout")
    def logout() -> str:
        flask.session.clear()
        return "out"

    @app.route("/transfer", methods=["POST", "PUT", "DELETE"])
    def transfer() -> str:
        app.transfers.append(flask.session["user"])
        return "done"

    return app


@pytest.fixture
def victim(bank: Any) -> Any:
    return logged_in(bank, "victim")


def logged_in(bank: Any, name: str) -> Any:
    client = bank.test_client()
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/login", data={"name": name}, headers=headers).text == "in"
    return client


def token_of(client: Any) -> str:
    return str(client.get("/token").text)


@pytest.mark.parametrize("headers", CROSS_SITE)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_another_site_without_token(
    bank: Any, victim: Any, headers: dict[str, str], method: str
) -> None:
    assert victim.open("/transfer", method=method, headers=headers).status_code == 400
    assert bank.transfers == []


@pytest.mark.parametrize("headers", CROSS_SITE)
def test_another_site_with_a_token_that_leaked(
    bank: Any, victim: Any, headers: dict[str, str]
) -> None:
    token = token_of(victim)
    for sent in ({"data": {"csrf_token": token}}, {"headers": {"X-CSRFToken": token}}):
        options: dict[str, Any] = {**sent, "headers": {**headers, **sent.get("headers", {})}}
        assert victim.post("/transfer", **options).status_code == 400
    assert bank.transfers == []


def test_a_subdomain_of_the_same_site(bank: Any, victim: Any) -> None:
    for headers in (
        {"Sec-Fetch-Site": "same-site", "Origin": "http://blog.localhost"},
        {"Origin": "http://blog.localhost"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://evil.example?localhost"},
        {"Origin": "http://localhost@evil.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "ftp://localhost"},
        {"Origin": "http://["},
        {"Origin": "http://localhost:99999999"},
    ):
        assert victim.post("/transfer", headers=headers).status_code == 400
    assert bank.transfers == []


def test_a_token_of_another_session(bank: Any, victim: Any) -> None:
    token = token_of(logged_in(bank, "attacker"))
    answer = victim.post("/transfer", data={"csrf_token": token})
    assert answer.status_code == 400
    assert "The CSRF session token is missing." in answer.text
    token_of(victim)
    answer = victim.post("/transfer", data={"csrf_token": token})
    assert answer.status_code == 400
    assert "The CSRF tokens do not match." in answer.text
    assert bank.transfers == []


def test_replayed_after_logout(bank: Any, victim: Any) -> None:
    token = token_of(victim)
    assert victim.post("/logout", headers={"X-CSRFToken": token}).text == "out"
    assert victim.post("/transfer", data={"csrf_token": token}).status_code == 400


def test_a_token_from_before_the_login(bank: Any) -> None:
    client = bank.test_client()
    token = token_of(client)
    data = {"name": "victim", "csrf_token": token}
    assert client.post("/login", data=data).text == "in"
    assert client.post("/transfer", data={"csrf_token": token}).status_code == 400
    assert bank.transfers == []


@pytest.mark.parametrize("headers", [*CROSS_SITE, {}])
def test_logging_the_victim_in_as_the_attacker(bank: Any, headers: dict[str, str]) -> None:
    """There is no session yet that a token could belong to; so nothing is let in without one."""
    token = token_of(logged_in(bank, "attacker"))
    client = bank.test_client()
    for data in ({"name": "attacker"}, {"name": "attacker", "csrf_token": token}):
        assert client.post("/login", data=data, headers=headers).status_code == 400
    assert client.get_cookie("session") is None


@pytest.mark.parametrize(
    "headers",
    [
        {"X-CSRFToken": "1"},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Referer": "http://localhost/"},
        {"Origin": EVIL, "Host": "evil.example", "X-Forwarded-Host": "localhost"},
        {"Origin": EVIL, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
        {"Origin": EVIL, "X-Forwarded-For": "127.0.0.1"},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
        {"Sec-Fetch-Site": "SAME-ORIGIN"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-User": "?1"},
        {"Origin": f"http://localhost, {EVIL}"},
        {"Origin": f"http://localhost {EVIL}"},
    ],
)
def test_spoofed_headers(bank: Any, victim: Any, headers: dict[str, str]) -> None:
    if headers.get("Host"):
        # Another host has other cookies: only that this one is not taken for it counts.
        assert (
            victim.post(
                "/transfer", headers={"Origin": EVIL, "X-Forwarded-Host": "evil.example"}
            ).status_code
            == 400
        )
    else:
        assert victim.post("/transfer", headers=headers).status_code == 400
    assert bank.transfers == []


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/x-json"],
)
@pytest.mark.parametrize("headers", [*CROSS_SITE, {}])
def test_json_as_what_a_form_may_send(
    bank: Any, victim: Any, headers: dict[str, str], content_type: str
) -> None:
    """A form can send ``{"to": "evil", "x": "="}`` as text/plain, without asking first."""
    body = json.dumps({"to": "evil", "csrf_token": "="})
    answer = victim.post("/transfer", data=body, content_type=content_type, headers=headers)
    assert answer.status_code == 400
    assert bank.transfers == []


def test_a_method_that_is_overridden(bank: Any, victim: Any) -> None:
    """The method that the app sees counts, whatever the browser sent."""
    inner = bank.wsgi_app

    def overriding(environ: dict[str, Any], start_response: Any) -> Any:
        method = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE") or environ["REQUEST_METHOD"]
        return inner({**environ, "REQUEST_METHOD": method}, start_response)

    bank.wsgi_app = overriding
    for method in ("POST", "DELETE"):
        headers = {"X-HTTP-Method-Override": method}
        assert victim.get("/transfer", headers=headers).status_code == 400
    assert victim.post("/transfer", headers={"X-HTTP-Method-Override": "GET"}).status_code == 405
    assert bank.transfers == []


def test_a_page_that_came_by_plain_http_sends_to_https(bank: Any) -> None:
    """Somebody in between wrote that page. Cookies without Secure would go along."""
    https = {"base_url": "https://localhost/"}
    client = bank.test_client()
    client.post("/login", headers={"Sec-Fetch-Site": "same-origin"}, **https)
    token = client.get("/token", **https).text
    for headers in (
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Referer": "http://localhost/"},
        {},
    ):
        data = {"csrf_token": token}
        assert client.post("/transfer", data=data, headers=headers, **https).status_code == 400
    assert bank.transfers == []


def test_the_token_of_a_forged_cookie(bank: Any, victim: Any) -> None:
    """A cookie that a subdomain set has a token, but no signature."""
    forged = bank.test_client()
    forged.set_cookie("session", "eyJjc3JmX3Rva2VuIjoiMCIsInVzZXIiOiJ2aWN0aW0ifQ.AAAA.AAAA")
    with bank.test_request_context() as ctx:
        ctx.session["csrf_token"] = "0"
        token = generate_csrf()
    assert forged.post("/transfer", data={"csrf_token": token}).status_code == 400
    assert bank.transfers == []
