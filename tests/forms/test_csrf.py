"""The protection against forged requests: what it demands, what it lets through, how it is set."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from erlen.forms import (
    CSRFError,
    CSRFProtect,
    Form,
    StringField,
    ValidationError,
    csrf_meta_tag,
    generate_csrf,
    renew_csrf,
    validate_csrf,
)
from erlen.views import MethodView

from .conftest import BROWSER

pytestmark = pytest.mark.erlen_only

MISSING = "The CSRF token is missing."


class Comment(Form):
    text = StringField()


@pytest.fixture
def guarded(app: Any, csrf: CSRFProtect) -> Any:
    """An app that hands its token out at /token and takes anything at /."""
    app.add_url_rule("/token", "token", generate_csrf)
    app.add_url_rule("/", "view", lambda: "done", methods=["GET", "POST", "PUT", "DELETE"])
    return app


@pytest.fixture
def guarded_client(guarded: Any) -> Any:
    return guarded.test_client()


def token_of(client: Any, **options: Any) -> str:
    return str(client.get("/token", **options).text)


class TestWhereARequestComesFrom:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "same-origin", "Origin": "http://inside.example"},  # by a proxy
            {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
            {"Origin": "http://localhost"},
            {"Origin": "http://localhost:80"},
            {"Origin": "https://localhost"},  # a proxy has ended TLS
            {"Origin": "https://localhost:443"},
        ],
    )
    def test_ones_own_page_needs_no_token(
        self, guarded_client: Any, headers: dict[str, str]
    ) -> None:
        assert guarded_client.post("/", headers=headers).text == "done"

    def test_another_port_named_by_the_host(self, guarded_client: Any) -> None:
        url = "http://localhost:8000"
        post = functools.partial(guarded_client.post, base_url=url)
        assert post("/", headers={"Origin": url}).status_code == 200
        assert post("/", headers={"Origin": "http://localhost"}).status_code == 400
        assert post("/", headers={"Origin": "https://localhost:8000"}).status_code == 200

    @pytest.mark.parametrize("headers", [{}, {"Origin": "null"}, {"Origin": ""}])
    def test_who_does_not_tell_needs_a_token(
        self, guarded_client: Any, headers: dict[str, str]
    ) -> None:
        answer = guarded_client.post("/", headers=headers)
        assert (answer.status_code, MISSING in answer.text) == (400, True)
        data = {"csrf_token": token_of(guarded_client)}
        assert guarded_client.post("/", headers=headers, data=data).text == "done"

    @pytest.mark.parametrize("method", ["get", "head", "options"])
    def test_methods_that_change_nothing_are_free(self, guarded_client: Any, method: str) -> None:
        headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
        assert getattr(guarded_client, method)("/", headers=headers).status_code == 200

    def test_an_unknown_method_is_not(self, app: Any, csrf: CSRFProtect) -> None:
        app.add_url_rule("/", "purge", lambda: "done", methods=["PURGE"])
        assert app.test_client().open("/", method="PURGE").status_code == 400

    def test_a_url_that_leads_nowhere_stays_404(self, guarded_client: Any) -> None:
        assert guarded_client.post("/nowhere").status_code == 404

    def test_the_body_is_left_to_the_view(self, app: Any, csrf: CSRFProtect, flask: Any) -> None:
        app.add_url_rule("/", "v", lambda: flask.request.stream.read(), methods=["POST"])
        body = {"data": "a=1", "content_type": "application/x-www-form-urlencoded"}
        assert app.test_client().post("/", headers=BROWSER, **body).text == "a=1"


class TestToken:
    @pytest.mark.parametrize("field", ["csrf_token", "prefix-csrf_token"])
    def test_in_the_form(self, guarded_client: Any, field: str) -> None:
        token = token_of(guarded_client)
        assert guarded_client.post("/", data={field: token}).status_code == 200

    @pytest.mark.parametrize("header", ["X-CSRFToken", "X-CSRF-Token"])
    def test_in_a_header(self, guarded_client: Any, header: str) -> None:
        headers = {header: token_of(guarded_client)}
        assert guarded_client.delete("/", headers=headers).status_code == 200

    def test_is_the_same_throughout_a_request(self, app: Any, flask: Any) -> None:
        with app.test_request_context():
            assert generate_csrf() == generate_csrf() == flask.g.csrf_token
            assert len(flask.session["csrf_token"]) == 40

    def test_in_templates_and_macros(self, app: Any, csrf: CSRFProtect, flask: Any) -> None:
        source = "{% macro m() %}{{ csrf_token() }}{% endmacro %}{{ m() }} {{ csrf_meta_tag() }}"
        with app.test_request_context():
            token, tag = flask.render_template_string(source).split(" ", 1)
            assert token == generate_csrf()
            assert tag == f'<meta name="csrf-token" content="{token}">' == csrf_meta_tag()

    def test_bad_ones(self, guarded: Any) -> None:
        with guarded.test_request_context():
            for bad in ("", None):
                with pytest.raises(ValidationError, match=r"^The CSRF token is missing\.$"):
                    validate_csrf(bad)
            token = generate_csrf()
        with (
            guarded.test_request_context(),
            pytest.raises(ValidationError, match=r"^The CSRF session token is missing\.$"),
        ):
            validate_csrf(token)
        with guarded.test_request_context():
            generate_csrf()
            with pytest.raises(ValidationError, match=r"^The CSRF tokens do not match\.$"):
                validate_csrf(token)
            for bad in ("no token", token[:-1], token + "x", "\0", "é", "." * 10_000):
                with pytest.raises(ValidationError, match=r"^The CSRF token is invalid\.$"):
                    validate_csrf(bad)

    def test_expires_but_not_for_a_browser_of_today(self, guarded: Any) -> None:
        client = guarded.test_client()
        token = token_of(client)
        later = time.time() + 3602
        with mock.patch("time.time", lambda: later):
            answer = client.post("/", data={"csrf_token": token})
            assert (answer.status_code, "The CSRF token has expired." in answer.text) == (400, True)
            assert client.post("/", data={"csrf_token": token}, headers=BROWSER).text == "done"
            guarded.config["WTF_CSRF_TIME_LIMIT"] = 4000
            assert client.post("/", data={"csrf_token": token}).text == "done"

    def test_no_time_limit(self, app: Any) -> None:
        app.config["WTF_CSRF_TIME_LIMIT"] = None
        later = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
        with app.test_request_context():
            token = generate_csrf()
            with mock.patch("time.time", lambda: later):
                validate_csrf(token)

    def test_a_key_that_was_rotated_out_is_still_known(self, guarded: Any) -> None:
        client = guarded.test_client()
        token = token_of(client)
        guarded.config.update(
            SECRET_KEY="a new key of more than thirty-two bytes",
            SECRET_KEY_FALLBACKS=[guarded.config["SECRET_KEY"]],
        )
        assert client.post("/", data={"csrf_token": token}).text == "done"

    def test_a_key_of_its_own(self, guarded: Any) -> None:
        client = guarded.test_client()
        token = token_of(client)
        guarded.config["WTF_CSRF_SECRET_KEY"] = "another key of more than thirty-two bytes"
        assert client.post("/", data={"csrf_token": token}).status_code == 400
        assert client.post("/", data={"csrf_token": token_of(client)}).text == "done"

    def test_without_any_key(self, app: Any) -> None:
        app.secret_key = None
        with app.test_request_context(), pytest.raises(RuntimeError, match="Set SECRET_KEY"):
            generate_csrf()

    def test_a_session_value_that_is_no_text_is_replaced(self, app: Any, flask: Any) -> None:
        with app.test_request_context():
            flask.session["csrf_token"] = 7
            with pytest.raises(ValidationError, match="session token is missing"):
                validate_csrf("x")
            validate_csrf(generate_csrf())

    def test_renewed(self, app: Any) -> None:
        with app.test_request_context():
            old = generate_csrf()
            renew_csrf()
            assert generate_csrf() != old
            with pytest.raises(ValidationError, match="do not match"):
                validate_csrf(old)


class TestReferrer:
    """Over HTTPS, a token may not come from a page that came by plain HTTP."""

    HTTPS = {"base_url": "https://localhost/"}

    @pytest.mark.parametrize(
        ("referrer", "reason"),
        [
            (None, "The referrer header is missing."),
            ("http://localhost/form", "The referrer does not match the host."),
            ("https://evil.example/", "The referrer does not match the host."),
            ("https://localhost:444/", "The referrer does not match the host."),
            ("https://[", "The referrer does not match the host."),
        ],
    )
    def test_refused(self, guarded_client: Any, referrer: str | None, reason: str) -> None:
        headers = {} if referrer is None else {"Referer": referrer}
        data = {"csrf_token": token_of(guarded_client, **self.HTTPS)}
        answer = guarded_client.post("/", data=data, headers=headers, **self.HTTPS)
        assert (answer.status_code, reason in answer.text) == (400, True)

    def test_taken(self, guarded_client: Any) -> None:
        data = {"csrf_token": token_of(guarded_client, **self.HTTPS)}
        headers = {"Referer": "https://localhost/form?a=1"}
        assert guarded_client.post("/", data=data, headers=headers, **self.HTTPS).text == "done"

    def test_not_strict(self, guarded: Any) -> None:
        guarded.config["WTF_CSRF_SSL_STRICT"] = False
        client = guarded.test_client()
        data = {"csrf_token": token_of(client, **self.HTTPS)}
        assert client.post("/", data=data, **self.HTTPS).text == "done"
        headers = {"Origin": "http://localhost"}
        assert client.post("/", headers=headers, **self.HTTPS).text == "done"


class TestExempt:
    def add(self, app: Any, view: Callable[..., Any], **options: Any) -> Any:
        app.add_url_rule("/", "view", view, methods=["POST"], **options)
        return app.test_client()

    def test_a_view_with_the_form_inside_it(self, app: Any, csrf: CSRFProtect) -> None:
        @csrf.exempt
        def view() -> str:
            return str(Comment().validate_on_submit())

        headers = {"Sec-Fetch-Site": "cross-site"}
        assert self.add(app, view).post("/", headers=headers).text == "True"

    def test_another_view_of_the_same_name_is_not(self, app: Any, csrf: CSRFProtect) -> None:
        def make() -> Callable[[], str]:
            def view() -> str:
                return "done"

            return view

        csrf.exempt(make())
        assert self.add(app, make()).post("/").status_code == 400

    def test_a_view_behind_a_decorator(self, app: Any, csrf: CSRFProtect) -> None:
        @csrf.exempt
        def view() -> str:
            return "done"

        @functools.wraps(view)
        def wrapper() -> str:
            return view()

        assert self.add(app, wrapper).post("/").text == "done"

    @pytest.mark.parametrize("as_class", [True, False])
    def test_a_class_of_views(self, app: Any, csrf: CSRFProtect, as_class: bool) -> None:
        class Things(MethodView):
            def post(self) -> str:
                return "done"

        if as_class:
            csrf.exempt(Things)
            view = Things.as_view("things")
        else:
            view = csrf.exempt(Things.as_view("things"))
        assert self.add(app, view).post("/").text == "done"

    def test_a_view_by_its_dotted_name(self, app: Any, csrf: CSRFProtect) -> None:
        csrf.exempt(f"{generate_csrf.__module__}.generate_csrf")
        assert self.add(app, generate_csrf).post("/").status_code == 200

    @pytest.mark.parametrize("marked", ["outer", "inner"])
    def test_a_blueprint_with_what_is_nested_in_it(
        self, app: Any, csrf: CSRFProtect, flask: Any, marked: str
    ) -> None:
        outer = flask.Blueprint("outer", __name__)
        inner = flask.Blueprint("inner", __name__, url_prefix="/inner")
        for blueprint in (outer, inner):
            blueprint.add_url_rule("/", "view", lambda: "done", methods=["POST"])
        outer.register_blueprint(inner)
        app.register_blueprint(outer)
        csrf.exempt({"outer": outer, "inner": inner}[marked])
        statuses = [app.test_client().post(path).status_code for path in ("/", "/inner/")]
        assert statuses == ([200, 200] if marked == "outer" else [400, 200])

    def test_a_form_by_its_meta(self, app: Any) -> None:
        class Open(Comment):
            class Meta:
                csrf = False

        with app.test_request_context("/", method="POST"):
            assert Open().validate_on_submit()
            assert Comment(meta={"csrf": False}).validate_on_submit()
            assert "csrf_token" not in Open()
            assert not Comment().validate_on_submit()

    def test_programs_that_are_no_browser(self, app: Any, csrf: CSRFProtect) -> None:
        @csrf.without_token
        def view() -> str:
            return str(Comment().validate_on_submit())

        client = self.add(app, view)
        assert client.post("/").text == "True"
        assert client.post("/", headers=BROWSER).text == "True"
        assert client.post("/", headers={"Origin": "http://evil.example"}).status_code == 400
        assert client.post("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 400


class TestForm:
    """A form protects itself, also in an app that is not protected as a whole."""

    def validate(self, app: Any, **options: Any) -> Any:
        with app.test_request_context("/", method="POST", **options) as ctx:
            ctx.session["csrf_token"] = "0" * 40
            form = Comment()
            form.validate()
            return form.errors.get("csrf_token")

    def token(self, app: Any) -> str:
        with app.test_request_context() as ctx:
            ctx.session["csrf_token"] = "0" * 40
            return str(Comment().csrf_token.current_token)

    def test_needs_a_token_from_who_does_not_tell(self, app: Any) -> None:
        assert self.validate(app) == [MISSING]
        assert self.validate(app, data={"csrf_token": self.token(app)}) is None
        assert self.validate(app, headers={"X-CSRFToken": self.token(app)}) is None
        assert self.validate(app, json={"csrf_token": self.token(app)}) is None
        assert self.validate(app, headers=BROWSER) is None

    def test_refuses_another_site(self, app: Any) -> None:
        options = {
            "headers": {"Sec-Fetch-Site": "cross-site"},
            "data": {"csrf_token": self.token(app)},
        }
        assert self.validate(app, **options) == ["The request came from another site."]

    def test_that_is_sent_by_get_needs_a_token(self, app: Any, flask: Any) -> None:
        with app.test_request_context("/", headers={"Sec-Fetch-Site": "none"}):
            form = Comment(flask.request.args)
            assert not form.validate()
            assert form.errors == {"csrf_token": [MISSING]}

    def test_shows_its_token_whatever_was_sent(self, app: Any) -> None:
        with app.test_request_context("/", method="POST", data={"csrf_token": "bad"}):
            form = Comment()
            assert f'value="{generate_csrf()}"' in str(form.csrf_token)
            assert form.csrf_token.current_token == generate_csrf()

    def test_makes_no_token_before_it_is_shown(self, app: Any, flask: Any) -> None:
        with app.test_request_context():
            form = Comment()
            assert "csrf_token" not in flask.session
            form.hidden_tag()
            assert "csrf_token" in flask.session

    def test_leaves_the_token_out_of_objects(self, app: Any) -> None:
        class Thing:
            text = ""

        thing = Thing()
        with app.test_request_context():
            Comment(text="a").populate_obj(thing)
        assert vars(thing) == {"text": "a"}


class TestSettings:
    def test_off(self, guarded: Any) -> None:
        guarded.config["WTF_CSRF_ENABLED"] = False
        assert guarded.test_client().post("/").text == "done"
        with guarded.test_request_context("/", method="POST"):
            form = Comment()
            assert "csrf_token" not in form
            assert form.validate()

    def test_not_checked_by_itself(self, guarded: Any, csrf: CSRFProtect) -> None:
        guarded.config["WTF_CSRF_CHECK_DEFAULT"] = False
        guarded.add_url_rule(
            "/checked", "checked", lambda: csrf.protect() or "done", methods=["GET", "POST"]
        )
        client = guarded.test_client()
        assert client.post("/").text == "done"
        assert client.post("/checked").status_code == 400
        assert client.post("/checked", headers=BROWSER).text == "done"
        assert client.get("/checked").text == "done"

    def test_methods(self, guarded: Any) -> None:
        guarded.config["WTF_CSRF_METHODS"] = {"DELETE"}
        client = guarded.test_client()
        assert client.post("/").text == "done"
        assert client.delete("/").status_code == 400

    def test_names(self, guarded: Any, flask: Any) -> None:
        guarded.config.update(
            WTF_CSRF_FIELD_NAME="proof", WTF_CSRF_HEADERS=["X-Proof"], WTF_CSRF_META_NAME="proof"
        )
        client = guarded.test_client()
        token = token_of(client)
        assert client.post("/", data={"proof": token}).text == "done"
        assert client.post("/", headers={"X-Proof": token}).text == "done"
        assert client.post("/", headers={"X-CSRFToken": token}).status_code == 400
        with client.session_transaction() as session:
            assert "proof" in session
        with guarded.test_request_context():
            assert 'name="proof"' in csrf_meta_tag()
            assert "proof" in Comment()

    def test_trusted_origins(self, guarded: Any) -> None:
        guarded.config["WTF_CSRF_TRUSTED_ORIGINS"] = ["https://partner.example"]
        client = guarded.test_client()
        for origin, status in [
            ("https://partner.example", 200),
            ("http://partner.example", 400),
            ("https://partner.example:8443", 400),
            ("https://partner.example.evil.example", 400),
            ("https://sub.partner.example", 400),
        ]:
            headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            assert client.post("/", headers=headers).status_code == status

    @pytest.mark.parametrize(
        "origins",
        [
            "https://partner.example",
            ["partner.example"],
            ["https://partner.example/"],
            ["https://partner.example/path"],
            ["https://Partner.example"],
            ["https://partner.example:443"],
            ["https://partner.example:x"],
            ["*"],
            ["null"],
            [443],
        ],
    )
    def test_trusted_origins_that_are_none(self, app: Any, origins: Any) -> None:
        app.config["WTF_CSRF_TRUSTED_ORIGINS"] = origins
        with pytest.raises(ValueError, match="WTF_CSRF_TRUSTED_ORIGINS"):
            CSRFProtect(app)

    def test_a_text_is_not_trusted_in_parts(self, guarded: Any) -> None:
        guarded.config["WTF_CSRF_TRUSTED_ORIGINS"] = "https://partner.example"
        with pytest.raises(ValueError, match="must be a list of origins"):
            guarded.test_client().post("/", headers={"Origin": "https://partner"})

    def test_an_app_set_up_later(self, app: Any) -> None:
        csrf = CSRFProtect()
        csrf.init_app(app)
        assert app.extensions["csrf"] is csrf
        assert "erlen_forms" in app.blueprints


class TestError:
    def test_answer(self, guarded_client: Any) -> None:
        answer = guarded_client.post("/")
        assert answer.status_code == 400
        assert f"<p>{MISSING}</p>" in answer.text

    def test_handler(self, guarded: Any) -> None:
        @guarded.errorhandler(CSRFError)
        def handle(error: CSRFError) -> tuple[str, int]:
            return f"Refused: {error.description}", 403

        answer = guarded.test_client().post("/")
        assert (answer.status_code, answer.text) == (403, f"Refused: {MISSING}")

    def test_log_has_the_advice_that_the_answer_has_not(
        self, guarded_client: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        headers = {"Origin": "https://evil.example\x7f", "Sec-Fetch-Site": "cross-site"}
        with caplog.at_level(logging.WARNING, "erlen.forms.csrf"):
            answer = guarded_client.post("/", headers=headers)
        assert "TRUSTED" not in answer.text and "evil" not in answer.text
        [record] = caplog.records
        assert record.getMessage() == (
            "Refused POST '/': The request came from another site. (Origin:"
            " 'https://evil.example\\x7f', Sec-Fetch-Site: 'cross-site', Host: 'localhost') If that"
            " site is yours, add it to WTF_CSRF_TRUSTED_ORIGINS; behind a proxy, let it pass the"
            " Host header on."
        )
