"""Messages: in Python, lazily, in templates, in JSON and in forms."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import Any

import pytest

from erlen.forms import (
    FieldList,
    Form,
    FormField,
    SelectChoice,
    SelectField,
    StringField,
    ValidationError,
    add_macros,
)
from erlen.forms.validators import DataRequired, Length
from erlen.i18n import (
    LazyString,
    Translations,
    _,
    force_locale,
    gettext,
    lazy_gettext,
    lazy_ngettext,
    lazy_npgettext,
    lazy_pgettext,
    ngettext,
    npgettext,
    pgettext,
)

from .conftest import WriteCatalog

pytestmark = pytest.mark.erlen_only


class TestPython:
    def test_each_function(self, in_german: Any) -> None:
        assert gettext("Hello") == _("Hello") == "Hallo"
        assert gettext("Hello, %(name)s", name="Ada") == "Hallo, Ada"
        assert ngettext("%(num)d day", "%(num)d days", 1) == "1 Tag"
        assert ngettext("%(num)d day", "%(num)d days", 2) == "2 Tage"
        assert pgettext("month", "May") == "Mai"
        assert npgettext("sport", "%(num)d match", "%(num)d matches", 2) == "2 Spiele"

    def test_what_has_no_translation(self, in_german: Any) -> None:
        assert gettext("Unknown, %(name)s", name="Ada") == "Unknown, Ada"
        assert ngettext("%(num)d x", "%(num)d xs", 2) == "2 xs"
        assert gettext("100%") == "100%"
        assert gettext("") == ""

    def test_without_context_or_extension(self, app: Any) -> None:
        assert gettext("Hello, %(name)s", name="Ada") == "Hello, Ada"
        with app.test_request_context():
            assert ngettext("%(num)d day", "%(num)d days", 2) == "2 days"


class TestLazy:
    def test_it_follows_the_language(self, in_german: Any) -> None:
        hello = lazy_gettext("Hello, %(name)s", name="Ada")
        assert str(hello) == "Hallo, Ada"
        with force_locale("en"):
            assert str(hello) == "Hello, Ada"

    def test_each_function(self, in_german: Any) -> None:
        assert str(lazy_ngettext("%(num)d day", "%(num)d days", 2)) == "2 Tage"
        assert str(lazy_pgettext("month", "May")) == "Mai"
        days = lazy_npgettext("sport", "%(num)d match", "%(num)d matches", 1)
        assert str(days) == "1 Spiel"

    def test_it_is_used_as_text(self, in_german: Any) -> None:
        text: Any = lazy_gettext("Hello")
        assert text == "Hallo" and text == lazy_gettext("Hello") and text != 5
        assert {text: 1} == {"Hallo": 1}
        assert (text + "!", "!" + text, text[1:3], len(text), f"{text:>6}") == (
            "Hallo!",
            "!Hallo",
            "al",
            5,
            " Hallo",
        )
        assert text.upper() == "HALLO" and "all" in text and list(text)[0] == "H"
        assert sorted([text, "A", "Z"]) == ["A", "Hallo", "Z"]
        assert lazy_gettext("Hello, %(name)s") % {"name": "Ada"} == "Hallo, Ada"
        assert not lazy_gettext("") and text
        assert repr(text) == "LazyString('Hallo')"
        assert copy.deepcopy(text) == "Hallo"
        assert not hasattr(text, "__html__") and not hasattr(text, "no_method")

    def test_it_is_escaped(self, in_german: Any, flask: Any) -> None:
        evil = lazy_gettext("Hello, %(name)s", name="<script>")
        assert flask.render_template_string("{{ it }}", it=evil) == "Hallo, &lt;script&gt;"

    def test_json(self, in_german: Any, flask: Any) -> None:
        text = flask.json.dumps({"a": lazy_gettext("Hello, %(name)s", name="<b>")})
        assert text == '{"a": "Hallo, <b>"}'
        assert flask.jsonify(lazy_gettext("Hello")).json == "Hallo"
        with pytest.raises(TypeError, match="object is not JSON serializable"):
            flask.json.dumps(object())


class TestTemplates:
    @pytest.mark.parametrize(
        ("source", "shown"),
        [
            ("{{ _('Hello') }}", "Hallo"),
            ("{{ gettext('Hello, %(name)s', name='<') }}", "Hallo, &lt;"),
            ("{{ _('<b>%(name)s</b>', name='<') }}", "<i>&lt;</i>"),
            ("{{ ngettext('%(num)d day', '%(num)d days', 2) }}", "2 Tage"),
            ("{{ pgettext('month', 'May') }}", "Mai"),
            ("{{ npgettext('sport', '%(num)d match', '%(num)d matches', 2) }}", "2 Spiele"),
            ("{% trans %}Hello{% endtrans %}", "Hallo"),
            ("{% trans name='Ada' %}Hello, {{ name }}{% endtrans %}", "Hallo, Ada"),
            (
                "{% trans num=2 %}{{ num }} day{% pluralize %}{{ num }} days{% endtrans %}",
                "2 days",
            ),
            ("{{ _('') }}|{{ _('Unknown') }}", "|Unknown"),
            ("{{ get_locale().language }} {{ get_timezone() }}", "de UTC"),
        ],
    )
    def test_what_they_have(self, in_german: Any, flask: Any, source: str, shown: str) -> None:
        assert flask.render_template_string(source) == shown

    def test_one_template_in_two_languages(self, german: Any, flask: Any) -> None:
        view = lambda: flask.render_template_string("{{ _('Hello') }} {{ 0.5 | decimalformat }}")  # noqa: E731
        german.add_url_rule("/", "index", view)
        client = german.test_client()
        answers = [client.get("/", headers={"Accept-Language": it}).text for it in ("en", "de")]
        assert answers == ["Hello 0.5", "Hallo 0,5"]


class Address(Form):
    city = StringField(lazy_gettext("Hello"), [DataRequired(lazy_gettext("Hello"))])


class Order(Form):
    name = StringField(lazy_gettext("Hello"), [DataRequired(), Length(max=2)])
    day = SelectField(choices=[SelectChoice("may", lazy_pgettext("month", "May"))], default="may")
    address = FormField(Address)
    tags = FieldList(StringField(validators=[DataRequired(lazy_gettext("Hello"))]), min_entries=1)

    def validate_day(self, field: SelectField) -> None:
        raise ValidationError(lazy_gettext("Hello"))


class TestForms:
    @pytest.fixture(autouse=True)
    def unprotected(self, app: Any) -> None:
        app.config["WTF_CSRF_ENABLED"] = False

    def filled(self, app: Any, language: str, **data: str) -> Order:
        headers = {"Accept-Language": language}
        with app.test_request_context(method="POST", headers=headers, data=data):
            form = Order()
            assert not form.validate()
            return form

    def test_the_apps_messages_go_before_those_of_wtforms(self, german: Any) -> None:
        assert self.filled(german, "de").name.errors == ["Das muss sein."]
        long = self.filled(german, "de", name="abc").name
        assert long.errors == ["Feld kann nicht länger als 2 Zeichen sein."]
        assert self.filled(german, "en").name.errors == ["This field is required."]

    def test_the_languages_are_the_apps(self, german: Any) -> None:
        assert self.filled(german, "fr").name.errors == ["This field is required."]

    def test_the_session_decides(self, german: Any) -> None:
        with german.test_request_context(method="POST", headers={"Accept-Language": "en"}) as ctx:
            ctx.session["locale"] = "de"
            form = Order()
            form.validate()
            assert form.name.errors == ["Das muss sein."]

    def test_errors_are_plain_text_everywhere(self, german: Any, flask: Any) -> None:
        form = self.filled(german, "de", **{"tags-0": ""})
        assert form.errors == {
            "name": ["Das muss sein."],
            "day": ["Hallo"],
            "address": {"city": ["Hallo"]},
            "tags": [["Hallo"]],
        }
        assert [type(it) for it in (form.day.errors[0], form.address.city.errors[0])] == [str, str]
        assert type(form.tags.errors[0][0]) is str

    def test_labels_choices_and_errors_are_shown(self, in_german: Any, flask: Any) -> None:
        form = Order(name="Ada")
        form.validate()
        source = "{% import 'erlen/forms/plain.html' as forms %}{{ forms.render_form(form) }}"
        add_macros(in_german)
        page = flask.render_template_string(source, form=form)
        assert '<label for="name">Hallo</label>' in page
        assert '<option selected value="may">Mai</option>' in page
        assert "<li>Hallo</li>" in page

    def test_off(self, german: Any) -> None:
        german.config["WTF_I18N_ENABLED"] = False
        assert self.filled(german, "de").name.errors == ["This field is required."]


class TestCatalogs:
    def test_a_language_stands_in_for_its_region(self, app: Any, catalog: WriteCatalog) -> None:
        catalog("de", {"Hello": "Hallo", "Bye": "Tschüss"})
        catalog("de_AT", {"Hello": "Servus"})
        Translations(app)
        with app.test_request_context(headers={"Accept-Language": "de-AT"}):
            assert (gettext("Hello"), gettext("Bye")) == ("Servus", "Tschüss")
        with app.test_request_context(headers={"Accept-Language": "de"}):
            assert gettext("Hello") == "Hallo"

    def test_the_script_may_be_left_out(self, app: Any, catalog: WriteCatalog) -> None:
        catalog("zh_TW", {"Hello": "你好"})
        Translations(app)
        with app.test_request_context(headers={"Accept-Language": "zh-TW"}):
            assert gettext("Hello") == "你好"

    def test_several_folders_and_domains(self, app: Any, catalog: WriteCatalog) -> None:
        catalog("de", {"A": "a1", "B": "b1"}, "one", "mine")
        catalog("de", {"B": "b2", "C": "c2"}, "two", "more")
        app.config["BABEL_TRANSLATION_DIRECTORIES"] = "one; two"
        app.config["BABEL_DOMAIN"] = "mine;more"
        Translations(app)
        with app.app_context(), force_locale("de"):
            assert [gettext(it) for it in "ABC"] == ["a1", "b1", "c2"]

    def test_each_is_read_once_for_an_app(self, german: Any) -> None:
        catalogs = german.extensions["i18n"].catalogs
        with german.app_context(), force_locale("de") as locale:
            assert catalogs.get(locale) is catalogs.get(locale)

    @pytest.mark.parametrize("content", [b"", b"no catalog", b"\xde\x12\x04\x95" + b"\xff" * 40])
    def test_one_that_cannot_be_read(self, app: Any, catalog: WriteCatalog, content: bytes) -> None:
        file = catalog("de", {})
        Translations(app)
        file.write_bytes(content)
        with app.app_context(), force_locale("de"):
            told = rf"The catalog {file} cannot be read: .* Run 'erlen translate compile'\."
            with pytest.raises(RuntimeError, match=told):
                gettext("Hello")

    def test_one_that_is_not_compiled(self, app: Any, caplog: pytest.LogCaptureFixture) -> None:
        file = Path(app.root_path, "translations", "de", "LC_MESSAGES", "messages.po")
        file.parent.mkdir(parents=True)
        file.write_text("")
        app.config["LANGUAGES"] = ["en", "de"]
        Translations(app)
        with app.app_context(), force_locale("de"), caplog.at_level(logging.WARNING):
            assert gettext("Hello") == "Hello"
            assert gettext("Hello") == "Hello"
        assert caplog.messages == [
            f"{file} is not compiled, so its messages are not used. Run 'erlen translate compile'."
        ]


def test_a_lazy_string_of_any_function() -> None:
    assert LazyString(lambda *args, **kwargs: f"{args}{kwargs}", 1, a=2) == "(1,){'a': 2}"
