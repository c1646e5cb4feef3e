"""Each difference that docs/coming-from-flask-wtf.md tells, seen on both: Flask-WTF on Flask, and
erlen.forms on erlen. And what has to be the same, so that a running site can move.
"""

from __future__ import annotations

import io
import socket
from typing import Any

import flask
import flask_wtf
import flask_wtf.csrf
import flask_wtf.file
import pytest
import wtforms
from werkzeug.datastructures import FileStorage

import erlen
import erlen.forms
import erlen.forms.validators
from erlen.forms.captcha import MISSING, UNAVAILABLE

from .siteverify import Siteverify

pytestmark = pytest.mark.peer

KEY = "a secret key of more than thirty-two bytes"
OLD, NEW = "flask-wtf", "erlen"


class Side:
    """One of the two: its framework, its forms, an app that is protected."""

    def __init__(self, name: str) -> None:
        self.flask: Any = flask if name == OLD else erlen
        self.lib: Any = flask_wtf if name == OLD else erlen.forms
        self.form: Any = flask_wtf.FlaskForm if name == OLD else erlen.forms.Form
        self.files: Any = flask_wtf.file if name == OLD else erlen.forms.validators
        self.file_field: Any = (flask_wtf.file if name == OLD else erlen.forms).FileField
        self.tokens: Any = flask_wtf.csrf if name == OLD else erlen.forms
        self.app = self.flask.Flask("site")
        self.app.config.update(SECRET_KEY=KEY)
        self.csrf = self.lib.CSRFProtect(self.app)
        self.app.add_url_rule("/token", "token", self.tokens.generate_csrf)
        self.app.add_url_rule("/", "view", lambda: "done", methods=["GET", "POST", "PURGE"])

    def post(self, **options: Any) -> int:
        return int(self.app.test_client().post("/", **options).status_code)

    def bind(self, form_class: Any, meta: Any = None, **options: Any) -> Any:
        with self.app.test_request_context("/", method="POST", **options):
            return form_class(meta={"csrf": False} if meta is None else meta)


@pytest.fixture(scope="module")
def sides() -> dict[str, Side]:
    return {name: Side(name) for name in (OLD, NEW)}


def both(sides: dict[str, Side], ask: Any) -> tuple[Any, Any]:
    """What each answers; an exception by its name."""

    def answer(side: Side) -> Any:
        try:
            return ask(side)
        except Exception as error:
            return type(error).__name__

    return answer(sides[OLD]), answer(sides[NEW])


class TestTheSame:
    def test_a_session_and_a_token_of_the_old_site(self, sides: dict[str, Side]) -> None:
        for here, there in [(OLD, NEW), (NEW, OLD)]:
            old, new = sides[here].app.test_client(), sides[there].app.test_client()
            token = old.get("/token").text
            new.set_cookie("session", old.get_cookie("session").value)
            assert new.post("/", data={"csrf_token": token}).text == "done"
            assert new.post("/", headers={"X-CSRF-Token": token}).text == "done"

    def test_a_refused_page(self, sides: dict[str, Side]) -> None:
        old, new = both(sides, lambda side: side.app.test_client().post("/").text)
        assert old == new
        assert "<p>The CSRF token is missing.</p>" in old

    def test_a_whole_form(self, sides: dict[str, Side]) -> None:
        def page(side: Side) -> Any:
            class SignUp(side.form):  # type: ignore[name-defined]  # either
                name = wtforms.StringField(validators=[wtforms.validators.Length(max=3)])
                age = wtforms.IntegerField(validators=[wtforms.validators.NumberRange(1, 9)])
                photo = side.file_field(validators=[side.files.FileSize(2)])

            data = {"name": "long", "age": "x", "photo": (io.BytesIO(b"..."), "a.png")}
            with side.app.test_request_context("/", method="POST", data=data):
                form = SignUp(meta={"csrf": False})
                form.validate()
                return form.errors, [str(field) + str(field.label) for field in form]

        old, new = both(sides, page)
        assert old == new
        assert len(old[0]) == 3


