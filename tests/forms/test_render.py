"""What forms look like: as from WTForms, by the macros, and as a part of a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import wtforms
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import widgets
from wtforms.widgets import html_params

from erlen import render_block
from erlen.forms import (
    BooleanField,
    ButtonField,
    ColorField,
    DataList,
    DateField,
    DecimalField,
    FieldList,
    FileField,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    IntegerRangeField,
    MultipleFileField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
    TextAreaField,
    add_macros,
)
from erlen.forms._render import attributes
from erlen.forms.validators import DataRequired, Length, NumberRange

from .conftest import BROWSER

pytestmark = pytest.mark.erlen_only

# The types know choices as WTForms 3.2 had them, and no data lists.
AB: Any = ["a", "b<"]
XY: Any = ["x", "y"]
RICH: Any = [SelectChoice("a", "A", {"data-x": "<"})]
LISTED: Any = {"datalist": DataList(["green"])}

nasty = st.text(alphabet="a\"'<>& é\n/=", max_size=6)
values = st.one_of(
    st.booleans(), st.none(), st.integers(), nasty, nasty.map(Markup), st.lists(nasty, max_size=2)
)
names = st.one_of(
    st.sampled_from(["class_", "data_a_b", "aria_x_", "for__", "_", "onclick", 'a"b', "<"]), nasty
)


class TestAsFromWTForms:
    """The quick way, compared with WTForms' own."""

    @settings(deadline=None)
    @given(st.dictionaries(names, values, max_size=5))
    def test_attributes(self, given_attributes: dict[str, Any]) -> None:
        assert attributes(**given_attributes) == html_params(**given_attributes)

    FIELDS: Any = {
        "string": StringField("La<bel>", [DataRequired(), Length(2, 9)], render_kw={"class_": "x"}),
        "text": TextAreaField(validators=[Length(max=9)], render_kw={"rows": 3}),
        "secret": PasswordField(),
        "shown": StringField(widget=widgets.PasswordInput(hide_value=False)),
        "number": IntegerField(validators=[NumberRange(1, 3)]),
        "decimal": DecimalField(),
        "slider": IntegerRangeField(widget=widgets.RangeInput(step=5)),
        "date": DateField(format="%d.%m.%Y"),
        "box": BooleanField(),
        "file": FileField(),
        "files": MultipleFileField(),
        "one": SelectField(choices={"a": "A<", "G": {"b": "B", "c": 'C"'}}),
        "many": SelectMultipleField(choices=AB),
        "radio": RadioField(choices=AB),
        "yes": SelectField(choices=RICH),
        "hidden": HiddenField(default='"'),
        "go": SubmitField("Go <on>"),
        "button": ButtonField(),
        "colour": ColorField(),
        "listed": StringField(**LISTED),
        "rows": FieldList(StringField(), min_entries=2),
    }

    @settings(deadline=None)
    @given(nasty, st.dictionaries(st.sampled_from(["class_", "id", "value", "required"]), values))
    def test_fields_and_labels(self, sent: str, more: dict[str, Any]) -> None:
        class Plain(wtforms.Form):
            pass

        class Quick(Form):
            pass

        for name, field in self.FIELDS.items():
            setattr(Plain, name, field)
            setattr(Quick, name, field)
        data = MultiDict({"rows-0": sent, **dict.fromkeys(self.FIELDS, sent)})
        plain, quick = Plain(data), Quick(data, meta={"csrf": False})
        for name in self.FIELDS:
            assert quick[name](**more) == plain[name](**more)
            assert str(quick[name].label) == str(plain[name].label)
            assert quick[name].label("T<", for_="z", class_="y") == plain[name].label(
                "T<", for_="z", class_="y"
            )

    def test_a_widget_of_ones_own(self) -> None:
        class Shout(widgets.TextInput):
            def __call__(self, field: Any, **kwargs: Any) -> Markup:
                return super().__call__(field, **kwargs).replace("name=", "NAME=")

        class Odd(widgets.TextInput):
            html_params = staticmethod(lambda **kwargs: "odd")

        class Area(widgets.TextArea):
            def __call__(self, field: Any, **kwargs: Any) -> Markup:
                return Markup("area")

        class Own(Form):
            a = StringField(widget=Shout())
            b = StringField(widget=Odd())
            c = StringField(widget=Area())
            d = StringField(widget=lambda field, **kwargs: Markup("function"))

        form = Own(None, meta={"csrf": False})
        assert [str(field) for field in form] == [
            '<input id="a" NAME="a" type="text" value="">',
            "<input odd>",
            "area",
            "function",
        ]


