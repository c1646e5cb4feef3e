"""Captchas of reCAPTCHA, Turnstile and hCaptcha, against a server that speaks their protocol."""

from __future__ import annotations

import io
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from erlen.forms import CaptchaField, Form, Recaptcha, RecaptchaField, StringField, add_macros
from erlen.forms._captcha_check import _read
from erlen.forms.captcha import MISSING, REFUSED, UNAVAILABLE
from erlen.forms.validators import Optional

from .siteverify import SECRET, Siteverify

pytestmark = pytest.mark.erlen_only

PREFIXES = {
    "recaptcha": "RECAPTCHA",
    "recaptcha_v3": "RECAPTCHA",
    "turnstile": "TURNSTILE",
    "hcaptcha": "HCAPTCHA",
}
NAMES = {
    "recaptcha": "g-recaptcha-response",
    "recaptcha_v3": "g-recaptcha-response",
    "turnstile": "cf-turnstile-response",
    "hcaptcha": "h-captcha-response",
}
each = pytest.mark.parametrize("provider", PREFIXES)


@pytest.fixture(scope="module")
def server() -> Iterator[Siteverify]:
    with Siteverify().running() as server:
        yield server


@pytest.fixture
def service(server: Siteverify, app: Any) -> Siteverify:
    """The server, that the app asks, as a good one."""
    server.asked.clear()
    server._seen.clear()
    server.says = {"hostname": "localhost", "score": 0.9, "action": "submit"}
    app.config.update(TESTING=False, WTF_CSRF_ENABLED=False)
    for prefix in PREFIXES.values():
        app.config[f"{prefix}_PUBLIC_KEY"] = "the-site-key"
        app.config[f"{prefix}_PRIVATE_KEY"] = SECRET
        app.config[f"{prefix}_VERIFY_SERVER"] = server.url
    return server


def form_class(provider: str | None = "recaptcha", **options: Any) -> Any:
    class Signed(Form):
        captcha = CaptchaField(provider=provider, **options)

    return Signed


def errors(app: Any, cls: type[Form], data: Any = None, json: Any = None) -> list[str]:
    """What is told of a form that was sent."""
    with app.test_request_context(method="POST", data=data, json=json) as ctx:
        ctx.request.environ["REMOTE_ADDR"] = "192.0.2.7"
        form = cls()
        assert form.validate() is not bool(form.errors)
        return list(form.errors.get("captcha", []))


def sent(provider: str, response: str = "good") -> dict[str, str]:
    return {NAMES[provider]: response}


