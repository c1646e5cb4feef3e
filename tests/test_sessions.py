from __future__ import annotations

import datetime
import hashlib
import importlib
import logging
import re
import types
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from itsdangerous import BadData, Signer, TimestampSigner, URLSafeTimedSerializer
from markupsafe import Markup

NOW = 1_700_000_000
KEY = "a secret key of more than thirty-two bytes"

NO_KEY = (
    "The session is unavailable because no secret key was set.  Set the secret_key on the"
    " application to something unique and secret."
)


@pytest.fixture
def sessions(flask: Any) -> Any:
    return importlib.import_module(f"{flask.__name__}.sessions")


@pytest.fixture
def interface(sessions: Any) -> Any:
    return sessions.SecureCookieSessionInterface()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The signers' clock, in seconds; set `now[0]` to let time pass."""
    clock = [NOW]
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: clock[0])
    yield clock


@pytest.fixture
def routes(flask: Any, app: Any) -> None:
    @app.get("/set/<value>")
    def set(value: str) -> str:
        flask.session["a"] = value
        return "set"

    @app.get("/get")
    def get() -> dict[str, Any]:
        return dict(flask.session)

    @app.get("/clear")
    def clear() -> str:
        flask.session.clear()
        return "cleared"

    @app.get("/plain")
    def plain() -> str:
        return "plain"


def cookie_of(app: Any, data: Any, interface: Any = None) -> str:
    interface = interface or app.session_interface
    return interface.get_signing_serializer(app).dumps(data)  # type: ignore[no-any-return]


def opened(app: Any, cookie: str | None, interface: Any = None) -> Any:
    """What the interface reads from a cookie."""
    cookies = {} if cookie is None else {app.config["SESSION_COOKIE_NAME"]: cookie}
    interface = interface or app.session_interface
    return interface.open_session(app, types.SimpleNamespace(cookies=cookies))


# What a browser sees


def test_set_cookie(client: Any, routes: None, now: list[int]) -> None:
    response = client.get("/set/1")
    assert response.headers.getlist("Set-Cookie") == [
        "session=eyJhIjoiMSJ9.ZVPxAA.OKi49MEMwa4_dmfxdJ4NKZl_H-4; HttpOnly; Path=/"
    ]
    assert response.headers.getlist("Vary") == ["Cookie"]
    assert client.get("/get").json == {"a": "1"}


def test_browsers_have_their_own(app: Any, routes: None) -> None:
    one, two = app.test_client(), app.test_client()
    one.get("/set/1")
    two.get("/set/2")
    assert one.get("/get").json == {"a": "1"}
    assert two.get("/get").json == {"a": "2"}


@pytest.mark.parametrize(
    "look",
    [
        lambda session: session.get("a"),
        lambda session: "a" in session,
        lambda session: len(session),
        lambda session: list(session),
        lambda session: bool(session),
        lambda session: session.permanent,
        lambda session: session.modified,
        lambda session: session == {},
    ],
)
def test_any_look_varies_by_cookie(flask: Any, app: Any, client: Any, look: Any) -> None:
    @app.get("/")
    def index() -> str:
        look(flask.session)
        return ""

    response = client.get("/")
    assert response.headers.getlist("Vary") == ["Cookie"]
    assert "Set-Cookie" not in response.headers


def test_no_look_no_header(client: Any, routes: None) -> None:
    client.get("/set/1")
    response = client.get("/plain")
    assert "Vary" not in response.headers and "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Accept-Encoding", "Accept-Encoding, Cookie"),
        ("Accept-Language, cookie", "Accept-Language, cookie"),
        ("*", "*, Cookie"),
    ],
)
def test_vary_is_added_to(flask: Any, app: Any, client: Any, before: str, after: str) -> None:
    @app.get("/")
    def index() -> tuple[str, dict[str, str]]:
        flask.session["a"] = 1
        return "", {"Vary": before}

    assert client.get("/").headers.getlist("Vary") == [after]


