"""CSRF tokens: a random value in the session, signed with the time it was handed out.

Name in the session, salt and format are Flask-WTF's, so that pages which were open when a site
moved to erlen can still be sent.
"""

from __future__ import annotations

import hmac
import secrets
import typing as t
from functools import lru_cache

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer, want_bytes
from markupsafe import Markup
from wtforms.validators import ValidationError

from ..globals import current_app, g, session

Key = str | bytes

TIME_LIMIT = 3600
FIELD_NAME = "csrf_token"
META_NAME = "csrf-token"


def setting(value: t.Any, key: str, default: t.Any = None) -> t.Any:
    """Return a value that was given, else the app's setting, else a default."""
    return current_app.config.get(key, default) if value is None else value


def _keys(secret_key: Key | None) -> tuple[Key, ...]:
    """Return the keys to verify with; the last one signs."""
    key = setting(secret_key, "WTF_CSRF_SECRET_KEY")
    if key:
        return (key,)
    if not current_app.secret_key:
        raise RuntimeError(
            "CSRF tokens are signed, and there is no key. Set SECRET_KEY (or WTF_CSRF_SECRET_KEY)"
            " to something long, random and secret."
        )
    return (*(current_app.config.get("SECRET_KEY_FALLBACKS") or ()), current_app.secret_key)


@lru_cache(maxsize=16)
def _serializer(keys: tuple[Key, ...]) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer([want_bytes(key) for key in keys], salt="wtf-csrf-token")


def generate_csrf(secret_key: Key | None = None, token_key: str | None = None) -> str:
    """Return the CSRF token of this session, the same one throughout a request.

    In templates it is ``csrf_token()``. Tests find the signed token in ``g.csrf_token`` and the
    value under the signature in ``session["csrf_token"]``.

    :param secret_key: signs it. Default ``WTF_CSRF_SECRET_KEY``, else ``SECRET_KEY``.
    :param token_key: its name in session and ``g``. Default ``WTF_CSRF_FIELD_NAME``.
    :raise RuntimeError: there is no key to sign with.
    """
    name: str = setting(token_key, "WTF_CSRF_FIELD_NAME", FIELD_NAME)
    token: str | None = g.get(name)
    if token is None:
        serializer = _serializer(_keys(secret_key))
        value = session.get(name)
        if not isinstance(value, str):
            value = session[name] = secrets.token_hex(20)
        token = serializer.dumps(value)
        setattr(g, name, token)
    return token


def validate_csrf(
    data: str | None,
    secret_key: Key | None = None,
    time_limit: int | None = None,
    token_key: str | None = None,
) -> None:
    """Check a CSRF token against the session.

    :param data: the signed token.
    :param secret_key: as for :func:`generate_csrf`; ``SECRET_KEY_FALLBACKS`` are tried too.
    :param time_limit: for how many seconds it is good. Default ``WTF_CSRF_TIME_LIMIT``, 3600;
        that being None, as long as the session.
    :param token_key: as for :func:`generate_csrf`.
    :raise wtforms.ValidationError: the token is not good; its text tells why.
    """
    keys = _keys(secret_key)
    name: str = setting(token_key, "WTF_CSRF_FIELD_NAME", FIELD_NAME)
    limit: int | None = setting(time_limit, "WTF_CSRF_TIME_LIMIT", TIME_LIMIT)
    if not data:
        raise ValidationError("The CSRF token is missing.")
    expected = session.get(name)
    if not isinstance(expected, str):
        raise ValidationError("The CSRF session token is missing.")
    try:
        token = _serializer(keys).loads(data, max_age=limit)
    except SignatureExpired as error:
        raise ValidationError("The CSRF token has expired.") from error
    except BadData as error:
        raise ValidationError("The CSRF token is invalid.") from error
    if not (isinstance(token, str) and hmac.compare_digest(expected.encode(), token.encode())):
        raise ValidationError("The CSRF tokens do not match.")


def renew_csrf(token_key: str | None = None) -> None:
    """Make all tokens worthless that this session was given so far.

    Call it where a user logs in or out without the session being cleared.

    :param token_key: as for :func:`generate_csrf`.
    """
    name: str = setting(token_key, "WTF_CSRF_FIELD_NAME", FIELD_NAME)
    session.pop(name, None)
    g.pop(name, None)


def csrf_meta_tag(
    name: str | None = None, secret_key: Key | None = None, token_key: str | None = None
) -> Markup:
    """Return the ``<meta>`` tag in which scripts find the CSRF token.

    :param name: of the tag. Default ``WTF_CSRF_META_NAME``, which is ``csrf-token``.
    :param secret_key: as for :func:`generate_csrf`.
    :param token_key: as for :func:`generate_csrf`.
    """
    shown = setting(name, "WTF_CSRF_META_NAME", META_NAME)
    token = generate_csrf(secret_key, token_key)
    return Markup('<meta name="{}" content="{}">').format(shown, token)
