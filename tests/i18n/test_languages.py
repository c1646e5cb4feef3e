"""Which language fits what is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen.i18n._languages import LONGEST_HEADER, Languages, parse_locale

pytestmark = pytest.mark.erlen_only

EUROPE = Languages(["en", "de", "de_CH", "pt_BR", "zh", "zh_TW", "sr_Latn"])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de_CH", "de_CH"),
        ("de-ch", "de_CH"),
        ("pt", "pt_BR"),
        ("pt-PT", "pt_BR"),
        ("zh-CN", "zh"),
        ("zh-TW", "zh_TW"),
        ("zh-HK", "zh_TW"),
        ("zh-Hant", "zh_TW"),
        ("sr-Latn-RS", "sr_Latn"),
        ("fr", None),
        ("xx", None),
        ("", None),
        ("*", None),
        ("../../etc/passwd", None),
        ("de\0", None),
        ("d" * 100, None),
        ("ΔΕ", None),
        (None, None),
        (7, None),
        (["de"], None),
    ],
)
def test_match(wanted: object, found: str | None) -> None:
    assert EUROPE.match(wanted) == found


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr,en;q=0.5,de;q=0.8", "de"),
        ("de;q=0,en;q=0.1", "en"),
        ("fr;q=1.0, *;q=0.5", None),
        ("", None),
        (";;;q=,", None),
        ("de;q=nonsense,en", "en"),
    ],
)
def test_best(header: str, found: str | None) -> None:
    assert EUROPE.best(header) == found


def test_only_the_first_wishes_of_an_endless_header_count() -> None:
    assert EUROPE.best("fr," * 15 + "de") == "de"
    assert EUROPE.best("fr," * 25 + "de") is None
    assert EUROPE.best("en;q=0.5," + "x" * LONGEST_HEADER + ",de") == "en"


@given(st.text() | st.lists(st.sampled_from("de-_;q=0.9,* @.\0zh")).map("".join))
def test_no_text_raises(text: str) -> None:
    assert EUROPE.best(text) in (None, *EUROPE.tags)
    assert EUROPE.match(text) in (None, *EUROPE.tags)
    locale = parse_locale(text)
    assert locale is None or locale.language.isalpha()