class TestDifferences:
    def test_a_browser_of_today_needs_no_token(self, sides: dict[str, Side]) -> None:
        headers = {"Sec-Fetch-Site": "same-origin"}
        assert both(sides, lambda side: side.post(headers=headers)) == (400, 200)

    def test_another_site_is_refused_with_a_token_too(self, sides: dict[str, Side]) -> None:
        def post(side: Side) -> Any:
            client = side.app.test_client()
            data = {"csrf_token": client.get("/token").text}
            headers = {"Sec-Fetch-Site": "cross-site"}
            return client.post("/", data=data, headers=headers).status_code

        assert both(sides, post) == (200, 400)

    def test_unknown_methods_are_checked(self, sides: dict[str, Side]) -> None:
        def purge(side: Side) -> Any:
            return side.app.test_client().open("/", method="PURGE").status_code

        assert both(sides, purge) == (200, 400)

    def test_csrf_enabled(self, sides: dict[str, Side]) -> None:
        def make(side: Side) -> Any:
            with side.app.test_request_context("/", method="POST"):
                return side.form(csrf_enabled=False).validate()

        assert both(sides, make) == (False, "TypeError")

    def test_exempt_covers_the_form(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            app = side.flask.Flask("exempting")
            app.config["SECRET_KEY"] = KEY
            csrf = side.lib.CSRFProtect(app)
            view = csrf.exempt(lambda: str(side.form().validate_on_submit()))
            app.add_url_rule("/", "view", view, methods=["POST"])
            return app.test_client().post("/").text

        assert both(sides, ask) == ("False", "True")

    def test_exempt_goes_by_the_function_and_not_its_name(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            app = side.flask.Flask("exempting")
            app.config["SECRET_KEY"] = KEY
            exempted, other = (lambda: "a"), (lambda: "b")
            side.lib.CSRFProtect(app).exempt(exempted)
            app.add_url_rule("/", "view", other, methods=["POST"])
            return app.test_client().post("/").status_code

        assert both(sides, ask) == (200, 400)

    def test_exempt_covers_nested_blueprints(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            app = side.flask.Flask("exempting")
            app.config["SECRET_KEY"] = KEY
            outer = side.flask.Blueprint("outer", "x")
            inner = side.flask.Blueprint("inner", "x")
            inner.add_url_rule("/", "view", lambda: "done", methods=["POST"])
            outer.register_blueprint(inner)
            side.lib.CSRFProtect(app).exempt(outer)
            app.register_blueprint(outer)
            return app.test_client().post("/").status_code

        assert both(sides, ask) == (400, 200)

    def test_rotated_keys_are_still_known(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            client = side.app.test_client()
            token = client.get("/token").text
            side.app.config.update(SECRET_KEY=KEY[::-1], SECRET_KEY_FALLBACKS=[KEY])
            try:
                return client.post("/", data={"csrf_token": token}).status_code
            finally:
                side.app.config.update(SECRET_KEY=KEY, SECRET_KEY_FALLBACKS=None)

        assert both(sides, ask) == (400, 200)

    def test_a_form_that_is_not_shown_begins_no_session(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            with side.app.test_request_context():
                side.form()
                return "csrf_token" in side.flask.session

        assert both(sides, ask) == (True, False)

    def test_a_form_inside_of_a_form_has_no_token(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            class Outer(side.form):  # type: ignore[name-defined]  # either
                inner = wtforms.FormField(side.form)

            with side.app.test_request_context():
                return "csrf_token" in Outer().inner.form

        assert both(sides, ask) == (True, False)

    def test_an_unchecked_box_alone_in_its_form(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            class News(side.form):  # type: ignore[name-defined]  # either
                wanted = wtforms.BooleanField(default=True)

            return side.bind(News).wanted.data

        assert both(sides, ask) == (True, False)

    def test_nested_json(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            class Inner(side.form):  # type: ignore[name-defined]  # either
                city = wtforms.StringField()

            class Outer(side.form):  # type: ignore[name-defined]  # either
                inner = wtforms.FormField(Inner)

            return side.bind(Outer, json={"inner": {"city": "Ulm"}}).inner.city.data

        assert both(sides, ask) == (None, "Ulm")

    def test_json_values_are_text_before_a_field_reads_them(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            class Typed(side.form):  # type: ignore[name-defined]  # either
                text = wtforms.StringField(validators=[wtforms.validators.Length(max=9)])
                number = wtforms.IntegerField()

            form = side.bind(Typed, json={"text": 5, "number": 1.5})
            form.validate()
            return form.text.data, form.number.data

        assert both(sides, ask) == ("TypeError", ("5", None))

    def test_json_that_is_no_object(self, sides: dict[str, Side]) -> None:
        assert both(sides, lambda side: side.bind(side.form, json=5)) == ("TypeError", "BadRequest")

    def test_null_characters(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            class Text(side.form):  # type: ignore[name-defined]  # either
                text = wtforms.StringField()

            return side.bind(Text, data={"text": "a\0"}).validate()

        assert both(sides, ask) == (True, False)

    def test_a_file_in_the_place_of_text(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            class Text(side.form):  # type: ignore[name-defined]  # either
                text = wtforms.StringField(validators=[wtforms.validators.Length(max=3)])

            form = side.bind(Text, data={"text": (io.BytesIO(b"."), "a.txt")})
            if isinstance(form.text.data, FileStorage):
                form.text.data.close()
            return form.validate()

        assert both(sides, ask) == ("TypeError", True)

    def test_numbers_that_are_none(self, sides: dict[str, Side]) -> None:
        def ask(side: Side, sent: str, kind: str) -> Any:
            module = wtforms if side.lib is flask_wtf else erlen.forms
            rules = [wtforms.validators.NumberRange(0, 9)]

            class Number(side.form):  # type: ignore[name-defined]  # either
                number = getattr(module, kind)(validators=rules)

            return side.bind(Number, data={"number": sent}).validate()

        for sent, kind, old in [
            ("sNaN", "DecimalField", "ValueError"),
            ("9" * 400, "IntegerField", "OverflowError"),
        ]:
            assert both(sides, lambda side: ask(side, sent, kind)) == (old, False)  # noqa: B023  # at once

    def test_more_fields_than_parts_are_allowed(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            side.bind(side.form, data={f"n{number}": "" for number in range(1001)})

        assert both(sides, ask) == (None, "RequestEntityTooLarge")

    def test_extensions_in_capitals(self, sides: dict[str, Side]) -> None:
        def ask(side: Side, extensions: Any) -> Any:
            class Upload(side.form):  # type: ignore[name-defined]  # either
                file = side.file_field(validators=[side.files.FileAllowed(extensions)])

            form = side.bind(Upload, data={"file": (io.BytesIO(b"."), "a.png")})
            form.file.data.close()
            return form.validate(), "accept" in str(form.file)

        assert both(sides, lambda side: ask(side, ["PNG"])) == ((False, False), (True, True))
        assert both(sides, lambda side: ask(side, "png")) == ((False, False), "TypeError")

    def test_the_browsers_language_without_another_extension(self, sides: dict[str, Side]) -> None:
        def ask(side: Side) -> Any:
            class Named(side.form):  # type: ignore[name-defined]  # either
                name = wtforms.StringField(validators=[wtforms.validators.DataRequired()])

            form = side.bind(Named, headers={"Accept-Language": "de"})
            form.validate()
            return form.name.errors

        assert both(sides, ask) == (["This field is required."], ["Dieses Feld wird benötigt."])

    def captcha_errors(self, side: Side, url: str, *validators: Any) -> Any:
        class Signed(side.form):  # type: ignore[name-defined]  # either
            captcha = side.lib.RecaptchaField(validators=list(validators))

        side.app.config.update(RECAPTCHA_PRIVATE_KEY="wrong", RECAPTCHA_VERIFY_SERVER=url)
        data = {} if validators else {"g-recaptcha-response": "good"}
        with side.app.test_request_context("/", method="POST", data=data):
            form = Signed(meta={"csrf": False})
            form.validate()
            return form.captcha.errors

    def test_a_captcha_that_cannot_be_checked(self, sides: dict[str, Side]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))  # and nobody listens
            url = f"http://127.0.0.1:{free.getsockname()[1]}/"
            told = both(sides, lambda side: self.captcha_errors(side, url))
        assert told == ("URLError", [UNAVAILABLE])

    def test_the_keys_of_a_captcha_are_the_sites_matter(self, sides: dict[str, Side]) -> None:
        with Siteverify().running() as server:
            told = both(sides, lambda side: self.captcha_errors(side, server.url))
        assert told == (["The secret parameter is invalid or malformed."], [UNAVAILABLE])

    def test_a_captcha_with_validators_of_ones_own(self, sides: dict[str, Side]) -> None:
        optional = wtforms.validators.Optional()
        told = both(sides, lambda side: self.captcha_errors(side, "http://localhost", optional))
        assert told == ([], [MISSING])
