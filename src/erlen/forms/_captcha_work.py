"""A captcha without anybody else: the visitor's browser does some work before the form is sent.

The page has a signed challenge, made for this session. The browser looks for a number with which
the SHA-256 of ``seed:number`` begins with enough zero bits. One visitor does not notice it;
somebody who sends a million forms pays for a million times the work.

Source: Adam Back, Hashcash (2002), http://www.hashcash.org/hashcash.pdf
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
import typing as t
from collections import OrderedDict

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer, want_bytes
from markupsafe import Markup

from ..globals import current_app, session
from ._captcha_check import CaptchaRefused, CaptchaUnavailable, Solved
from ._captcha_services import inline_script
from ._render import attributes as html_attributes

BITS = 17
MOST_BITS = 30
LIFETIME = 3600
MOST_SPENT = 100_000
# Signatures tell the time in whole seconds.
ROUNDING = 2
SALT = "erlen-captcha-work"
SESSION_KEY = "captcha"
SPENT = "captcha_spent"

WAIT = "Checking that you are not a robot …"
NO_SCRIPT = "This form needs JavaScript, to check that you are not a robot."


class Spent:
    """The challenges that were solved already, for as long as they would be good.

    :param most: how many are remembered. Beyond that no solution is taken, so that none can be
        taken twice.
    """

    def __init__(self, most: int = MOST_SPENT) -> None:
        self._most = most
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._until)

    def add(self, seed: str, value: object, timeout: float) -> bool:
        """Remember a challenge; tell whether it was new, as the caches of cachelib do.

        :param seed: what tells it from others.
        :param value: nothing to this one.
        :param timeout: for how many seconds; the same for all.
        :raise CaptchaUnavailable: there are too many.
        """
        now = time.monotonic()
        with self._lock:
            while self._until and next(iter(self._until.values())) < now:
                self._until.popitem(last=False)
            if seed in self._until:
                return False
            if len(self._until) >= self._most:
                raise CaptchaUnavailable(f"{self._most} solutions are remembered, more cannot be")
            self._until[seed] = now + timeout
        return True


class Work:
    """The proof of work as a provider."""

    name = "the proof of work"
    prefix = "CAPTCHA_WORK"
    response_name = "captcha-work-response"
    knows: frozenset[str] = frozenset()

    def render(self, field: t.Any, nonce: str | None, attributes: dict[str, t.Any]) -> Markup:
        """Render a challenge, and the script that solves it."""
        bits, seed, serializer = _bits(), secrets.token_hex(16), _serializer()
        mark = session.get(SESSION_KEY)
        if not isinstance(mark, str):
            mark = session[SESSION_KEY] = secrets.token_hex(16)
        attributes.update(
            {
                "data-challenge": serializer.dumps([seed, bits, mark]),
                "data-seed": seed,
                "data-bits": bits,
                "data-wait": field.gettext(WAIT),
            }
        )
        return Markup(
            '<span {}><input type="hidden" name="{}"><span role="status"></span>'
            "<noscript>{}</noscript></span>{}"
        ).format(
            html_attributes(**attributes),
            self.response_name,
            field.gettext(NO_SCRIPT),
            inline_script("captcha_work.js", nonce),
        )

    def check(self, field: Solved) -> None:
        """Look whether the work was done, for this session, in time, and only once.

        :raise CaptchaRefused: it was not.
        :raise CaptchaUnavailable: it cannot be told whether it is the first time.
        """
        challenge, _, number = field.response.rpartition(":")
        lifetime = _lifetime()
        try:
            seed, bits, mark = _serializer().loads(challenge, max_age=lifetime)
        except SignatureExpired as error:
            raise CaptchaRefused("the challenge has expired") from error
        except BadData as error:
            raise CaptchaRefused("the challenge is not one of this app") from error
        known = session.get(SESSION_KEY)
        if not isinstance(known, str) or not hmac.compare_digest(known.encode(), mark.encode()):
            raise CaptchaRefused("the challenge is another session's")
        if bits < _bits() or not _is_solved(seed, number, bits):
            raise CaptchaRefused("the work is not done")
        if not _spend(seed, lifetime):
            raise CaptchaRefused("the solution was used before")


def _is_solved(seed: str, number: str, bits: int) -> bool:
    if not (number.isdigit() and len(number) <= 20):
        return False
    digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
    return int.from_bytes(digest, "big") >> (256 - bits) == 0


def _spend(seed: str, lifetime: int) -> bool:
    """Tell whether a solution comes for the first time, and remember it."""
    store = current_app.config.get("CAPTCHA_WORK_STORE")
    if store is None:
        store = current_app.extensions.setdefault(SPENT, Spent())
    try:
        return bool(store.add(f"captcha:{seed}", 1, timeout=lifetime + ROUNDING))
    except CaptchaUnavailable:
        raise
    except Exception as error:  # Whatever the store of the app raises, nothing was remembered.
        raise CaptchaUnavailable(f"the store of solutions failed: {error!r}") from error


def _serializer() -> URLSafeTimedSerializer:
    app = current_app
    if not app.secret_key:
        raise RuntimeError(
            "Challenges are signed, and there is no key. Set SECRET_KEY to something long, random"
            " and secret."
        )
    keys = [*(app.config.get("SECRET_KEY_FALLBACKS") or ()), app.secret_key]
    return URLSafeTimedSerializer([want_bytes(key) for key in keys], salt=SALT)


def _bits() -> int:
    bits = current_app.config.get("CAPTCHA_WORK_BITS", BITS)
    if not isinstance(bits, int) or not 1 <= bits <= MOST_BITS:
        raise RuntimeError(
            f"CAPTCHA_WORK_BITS is {bits!r}: it is a number from 1 to {MOST_BITS}, and each one"
            " more doubles the work."
        )
    return bits


def _lifetime() -> int:
    return int(current_app.config.get("CAPTCHA_WORK_LIFETIME", LIFETIME))


WORK = Work()