class Address(Form):
    city = StringField(validators=[DataRequired()])
    proof = FileField()


class Everything(Form):
    secret = HiddenField()
    name = StringField("Name", [DataRequired()], description="As <you> like")
    about = TextAreaField()
    agree = BooleanField(validators=[DataRequired()])
    colour = RadioField(choices=AB, description="Pick one")
    several = SelectMultipleField(
        choices=XY,
        widget=widgets.ListWidget(prefix_label=False),
        option_widget=widgets.CheckboxInput(),
    )
    size = SelectField(choices=AB)
    level = IntegerRangeField()
    tint = ColorField()
    tea = StringField(**LISTED)
    address = FormField(Address)
    tags = FieldList(StringField(validators=[Length(min=2)]), min_entries=1)

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        self.form_errors.append("Not on <Sundays>.")
        return valid


TEMPLATE = (
    "{% from 'erlen/forms/LOOK.html' import render_form %}{{ render_form(form, '/to', id='f') }}"
)


def post(app: Any, flask: Any, look: str, **options: Any) -> str:
    data = {"tags-0": "t", "about": "<b>", **options.pop("data", {})}
    with app.test_request_context("/", method="POST", data=data, **options):
        form = Everything()
        form.validate()
        return str(flask.render_template_string(TEMPLATE.replace("LOOK", look), form=form))


