"""Dates, times, numbers and currencies as the current locale writes them.

Source: https://babel.pocoo.org/en/latest/dates.html, https://babel.pocoo.org/en/latest/numbers.html
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import update_wrapper

import babel.dates
import babel.numbers
from babel import Locale

from ._current import get_locale, get_timezone, needed

Number: t.TypeAlias = int | float | Decimal | str
Granularity: t.TypeAlias = t.Literal["year", "month", "week", "day", "hour", "minute", "second"]


def _locale() -> Locale:
    needed()
    return t.cast(Locale, get_locale())


def _timezone() -> tzinfo:
    needed()
    return t.cast(tzinfo, get_timezone())


def to_user_timezone(moment: datetime) -> datetime:
    """Return a moment in the user's time zone.

    :param moment: where it has no time zone, it is taken for UTC.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(_timezone())


def to_utc(moment: datetime) -> datetime:
    """Return a moment in UTC, without a time zone, as databases mostly keep it.

    :param moment: where it has no time zone, it is taken for one in the user's.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_timezone())
    return moment.astimezone(UTC).replace(tzinfo=None)


def format_datetime(
    moment: datetime | None = None, format: str | None = None, rebase: bool = True
) -> str:
    """Write a date and a time.

    :param moment: default: now. Where it has no time zone, it is taken for UTC.
    :param format: ``short``, ``medium`` (the default), ``long``, ``full``, or a pattern such as
        ``"d. MMMM y, HH:mm"``.
    :param rebase: whether it is shown in the user's time zone. Default: true.
    """
    moment = datetime.now(UTC) if moment is None else moment
    if not rebase:
        zone = moment.tzinfo or UTC
        return babel.dates.format_datetime(moment, format or "medium", zone, _locale())
    return babel.dates.format_datetime(
        to_user_timezone(moment), format or "medium", _timezone(), _locale()
    )


def format_date(day: date | None = None, format: str | None = None, rebase: bool = True) -> str:
    """Write a date.

    :param day: default: today. Of a ``datetime``, it is the day that it has in the user's time
        zone; a ``date`` is what it is.
    :param format: as for :func:`format_datetime`.
    :param rebase: as for :func:`format_datetime`.
    """
    day = datetime.now(UTC) if day is None else day
    if rebase and isinstance(day, datetime):
        day = to_user_timezone(day)
    return babel.dates.format_date(day, format or "medium", _locale())


def format_time(
    moment: datetime | time | None = None, format: str | None = None, rebase: bool = True
) -> str:
    """Write a time.

    :param moment: default: now. A ``time`` without a date is what it is: which time of another
        zone it would be depends on the day.
    :param format: as for :func:`format_datetime`.
    :param rebase: as for :func:`format_datetime`.
    """
    moment = datetime.now(UTC) if moment is None else moment
    if rebase and isinstance(moment, datetime):
        moment = to_user_timezone(moment)
    zone = moment.tzinfo or UTC
    return babel.dates.format_time(moment, format or "medium", zone, _locale())


def format_timedelta(
    moment: datetime | timedelta,
    granularity: Granularity = "second",
    add_direction: bool = False,
    threshold: float = 0.85,
) -> str:
    """Write a span of time in words: ``3 hours``, ``vor 3 Stunden``.

    :param moment: the span, or a moment: then it is the time since then. A moment without a time
        zone is taken for UTC.
    :param granularity: the smallest unit that is told.
    :param add_direction: whether to tell if it is past or to come.
    :param threshold: from which part of a larger unit on that one is told.
    """
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        delta = moment - datetime.now(UTC)
        moment = delta if add_direction else -delta
    return babel.dates.format_timedelta(
        moment,
        granularity=granularity,
        threshold=threshold,
        add_direction=add_direction,
        locale=_locale(),
    )


def format_number(number: Number) -> str:
    """Write a number with the locale's separators: ``1,234.5``, ``1.234,5``."""
    return format_decimal(number)


def format_decimal(number: Number, format: str | None = None) -> str:
    """Write a decimal number.

    :param number: the number; ``Decimal`` keeps what ``float`` rounds.
    :param format: a pattern such as ``"#,##0.00"``. Default: the locale's, with at most three
        digits behind the point.
    """
    return babel.numbers.format_decimal(number, format, _locale())


def format_currency(
    number: Number,
    currency: str,
    format: str | None = None,
    currency_digits: bool = True,
    format_type: t.Literal["standard", "accounting", "name"] = "standard",
) -> str:
    """Write an amount of money: ``€9.90``, ``9,90 €``.

    :param number: the amount; ``Decimal`` keeps what ``float`` rounds.
    :param currency: its code in ISO 4217, such as ``"EUR"``.
    :param format: a pattern such as ``"#,##0.00 ¤"``.
    :param currency_digits: whether there are as many digits as is usual for the currency.
    :param format_type: ``standard``, ``accounting`` or ``name``.
    """
    return babel.numbers.format_currency(
        number, currency, format, _locale(), currency_digits, format_type
    )


def format_percent(number: Number, format: str | None = None) -> str:
    """Write a share as percents: 0.25 is ``25%`` or ``25 %``.

    :param number: the share; 1 is all.
    :param format: a pattern such as ``"#,##0.0%"``.
    """
    return babel.numbers.format_percent(number, format, _locale())


def format_scientific(number: Number, format: str | None = None) -> str:
    """Write a number with an exponent: ``1.2345E4``.

    :param number: the number.
    :param format: a pattern such as ``"0.##E0"``.
    """
    return babel.numbers.format_scientific(number, format, _locale())


def template_filters() -> dict[str, Callable[..., str]]:
    """Return the formats as filters for templates, by the names that Flask-Babel gave them."""
    functions: dict[str, Callable[..., str]] = {
        "datetimeformat": format_datetime,
        "dateformat": format_date,
        "timeformat": format_time,
        "timedeltaformat": format_timedelta,
        "numberformat": format_number,
        "decimalformat": format_decimal,
        "currencyformat": format_currency,
        "percentformat": format_percent,
        "scientificformat": format_scientific,
    }
    return {name: _as_filter(function) for name, function in functions.items()}


def _as_filter(function: Callable[..., str]) -> Callable[..., str]:
    """Make a filter of a format: Jinja must not work it out once for all when it compiles.

    A filter that takes the context is one that it leaves for each rendering.
    """
    from jinja2 import pass_context  # here, as with templates in the core: it is slow to import

    def filtered(context: object, *args: t.Any, **kwargs: t.Any) -> str:
        return function(*args, **kwargs)

    return pass_context(update_wrapper(filtered, function))