class TestProtocol:
    @each
    def test_a_good_response(self, app: Any, service: Siteverify, provider: str) -> None:
        assert errors(app, form_class(provider), sent(provider)) == []
        assert service.asked == [{"secret": SECRET, "response": "good", "remoteip": "192.0.2.7"}]

    @each
    def test_a_response_that_was_used(self, app: Any, service: Siteverify, provider: str) -> None:
        errors(app, form_class(provider), sent(provider))
        assert errors(app, form_class(provider), sent(provider)) == [REFUSED]

    @each
    def test_a_made_up_response(self, app: Any, service: Siteverify, provider: str) -> None:
        assert errors(app, form_class(provider), sent(provider, "made up")) == [REFUSED]

    @each
    @pytest.mark.parametrize("response", [None, ""])
    def test_no_response_asks_nobody(
        self, app: Any, service: Siteverify, provider: str, response: str | None
    ) -> None:
        data = {"captcha": "good"} if response is None else sent(provider, response)
        assert errors(app, form_class(provider), data) == [MISSING]
        assert service.asked == []

    @pytest.mark.parametrize("response", ["x" * 8193, "gööd"])
    def test_what_is_no_response_asks_nobody(
        self, app: Any, service: Siteverify, response: str
    ) -> None:
        assert errors(app, form_class(), sent("recaptcha", response)) == [REFUSED]
        assert service.asked == []

    def test_json(self, app: Any, service: Siteverify) -> None:
        assert errors(app, form_class(), json=sent("recaptcha")) == []
        assert errors(app, form_class(), json={"g-recaptcha-response": {"a": 1}}) == [MISSING]

    def test_a_form_validated_twice_asks_once(self, app: Any, service: Siteverify) -> None:
        with app.test_request_context(method="POST", data=sent("recaptcha")):
            form = form_class()()
            assert form.validate() and form.validate()
        assert len(service.asked) == 1

    async def _validate(self, form: Form) -> bool:
        return await form.validate_async()

    def test_validated_async(self, app: Any, service: Siteverify) -> None:
        import asyncio

        with app.test_request_context(method="POST", data=sent("recaptcha", "bad")):
            form = form_class()()
            assert asyncio.run(self._validate(form)) is False
            assert form.errors == {"captcha": [REFUSED]}

    @pytest.mark.parametrize(
        ("hosts", "hostname", "told"),
        [
            (["example.org"], "example.org", []),
            (["example.org"], "evil.example", [REFUSED]),
            (["example.org"], None, [REFUSED]),
            ("example.org", "example.org", []),
            ("example.org", "e", [REFUSED]),
            (None, "evil.example", []),
        ],
    )
    def test_the_host(
        self, app: Any, service: Siteverify, hosts: Any, hostname: Any, told: list[str]
    ) -> None:
        app.config["RECAPTCHA_HOSTNAMES"] = hosts
        service.says["hostname"] = hostname
        assert errors(app, form_class(), sent("recaptcha")) == told

    @pytest.mark.parametrize("provider", ["recaptcha_v3", "turnstile"])
    @pytest.mark.parametrize(("action", "told"), [("login", []), ("submit", [REFUSED])])
    def test_the_action(
        self, app: Any, service: Siteverify, provider: str, action: str, told: list[str]
    ) -> None:
        service.says["action"] = action
        assert errors(app, form_class(provider, action="login"), sent(provider)) == told

    def test_v3_has_an_action_always(self, app: Any, service: Siteverify) -> None:
        del service.says["action"]
        assert errors(app, form_class("recaptcha_v3"), sent("recaptcha_v3")) == [REFUSED]

    @pytest.mark.parametrize(
        ("score", "least", "told"),
        [
            (0.5, None, []),
            (0.4, None, [REFUSED]),
            (0.4, 0.3, []),
            (0.9, 1.0, [REFUSED]),
            (1, 1.0, []),
            (None, 0.0, [REFUSED]),
            ("0.9", 0.0, [REFUSED]),
            (True, 0.0, [REFUSED]),
            (float("nan"), 0.0, [REFUSED]),
        ],
    )
    def test_the_score(
        self, app: Any, service: Siteverify, score: Any, least: float | None, told: list[str]
    ) -> None:
        service.says["score"] = score
        cls = form_class("recaptcha_v3", score=least)
        assert errors(app, cls, sent("recaptcha_v3")) == told

    def test_the_score_of_the_app(self, app: Any, service: Siteverify) -> None:
        app.config["RECAPTCHA_SCORE"] = 0.95
        assert errors(app, form_class("recaptcha_v3"), sent("recaptcha_v3")) == [REFUSED]


class TestFailures:
    """What cannot be checked is refused, and told in the log."""

    def failed(self, app: Any, caplog: pytest.LogCaptureFixture, response: str = "other") -> str:
        with caplog.at_level(logging.INFO):
            assert errors(app, form_class(), sent("recaptcha", response)) == [UNAVAILABLE]
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("erlen.forms.captcha", "ERROR")
        assert SECRET not in caplog.text
        start = "A captcha of reCAPTCHA could not be checked: "
        assert record.getMessage().startswith(start)
        return record.getMessage().removeprefix(start)

    @pytest.mark.parametrize(
        ("status", "body", "told"),
        [
            (200, b"", "{} did not answer with JSON"),
            (200, b"<html>", "{} did not answer with JSON"),
            (200, b"\xff\xfe", "{} did not answer with JSON"),
            (200, b"[" * 60_000, "{} did not answer with JSON"),
            (200, b"[true]", "{} did not answer with a JSON object"),
            (200, b'"success"', "{} did not answer with a JSON object"),
            (500, b'{"success": true}', "{} answered with the status 500"),
            (302, b'{"success": true}', "{} answered with the status 302"),
            (307, b'{"success": true}', "{} answered with the status 307"),
            (0, b"", "{} cannot be reached: Remote end closed connection without response"),
            (200, b" " * 70_000 + b'{"success": true}', "{} cannot be reached: the answer is too"),
        ],
    )
    def test_bad_answers(
        self,
        app: Any,
        service: Siteverify,
        caplog: pytest.LogCaptureFixture,
        status: int,
        body: bytes,
        told: str,
    ) -> None:
        service.raw = (status, body)
        assert self.failed(app, caplog).startswith(told.format(service.url))
        assert len(service.asked) == 1  # no redirect was followed

    @pytest.mark.parametrize("body", [b"{}", b'{"success": "true"}', b'{"success": 1}'])
    def test_only_true_is_success(self, app: Any, service: Siteverify, body: bytes) -> None:
        service.raw = (200, body)
        assert errors(app, form_class(), sent("recaptcha", "other")) == [REFUSED]

    def test_no_answer_in_time(
        self, app: Any, service: Siteverify, caplog: pytest.LogCaptureFixture
    ) -> None:
        app.config["RECAPTCHA_TIMEOUT"] = 0.1
        assert self.failed(app, caplog, "slow") == f"{service.url} cannot be reached: timed out"

    def test_an_answer_that_drips(self) -> None:
        """Each piece comes in time, but not the whole."""
        with pytest.raises(TimeoutError, match="the answer takes too long"):
            _read(io.BytesIO(b'{"success": true}'), deadline=0.0)  # type: ignore[arg-type]  # a body

    def test_nobody_there(
        self, app: Any, service: Siteverify, caplog: pytest.LogCaptureFixture
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))  # and nobody listens
            url = f"http://127.0.0.1:{free.getsockname()[1]}/"
            app.config["RECAPTCHA_VERIFY_SERVER"] = url
            assert self.failed(app, caplog).startswith(f"{url} cannot be reached: ")

    def test_the_sites_own_fault(
        self, app: Any, service: Siteverify, caplog: pytest.LogCaptureFixture
    ) -> None:
        app.config["RECAPTCHA_PRIVATE_KEY"] = "wrong"
        told = self.failed(app, caplog, "good")
        assert told == "it tells ['invalid-input-secret']: look at the keys"

    def test_a_refusal_is_logged_with_its_reason(
        self, app: Any, service: Siteverify, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO):
            errors(app, form_class(), sent("recaptcha", "made-up-response"))
        assert caplog.messages == [
            "A captcha of reCAPTCHA was refused: it tells ['invalid-input-response']"
        ]

    @pytest.mark.parametrize(
        "codes", [b'"text"', b"null", b"[[1], 2]", b"[" + b'"x",' * 99 + b"1]"]
    )
    def test_odd_error_codes(self, app: Any, service: Siteverify, codes: bytes) -> None:
        service.raw = (200, b'{"success": false, "error-codes": ' + codes + b"}")
        assert errors(app, form_class(), sent("recaptcha", "other")) == [REFUSED]


