"""Dates, times, numbers and currencies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from erlen import i18n
from erlen.i18n import Translations

pytestmark = pytest.mark.erlen_only

# In Berlin it is the next day already.
NIGHT = dt.datetime(2026, 7, 1, 22, 30)
NIGHT_THERE = dt.datetime(2026, 7, 1, 22, 30, tzinfo=dt.timezone(dt.timedelta(hours=-2)))


@pytest.fixture
def berlin(app: Any) -> Iterator[Any]:
    app.config.update(BABEL_DEFAULT_LOCALE="de", BABEL_DEFAULT_TIMEZONE="Europe/Berlin")
    Translations(app)
    with app.app_context():
        yield app


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: i18n.format_datetime(NIGHT), "02.07.2026, 00:30:00"),
        (lambda: i18n.format_datetime(NIGHT, "short"), "02.07.26, 00:30"),
        (lambda: i18n.format_datetime(NIGHT, "d. MMMM y, HH:mm z"), "2. Juli 2026, 00:30 MESZ"),
        (lambda: i18n.format_datetime(NIGHT_THERE, "short"), "02.07.26, 02:30"),
        (lambda: i18n.format_datetime(NIGHT, "short", rebase=False), "01.07.26, 22:30"),
        (lambda: i18n.format_datetime(NIGHT_THERE, "short", rebase=False), "01.07.26, 22:30"),
        (lambda: i18n.format_date(NIGHT), "02.07.2026"),
        (lambda: i18n.format_date(NIGHT, "long", rebase=False), "1. Juli 2026"),
        (lambda: i18n.format_date(dt.date(2026, 7, 1), "full"), "Mittwoch, 1. Juli 2026"),
        (lambda: i18n.format_time(NIGHT, "short"), "00:30"),
        (lambda: i18n.format_time(NIGHT, "short", rebase=False), "22:30"),
        (lambda: i18n.format_time(dt.time(9, 5)), "09:05:00"),
        (lambda: i18n.format_timedelta(dt.timedelta(hours=3)), "3 Stunden"),
        (
            lambda: i18n.format_timedelta(dt.timedelta(days=-3), add_direction=True),
            "vor 3 Tagen",
        ),
        (lambda: i18n.format_timedelta(dt.timedelta(hours=3), "day"), "1 Tag"),
        (lambda: i18n.format_number(1234567.5), "1.234.567,5"),
        (lambda: i18n.format_decimal(Decimal("0.125"), "0.00"), "0,12"),
        (lambda: i18n.format_currency(Decimal("1234.5"), "EUR"), "1.234,50\xa0€"),
        (lambda: i18n.format_currency(1234.5, "JPY"), "1.234\xa0¥"),
        (lambda: i18n.format_currency(2, "USD", format_type="name"), "2,00 US-Dollar"),
        (lambda: i18n.format_percent(0.255), "26\xa0%"),
        (lambda: i18n.format_percent(0.255, "0.0 %"), "25,5 %"),
        (lambda: i18n.format_scientific(12345), "1,2345E4"),
    ],
)
def test_german(berlin: Any, make: Callable[[], str], text: str) -> None:
    assert make() == text


def test_english(app: Any) -> None:
    Translations(app)
    with app.app_context():
        assert i18n.format_currency(9.9, "EUR") == "€9.90"
        assert i18n.format_number(1234.5) == "1,234.5"
        assert i18n.format_date(dt.date(2026, 7, 1), "long") == "July 1, 2026"


def test_now(berlin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Clock:
            return cls(2026, 7, 1, 22, 30, tzinfo=dt.UTC)

    monkeypatch.setattr(i18n.formats, "datetime", Clock)
    assert i18n.format_datetime(format="short") == "02.07.26, 00:30"
    assert i18n.format_date() == "02.07.2026"
    assert i18n.format_time() == "00:30:00"
    noon = Clock(2026, 7, 1, 12, 30)
    assert i18n.format_timedelta(noon) == "10 Stunden"
    assert i18n.format_timedelta(noon, add_direction=True) == "vor 10 Stunden"
    to_come = Clock(2026, 7, 2, 22, 30, tzinfo=dt.UTC)
    assert i18n.format_timedelta(to_come, add_direction=True) == "in 1 Tag"


def test_there_and_back(berlin: Any) -> None:
    there = i18n.to_user_timezone(NIGHT)
    assert (there.hour, there.utcoffset()) == (0, dt.timedelta(hours=2))
    assert i18n.to_utc(there) == NIGHT
    assert i18n.to_utc(dt.datetime(2026, 1, 1, 12)) == dt.datetime(2026, 1, 1, 11)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ night | datetimeformat('short') }}", "02.07.26, 00:30"),
        ("{{ night | dateformat }}", "02.07.2026"),
        ("{{ night | timeformat(format='short') }}", "00:30"),
        ("{{ span | timedeltaformat }}", "3 Stunden"),
        ("{{ 1234.5 | numberformat }}", "1.234,5"),
        ("{{ 1234.5 | decimalformat('0.00') }}", "1234,50"),
        ("{{ 9.9 | currencyformat('EUR') }}", "9,90\xa0€"),
        ("{{ 0.25 | percentformat }}", "25\xa0%"),
        ("{{ 12345 | scientificformat }}", "1,2345E4"),
    ],
)
def test_filters(berlin: Any, flask: Any, source: str, text: str) -> None:
    values = {"night": NIGHT, "span": dt.timedelta(hours=3)}
    assert flask.render_template_string(source, **values) == text


def test_they_need_the_extension(app: Any) -> None:
    with app.app_context(), pytest.raises(RuntimeError, match="There is no locale: this needs"):
        i18n.format_number(1)
    with pytest.raises(RuntimeError, match="There is no locale: this needs"):
        i18n.to_user_timezone(NIGHT)
