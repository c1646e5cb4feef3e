"""Header values at less cost: dates, and cookies both ways. What is unusual is Werkzeug's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import time

from werkzeug.http import dump_cookie as _dump_cookie
from werkzeug.sansio.http import parse_cookie

_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# The characters that a cookie's value may have unquoted (RFC 6265, section 4.1.1).
_is_plain_value = re.compile(r"[!#-+\--:<-\[\]-~]*").fullmatch
#: The last day that a date can be in, in seconds since 1970.
LAST_SECOND = 253402214400


def format_utc(when: datetime) -> str:
    """Format a time in UTC as HTTP does (RFC 9110, section 5.6.7), whatever the locale."""
    # PERF: strftime needs the locale set aside, and email.utils five calls.
    return (
        f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year:04}"
        f" {when.hour:02}:{when.minute:02}:{when.second:02} GMT"
    )


@lru_cache(maxsize=1024)
def http_date(timestamp: float) -> str:
    """Format a number of seconds since 1970 as HTTP does: ``werkzeug.http.http_date``'s answer.

    PERF: the same seconds come again: now, and when a file was changed.
    """
    return format_utc(datetime.fromtimestamp(timestamp, UTC))


@lru_cache(maxsize=128)
def _domain_attribute(domain: str | None) -> str:
    return _dump_cookie("", domain=domain, path=None, max_size=0)[1:]


@lru_cache(maxsize=128, typed=True)
def _flag_attributes(
    secure: bool, httponly: bool, path: str | None, samesite: str | None, partitioned: bool
) -> str:
    return _dump_cookie(
        "",
        path=path,
        max_size=0,
        secure=secure,
        httponly=httponly,
        samesite=samesite,
        partitioned=partitioned,
    )[1:]


def _lifetime(max_age: timedelta | int | None, expires: str | datetime | float | None) -> str:
    """Write how long a cookie lives.

    :raises TypeError: for an unusual type.
    :raises ValueError: for a time that is too far away.
    """
    text = ""
    if max_age is not None:
        if type(max_age) is not int:
            raise TypeError
        text = f"; Max-Age={max_age}"
        if expires is None:
            now = int(time())
            if not -now <= max_age <= LAST_SECOND - now:
                raise ValueError
            expires = now + max_age
    if type(expires) is int:
        expires = http_date(expires)
    elif type(expires) is datetime and expires.tzinfo is UTC:
        expires = format_utc(expires)
    elif type(expires) is not str:
        raise TypeError
    return f"; Expires={expires}{text}"


def dump_cookie(
    key: str,
    value: str,
    max_age: timedelta | int | None,
    expires: str | datetime | float | None,
    path: str | None,
    domain: str | None,
    secure: bool,
    httponly: bool,
    max_size: int,
    samesite: str | None,
    partitioned: bool,
) -> str:
    """Write the value of a ``Set-Cookie`` header (RFC 6265): ``werkzeug.http.dump_cookie``'s.

    PERF: Werkzeug writes the path, the domain and the date anew each time (some 8 of 10 µs).
    """
    if type(key) is str and type(value) is str and key.isascii() and _is_plain_value(value):
        try:
            forever = max_age is None and expires is None
            life = "" if forever else _lifetime(max_age, expires)
            flags = _flag_attributes(secure, httponly, path, samesite, partitioned)
            cookie = f"{key}={value}{_domain_attribute(domain)}{life}{flags}"
        except (ArithmeticError, AttributeError, OSError, TypeError, ValueError):
            pass  # unusual, or wrong: Werkzeug tells what
        else:
            if not max_size or len(cookie) <= max_size:
                return cookie
    return _dump_cookie(
        key,
        value,
        max_age=max_age,
        expires=expires,
        path=path,
        domain=domain,
        secure=secure,
        httponly=httponly,
        max_size=max_size,
        samesite=samesite,
        partitioned=partitioned,
    )


def read_cookie(header: str, name: str) -> str | None:
    """Read one cookie of a ``Cookie`` header: ``parse_cookie(header).get(name)``.

    PERF: no other is parsed (some 3 µs for the first, 1 for each more).
    """
    if not name or '"' in header or " " in name or "\t" in name:
        value: str | None = parse_cookie(header).get(name)
        return value
    for pair in header.split(";"):
        if name in pair:
            key, _, value = pair.partition("=")
            if key.strip(" \t") == name:
                value = value.strip(" \t")
                # Werkzeug skips a pair that has a space inside.
                if " " not in value and "\t" not in value:
                    return value
    return None