class TestMacros:
    @pytest.fixture(autouse=True)
    def macros(self, app: Any) -> None:
        add_macros(app)
        add_macros(app)  # a second time, as CSRFProtect may

    def test_plain(self, app: Any, flask: Any) -> None:
        page = post(app, flask, "plain", headers=BROWSER)
        for part in [
            '<form method="post" enctype="multipart/form-data" action="/to" id="f">',
            '<input id="csrf_token" name="csrf_token" type="hidden"',
            '<p class="errors" role="alert">Not on &lt;Sundays&gt;.</p>',
            '<label for="name">Name</label> <input aria-describedby="name-help name-errors"'
            ' aria-invalid="true" id="name" name="name" required type="text" value="">'
            ' <small class="help" id="name-help">As &lt;you&gt; like</small></p>'
            '<ul class="errors" id="name-errors"><li>This field is required.</li></ul>',
            '<textarea id="about" name="about">\r\n&lt;b&gt;</textarea>',
            '<fieldset class="field" id="colour" aria-describedby="colour-help colour-errors">'
            "<legend>Colour</legend>\n"
            '<label><input id="colour-0" name="colour" type="radio" value="a"> a</label>',
            '<label><input id="several-0" name="several" type="checkbox" value="x"> x</label>',
            '<input id="tea" list="tea-datalist" name="tea" type="text" value="">'
            '<datalist id="tea-datalist"><option value="green"></datalist>',
            '<fieldset class="field" id="address"><legend>Address</legend>',
            '<ul class="errors" id="address-city-errors"><li>This field is required.</li></ul>',
            '<ul class="errors" id="tags-0-errors"><li>Field must be at least 2 characters long.'
            "</li></ul>",
            '<button type="submit">Send</button>',
        ]:
            assert part in page
        assert page.count("Field must be at least") == 1

    def test_bootstrap(self, app: Any, flask: Any) -> None:
        page = post(app, flask, "bootstrap5", headers=BROWSER)
        for part in [
            '<div class="alert alert-danger" role="alert">Not on &lt;Sundays&gt;.</div>',
            'aria-invalid="true" class="form-control is-invalid" id="name"',
            '<div class="form-text" id="name-help">As &lt;you&gt; like</div>'
            '<div class="invalid-feedback d-block" id="name-errors">'
            "<div>This field is required.</div></div>",
            '<textarea class="form-control" id="about"',
            '<div class="mb-3 form-check"><input aria-describedby="agree-errors"',
            '<label class="form-check-label" for="agree">',
            'class="form-check-input is-invalid" id="colour-0"',
            'class="form-check-input" id="several-0"',
            'class="form-select is-invalid" id="size"',
            'class="form-range" id="level"',
            'class="form-control form-control-color" id="tint"',
            '<button type="submit" class="btn btn-primary">Send</button>',
        ]:
            assert part in page

    @pytest.mark.parametrize("look", ["plain", "bootstrap5"])
    def test_a_forged_form_says_so(self, app: Any, flask: Any, look: str) -> None:
        page = post(app, flask, look, headers={"Sec-Fetch-Site": "cross-site"})
        assert 'role="alert">The request came from another site.<' in page

    @pytest.mark.parametrize("look", ["plain", "bootstrap5"])
    def test_each_id_is_there_once_and_each_reference_leads_to_one(
        self, app: Any, flask: Any, look: str
    ) -> None:
        page = post(app, flask, look, headers=BROWSER)
        ids = re.findall(r' id="([^"]+)"', page)
        assert sorted(ids) == sorted(set(ids))
        for kind in ("for", "aria-describedby", "list"):
            found = [id for ids in re.findall(rf' {kind}="([^"]+)"', page) for id in ids.split()]
            assert found and set(found) <= set(ids)

    def test_buttons_and_attributes(self, app: Any, flask: Any) -> None:
        class Going(Form):
            name = StringField()
            go = SubmitField("Go")
            other = ButtonField("Other")

        source = (
            "{% from 'erlen/forms/LOOK.html' import render_form, render_field %}"
            "{{ render_form(form, method='get', hx_get='/x') }}"
            "{{ render_field(form.name, class_='wide', placeholder='<') }}"
        )
        with app.test_request_context():
            plain = flask.render_template_string(source.replace("LOOK", "plain"), form=Going())
            boot = flask.render_template_string(source.replace("LOOK", "bootstrap5"), form=Going())
        assert "Send" not in plain + boot
        assert (
            '<form method="get" enctype="application/x-www-form-urlencoded" hx_get="/x">' in plain
        )
        assert '<input class="wide" id="name" name="name" placeholder="&lt;"' in plain
        assert '<input class="form-control wide" id="name" name="name" placeholder="&lt;"' in boot
        assert '<input class="btn btn-primary" id="go"' in boot
        assert '<button class="btn btn-primary" id="other"' in boot

    def test_an_app_may_have_its_own(self, app: Any, flask: Any, templates: Any) -> None:
        source = "{% macro render_form(form) %}own {{ varargs }} {{ kwargs }}{% endmacro %}"
        templates(**{"erlen/forms/plain.html": source})
        assert post(app, flask, "plain").startswith("own (&#39;/to&#39;,)")


def test_a_fragment_for_htmx(app: Any, templates: Any, flask: Any) -> None:
    """The page has the form in a block; with mistakes, that block alone is sent again."""
    add_macros(app)
    templates(
        **{
            "page.html": "{% from 'erlen/forms/plain.html' import render_form %}<h1>Page</h1>"
            "{% block form %}{{ render_form(form, hx_post='/') }}{% endblock %}"
        }
    )

    class Named(Form):
        name = StringField(validators=[DataRequired()])

    @app.route("/", methods=["GET", "POST"])
    def page() -> Any:
        form = Named()
        if form.validate_on_submit():
            return "Thank you."
        if "HX-Request" in flask.request.headers:
            return render_block("page.html", "form", form=form), 422
        return flask.render_template("page.html", form=form)

    client = app.test_client()
    assert "<h1>" in client.get("/").text
    answer = client.post("/", headers={**BROWSER, "HX-Request": "true"})
    assert answer.status_code == 422
    assert answer.text.startswith('<form method="post"')
    assert "This field is required." in answer.text
    assert client.post("/", headers=BROWSER, data={"name": "Ada"}).text == "Thank you."


def test_the_templates_are_part_of_the_package() -> None:
    import erlen.forms

    folder = Path(erlen.forms.__file__).parent / "templates" / "erlen" / "forms"
    assert {file.name for file in folder.iterdir()} == {"plain.html", "bootstrap5.html"}