def test_clearing_deletes_the_cookie(app: Any, client: Any, routes: None) -> None:
    app.config.update(SESSION_COOKIE_DOMAIN="example.com", SESSION_COOKIE_SECURE=True)
    client.get("/set/1", base_url="https://example.com")
    response = client.get("/clear", base_url="https://example.com")
    assert response.headers["Set-Cookie"] == (
        "session=; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure;"
        " HttpOnly; Path=/"
    )
    assert response.headers.getlist("Vary") == ["Cookie"]
    assert client.get("/get", base_url="https://example.com").json == {}


def test_attributes(app: Any, client: Any, routes: None) -> None:
    app.config.update(
        APPLICATION_ROOT="/app",
        SESSION_COOKIE_NAME="sid",
        SESSION_COOKIE_DOMAIN=".example.com",
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_PARTITIONED=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    cookie = client.get("/set/1", base_url="https://example.com").headers["Set-Cookie"]
    assert re.fullmatch(
        r"sid=[\w.-]+; Domain=example\.com; Secure; Path=/app; SameSite=Lax; Partitioned", cookie
    )
    app.config.update(SESSION_COOKIE_PATH="/path", SESSION_COOKIE_SAMESITE="Strict")
    cookie = client.get("/set/1", base_url="https://example.com").headers["Set-Cookie"]
    assert "; Path=/path; SameSite=Strict;" in cookie


def test_a_wrong_samesite_is_refused(app: Any, client: Any, routes: None) -> None:
    app.config["SESSION_COOKIE_SAMESITE"] = "invalid"
    with pytest.raises(ValueError, match="SameSite must be 'Strict', 'Lax', or 'None'"):
        client.get("/set/1")


@pytest.mark.parametrize("refresh", [True, False])
def test_permanent(
    flask: Any, app: Any, client: Any, routes: None, now: list[int], refresh: bool
) -> None:
    app.config["SESSION_REFRESH_EACH_REQUEST"] = refresh
    app.permanent_session_lifetime = datetime.timedelta(days=3)

    @app.get("/permanent")
    def permanent() -> str:
        flask.session.permanent = True
        return ""

    response = client.get("/permanent")
    (expires,) = re.findall(r"; Expires=([^;]*); HttpOnly; Path=/", response.headers["Set-Cookie"])
    when = datetime.datetime.strptime(expires, "%a, %d %b %Y %H:%M:%S GMT")
    wanted = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3)
    assert abs(when.replace(tzinfo=datetime.UTC) - wanted) < datetime.timedelta(minutes=5)
    assert client.get("/get").json == {"_permanent": True}
    assert ("Set-Cookie" in client.get("/get").headers) is refresh
    response = client.get("/plain")
    assert ("Set-Cookie" in response.headers) is refresh
    assert ("Vary" in response.headers) is refresh


def test_only_the_session_itself_notices_changes(flask: Any, app: Any, client: Any) -> None:
    @app.get("/new")
    def new() -> str:
        flask.session["items"] = []
        return ""

    @app.get("/append")
    def append() -> str:
        flask.session["items"].append(1)
        flask.session.modified = "tell" in flask.request.args
        return ""

    client.get("/new")
    assert "Set-Cookie" not in client.get("/append").headers
    assert "Set-Cookie" in client.get("/append?tell").headers


def test_a_cookie_that_browsers_may_refuse(app: Any, client: Any, routes: None) -> None:
    app.config["MAX_COOKIE_SIZE"] = 40
    with pytest.warns(UserWarning, match="The 'session' cookie is too large"):
        client.get("/set/12345678")


def test_types_survive(flask: Any, app: Any, client: Any) -> None:
    data = {
        "t": (1, "a"),
        "b": b"\xff",
        "m": Markup("<b>"),
        "d": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
        "n": {" t": ["not a tuple"]},
    }
    read: list[Any] = []

    @app.get("/")
    def index() -> str:
        read.append(dict(flask.session))
        flask.session.update(data)
        return ""

    client.get("/")
    client.get("/")
    assert read == [{}, data]
    assert isinstance(read[1]["m"], Markup) and isinstance(read[1]["t"], tuple)


