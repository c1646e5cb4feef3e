"""How locale and time zone are chosen, kept and changed."""

from __future__ import annotations

import threading
from datetime import timedelta, timezone, tzinfo
from typing import Any

import pytest
from babel import Locale

from erlen.i18n import Translations, force_locale, get_locale, get_timezone, gettext, refresh

from .conftest import WriteCatalog

pytestmark = pytest.mark.erlen_only


def locale_of(app: Any, header: str | None = None, **session: Any) -> str:
    with app.test_request_context(headers={"Accept-Language": header} if header else {}) as ctx:
        ctx.session.update(session)
        return str(get_locale())


def zone_of(app: Any, **session: Any) -> str:
    with app.test_request_context() as ctx:
        ctx.session.update(session)
        return str(get_timezone())


class TestLocale:
    @pytest.fixture(autouse=True)
    def three_languages(self, app: Any) -> None:
        app.config["LANGUAGES"] = ["en", "de", "fr"]

    def test_within_an_app_context_of_its_own(self, app: Any) -> None:
        Translations(app)
        with app.test_request_context(headers={"Accept-Language": "de"}), app.app_context():
            assert str(get_locale()) == "de"

    def test_session_then_selector_then_browser_then_default(self, app: Any) -> None:
        app.config["BABEL_DEFAULT_LOCALE"] = "fr"
        said: list[Any] = ["de"]
        Translations(app, locale_selector=lambda: said[0])
        assert locale_of(app, "fr", locale="en") == "en"
        assert locale_of(app, "fr") == "de"
        said[0] = Locale("de", "AT")
        assert locale_of(app, "fr") == "de"
        said[0] = None
        assert locale_of(app, "en") == "en"
        assert locale_of(app, "xx") == "fr"
        assert locale_of(app) == "fr"

    @pytest.mark.parametrize("bad", ["es", "../../etc", "", 7, None, ["de"], {"a": 1}, "x" * 9999])
    def test_what_is_not_offered_is_passed_over(self, app: Any, bad: Any) -> None:
        Translations(app, locale_selector=lambda: bad)
        assert locale_of(app, "de", locale=bad) == "de"
        assert locale_of(app, locale=bad) == "en"

    def test_a_selector_of_init_app(self, app: Any) -> None:
        Translations().init_app(app, lambda: "fr", lambda: "Europe/Berlin")
        assert (locale_of(app), zone_of(app)) == ("fr", "Europe/Berlin")

    def test_a_selector_is_asked_once_in_a_request(self, app: Any) -> None:
        asked: list[int] = []
        Translations(app, locale_selector=lambda: asked.append(1))
        with app.test_request_context():
            assert get_locale() is get_locale()
        assert asked == [1]

    def test_refresh(self, app: Any) -> None:
        Translations(app)
        with app.test_request_context() as ctx:
            assert str(get_locale()) == "en"
            ctx.session["locale"], ctx.session["timezone"] = "de", "Europe/Berlin"
            assert str(get_locale()) == "en"
            refresh()
            assert (str(get_locale()), str(get_timezone())) == ("de", "Europe/Berlin")

    def test_requests_inside_one_app_context_have_their_own(self, app: Any) -> None:
        Translations(app)
        app.add_url_rule("/", "index", lambda: str(get_locale()))
        with app.app_context():
            answers = [
                app.test_client().get("/", headers={"Accept-Language": it}).text
                for it in ("de", "fr", "en")
            ]
            assert str(get_locale()) == "en"
        assert answers == ["de", "fr", "en"]

    def test_another_app_inside_a_request(self, flask: Any, app: Any) -> None:
        other = flask.Flask("other")
        other.config["BABEL_DEFAULT_LOCALE"] = "it"
        for it in (app, other):
            Translations(it)
        with app.test_request_context(headers={"Accept-Language": "de"}):
            assert str(get_locale()) == "de"
            with other.app_context():
                assert str(get_locale()) == "it"
            assert str(get_locale()) == "de"

    def test_languages_with_names(self, app: Any) -> None:
        app.config["LANGUAGES"] = {"en": "English", "de": "Deutsch"}
        Translations(app)
        assert (locale_of(app, "de"), locale_of(app, "fr")) == ("de", "en")

    def test_without_a_list_they_are_those_of_the_catalogs(
        self, app: Any, catalog: WriteCatalog
    ) -> None:
        del app.config["LANGUAGES"]
        catalog("de", {})
        catalog("nonsense", {})
        Translations(app)
        assert app.extensions["i18n"].languages.tags == ("en", "de")

    @pytest.mark.parametrize(
        ("setting", "value", "told"),
        [
            ("LANGUAGES", ["en", "xx"], "LANGUAGES has 'xx', which is no language that Babel"),
            (
                "LANGUAGES",
                "en",
                r"LANGUAGES is a list of languages, such as \['en', 'de'\]",
            ),
            ("BABEL_DEFAULT_LOCALE", "x/y", "BABEL_DEFAULT_LOCALE has 'x/y', which is no language"),
            ("BABEL_DEFAULT_TIMEZONE", "Mars", "BABEL_DEFAULT_TIMEZONE is 'Mars', and there is no"),
        ],
    )
    def test_wrong_settings(self, app: Any, setting: str, value: Any, told: str) -> None:
        app.config[setting] = value
        with pytest.raises(ValueError, match=told):
            Translations(app)

    def test_an_async_selector(self, app: Any) -> None:
        async def selector() -> str:
            return "de"

        with pytest.raises(TypeError, match="A selector is a plain function; .* is async"):
            Translations(app, locale_selector=selector)  # type: ignore[arg-type]  # the fault

    @pytest.mark.parametrize(("session", "vary"), [({}, True), ({"locale": "de"}, False)])
    def test_caches_are_told(self, app: Any, session: dict[str, str], vary: bool) -> None:
        Translations(app)
        app.add_url_rule("/", "index", lambda: str(get_locale()))
        app.add_url_rule("/plain", "plain", lambda: "plain")
        client = app.test_client()
        with client.session_transaction() as stored:
            stored.update(session)
        assert ("Accept-Language" in client.get("/").vary) is vary
        assert "Accept-Language" not in client.get("/plain").vary


