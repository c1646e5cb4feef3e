"""The language of validators: the browser's, or that of the app's translations."""

from __future__ import annotations

from typing import Any

import pytest

from erlen.forms import Form, StringField
from erlen.forms._translations import languages
from erlen.forms.validators import DataRequired, Length

pytestmark = pytest.mark.erlen_only

GERMAN = "Dieses Feld wird benötigt."
ENGLISH = "This field is required."


class Named(Form):
    name = StringField(validators=[DataRequired(), Length(max=2)])


def message(app: Any, language: str | None, form_class: Any = Named, **data: str) -> str:
    headers = {} if language is None else {"Accept-Language": language}
    with app.test_request_context("/", method="POST", headers=headers, data=data):
        form = form_class()
        form.validate()
        return str(form.name.errors[0])


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("de", GERMAN),
        ("de-AT,de;q=0.9,en;q=0.5", GERMAN),
        ("en-GB,de;q=0.9", ENGLISH),
        ("xx,de;q=0.1", GERMAN),
        ("de;q=0,xx;q=0.5", ENGLISH),
        ("en;q=0.5,de", GERMAN),
        ("xx", ENGLISH),
        ("*", ENGLISH),
        ("", ENGLISH),
        (";;;q=,", ENGLISH),
        ("../../etc", ENGLISH),
        (None, ENGLISH),
    ],
)
def test_the_browsers(unprotected: Any, header: str | None, expected: str) -> None:
    assert message(unprotected, header) == expected


def test_plural_forms(unprotected: Any) -> None:
    assert message(unprotected, "de", name="abc") == "Feld kann nicht länger als 2 Zeichen sein."


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("pt-BR", "pt"),
        ("zh-TW", "zh_TW"),
        ("zh-CN", "zh"),
        ("cs", "cs_CZ"),
        ("de-CH", "de_CH"),
        ("DE", "de"),
    ],
)
def test_regions(header: str, language: str) -> None:
    assert languages().best(header) == language


def test_off(unprotected: Any) -> None:
    unprotected.config["WTF_I18N_ENABLED"] = False
    assert message(unprotected, "de") == ENGLISH


def test_locales_of_the_form(unprotected: Any) -> None:
    class French(Named):
        class Meta:
            locales = ["fr"]

    assert message(unprotected, "de", French) == "Ce champ est requis."


def test_outside_of_a_request(unprotected: Any) -> None:
    with unprotected.app_context():
        form = Named(meta={"csrf": False})
        form.validate()
        assert form.name.errors == [ENGLISH]