# Keys


def test_no_secret_key(flask: Any, app: Any, client: Any, routes: None, sessions: Any) -> None:
    app.secret_key = None
    assert client.get("/get").json == {}
    with pytest.raises(RuntimeError) as info:
        client.get("/set/1")
    assert str(info.value) == NO_KEY
    assert app.session_interface.get_signing_serializer(app) is None
    assert opened(app, "x") is None
    with app.test_request_context():
        assert isinstance(flask.session._get_current_object(), sessions.NullSession)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.__setitem__("a", 1),
        lambda s: s.__delitem__("a"),
        lambda s: s.clear(),
        lambda s: s.pop("a", None),
        lambda s: s.popitem(),
        lambda s: s.update(a=1),
        lambda s: s.setdefault("a", 1),
    ],
)
def test_the_null_session_is_read_only(sessions: Any, change: Any) -> None:
    session = sessions.NullSession()
    assert session.get("a") is None and dict(session) == {} and session.permanent is False
    with pytest.raises(RuntimeError) as info:
        change(session)
    assert str(info.value) == NO_KEY


@pytest.mark.parametrize("key", ["text", b"bytes", "t\u00e4xt", b"\xff\x00"])
def test_kinds_of_keys(app: Any, key: str | bytes) -> None:
    app.secret_key = key
    cookie = cookie_of(app, {"a": 1})
    assert opened(app, cookie) == {"a": 1}


def test_rotation(app: Any, interface: Any) -> None:
    app.secret_key = "old key"
    old = cookie_of(app, {"a": 1})
    app.secret_key = "new key"
    assert opened(app, old) == {}
    app.config["SECRET_KEY_FALLBACKS"] = ["older key"]
    assert opened(app, old) == {}
    app.config["SECRET_KEY_FALLBACKS"].append("old key")  # the same list, changed in place
    assert opened(app, old) == {"a": 1}
    # What is signed now must not be signed with a fallback (GHSA-4grg-w6v8-c28g).
    new = cookie_of(app, {"a": 2})
    app.config["SECRET_KEY_FALLBACKS"] = None
    assert opened(app, new) == {"a": 2}
    assert opened(app, old) == {}


def test_max_age(app: Any, now: list[int]) -> None:
    app.config["PERMANENT_SESSION_LIFETIME"] = 60
    cookie = cookie_of(app, {"a": 1})
    now[0] += 60
    assert opened(app, cookie) == {"a": 1}
    now[0] += 1
    assert opened(app, cookie) == {}
    now[0] = NOW - 1  # signed in the future
    assert opened(app, cookie) == {}


def test_tampered_cookies(app: Any) -> None:
    cookie = cookie_of(app, {"a": 1})
    payload, timestamp, signature = cookie.split(".")
    other = cookie_of(app, {"a": 2})
    for wrong in [
        "",
        ".",
        "..",
        "x",
        payload,
        f"{payload}.{timestamp}",
        f"{payload}.{timestamp}.",
        f"{payload}..{signature}",
        f".{timestamp}.{signature}",
        f"{other.split('.')[0]}.{timestamp}.{signature}",
        f"{payload}.{timestamp}.{signature[:-2]}AA",
        f"{payload}.{timestamp}.{signature}x",
        f"{payload}.{timestamp}.\u00e4\u20ac",
        f"{payload}.AAAAAA.{signature}",
    ]:
        session = opened(app, wrong)
        assert session == {} and session.modified is False, wrong
    assert opened(app, cookie) == {"a": 1}


def test_a_client_cannot_break_the_app(client: Any, routes: None) -> None:
    for cookie in ["session=x.y.z", "session=\udcff", "session", "session=%00.\x01."]:
        response = client.get(
            "/get", headers={"Cookie": cookie.encode("utf-8", "replace").decode()}
        )
        assert response.status_code == 200 and response.json == {}


# As itsdangerous


