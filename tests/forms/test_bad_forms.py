"""Bad input comes back as an error of the form, or as a status: never as a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import escape
from werkzeug.datastructures import MultiDict

import erlen.forms
from erlen.forms import CSRFProtect, FieldList, Form, FormField, StringField
from erlen.forms.validators import (
    URL,
    UUID,
    AnyOf,
    DataRequired,
    Email,
    FileAllowed,
    FileRequired,
    FileSize,
    InputRequired,
    IPAddress,
    Length,
    MacAddress,
    NumberRange,
    Optional,
    Regexp,
)

from .conftest import BROWSER

pytestmark = [
    pytest.mark.erlen_only,
    pytest.mark.filterwarnings("ignore:'DateTimeField' renders:DeprecationWarning"),
]

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"

TEXT: Any = [Length(1, 5), Regexp("a+"), AnyOf(["a"]), MacAddress(), UUID(), URL(), IPAddress()]
NUMBER: Any = [InputRequired(), NumberRange(0, 10)]
FILES: Any = [FileRequired(), FileAllowed(["png"]), FileSize(10)]
CHOICES: Any = {"choices": ["a", "b"]}
#: What each field is made with; those not named take any text.
MADE_WITH: dict[str, dict[str, Any]] = {
    "SelectField": CHOICES,
    "SelectMultipleField": CHOICES,
    "RadioField": CHOICES,
    "IntegerField": {"validators": NUMBER},
    "IntegerRangeField": {"validators": NUMBER},
    "DecimalField": {"validators": NUMBER},
    "DecimalRangeField": {"validators": NUMBER},
    "FloatField": {"validators": NUMBER},
    "FileField": {"validators": FILES},
    "MultipleFileField": {"validators": FILES},
    "EmailField": {"validators": [Email(), Optional()]},
    "TelField": {"validators": [Email(check_deliverability=False), *TEXT]},
    "StringField": {"validators": [DataRequired(), *TEXT]},
}
CONTAINERS = {"Field", "SelectFieldBase", "FormField", "FieldList"}
# They need a provider and its keys, and show random values: test_captcha_*.py has their bad input.
CAPTCHAS = {"CaptchaField", "RecaptchaField"}


class Inner(Form):
    x = StringField(validators=TEXT)


class Everything(Form):
    """A field of each kind that there is."""

    inner = FormField(Inner)
    rows = FieldList(FormField(Inner), max_entries=3)
    texts = FieldList(StringField(validators=TEXT), max_entries=3)


LEFT_OUT = CONTAINERS | CAPTCHAS
KINDS = [name for name in dir(erlen.forms) if name.endswith("Field") and name not in LEFT_OUT]
for kind in KINDS:
    setattr(Everything, kind, getattr(erlen.forms, kind)(**MADE_WITH.get(kind, {})))

NAMES = [*KINDS, "inner-x", "rows-0-x", "rows-1-y", "texts-0", "texts", "rows", "inner", "x-²"]
nasty = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *("", " ", "\0", "\r\n", "%", "%(x)s", "{0}", "<script>", "\u202e", "\ufffe", "é" * 99),
            *(
                "nan",
                "inf",
                "-inf",
                "sNaN",
                "1e999",
                "9" * 400,
                "9" * 5000,
                "1_0",
                "١",
                "-0",
                "0x1",
            ),
            *("0000-00-00", "9999-99-99", "2026-W99", "2026-13", "24:00", "2026-01-01T99:99"),
            *("http://[", "http://a:99999", "//", "a@b", "a@[1.2.3]", "@", "::1%", "1.2.3.4.5"),
            *("aa:bb", "f" * 33, "{" + "0" * 32 + "}", "urn:uuid:", "true", "false", "y", "on"),
        ]
    ),
)


def check(form: Any) -> None:
    """Validate and show a form as a view would, to the encoded page."""
    form.validate()
    page = "".join(f"{field.label}{field}" for field in form) + str(escape(form.errors))
    page.encode()
    assert all(error != "" for error in form.errors.values())


@pytest.fixture(scope="module")
def open_app() -> Any:
    app = erlen.Flask("bad forms")
    app.config["WTF_CSRF_ENABLED"] = False
    return app


slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)


@slow
@given(data=st.lists(st.tuples(st.sampled_from(NAMES), nasty), max_size=30))
def test_any_text_in_any_field(open_app: Any, data: list[tuple[str, str]]) -> None:
    with open_app.test_request_context():
        check(Everything(MultiDict(data)))


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        nasty,
        st.just("\ud800"),
        st.just(10**400),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["x", "0", "1-x", "", "-"]), inner, max_size=3),
    ),
    max_leaves=6,
)


@slow
@given(data=st.dictionaries(st.sampled_from(NAMES), json_values, max_size=15))
def test_any_json_in_any_field(open_app: Any, data: dict[str, Any]) -> None:
    body = json.dumps(data)
    with open_app.test_request_context(
        "/", method="POST", data=body, content_type="application/json"
    ):
        check(Everything())


def test_every_kind_with_the_same_text() -> None:
    """The samples above, each in every field, whatever was drawn."""
    samples = ["nan", "sNaN", "9" * 400, "9" * 5000, "\0", "http://[", "0000-00-00", "1e999", "²"]
    for sample in samples:
        check(Everything(MultiDict(dict.fromkeys(NAMES, sample)), meta={"csrf": False}))


@pytest.fixture
def client(app: Any) -> Any:
    """A client of an app that is protected, and in production."""
    app.config.update(TESTING=False)
    CSRFProtect(app)

    @app.post("/")
    def view() -> Any:
        form = Everything()
        valid = form.validate_on_submit()
        shown = "".join(str(field) for field in form)
        return f"{shown}{escape(form.errors)}", 200 if valid else 422

    return app.test_client()


def post(client: Any, body: bytes, content_type: str, status: int = 422) -> str:
    answer = client.post("/", data=body, content_type=content_type, headers=BROWSER)
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    return str(answer.text)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "", "nonsense", "application/octet-stream", ";;;"],
)
def test_another_media_type_is_an_empty_form(client: Any, content_type: str) -> None:
    page = post(client, b"StringField=sent!", content_type)
    assert "This field is required." in page
    assert "sent!" not in page  # no token has a "!"


def test_another_charset(client: Any) -> None:
    page = post(client, "StringField=ä\udcff".encode("utf-16", "replace"), URLENCODED)
    assert "This field is required." in page


@pytest.mark.parametrize(
    "body", [b"StringField=%ff%fe", b"%FF=%00", b"\xff\xfe=1", b"&&==&=", b"="]
)
def test_bytes_that_are_no_text(client: Any, body: bytes) -> None:
    post(client, body, URLENCODED)


def test_null_characters(client: Any) -> None:
    page = post(client, b"StringField=a%00b&StringField%00=x&%00=%00", URLENCODED)
    assert "Null characters are not allowed." in page


def part(name: str, value: str = "1", filename: str | None = None) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"'
    head += f'; filename="{filename}"' if filename is not None else ""
    return f"--b\r\n{head}\r\n\r\n{value}\r\n".encode()


END = b"--b--\r\n"


def test_ten_thousand_parts(client: Any) -> None:
    post(client, part("StringField") * 10_000 + END, MULTIPART, 413)
    post(client, part("FileField", "", "a.png") * 10_000 + END, MULTIPART, 413)


@pytest.mark.parametrize(
    "body",
    [
        part("FileField") + END,  # text where a file should be
        part("StringField", "x", "a.txt") + END,  # a file where text should be
        part("FileField", "x", "") + END,
        part("FileField", "x", "../../\0etc/passwd.png") + END,
        part("FileField", "x", "a" * 5000 + ".png") + END,
        part("SelectField", "x", "a.png") + part("IntegerField", "x", "b") + END,
        part("texts-0", "x", "a.png") + part("rows-0-x", "x", "b") + END,
        part("MultipleFileField", "x" * 100, "a.png") * 20 + END,
        part("StringField")[:-5],
        b"",
        b"--b",
    ],
    ids=range(11),
)
def test_parts_that_do_not_fit(client: Any, body: bytes) -> None:
    post(client, body, MULTIPART)


def test_a_million_fields(client: Any) -> None:
    """Distinct names are as many fields as in a multipart form: too many."""
    body = b"&".join(b"texts-%d=" % number for number in range(1_000_000))
    assert "at most 1000 are taken" in post(client, body, URLENCODED, 413)
    body = json.dumps({"texts": [0] * 1_000_000}).encode()
    assert "at most 1000 are taken" in post(client, body, "application/json", 413)


def test_a_million_times_the_same_field(client: Any) -> None:
    page = post(client, b"&".join([b"SelectMultipleField=q"] * 1_000_000), URLENCODED)
    assert "&#39;q&#39; is not a valid choice for this field." in page


def test_the_limit_of_fields_is_the_apps(app: Any, client: Any) -> None:
    app.config["MAX_FORM_PARTS"] = 2
    assert "at most 2 are taken" in post(client, b"a=1&b=2&c=3", URLENCODED, 413)
    post(client, b"a=1&b=2&a=3", URLENCODED)
    app.config["MAX_FORM_PARTS"] = None
    post(client, b"&".join(b"n%d=" % number for number in range(2000)), URLENCODED)


def test_a_body_that_is_too_large(app: Any, client: Any) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 100
    post(client, b"StringField=" + b"x" * 100, URLENCODED, 413)
    # The guard has to look for a token here, and may not trip over it.
    answer = client.post("/", data=b"a=" + b"x" * 100, content_type=URLENCODED)
    assert answer.status_code == 413


def test_lists_take_no_more_than_they_should(client: Any) -> None:
    body = b"&".join(b"texts-%d=a" % number for number in range(500))
    assert 'name="texts-2"' in post(client, body, URLENCODED)
    assert 'name="texts-3"' not in post(client, body, URLENCODED)
