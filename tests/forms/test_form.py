"""A form reads the request that is there."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest
import wtforms
from werkzeug.datastructures import CombinedMultiDict, FileStorage, MultiDict

import erlen.forms
from erlen.forms import (
    BooleanField,
    FieldList,
    FileField,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectMultipleField,
    StringField,
    SubmitField,
)
from erlen.forms.validators import DataRequired, Length

pytestmark = pytest.mark.erlen_only

# The types know choices as WTForms 3.2 had them.
SIZES: Any = ["s", "m", "l"]


class Person(Form):
    name = StringField(validators=[DataRequired()])
    photo = FileField()
    send = SubmitField()


class TestReading:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_a_form(self, unprotected: Any, method: str) -> None:
        with unprotected.test_request_context("/", method=method, data={"name": "Ada"}):
            form = Person()
            assert form.is_submitted()
            assert form.validate_on_submit()
            assert form.name.data == "Ada"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_nothing_is_read_where_nothing_is_submitted(
        self, unprotected: Any, method: str
    ) -> None:
        with unprotected.test_request_context("/?name=Ada", method=method):
            form = Person(name="Bea")
            assert not form.is_submitted()
            assert not form.validate_on_submit()
            assert form.name.data == "Bea"
            assert form.errors == {}

    def test_files_with_the_fields(self, unprotected: Any) -> None:
        data = {"name": "Ada", "photo": (BytesIO(b"..."), "ada.png")}
        with unprotected.test_request_context("/", method="POST", data=data):
            form = Person()
            assert form.validate()
            assert isinstance(form.photo.data, FileStorage)
            assert (form.photo.data.filename, form.name.data) == ("ada.png", "Ada")
            form.photo.data.close()

    def test_a_file_in_the_place_of_text_is_left_out(self, unprotected: Any) -> None:
        class Own(StringField):
            def process_formdata(self, valuelist: Any) -> None:
                self.data = valuelist[0].filename

        class Texts(Form):
            text = StringField(default="none")
            number = IntegerField()
            texts = FieldList(StringField())
            own = Own()

        data = {it: (BytesIO(b"."), "a.txt") for it in ("text", "number", "texts-0", "own")}
        with unprotected.test_request_context("/", method="POST", data=data) as ctx:
            files = ctx.request.files
            for form in (Texts(), Texts(CombinedMultiDict((files, ctx.request.form)))):
                form.validate()
                assert form.data == {
                    "text": "none",
                    "number": None,
                    "texts": [None],
                    "own": "a.txt",
                }
            for file in files.values():
                file.close()

    def test_formdata_of_ones_own(self, unprotected: Any) -> None:
        with unprotected.test_request_context("/?name=Bea", method="POST", data={"name": "Ada"}):
            assert Person(formdata=None).name.data is None
            assert Person(MultiDict({"name": "Cleo"})).name.data == "Cleo"

    def test_a_form_sent_by_get(self, unprotected: Any, flask: Any) -> None:
        with unprotected.test_request_context("/?name=Ada"):
            form = Person(flask.request.args, meta={"csrf": False})
            assert form.validate()
            assert form.name.data == "Ada"

    def test_shown_from_object_mapping_and_keywords(self, unprotected: Any) -> None:
        class Ada:
            name = "Ada"

        with unprotected.test_request_context():
            assert Person(obj=Ada()).name.data == "Ada"
            assert Person(data={"name": "Bea"}).name.data == "Bea"
            assert Person(name="Cleo").name.data == "Cleo"

    def test_prefix(self, unprotected: Any) -> None:
        data = {"a-name": "Ada", "b-name": "Bea"}
        with unprotected.test_request_context("/", method="POST", data=data):
            names = [Person(prefix=prefix).name.data for prefix in "ab"]
        assert names == ["Ada", "Bea"]

    def test_outside_of_an_app(self) -> None:
        form = Person(MultiDict({"name": "Ada"}), meta={"csrf": False})
        assert form.validate()
        assert not form.is_submitted()

    def test_a_box_that_is_not_checked_is_off(self, unprotected: Any) -> None:
        class News(Form):
            wanted = BooleanField(default=True)

        with unprotected.test_request_context("/", method="POST"):
            assert News().wanted.data is False

    def test_the_first_of_repeated_fields_counts(self, unprotected: Any) -> None:
        class Several(Form):
            one = StringField()
            all = SelectMultipleField(choices=SIZES)

        data = MultiDict([("one", "1"), ("one", "2"), ("all", "s"), ("all", "m")])
        with unprotected.test_request_context("/", method="POST", data=data):
            form = Several()
            assert (form.one.data, form.all.data) == ("1", ["s", "m"])


class TestJSON:
    class Order(Form):
        class Address(Form):
            city = StringField(validators=[DataRequired()])

        buyer = StringField(validators=[DataRequired()])
        number = IntegerField()
        gift = BooleanField()
        sizes = SelectMultipleField(choices=SIZES)
        tags = FieldList(StringField())
        address = FormField(Address)

    def post(self, app: Any, json: Any) -> Any:
        with app.test_request_context("/", method="POST", json=json):
            form = self.Order()
            form.validate()
            return form

    def test_an_object(self, unprotected: Any) -> None:
        data = {
            "buyer": "Ada",
            "number": 3,
            "gift": True,
            "sizes": ["s", "l"],
            "tags": ["a", "b"],
            "address": {"city": "Ulm"},
        }
        form = self.post(unprotected, data)
        assert form.errors == {}
        assert form.data == data

    def test_null_is_nothing(self, unprotected: Any) -> None:
        form = self.post(unprotected, {"buyer": None, "number": 1, "address": {"city": "Ulm"}})
        assert form.errors == {"buyer": ["This field is required."]}

    def test_values_are_taken_as_a_form_would_send_them(self, unprotected: Any) -> None:
        form = self.post(
            unprotected,
            {"buyer": 12, "number": 1.5, "gift": False, "address": {"city": True}},
        )
        assert form.errors == {"number": ["Not a valid integer value."]}
        assert (form.buyer.data, form.gift.data, form.address.city.data) == ("12", False, "true")

    def test_half_a_surrogate_pair_can_be_shown_again(self, unprotected: Any) -> None:
        form = self.post(unprotected, {"buyer": "a\ud800b"})
        assert form.buyer.data == "a?b"

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("[1]", "A form is sent as a JSON object; this is an array."),
            ('"a"', "A form is sent as a JSON object; this is a string."),
            ("null", "A form is sent as a JSON object; this is null."),
            ("1", "A form is sent as a JSON object; this is a value."),
            ('{"a":' * 30 + "1" + "}" * 30, "nested too deeply for a form: more than 20."),
            ('{"a":' + "[" * 30 + "]" * 30 + "}", "nested too deeply for a form: more than 20."),
        ],
    )
    def test_no_object(self, unprotected: Any, body: str, message: str) -> None:
        unprotected.add_url_rule("/", "post", lambda: str(self.Order()), methods=["POST"])
        answer = unprotected.test_client().post("/", data=body, content_type="application/json")
        assert answer.status_code == 400
        assert message in answer.text

    @pytest.mark.parametrize("body", ["", "{", '{"a": }', "\xff", "[" * 100_000])
    def test_no_json(self, unprotected: Any, body: str) -> None:
        unprotected.add_url_rule("/", "post", lambda: str(self.Order()), methods=["POST"])
        answer = unprotected.test_client().post("/", data=body, content_type="application/json")
        assert answer.status_code == 400
        assert "Traceback" not in answer.text


class TestHiddenTag:
    class Hiding(Form):
        a = HiddenField(default="1")
        b = HiddenField(default="2")
        c = StringField()

    def test_all_hidden_fields_and_the_token(self, app: Any) -> None:
        with app.test_request_context():
            tag = self.Hiding().hidden_tag()
        assert [line.split('name="')[1].split('"')[0] for line in tag.splitlines()] == [
            "a",
            "b",
            "csrf_token",
        ]

    def test_some(self, unprotected: Any) -> None:
        with unprotected.test_request_context():
            form = self.Hiding()
            assert form.hidden_tag("b", "c", "no such field") == str(form.b)
            assert form.hidden_tag(form.a, form.c) == str(form.a)


class TestOldArguments:
    def test_csrf_enabled_is_refused_with_the_right_way(self, app: Any) -> None:
        with app.test_request_context(), pytest.raises(TypeError) as caught:
            Person(csrf_enabled=False)
        assert "meta={'csrf': False}" in str(caught.value)
        assert str(caught.value).startswith("Person(csrf_enabled=…) has no effect")

    def test_unless_a_field_has_that_name(self, app: Any) -> None:
        class Settings(Form):
            csrf_enabled = BooleanField()

        with app.test_request_context():
            assert Settings(csrf_enabled=True).csrf_enabled.data is True


class TestNested:
    class Outer(Form):
        class Inner(Form):
            city = StringField(validators=[DataRequired()])

        inner = FormField(Inner)
        several = FieldList(FormField(Inner), min_entries=1)

    def test_a_form_inside_has_no_token_of_its_own(self, app: Any) -> None:
        with app.test_request_context():
            form = self.Outer()
            assert "csrf_token" in form
            assert "csrf_token" not in form.inner.form
            assert "csrf_token" not in form.several[0].form

    def test_indices_that_are_none(self, unprotected: Any) -> None:
        class Tags(Form):
            tags = FieldList(StringField(validators=[Length(max=3)]))

        names = ["tags-²", "tags-" + "9" * 5000, "tags--1", "tags-", "tags-x", "tagsx0", "tags-7"]
        data = dict.fromkeys(names, "v")
        with unprotected.test_request_context("/", method="POST", data=data):
            form = Tags()
            assert form.validate()
            assert form.tags.data == ["v"]


class TestChangedLater:
    """What WTForms lets one change on a class, a form or a field counts at once."""

    def test_a_field_added_to_the_class(self, unprotected: Any) -> None:
        class Growing(Form):
            a = StringField()

        with unprotected.test_request_context():
            assert list(Growing()._fields) == ["a"]
            Growing.b = StringField()
            assert list(Growing()._fields) == ["a", "b"]
            del Growing.a
            assert list(Growing()._fields) == ["b"]

    def test_meta(self, unprotected: Any) -> None:
        class Changing(Form):
            a = StringField()

        class Loud(Changing.Meta):  # type: ignore[misc,valid-type]  # WTForms' types: an attribute
            def render_field(self, field: Any, render_kw: Any) -> Any:
                return super().render_field(field, {"class_": "loud", **render_kw})

        with unprotected.test_request_context():
            assert "loud" not in str(Changing().a)
            Changing.Meta = Loud
            assert 'class="loud"' in str(Changing().a)

    def test_widget_label_flags_and_attributes_of_one_form(self, unprotected: Any) -> None:
        with unprotected.test_request_context():
            form, other = Person(), Person()
            form.name.label.text = "Your name"
            form.name.flags.maxlength = 9
            form.name.render_kw = {"class_": "wide"}
            form.name.widget = wtforms.widgets.PasswordInput(hide_value=False)
            form.name.data = "Ada"
            assert form.name.label() == '<label for="name">Your name</label>'
            assert form.name() == (
                '<input class="wide" id="name" maxlength="9" name="name" required'
                ' type="password" value="Ada">'
            )
            assert other.name() == '<input id="name" name="name" required type="text" value="">'


def test_null_characters_are_refused_wherever_they_are(unprotected: Any) -> None:
    class All(TestNested.Outer):
        name = StringField()
        tags = FieldList(StringField())

    data = {"name": "a\0b", "inner-city": "\0", "several-0-city": "c\0", "tags-0": "\0d"}
    with unprotected.test_request_context("/", method="POST", data=data):
        form = All()
        assert not form.validate()
        message = "Null characters are not allowed."
        assert form.errors == {
            "name": [message],
            "tags": [[message]],
            "inner": {"city": [message]},
            "several": [{"city": [message]}],
        }


class TestFace:
    def test_every_field_and_more_of_wtforms(self) -> None:
        numbers = {"Integer", "IntegerRange", "Float", "Decimal", "DecimalRange"}
        ours = {"Form", "FileField", "MultipleFileField", "FieldList"}
        ours |= {f"{number}Field" for number in numbers}
        for name in wtforms.__all__:
            theirs = getattr(wtforms, name)
            mine = getattr(erlen.forms, name)
            if name in ours:
                assert issubclass(mine, theirs)
            elif name == "validators":
                assert mine.DataRequired is theirs.DataRequired
            else:
                assert mine is theirs

    def test_every_validator_of_wtforms(self) -> None:
        for name in wtforms.validators.__all__:
            assert getattr(erlen.forms.validators, name) is getattr(wtforms.validators, name)

    def test_without_wtforms_the_extra_is_named(self) -> None:
        code = "import sys; sys.modules['wtforms'] = None; import erlen.forms"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 1
        assert "pip install 'erlen[forms]'" in done.stderr


def test_submitted_within_an_app_context_of_its_own(app: Any) -> None:
    class Named(Form):
        name = StringField()

    app.config["WTF_CSRF_ENABLED"] = False
    with app.test_request_context("/", method="POST", data={"name": "ada"}), app.app_context():
        form = Named()
        assert form.is_submitted()
        assert form.name.data == "ada"
