"""Cookies and dates, held against Werkzeug's own functions."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import werkzeug.http
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.sansio.http import parse_cookie
from werkzeug.wrappers import Response as BaseResponse

from erlen import Response, _http

NOW = 1_700_000_000.75


class AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class Clock(datetime, metaclass=AnyDatetime):
    """`datetime` for Werkzeug, with a `now` that stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]  # a plain datetime will do
        return datetime.fromtimestamp(NOW, tz)


@pytest.fixture(autouse=True, scope="module")
def still() -> Any:
    """A clock that stands still, for erlen and for Werkzeug."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_http, "time", lambda: NOW)
        patch.setattr(werkzeug.http, "datetime", Clock)
        yield


def outcome(call: Any, *args: Any, **kwargs: Any) -> Any:
    """What a call returns and warns of, or what it raises."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(*args, **kwargs)
        except Exception as e:
            return type(e), str(e)
    return result, [(w.category, str(w.message)) for w in caught]


seconds = st.one_of(
    st.integers(-(10**11), 3 * 10**11), st.floats(), st.integers(), st.floats(-1e9, 4e9)
)


@given(seconds)
@example(0)
@example(1.9999996)  # rounded to the microsecond, this is the next second
@example(253402300799)
@example(253402300800)
@example(-62135596801)
@example(float("nan"))
def test_http_date_is_werkzeugs(timestamp: float) -> None:
    assert outcome(_http.http_date, timestamp) == outcome(werkzeug.http.http_date, timestamp)


@given(st.datetimes(timezones=st.just(UTC)))
def test_format_utc_is_werkzeugs(when: datetime) -> None:
    assert _http.format_utc(when) == werkzeug.http.http_date(when)


octets = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
ages = st.one_of(
    st.none(),
    st.integers(-10, 10**6),
    st.integers(),
    st.booleans(),
    st.timedeltas(timedelta(-5), timedelta(5)),
    st.floats(0, 100),
)
ends = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.integers(0, 2**33),
    st.integers(),
    st.booleans(),
    st.floats(0, 1e9),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(datetime(2000, 1, 1), timezones=st.just(timezone(timedelta(hours=2)))),
)
cookie_arguments = st.fixed_dictionaries(
    {"key": st.one_of(octets, st.text(max_size=6)), "value": st.one_of(octets, st.text())},
    optional={
        "max_age": ages,
        "expires": ends,
        "path": st.one_of(st.none(), st.sampled_from(["/", "", "/a b", "/ä;"]), st.text()),
        "domain": st.one_of(
            st.none(), st.sampled_from(["", "a.b", ".example.com", "ä.de:80"]), st.text(max_size=5)
        ),
        "secure": st.sampled_from([True, False, 1, 0, None, "yes"]),
        "httponly": st.sampled_from([True, False, 1, 0, None, []]),
        "samesite": st.sampled_from([None, "lax", "Lax", "STRICT", "none", "", "any"]),
        "partitioned": st.booleans(),
    },
)


def cookies_of(cls: Any, arguments: dict[str, Any], size: int) -> Any:
    """What set_cookie puts on a response."""

    class Sized(cls):
        max_cookie_size = size

    response = Sized("body")
    response.set_cookie(**arguments)
    return response.headers.getlist("Set-Cookie")


@given(cookie_arguments, st.sampled_from([4093, 0, 30]))
@example({"key": "a\n", "value": ""}, 4093)
@example({"key": "a", "value": "", "expires": "x\r\ny"}, 4093)
@example({"key": "a", "value": "v", "max_age": 10**12}, 4093)
@example({"key": "a", "value": "v", "max_age": -(10**12)}, 4093)
@example({"key": "a", "value": "v", "path": "/" + "p" * 5000}, 4093)
def test_set_cookie_is_werkzeugs(arguments: dict[str, Any], size: int) -> None:
    assert outcome(cookies_of, Response, arguments, size) == outcome(
        cookies_of, BaseResponse, arguments, size
    )


def test_flags_that_are_equal_but_not_the_same() -> None:
    texts = []
    for flag in (True, 1, 1.0):
        response = Response("body")
        response.set_cookie("key", secure=flag)  # type: ignore[arg-type]  # meant to be odd
        texts.append(response.headers["Set-Cookie"])
    assert texts == ["key=; Secure; Path=/", "key=; Secure=1; Path=/", "key=; Secure=1.0; Path=/"]


def test_delete_cookie_is_werkzeugs() -> None:
    for cls in (Response, BaseResponse):
        response = cls("body")
        response.delete_cookie("key", path="/app", secure=True, samesite="Lax")
        assert response.headers.getlist("Set-Cookie") == [
            "key=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; Path=/app;"
            " SameSite=Lax"
        ]


def test_cookies_keep_their_order_among_the_headers() -> None:
    response = Response("body")
    response.set_cookie("first", "1")
    response.headers["X-Between"] = "yes"
    response.set_cookie("second", "2")
    assert response.headers.to_wsgi_list()[2:] == [
        ("Set-Cookie", "first=1; Path=/"),
        ("X-Between", "yes"),
        ("Set-Cookie", "second=2; Path=/"),
    ]


cookie_header = st.one_of(
    st.text('ab=; \t"\\\n,\xe4', max_size=30),
    st.lists(st.tuples(st.sampled_from(["a", "b", " a", "ab"]), octets)).map(
        lambda pairs: "; ".join("=".join(pair) for pair in pairs)
    ),
)


@given(cookie_header, st.sampled_from(["a", "b", "ab", "", "a b", "a=", ";", '"', "\n"]))
@example("a", "a")
@example("a b=1; a=2 3; a = 4", "a")
@example('b="a=1; a=2"; a=3', "a")
@example("=1;;", "")
def test_read_cookie_is_werkzeugs(header: str, name: str) -> None:
    assert _http.read_cookie(header, name) == parse_cookie(header).get(name)