class TestField:
    def test_an_own_message(self, app: Any, service: Siteverify) -> None:
        cls = form_class(validators=[Recaptcha("Prove it!")])
        assert errors(app, cls) == errors(app, cls, sent("recaptcha", "bad")) == ["Prove it!"]
        app.config["RECAPTCHA_PRIVATE_KEY"] = "wrong"
        assert errors(app, cls, sent("recaptcha")) == [UNAVAILABLE]

    def test_no_other_validator_takes_its_place(self, app: Any, service: Siteverify) -> None:
        for validators in ([Optional()], [Optional(), Recaptcha()]):
            assert errors(app, form_class(validators=validators)) == [MISSING]

    def test_recaptcha_field(self, app: Any, service: Siteverify) -> None:
        class Signed(Form):
            captcha = RecaptchaField("Robot?", nonce="abc")

        assert errors(app, Signed) == [MISSING]
        assert errors(app, Signed, sent("recaptcha")) == []
        with app.test_request_context():
            assert ' nonce="abc"' in str(Signed().captcha)

    def test_the_provider_of_the_app(self, app: Any, service: Siteverify) -> None:
        app.config["CAPTCHA_PROVIDER"] = "hcaptcha"
        assert errors(app, form_class(None), sent("hcaptcha")) == []

    @pytest.mark.parametrize("provider", [None, "mine"])
    def test_no_such_provider(self, app: Any, provider: str | None) -> None:
        told = rf"There is no captcha provider {provider!r}\. Give provider=.* or set CAPTCHA_PR"
        with app.test_request_context(), pytest.raises(ValueError, match=told):
            form_class(provider)()

    @pytest.mark.parametrize(
        ("provider", "options", "told"),
        [
            ("recaptcha", {"action": "login"}, "Captchas of reCAPTCHA have no action: leave it"),
            ("hcaptcha", {"score": 0.1}, "Captchas of hCaptcha have no score: leave it out"),
            ("turnstile", {"score": 0.1}, "Captchas of Turnstile have no score: leave it out"),
        ],
    )
    def test_what_a_provider_has_not(
        self, app: Any, provider: str, options: Any, told: str
    ) -> None:
        with app.test_request_context(), pytest.raises(ValueError, match=told):
            form_class(provider, **options)()

    def test_the_validator_is_for_captchas(self, app: Any) -> None:
        class Wrong(Form):
            name = StringField(validators=[Recaptcha()])

        app.config["WTF_CSRF_ENABLED"] = False
        with app.test_request_context(method="POST"):
            with pytest.raises(TypeError, match="Captcha validates a CaptchaField, not a StringF"):
                Wrong().validate()

    @each
    @pytest.mark.parametrize("setting", ["TESTING", "ENABLED"])
    def test_switched_off(self, app: Any, service: Siteverify, provider: str, setting: str) -> None:
        if setting == "TESTING":
            app.config["TESTING"] = True
        else:
            app.config[f"{PREFIXES[provider]}_ENABLED"] = False
        assert errors(app, form_class(provider)) == []
        assert service.asked == []
        with app.test_request_context():
            assert bool(form_class(provider)().captcha()) is (setting == "TESTING")

    def test_it_stores_nothing(self, app: Any, service: Siteverify) -> None:
        class Signature:
            captcha = "untouched"

        with app.test_request_context(method="POST", data=sent("recaptcha")):
            form = form_class()()
            signature = Signature()
            form.populate_obj(signature)
            assert (signature.captcha, form.data) == ("untouched", {"captcha": None})

    @pytest.mark.parametrize("key", ["PUBLIC_KEY", "PRIVATE_KEY"])
    @each
    def test_a_missing_key(self, app: Any, service: Siteverify, provider: str, key: str) -> None:
        app.config.pop(f"{PREFIXES[provider]}_{key}")
        told = f"{PREFIXES[provider]}_{key} is not set: it is the (site|secret) key, which"
        with app.test_request_context(method="POST", data=sent(provider)):
            form = form_class(provider)()
            with pytest.raises(RuntimeError, match=told):
                str(form.captcha) if key == "PUBLIC_KEY" else form.validate()

    def test_a_verify_server_that_is_none(self, app: Any, service: Siteverify) -> None:
        app.config["RECAPTCHA_VERIFY_SERVER"] = "file:///etc/passwd"
        told = "RECAPTCHA_VERIFY_SERVER is 'file:///etc/passwd': it is an https URL"
        with app.test_request_context(method="POST", data=sent("recaptcha")):
            with pytest.raises(RuntimeError, match=told):
                form_class()().validate()


