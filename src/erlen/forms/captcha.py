"""Captchas: one field for those of Google, Cloudflare and hCaptcha, and for one that needs none."""

from __future__ import annotations

import logging
import typing as t
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup
from wtforms.fields import Field
from wtforms.form import BaseForm
from wtforms.validators import StopValidation

from ..globals import current_app
from ._captcha_check import CaptchaRefused, CaptchaUnavailable, Provider
from ._captcha_services import HCAPTCHA, RECAPTCHA, RECAPTCHA_V3, TURNSTILE
from ._captcha_work import WORK

logger = logging.getLogger(__name__)

Nonce: t.TypeAlias = str | Callable[[], str]

PROVIDERS: dict[str, Provider] = {
    "recaptcha": RECAPTCHA,
    "recaptcha_v3": RECAPTCHA_V3,
    "turnstile": TURNSTILE,
    "hcaptcha": HCAPTCHA,
    "work": WORK,
}
# No provider's response is as long.
LONGEST_RESPONSE = 8192

MISSING = "Please confirm that you are not a robot."
REFUSED = "It was not confirmed that you are not a robot. Please try again."
UNAVAILABLE = "It cannot be checked now that you are not a robot. Please try again in a moment."


class Captcha:
    """Demand that the captcha of a :class:`CaptchaField` was solved.

    With ``TESTING``, or with the provider's ``…_ENABLED`` set to false, nothing is checked.

    :param message: what is told where it was not solved; where it could not be checked, a text of
        its own is told.
    """

    def __init__(self, message: str | None = None) -> None:
        self.message = message

    def __call__(self, form: BaseForm, field: Field) -> None:
        if not isinstance(field, CaptchaField):
            raise TypeError(
                f"{type(self).__name__} validates a CaptchaField, not a {type(field).__name__}."
            )
        provider = field.provider
        if current_app.testing or not is_enabled(provider) or field.was_solved:
            return
        try:
            field.check(provider)
        except CaptchaRefused as error:
            logger.info("A captcha of %s was refused: %s", provider.name, error)
            told = REFUSED if field.response else MISSING
            raise StopValidation(self.message or field.gettext(told)) from error
        except CaptchaUnavailable as error:
            logger.error("A captcha of %s could not be checked: %s", provider.name, error)
            raise StopValidation(field.gettext(UNAVAILABLE)) from error


class CaptchaWidget:
    """Renders what the provider wants to stand in the page."""

    def __call__(self, field: CaptchaField, nonce: Nonce | None = None, **kwargs: t.Any) -> Markup:
        provider = field.provider
        if not is_enabled(provider):
            return Markup("")
        nonce = field.nonce if nonce is None else nonce
        kwargs.setdefault("id", field.id)
        return provider.render(field, nonce() if callable(nonce) else nonce, kwargs)


def is_enabled(provider: Provider) -> bool:
    """Tell whether a provider's captchas are shown and checked in this app."""
    return bool(current_app.config.get(f"{provider.prefix}_ENABLED", True))


class CaptchaField(Field):
    """A captcha. It is checked whatever other validators there are, and stores nothing.

    :param label: stands before it.
    :param validators: validators of your own; one :class:`Captcha` among them tells its message.
    :param provider: ``recaptcha`` (v2), ``recaptcha_v3``, ``turnstile``, ``hcaptcha``, ``work``
        (computed by the visitor's browser, without anybody else), or a provider of your own.
        Default: the setting ``CAPTCHA_PROVIDER``.
    :param nonce: for the scripts, where a Content-Security-Policy asks for one; or a function that
        returns it.
    :param action: what the form is for, which reCAPTCHA v3 and Turnstile sign and report.
        Default: none; ``submit`` with reCAPTCHA v3, which needs one.
    :param score: the least score of reCAPTCHA v3, from 0.0, a robot, to 1.0. Default: the setting
        ``RECAPTCHA_SCORE``, 0.5.
    :raise ValueError: there is no such provider, or it has no actions or scores.
    """

    widget: t.Any = CaptchaWidget()

    def __init__(
        self,
        label: str = "",
        validators: Iterable[t.Any] | None = None,
        provider: str | Provider | None = None,
        nonce: Nonce | None = None,
        action: str | None = None,
        score: float | None = None,
        **kwargs: t.Any,
    ) -> None:
        given = list(validators or ())
        own = [it for it in given if isinstance(it, Captcha)] or [Captcha()]
        # First of all: what comes before it could end the validation, as Optional() does.
        chain = [*own, *(it for it in given if not isinstance(it, Captcha))]
        self._provider = provider
        self.nonce = nonce
        self.action = action
        self.score = score
        self.response = ""
        self.was_solved = False
        super().__init__(label, chain, **kwargs)

    @property
    def provider(self) -> Provider:
        """Who asks and judges."""
        wanted = self._provider
        if wanted is None:
            wanted = current_app.config.get("CAPTCHA_PROVIDER")
        provider = PROVIDERS.get(wanted) if isinstance(wanted, str) else wanted
        if provider is None:
            names = ", ".join(PROVIDERS)
            raise ValueError(
                f"There is no captcha provider {wanted!r}. Give provider=… to the field, or set"
                f" CAPTCHA_PROVIDER, to one of: {names}."
            )
        for name in ("action", "score"):
            if getattr(self, name) is not None and name not in provider.knows:
                raise ValueError(f"Captchas of {provider.name} have no {name}: leave it out.")
        return provider

    def process(
        self, formdata: t.Any, data: t.Any = None, extra_filters: Sequence[t.Any] | None = None
    ) -> None:
        """Read the response, which comes under the provider's name for it."""
        self.process_errors = []
        self.data = None
        self.was_solved = False
        name = self.provider.response_name
        sent = [] if formdata is None else formdata.getlist(name)
        self.raw_data = [it for it in sent if isinstance(it, str)]
        self.response = self.raw_data[0] if self.raw_data else ""

    def check(self, provider: Provider) -> None:
        """Ask the provider about the response; one that was good is good for this form.

        :raise CaptchaRefused: it is not good.
        :raise CaptchaUnavailable: that cannot be told.
        """
        if not self.response:
            raise CaptchaRefused("nothing was sent")
        if len(self.response) > LONGEST_RESPONSE or not self.response.isascii():
            raise CaptchaRefused("what was sent is no response")
        provider.check(self)
        self.was_solved = True

    def populate_obj(self, obj: object, name: str) -> None:
        """Leave the object alone: a captcha is nothing to keep."""


class RecaptchaField(CaptchaField):
    """A captcha of Google, reCAPTCHA v2, under Flask-WTF's name. Takes what Flask-WTF's does."""

    def __init__(
        self,
        label: str = "",
        validators: Iterable[t.Any] | None = None,
        nonce: Nonce | None = None,
        **kwargs: t.Any,
    ) -> None:
        super().__init__(label, validators, "recaptcha", nonce, **kwargs)


Recaptcha = Captcha
