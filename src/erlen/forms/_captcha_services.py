"""Captchas that somebody else makes and judges: reCAPTCHA, Turnstile, hCaptcha.

Source: https://developers.google.com/recaptcha/docs/verify,
https://developers.google.com/recaptcha/docs/v3,
https://developers.cloudflare.com/turnstile/get-started/server-side-validation/,
https://docs.hcaptcha.com/
"""

from __future__ import annotations

import typing as t
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from markupsafe import Markup

from ..globals import current_app, request
from ._captcha_check import CaptchaRefused, CaptchaUnavailable, Solved, ask
from ._render import attributes as html_attributes

TIMEOUT = 5.0
SCORE = 0.5
ACTION = "submit"
# What these tell is wrong with the site, not with the visitor.
OWN_FAULTS = frozenset(
    {
        "bad-request",
        "internal-error",
        "invalid-input-secret",
        "missing-input-secret",
        "not-using-dummy-secret",
        "sitekey-secret-mismatch",
    }
)


class Service:
    """One that shows a widget in an element of its class, and answers at ``siteverify``.

    :param name: what it is called.
    :param prefix: what the names of its settings begin with.
    :param verify_server: where a response is judged.
    :param script: what the page loads.
    :param element_class: of the element that the script fills.
    :param response_name: the name of the field that the script adds to the form.
    :param knows: whether it has actions.
    """

    def __init__(
        self,
        name: str,
        prefix: str,
        verify_server: str,
        script: str,
        element_class: str,
        response_name: str,
        knows: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.prefix = prefix
        self.response_name = response_name
        self.knows = knows
        self._verify_server = verify_server
        self._script = script
        self._element_class = element_class

    def setting(self, name: str, default: t.Any = None) -> t.Any:
        """Return one of its settings; empty ones are not set."""
        return current_app.config.get(f"{self.prefix}_{name}") or default

    def key(self, name: str, what: str) -> str:
        """Return one of its two keys.

        :raise RuntimeError: it is not set.
        """
        key = self.setting(name)
        if not key:
            raise RuntimeError(
                f"{self.prefix}_{name} is not set: it is {what}, which {self.name} gives to each"
                " site."
            )
        return str(key)

    def site_key(self) -> str:
        """Return the key that stands in the page."""
        return self.key("PUBLIC_KEY", "the site key")

    # Rendering

    def render(self, field: t.Any, nonce: str | None, attributes: dict[str, t.Any]) -> Markup:
        """Render the script and the element that it fills."""
        if html := self.setting("HTML"):
            return Markup(html)
        # The script finds it by this class, whatever others it has.
        own, given = self.setting("DIV_CLASS", self._element_class), attributes.get("class")
        attributes["class"] = f"{own} {given}" if given else own
        data = dict(self.setting("DATA_ATTRS", {}))
        data["sitekey"] = self.site_key()
        if field.action is not None:
            data["action"] = field.action
        for name, value in data.items():
            attributes.setdefault(f"data-{name}", value)
        script = script_tag(self.script_url(self.setting("PARAMETERS", {})), nonce)
        return Markup("{}\n<div {}></div>").format(script, html_attributes(**attributes))

    def script_url(self, parameters: dict[str, t.Any]) -> str:
        """Return what the page loads."""
        script = str(self.setting("SCRIPT", self._script))
        return f"{script}?{urlencode(parameters)}" if parameters else script

    # Judging

    def check(self, field: Solved) -> None:
        """Ask the service about the response.

        :raise CaptchaRefused: it is not good.
        :raise CaptchaUnavailable: there is no answer.
        :raise RuntimeError: a setting is missing or wrong.
        """
        url = str(self.setting("VERIFY_SERVER", self._verify_server))
        if not url.startswith(("https://", "http://")):
            raise RuntimeError(f"{self.prefix}_VERIFY_SERVER is {url!r}: it is an https URL.")
        data = {
            "secret": self.key("PRIVATE_KEY", "the secret key"),
            "response": field.response,
            **({"remoteip": request.remote_addr} if request.remote_addr else {}),
        }
        self.judge(ask(url, data, float(self.setting("TIMEOUT", TIMEOUT))), field)

    def judge(self, answer: dict[str, t.Any], field: Solved) -> None:
        """Look into what was answered.

        :raise CaptchaRefused: the response is not good.
        :raise CaptchaUnavailable: the service tells that the site is at fault.
        """
        if answer.get("success") is not True:
            told = answer.get("error-codes")
            codes = [str(it)[:60] for it in told[:10]] if isinstance(told, list) else []
            if OWN_FAULTS.intersection(codes):
                raise CaptchaUnavailable(f"it tells {codes}: look at the keys")
            raise CaptchaRefused(f"it tells {codes}")
        hosts = self.setting("HOSTNAMES")
        if isinstance(hosts, str):
            hosts = [hosts]  # Or "example.org" would have "e" in it.
        if hosts is not None and answer.get("hostname") not in hosts:
            raise CaptchaRefused(f"it was solved on the host {str(answer.get('hostname'))[:60]!r}")
        if field.action is not None:
            require_action(answer, field.action)


class ScoringService(Service):
    """reCAPTCHA v3, which shows nothing, and tells how likely it is that a human was there."""

    def render(self, field: t.Any, nonce: str | None, attributes: dict[str, t.Any]) -> Markup:
        """Render a hidden input, and scripts that fill it when the form is sent."""
        key = self.site_key()
        attributes.update(
            {"type": "hidden", "name": self.response_name, "data-sitekey": key, "value": ""}
        )
        attributes["data-action"] = field.action or ACTION
        return Markup("{}\n<input {}>{}").format(
            script_tag(self.script_url({**self.setting("PARAMETERS", {}), "render": key}), nonce),
            html_attributes(**attributes),
            inline_script("captcha_score.js", nonce),
        )

    def judge(self, answer: dict[str, t.Any], field: Solved) -> None:
        """Look into what was answered; see :meth:`Service.judge`."""
        super().judge(answer, field)
        require_action(answer, field.action or ACTION)
        least = float(self.setting("SCORE", SCORE)) if field.score is None else field.score
        score = answer.get("score")
        if isinstance(score, bool) or not isinstance(score, (int, float)):
            raise CaptchaRefused("it tells no score: the keys are not for v3")
        if not score >= least:
            raise CaptchaRefused(f"the score is {score}, less than {least}")


def require_action(answer: dict[str, t.Any], action: str) -> None:
    """Refuse a response that was made for another form."""
    if answer.get("action") != action:
        raise CaptchaRefused(f"it was solved for the action {str(answer.get('action'))[:60]!r}")


def script_tag(url: str, nonce: str | None) -> Markup:
    """Return a tag that loads a script."""
    shown = Markup(' nonce="{}"').format(nonce) if nonce else ""
    return Markup('<script src="{}" async defer{}></script>').format(url, shown)


def inline_script(name: str, nonce: str | None) -> Markup:
    """Return a tag with a script of this package in it."""
    shown = Markup(' nonce="{}"').format(nonce) if nonce else ""
    return Markup("<script{}>\n{}</script>").format(shown, script_source(name))


@cache
def script_source(name: str) -> Markup:
    """Return a script of this package."""
    return Markup(Path(__file__).with_name(name).read_text("utf-8"))


RECAPTCHA = Service(
    "reCAPTCHA",
    "RECAPTCHA",
    "https://www.google.com/recaptcha/api/siteverify",
    "https://www.google.com/recaptcha/api.js",
    "g-recaptcha",
    "g-recaptcha-response",
)
RECAPTCHA_V3 = ScoringService(
    "reCAPTCHA v3",
    "RECAPTCHA",
    "https://www.google.com/recaptcha/api/siteverify",
    "https://www.google.com/recaptcha/api.js",
    "",
    "g-recaptcha-response",
    frozenset({"action", "score"}),
)
TURNSTILE = Service(
    "Turnstile",
    "TURNSTILE",
    "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "https://challenges.cloudflare.com/turnstile/v0/api.js",
    "cf-turnstile",
    "cf-turnstile-response",
    frozenset({"action"}),
)
HCAPTCHA = Service(
    "hCaptcha",
    "HCAPTCHA",
    "https://api.hcaptcha.com/siteverify",
    "https://js.hcaptcha.com/1/api.js",
    "h-captcha",
    "h-captcha-response",
)