class TestRendering:
    @pytest.mark.parametrize(
        ("provider", "script", "element"),
        [
            ("recaptcha", "https://www.google.com/recaptcha/api.js", "g-recaptcha"),
            (
                "turnstile",
                "https://challenges.cloudflare.com/turnstile/v0/api.js",
                "cf-turnstile",
            ),
            ("hcaptcha", "https://js.hcaptcha.com/1/api.js", "h-captcha"),
        ],
    )
    def test_a_widget(
        self, app: Any, service: Siteverify, provider: str, script: str, element: str
    ) -> None:
        with app.test_request_context():
            assert str(form_class(provider)().captcha) == (
                f'<script src="{script}" async defer></script>\n'
                f'<div class="{element}" data-sitekey="the-site-key" id="captcha"></div>'
            )

    def test_the_settings_of_flask_wtf(self, app: Any, service: Siteverify) -> None:
        app.config.update(
            RECAPTCHA_PARAMETERS={"hl": "de", "render": "explicit"},
            RECAPTCHA_DATA_ATTRS={"theme": 'dark"'},
            RECAPTCHA_SCRIPT="https://www.recaptcha.net/recaptcha/api.js",
            RECAPTCHA_DIV_CLASS="mine",
        )
        with app.test_request_context():
            shown = str(form_class()().captcha(class_="wide", nonce=lambda: 'n"'))
        assert shown == (
            '<script src="https://www.recaptcha.net/recaptcha/api.js?hl=de&amp;render=explicit"'
            ' async defer nonce="n&#34;"></script>\n'
            '<div class="mine wide" data-sitekey="the-site-key" data-theme="dark&#34;"'
            ' id="captcha"></div>'
        )

    def test_own_html(self, app: Any, service: Siteverify) -> None:
        app.config["RECAPTCHA_HTML"] = "<b>mine</b>"
        with app.test_request_context():
            assert form_class()().captcha() == "<b>mine</b>"

    def test_an_action(self, app: Any, service: Siteverify) -> None:
        with app.test_request_context():
            shown = str(form_class("turnstile", action="login")().captcha)
        assert 'data-action="login"' in shown

    def test_v3(self, app: Any, service: Siteverify) -> None:
        with app.test_request_context():
            shown = str(form_class("recaptcha_v3", nonce="abc")().captcha)
        assert shown.startswith(
            '<script src="https://www.google.com/recaptcha/api.js?render=the-site-key"'
            ' async defer nonce="abc"></script>\n'
            '<input data-action="submit" data-sitekey="the-site-key" id="captcha"'
            ' name="g-recaptcha-response" type="hidden" value=""><script nonce="abc">\n'
        )

    @pytest.mark.parametrize("macros", ["plain", "bootstrap5"])
    def test_the_macros(self, app: Any, flask: Any, service: Siteverify, macros: str) -> None:
        add_macros(app)
        source = (
            f"{{% import 'erlen/forms/{macros}.html' as m %}}{{{{ m.render_field(form.captcha) }}}}"
        )
        with app.test_request_context(method="POST"):
            form = form_class()()
            form.validate()
            page = flask.render_template_string(source, form=form)
        assert '<div aria-describedby="captcha-errors"' in page
        assert 'class="g-recaptcha"' in page and MISSING in page
        assert "<label" not in page and "<p" not in page  # no empty label, no div in a p