class TestTimezone:
    def test_session_then_selector_then_default(self, app: Any) -> None:
        app.config["BABEL_DEFAULT_TIMEZONE"] = "Asia/Tokyo"
        said: list[str | tzinfo | None] = ["America/New_York"]
        Translations(app, timezone_selector=lambda: said[0])
        assert zone_of(app, timezone="Europe/Berlin") == "Europe/Berlin"
        assert zone_of(app) == "America/New_York"
        said[0] = timezone(timedelta(hours=2))
        assert zone_of(app) == "UTC+02:00"
        said[0] = None
        assert zone_of(app) == "Asia/Tokyo"

    @pytest.mark.parametrize(
        "bad", ["Mars", "America", "/etc/passwd", "../../etc/passwd", "", "a\0b", 7, "x" * 9999]
    )
    def test_what_is_none_is_passed_over(self, app: Any, bad: Any) -> None:
        Translations(app, timezone_selector=lambda: bad)
        assert zone_of(app, timezone=bad) == "UTC"


class TestForceLocale:
    def test_inside_out_and_after_an_error(self, in_german: Any) -> None:
        with force_locale("en") as locale:
            assert gettext("Hello") == "Hello"
            assert locale == Locale("en")
            with force_locale(Locale("fr")):
                assert str(get_locale()) == "fr"
            assert str(get_locale()) == "en"
        assert gettext("Hello") == "Hallo"
        with pytest.raises(ZeroDivisionError), force_locale("en"):
            _ = 1 / 0
        assert gettext("Hello") == "Hallo"

    def test_outside_of_a_request(self, german: Any) -> None:
        with german.app_context():
            assert gettext("Hello") == "Hello"
            with force_locale("de"):
                assert gettext("Hello") == "Hallo"

    @pytest.mark.parametrize("bad", ["xx", "../..", "", None])
    def test_what_is_no_locale(self, in_german: Any, bad: Any) -> None:
        with pytest.raises(ValueError, match="is no locale that Babel knows: write it as 'de'"):
            with force_locale(bad):
                pass

    def test_without_context_or_extension(self, app: Any) -> None:
        told = r"this needs an app context, of an app with Translations\(app\)"
        with pytest.raises(RuntimeError, match=told), force_locale("de"):
            pass
        with app.app_context(), pytest.raises(RuntimeError, match=told), force_locale("de"):
            pass


def test_without_context_or_extension(app: Any) -> None:
    assert (get_locale(), get_timezone()) == (None, None)
    refresh()
    with app.test_request_context():
        assert (get_locale(), get_timezone()) == (None, None)


def test_threads_have_their_own(german: Any) -> None:
    """Each at the same time in the middle of its request, and the catalog is read only then."""
    meet = threading.Barrier(4)

    def greet() -> str:
        meet.wait(30)
        return gettext("Hello")

    german.add_url_rule("/", "index", greet)
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        language = "de" if number % 2 else "en"
        client = german.test_client()
        answers[number] = client.get("/", headers={"Accept-Language": language}).text

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == {0: "Hello", 1: "Hallo", 2: "Hello", 3: "Hallo"}
