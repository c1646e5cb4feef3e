"""What each validator says of bad input, to the end of the road: in the page."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage

from erlen.forms import (
    DateField,
    FileField,
    Form,
    IntegerField,
    MultipleFileField,
    StringField,
    validators,
)
from erlen.forms.validators import (
    URL,
    UUID,
    AnyOf,
    DataRequired,
    DateRange,
    Disabled,
    Email,
    EqualTo,
    FileAllowed,
    FileRequired,
    FileSize,
    InputRequired,
    IPAddress,
    Length,
    MacAddress,
    NoneOf,
    NumberRange,
    Optional,
    ReadOnly,
    Regexp,
    StopValidation,
    ValidationError,
)

pytestmark = pytest.mark.erlen_only

REQUIRED = "This field is required."
#: A field, what is sent, and the words that come back.
SAID: list[tuple[Any, Any, str]] = [
    (StringField(validators=[DataRequired()]), " ", REQUIRED),
    (StringField(validators=[InputRequired()]), "", REQUIRED),
    (StringField(validators=[Email()]), "a@", "Invalid email address."),
    (StringField(validators=[EqualTo("other")]), "b", "Field must be equal to other."),
    (StringField(validators=[EqualTo("none")]), "b", "Invalid field name 'none'."),
    (StringField(validators=[IPAddress()]), "1.2.3", "Invalid IP address."),
    (StringField(validators=[Length(min=2)]), "a", "Field must be at least 2 characters long."),
    (StringField(validators=[Length(max=2)]), "abc", "Field cannot be longer than 2 characters."),
    (StringField(validators=[Length(2, 2)]), "a", "Field must be exactly 2 characters long."),
    (
        StringField(validators=[Length(2, 3)]),
        "a",
        "Field must be between 2 and 3 characters long.",
    ),
    (IntegerField(validators=[NumberRange(1)]), "0", "Number must be at least 1."),
    (IntegerField(validators=[NumberRange(max=1)]), "2", "Number must be at most 1."),
    (IntegerField(validators=[NumberRange(1, 2)]), "3", "Number must be between 1 and 2."),
    (
        DateField(validators=[DateRange(min=date(2026, 1, 1))]),
        "2025-01-01",
        "Date must be at least 2026-01-01 00:00:00.",
    ),
    (StringField(validators=[Regexp("^a$")]), "b", "Invalid input."),
    (StringField(validators=[URL()]), "x", "Invalid URL."),
    (StringField(validators=[UUID()]), "x", "Invalid UUID."),
    (StringField(validators=[MacAddress()]), "x", "Invalid Mac address."),
    (StringField(validators=[AnyOf(["a", "b"])]), "c", "Invalid value, must be one of: a, b."),
    (StringField(validators=[NoneOf(["a", "b"])]), "a", "Invalid value, can't be any of: a, b."),
    (StringField(validators=[ReadOnly()]), "changed", "This field cannot be edited."),
    (
        StringField(validators=[Disabled()]),
        "sent",
        "This field is disabled and cannot have a value.",
    ),
]


@pytest.mark.parametrize(("field", "sent", "words"), SAID)
def test_what_is_said(unprotected: Any, field: Any, sent: str, words: str) -> None:
    class Asking(Form):
        asked = field
        other = StringField()

    data = {"asked": sent, "other": "a"}
    with unprotected.test_request_context("/", method="POST", data=data):
        form = Asking()
        assert not form.validate()
        assert form.errors == {"asked": [words]}


def test_every_validator_has_been_asked() -> None:
    classes = {getattr(validators, name) for name in dir(validators) if name[0].isupper()}
    asked = {type(rule) for field, _, _ in SAID for rule in field.kwargs["validators"]}
    elsewhere = {ValidationError, StopValidation, Optional, FileRequired, FileAllowed, FileSize}
    assert classes - asked == elsewhere


def test_optional_says_nothing(unprotected: Any) -> None:
    class Asking(Form):
        asked = IntegerField(validators=[Optional(), NumberRange(1)])

    with unprotected.test_request_context("/", method="POST", data={"asked": ""}):
        assert Asking().validate()


def upload(name: str = "a.png", content: bytes = b"....") -> tuple[BytesIO, str]:
    return BytesIO(content), name


class TestFiles:
    def errors(self, app: Any, rule: Any, files: Any, made: Any = FileField) -> list[str]:
        class Uploading(Form):
            asked = made(validators=[rule])

        with app.test_request_context("/", method="POST", data={"asked": files, "x": "y"}):
            form = Uploading()
            form.validate()
            for file in form.asked.data if isinstance(form.asked.data, list) else ():
                file.close()
            return list(form.asked.errors)

    @pytest.mark.parametrize("made", [FileField, MultipleFileField])
    def test_required(self, unprotected: Any, made: Any) -> None:
        nothings: list[Any] = [[], "text", upload("")]
        for nothing in nothings:
            assert self.errors(unprotected, FileRequired(), nothing, made) == [REQUIRED]
        assert self.errors(unprotected, FileRequired(), upload(), made) == []
        assert self.errors(unprotected, FileRequired("Choose!"), [], made) == ["Choose!"]

    @pytest.mark.parametrize("made", [FileField, MultipleFileField])
    def test_allowed(self, unprotected: Any, made: Any) -> None:
        rule = FileAllowed(["png", "JPG"])
        for name in ("a.png", "a.PNG", "a.b.jpg", "ä.Jpg"):
            assert self.errors(unprotected, rule, upload(name), made) == []
        for name in ("a.exe", "png", "a.png.exe", "a.png "):
            assert self.errors(unprotected, rule, upload(name), made) == [
                "File does not have an approved extension: png, JPG"
            ]
        assert self.errors(unprotected, rule, [], made) == []
        assert self.errors(unprotected, FileAllowed(["a"], "No."), upload(), made) == ["No."]

    def test_allowed_by_a_set(self, unprotected: Any) -> None:
        class Images:
            def file_allowed(self, storage: FileStorage, basename: str) -> bool:
                assert storage.filename is not None
                return basename == storage.filename.lower() and basename.endswith(".png")

        rule = FileAllowed(Images())
        assert self.errors(unprotected, rule, upload("A.PNG")) == []
        assert self.errors(unprotected, rule, upload("a.exe")) == [
            "File does not have an approved extension."
        ]

    def test_allowed_tells_the_browser(self, unprotected: Any) -> None:
        class Uploading(Form):
            image = FileField(validators=[FileRequired(), FileAllowed(["png", "jpg"])])

        with unprotected.test_request_context():
            assert str(Uploading().image) == (
                '<input accept=".png,.jpg" id="image" name="image" required type="file">'
            )

    def test_allowed_takes_a_list(self) -> None:
        with pytest.raises(TypeError, match=r"FileAllowed\(\['png'\]\)"):
            FileAllowed("png")

    def test_size(self, unprotected: Any) -> None:
        rule = FileSize(max_size=5, min_size=2)
        for size, fits in [(1, False), (2, True), (5, True), (6, False)]:
            errors = self.errors(unprotected, rule, upload(content=b"x" * size))
            assert errors == ([] if fits else ["File must be between 2 and 5 bytes."])
        assert self.errors(unprotected, FileSize(1, message="Big."), upload()) == ["Big."]

    def test_size_of_what_is_too_large_for_memory(self, unprotected: Any) -> None:
        class Uploading(Form):
            file = FileField(validators=[FileSize(600_000)])

        unprotected.add_url_rule("/", "v", lambda: str(Uploading().validate()), methods=["POST"])
        for size, valid in [(600_000, "True"), (600_001, "False")]:
            head = b'Content-Disposition: form-data; name="file"; filename="a"'
            body = b"--b\r\n" + head + b"\r\n\r\n" + b"x" * size + b"\r\n--b--\r\n"
            content_type = "multipart/form-data; boundary=b"
            answer = unprotected.test_client().post("/", data=body, content_type=content_type)
            assert answer.text == valid

    def test_size_leaves_the_file_where_it_was(self, unprotected: Any) -> None:
        class Uploading(Form):
            file = FileField(validators=[FileSize(10)])

        data = {"file": upload(content=b"content")}
        with unprotected.test_request_context("/", method="POST", data=data):
            form = Uploading()
            assert form.file.data.read(3) == b"con"
            assert form.validate()
            assert form.file.data.read() == b"tent"

    def test_size_of_what_cannot_seek(self, unprotected: Any) -> None:
        class Pipe(BytesIO):
            def seekable(self) -> bool:
                return False

        class Uploading(Form):
            file = FileField(validators=[FileSize(10)])

        with unprotected.test_request_context():
            form = Uploading(file=FileStorage(Pipe(b"x"), "a.png"))
            with pytest.raises(TypeError, match="but Pipe cannot seek"):
                form.validate()

    def test_several_of_which_one_is_wrong(self, unprotected: Any) -> None:
        files = [upload(), upload("b.exe")]
        errors = self.errors(unprotected, FileAllowed(["png"]), files, MultipleFileField)
        assert errors == ["File does not have an approved extension: png"]