def plain_serializer(interface: Any, keys: list[str | bytes]) -> URLSafeTimedSerializer:
    """What signs a session, made of nothing but itsdangerous."""
    return URLSafeTimedSerializer(
        keys,  # type: ignore[arg-type]  # str and bytes mixed
        salt="cookie-session",
        serializer=interface.serializer,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )


session_data = st.dictionaries(
    st.text(max_size=8),
    st.one_of(
        st.integers(),
        st.booleans(),
        st.text(max_size=40),
        st.text("ab", max_size=300),
        st.text("0123456789abcdef", min_size=20, max_size=120),
        st.lists(st.integers(0, 3), max_size=60),
        st.binary(max_size=20),
        st.lists(
            st.tuples(st.sampled_from(["message", "error"]), st.text(max_size=20)), max_size=3
        ),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def signers(flask: Any) -> tuple[Any, Any]:
    sessions = importlib.import_module(f"{flask.__name__}.sessions")
    interface = sessions.SecureCookieSessionInterface()
    app = types.SimpleNamespace(
        secret_key=KEY, config={"SECRET_KEY_FALLBACKS": ["older", b"oldest \xff"]}
    )
    keys: list[str | bytes] = ["older", b"oldest \xff", KEY]
    return interface.get_signing_serializer(app), plain_serializer(interface, keys)


@given(session_data)
@example({})
@example({"a": "ab" * 5})
@example({"a": "abc" * 90})
@example({"a": "abc" * 9000})
def test_the_same_bytes_as_itsdangerous(signers: tuple[Any, Any], data: Any) -> None:
    ours, plain = signers
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda self: NOW)
        cookie = ours.dumps(data)
        assert cookie == plain.dumps(data)
        assert ours.loads(cookie, max_age=10) == plain.loads(cookie, max_age=10) == data
        assert ours.loads(cookie, return_timestamp=True) == plain.loads(
            cookie, return_timestamp=True
        )


@pytest.mark.parametrize("size", range(0, 260))
def test_compressed_exactly_where_itsdangerous_does(signers: tuple[Any, Any], size: int) -> None:
    ours, plain = signers
    for alphabet in ("a", "ab", "abcdefg", "0123456789abcdef", "".join(map(chr, range(48, 123)))):
        text = "".join(alphabet[(n * n * 7 + n // 3) % len(alphabet)] for n in range(size))
        for data in ({"a": text}, {"": text}, {"": int(f"0{size}" * 4)}, {text: 1}):
            assert ours.dump_payload(data) == plain.dump_payload(data)
    ones = {"": int("1" * (size + 1))}
    assert ours.dump_payload(ones) == plain.dump_payload(ones)


def outcome(serializer: Any, cookie: Any, **kwargs: Any) -> Any:
    try:
        return serializer.loads(cookie, **kwargs)
    except BadData as error:
        return type(error), str(error), getattr(error, "payload", None)


@given(
    session_data,
    st.lists(st.tuples(st.integers(0, 10_000), st.characters(max_codepoint=0x17F)), max_size=2),
    st.sampled_from(["signed", "truncated", "other salt", "other key", "older key", "timeless"]),
    st.sampled_from([None, 0, 10]),
    st.integers(-2, 12),
)
def test_reads_as_itsdangerous(
    signers: tuple[Any, Any],
    data: Any,
    changes: list[tuple[int, str]],
    kind: str,
    max_age: int | None,
    age: int,
) -> None:
    ours, plain = signers
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda self: NOW)
        if kind == "other salt":
            cookie = plain.dumps(data, salt="other")
        elif kind in ("other key", "older key"):
            keys: list[str | bytes] = [kind.removesuffix(" key")]
            cookie = plain_serializer(plain, keys).dumps(data)
        elif kind == "timeless":
            signer = plain.make_signer()
            cookie = Signer.sign(signer, plain.dump_payload(data)).decode()
        else:
            cookie = plain.dumps(data)
        for place, character in changes:
            place %= len(cookie)
            cookie = cookie[:place] + character + cookie[place + 1 :]
        if kind == "truncated":
            cookie = cookie[: len(cookie) // 2]
        patch.setattr(TimestampSigner, "get_timestamp", lambda self: NOW + age)
        for value in (cookie, cookie.encode()):
            assert outcome(ours, value, max_age=max_age) == outcome(plain, value, max_age=max_age)
    assert outcome(ours, cookie, salt="other") == outcome(plain, cookie, salt="other")


@pytest.mark.peer
def test_flask_and_erlen_read_each_others_cookies(now: list[int]) -> None:
    import flask

    import erlen

    cookies = []
    for package in (erlen, flask):
        app: Any = package.Flask("tested")
        app.secret_key = KEY
        app.config["SECRET_KEY_FALLBACKS"] = ["older"]
        with app.app_context():
            cookies.append(cookie_of(app, {"b": (1,), "a": "x" * 100, "c": b"1"}))
    assert cookies[0] == cookies[1]
    assert opened(app, cookies[0]) == {"b": (1,), "a": "x" * 100, "c": b"1"}


# What was read once is remembered


@pytest.mark.parametrize("data", [{"a": 1, "b": None}, {"a": [1, {"b": 2}]}])
def test_requests_share_nothing_of_a_known_session(app: Any, data: Any) -> None:
    cookie = cookie_of(app, data)
    for _ in range(3):
        session = opened(app, cookie)
        assert session == data
        session["new"] = 1
        if type(session["a"]) is list:
            session["a"].append(3)
            session["a"][1]["b"] = 4


def test_a_known_session_grows_old(app: Any, now: list[int]) -> None:
    app.config["PERMANENT_SESSION_LIFETIME"] = 60
    cookie = cookie_of(app, {"a": 1})
    for age, data in [(0, {"a": 1}), (60, {"a": 1}), (61, {}), (60, {"a": 1}), (-1, {})]:
        now[0] = NOW + age
        assert opened(app, cookie) == data


def test_a_known_session_does_not_outlive_its_key(app: Any) -> None:
    cookie = cookie_of(app, {"a": 1})
    assert opened(app, cookie) == {"a": 1}
    app.secret_key = "another key"
    assert opened(app, cookie) == {}
    app.config["SECRET_KEY_FALLBACKS"] = [KEY]
    assert opened(app, cookie) == {"a": 1}
    app.config["SECRET_KEY_FALLBACKS"] = []
    assert opened(app, cookie) == {}


def test_next_to_a_known_session_nothing_is_good(app: Any) -> None:
    cookie = cookie_of(app, {"a": 1})
    assert opened(app, cookie) == {"a": 1}
    for place in range(len(cookie)):
        wrong = cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        # The last character of a signature has two bits that mean nothing.
        assert opened(app, wrong) == ({"a": 1} if is_good(app, wrong) else {}), wrong
    assert opened(app, cookie + "=") == ({"a": 1} if is_good(app, cookie + "=") else {})


def is_good(app: Any, cookie: str) -> bool:
    """Tell whether itsdangerous takes a cookie of the app's."""
    signing = app.session_interface.get_signing_serializer(app)
    try:
        plain_serializer(signing, [KEY]).loads(cookie)
    except BadData:
        return False
    return True


@pytest.mark.erlen_only
def test_what_is_remembered_is_bounded(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signing = app.session_interface.get_signing_serializer(app)
    monkeypatch.setattr("erlen._signing._MAX_KNOWN", 3)
    for number in range(10):
        assert opened(app, cookie_of(app, {"a": number})) == {"a": number}
        assert 1 <= len(signing._known) <= 3
    signing._known.clear()
    large = cookie_of(app, {"a": "x" * 10_000})
    for _ in range(2):
        assert opened(app, large) == {"a": "x" * 10_000}
    assert opened(app, "x" * 100) == {}
    assert signing._known == {}


# What may be replaced


def test_the_serializer_is_made_once(app: Any, interface: Any, flask: Any) -> None:
    one = interface.get_signing_serializer(app)
    assert isinstance(one, URLSafeTimedSerializer)
    other = flask.Flask("other")
    other.secret_key = KEY
    assert opened(other, cookie_of(app, {"a": 1})) == {"a": 1}
    other.secret_key = "another"
    assert opened(other, cookie_of(app, {"a": 1})) == {}


@pytest.mark.erlen_only
def test_the_cache_is_bounded(app: Any, interface: Any) -> None:
    one = interface.get_signing_serializer(app)
    assert interface.get_signing_serializer(app) is one
    for number in range(100):
        app.secret_key = f"key {number}"
        interface.get_signing_serializer(app)
        assert len(interface._signing_serializers) <= 16
    assert type(interface)._signing_serializers == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("salt", "other"),
        ("digest_method", staticmethod(hashlib.sha512)),
        ("digest_method", staticmethod(lambda data=b"": hashlib.blake2b(data, digest_size=16))),
        ("key_derivation", "django-concat"),
        ("key_derivation", "none"),
    ],
)
def test_what_is_signed_how(app: Any, sessions: Any, name: str, value: Any) -> None:
    base = sessions.SecureCookieSessionInterface
    interface = type("Interface", (base,), {name: value})()
    cookie = cookie_of(app, {"a": 1}, interface)
    assert opened(app, cookie, interface) == {"a": 1}
    assert opened(app, cookie) == {}
    # The same as itsdangerous makes of these.
    plain = URLSafeTimedSerializer(
        KEY,
        salt=interface.salt,
        serializer=interface.serializer,
        signer_kwargs={
            "key_derivation": interface.key_derivation,
            "digest_method": interface.digest_method,
        },
    )
    assert plain.loads(cookie) == {"a": 1}
    # And on the instance, at any time.
    changed = base()
    assert opened(app, cookie, changed) == {}
    setattr(changed, name, getattr(interface, name))
    assert opened(app, cookie, changed) == {"a": 1}


def test_an_unknown_key_derivation(app: Any, interface: Any) -> None:
    interface.key_derivation = "unknown"
    with pytest.raises(TypeError, match="Unknown key derivation method"):
        cookie_of(app, {}, interface)


def test_another_serializer(app: Any, interface: Any) -> None:
    class Reprs:
        @staticmethod
        def dumps(value: Any) -> bytes:
            return repr(value).encode()

        @staticmethod
        def loads(value: bytes) -> Any:
            return {"read": value}

    before = cookie_of(app, {"a": 1}, interface)
    interface.serializer = Reprs()
    assert opened(app, before, interface) == {"read": b'{"a":1}'}
    cookie = interface.get_signing_serializer(app).dumps({"a": 1})
    assert opened(app, cookie.decode(), interface) == {"read": b"{'a': 1}"}


def test_an_overridden_signing_serializer(
    sessions: Any, app: Any, client: Any, routes: None
) -> None:
    class Interface(sessions.SecureCookieSessionInterface):
        def get_signing_serializer(self, app: Any) -> Any:
            return URLSafeTimedSerializer("other", salt="other")

    app.session_interface = Interface()
    cookie = client.get("/set/1").headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert URLSafeTimedSerializer("other", salt="other").loads(cookie) == {"a": "1"}
    assert client.get("/get").json == {"a": "1"}


def test_overridden_questions(sessions: Any, app: Any, client: Any, routes: None) -> None:
    class Interface(sessions.SecureCookieSessionInterface):
        def should_set_cookie(self, app: Any, session: Any) -> bool:
            return super().should_set_cookie(app, session) and "skip" not in session.values()

        def get_cookie_name(self, app: Any) -> str:
            return "renamed"

        def get_expiration_time(self, app: Any, session: Any) -> datetime.datetime:
            return datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)

    app.session_interface = Interface()
    cookie = client.get("/set/1").headers["Set-Cookie"]
    assert cookie.startswith("renamed=")
    assert "; Expires=Tue, 01 Jan 2030 00:00:00 GMT; HttpOnly; Path=/" in cookie
    assert "Set-Cookie" not in client.get("/set/skip").headers


def test_an_interface_of_ones_own(sessions: Any, app: Any, client: Any, routes: None) -> None:
    class Session(dict[str, Any], sessions.SessionMixin):
        pass

    class Interface(sessions.SessionInterface):
        saved: list[Any] = []

        def open_session(self, app: Any, request: Any) -> Any:
            return Session() if "refuse" not in request.args else None

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            self.saved.append((dict(session), session.modified, session.new))

    app.session_interface = Interface()
    assert client.get("/set/1").status_code == 200
    assert Interface.saved == [({"a": "1"}, True, False)]
    assert client.get("/get?refuse").json == {}
    assert len(Interface.saved) == 1  # a null session is not saved
    with pytest.raises(RuntimeError):
        client.get("/set/1?refuse")


def test_the_bare_interface(sessions: Any, app: Any) -> None:
    interface = sessions.SessionInterface()
    assert interface.pickle_based is False
    assert interface.is_null_session(interface.make_null_session(app))
    assert not interface.is_null_session(sessions.SecureCookieSession())
    with pytest.raises(NotImplementedError):
        interface.open_session(app, None)
    with pytest.raises(NotImplementedError):
        interface.save_session(app, {}, None)


def test_the_session_object(sessions: Any) -> None:
    session = sessions.SecureCookieSession({"a": [1]})
    assert (session.modified, session.accessed, session.new) == (False, False, False)
    session["a"].append(2)
    assert session.modified is False
    session.permanent = 1
    assert session["_permanent"] is True and session.modified is True
    assert repr(session) == "<SecureCookieSession {'a': [1, 2], '_permanent': True}>"
    for change in (
        lambda s: s.update(b=1),
        lambda s: s.pop("a"),
        lambda s: s.setdefault("b", 1),
        lambda s: s.clear(),
        lambda s: s.popitem(),
        lambda s: s.__delitem__("a"),
    ):
        session = sessions.SecureCookieSession({"a": 1})
        change(session)
        assert session.modified is True
    session = sessions.SecureCookieSession({"a": 1})
    session.setdefault("a", 2)
    assert session.modified is False


# Weak keys


@pytest.mark.erlen_only
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "is not set"),
        ("", "is not set"),
        ("dev", "is an example that everybody knows"),
        ("Secret Key!", "is an example that everybody knows"),
        (b"change-me", "is an example that everybody knows"),
        ("you-will-never-guess", "is an example that everybody knows"),
        (
            "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
            "is an example that everybody knows",
        ),
        ("fifteen bytes..", "has 15 bytes, and should have at least 16"),
        ("\u00e4" * 7, "has 14 bytes, and should have at least 16"),
        ("abababababababababababab", "has only 2 different bytes"),
        ("sixteen bytes...", None),
        (b"\xff\x00" + b"0123456789abcdef", None),
        (hashlib.sha1(b"x").hexdigest(), None),
    ],
)
def test_weak_keys(sessions: Any, key: Any, reason: str | None) -> None:
    assert sessions.weak_secret_key_reason(key) == reason


@pytest.mark.erlen_only
@pytest.mark.parametrize("mode", ["production", "debug", "testing"])
def test_a_weak_key_is_reported_once(
    app: Any, client: Any, routes: None, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    app.session_interface = type(app.session_interface)()
    app.secret_key = "dev"
    app.testing = mode == "testing"
    app.debug = mode == "debug"
    with caplog.at_level(logging.WARNING):
        client.get("/plain")
        client.get("/get")
        assert caplog.messages == []
        client.get("/set/1")
        client.get("/set/2")
    expected = [
        "SECRET_KEY is an example that everybody knows: whoever guesses it can forge sessions. Set"
        " it to a random value, as from: python -c 'import secrets; print(secrets.token_hex())'"
    ]
    assert caplog.messages == (expected if mode == "production" else [])


@pytest.mark.erlen_only
def test_a_good_key_is_not_reported(
    app: Any, client: Any, routes: None, caplog: pytest.LogCaptureFixture
) -> None:
    app.testing = False
    client.get("/set/1")
    assert caplog.messages == []
