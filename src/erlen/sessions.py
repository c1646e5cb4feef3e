"""What an app remembers of a browser from one request to the next.

By default a session travels in a cookie: its owner can read it and, without the secret key, not
change it. :class:`SessionInterface` is what to implement to keep sessions elsewhere.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime

from werkzeug.datastructures import CallbackDict

from ._http import read_cookie
from ._lazy import LateModule
from .json.tag import TaggedJSONSerializer
from .typing import App
from .wrappers import Request, Response

if t.TYPE_CHECKING:
    import itsdangerous

    from . import _signing
else:
    # PERF: many apps have no session, and itsdangerous takes a fortieth of the time to import.
    itsdangerous = LateModule("itsdangerous")
    _signing = LateModule("erlen._signing")


class SessionMixin(MutableMapping[str, t.Any]):
    """What a session has besides the methods of a dict."""

    #: Whether the session was just begun; some interfaces cannot tell, and leave it false.
    new = False

    #: Whether the session has to be saved; an interface that cannot tell leaves it true.
    modified = True

    #: Whether anybody looked at the session, so that the answer depends on the cookie and says
    #: ``Vary: Cookie``. The request context sets it.
    accessed = False

    @property
    def permanent(self) -> bool:
        """Whether the session outlives the browser, for ``PERMANENT_SESSION_LIFETIME``.

        Kept in the session as ``_permanent``.
        """
        return self.get("_permanent", False)  # type: ignore[no-any-return]  # a session is untyped

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


def _mark_modified(session: SecureCookieSession) -> None:
    session.modified = True


# dict's update and a mapping's have other signatures, in the standard library's types.
class SecureCookieSession(  # pyright: ignore[reportIncompatibleMethodOverride]
    CallbackDict[str, t.Any], SessionMixin
):
    """A session that is kept in a signed cookie.

    It notices what is set and deleted in it, not what changes inside its values: set
    ``session.modified = True`` after appending to a list in it.

    :param initial: what the cookie held. Default: nothing.
    """

    modified = False

    def __init__(self, initial: Mapping[str, t.Any] | None = None) -> None:
        # PERF: Werkzeug's constructors do the same, four calls deep.
        if initial is not None:
            dict.__init__(self, initial)
        self.on_update = _mark_modified

    def __setitem__(self, key: str, value: t.Any) -> None:
        # PERF: Werkzeug's goes through two functions more.
        dict.__setitem__(self, key, value)
        if self.on_update is not None:
            self.on_update(self)  # type: ignore[arg-type]  # Self is this class


def _unavailable(self: SecureCookieSession, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
    raise RuntimeError(
        "The session is unavailable because no secret "
        "key was set.  Set the secret_key on the "
        "application to something unique and secret."
    )


class NullSession(SecureCookieSession):
    """The session of an app that cannot have one: empty, and explains why on being changed."""

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = _unavailable


class SessionInterface:
    """How an app opens and saves sessions; subclass it to keep them elsewhere.

    Implement :meth:`open_session` and :meth:`save_session` with a session class that is a
    mapping and a :class:`SessionMixin`, and set ``app.session_interface``. Requests of the same
    browser may run at the same time: guard the store where that matters.

    Source: https://flask.palletsprojects.com/en/stable/api/#session-interface
    """

    #: What :meth:`make_null_session` makes and :meth:`is_null_session` looks for.
    null_session_class = NullSession

    #: Whether sessions are kept with pickle, so that they may hold any object.
    pickle_based = False

    # Whether a session that nobody asks for need not be opened: opening one has no effect, and
    # one that was not opened has nothing to save (see dispatch.py).
    _opens_lazily = False

    def make_null_session(self, app: App) -> NullSession:
        """Make the session of a request whose session could not be opened."""
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Tell whether this is such a session, which is not saved."""
        # PERF: the usual one need not be looked for among what abstract classes know (0.4 µs).
        return type(obj) is not SecureCookieSession and isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: App) -> str:
        """Return the cookie's name: ``SESSION_COOKIE_NAME``."""
        return app.config["SESSION_COOKIE_NAME"]  # type: ignore[no-any-return]

    def get_cookie_domain(self, app: App) -> str | None:
        """Return the cookie's ``Domain``: ``SESSION_COOKIE_DOMAIN``.

        ``None`` binds the cookie to the very host that set it.
        """
        return app.config["SESSION_COOKIE_DOMAIN"]  # type: ignore[no-any-return]

    def get_cookie_path(self, app: App) -> str:
        """Return the cookie's ``Path``: ``SESSION_COOKIE_PATH``, else ``APPLICATION_ROOT``."""
        config = app.config
        return config["SESSION_COOKIE_PATH"] or config["APPLICATION_ROOT"]  # type: ignore[no-any-return]

    def get_cookie_httponly(self, app: App) -> bool:
        """Tell whether scripts are kept from the cookie: ``SESSION_COOKIE_HTTPONLY``."""
        return app.config["SESSION_COOKIE_HTTPONLY"]  # type: ignore[no-any-return]

    def get_cookie_secure(self, app: App) -> bool:
        """Tell whether the cookie is for HTTPS only: ``SESSION_COOKIE_SECURE``."""
        return app.config["SESSION_COOKIE_SECURE"]  # type: ignore[no-any-return]

    def get_cookie_samesite(self, app: App) -> str | None:
        """Return the cookie's ``SameSite``: ``SESSION_COOKIE_SAMESITE``."""
        return app.config["SESSION_COOKIE_SAMESITE"]  # type: ignore[no-any-return]

    def get_cookie_partitioned(self, app: App) -> bool:
        """Tell whether the cookie is kept per top-level site: ``SESSION_COOKIE_PARTITIONED``."""
        return app.config["SESSION_COOKIE_PARTITIONED"]  # type: ignore[no-any-return]

    def get_expiration_time(self, app: App, session: SessionMixin) -> datetime | None:
        """Return when the cookie expires: now and ``permanent_session_lifetime``.

        :return: an aware time in UTC, or ``None`` where the session ends with the browser.
        """
        if session.permanent:
            return datetime.now(UTC) + app.permanent_session_lifetime  # type: ignore[no-any-return]
        return None

    def should_set_cookie(self, app: App, session: SessionMixin) -> bool:
        """Tell whether the answer has to set the cookie.

        It has to where the session was modified, or is permanent and
        ``SESSION_REFRESH_EACH_REQUEST`` is on.
        """
        return session.modified or (
            session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"]
        )

    def open_session(self, app: App, request: Request) -> SessionMixin | None:
        """Open the session of a request.

        :return: the session, or ``None`` where there cannot be one and :meth:`make_null_session`
            is to be asked.
        """
        raise NotImplementedError()

    def save_session(self, app: App, session: SessionMixin, response: Response) -> None:
        """Save the session, and set its cookie on the response.

        Not called for a session that :meth:`is_null_session` knows.
        """
        raise NotImplementedError()


session_json_serializer = TaggedJSONSerializer()


def _lazy_sha1(string: bytes = b"") -> t.Any:
    """Make a SHA-1, and not touch it before: some builds of OpenSSL refuse it."""
    return hashlib.sha1(string)


class SecureCookieSessionInterface(SessionInterface):
    """Keep sessions in signed cookies, by :mod:`itsdangerous`; what every app begins with.

    Source: https://flask.palletsprojects.com/en/stable/api/#flask.sessions.SecureCookieSessionInterface
    """

    #: Tells this use of the secret key from others.
    salt = "cookie-session"
    #: The hash of the signature (RFC 2104).
    digest_method = staticmethod(_lazy_sha1)
    #: How itsdangerous derives the signing key from the secret key and the salt.
    key_derivation = "hmac"
    #: What writes the session as text.
    serializer = session_json_serializer
    session_class = SecureCookieSession

    #: The signing serializers made so far, by all that went into them. Copied on change, so that
    #: threads need no lock, and emptied when it holds 16.
    _signing_serializers: Mapping[t.Any, _signing.SessionSerializer] = {}

    _opens_lazily = True

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        super().__init_subclass__(**kwargs)
        mine = SecureCookieSessionInterface
        cls._opens_lazily = all(
            getattr(cls, name) is getattr(mine, name)
            for name in ("open_session", "save_session", "should_set_cookie", "is_null_session")
        )

    def get_signing_serializer(self, app: App) -> itsdangerous.URLSafeTimedSerializer | None:
        """Return what signs and reads the cookies of an app.

        :return: a serializer that signs with ``SECRET_KEY`` and also reads what was signed with
            one of ``SECRET_KEY_FALLBACKS``; ``None`` where the app has no secret key.
        """
        secret_key = app.secret_key
        if not secret_key:
            return None
        # itsdangerous signs with the last key.
        keys = (*(app.config["SECRET_KEY_FALLBACKS"] or ()), secret_key)
        serializer = self.serializer
        made_of = (keys, self.salt, self.digest_method, self.key_derivation, id(serializer))
        # PERF: making one, with its signer and keys, takes longer than reading a cookie.
        known = self._signing_serializers.get(made_of)
        if known is None:
            known = self._make_signing_serializer(keys)
            others = self._signing_serializers if len(self._signing_serializers) < 16 else {}
            self._signing_serializers = {**others, made_of: known}
        return known

    def _make_signing_serializer(self, keys: tuple[str | bytes, ...]) -> _signing.SessionSerializer:
        return _signing.SessionSerializer(
            keys,  # type: ignore[arg-type]  # str and bytes may be mixed
            salt=self.salt,
            serializer=self.serializer,
            signer=_signing.SessionSigner,
            signer_kwargs={
                "key_derivation": self.key_derivation,
                "digest_method": self.digest_method,
            },
        )

    def open_session(self, app: App, request: Request) -> SecureCookieSession | None:
        """Read the session from its cookie.

        A cookie that is missing, too old or not signed by this app begins an empty session.

        :return: the session, or ``None`` where the app has no secret key.
        """
        signing = self.get_signing_serializer(app)
        if signing is None:
            return None
        name = self.get_cookie_name(app)
        if type(request) is Request and "cookies" not in request.__dict__:
            value = read_cookie(request.environ.get("HTTP_COOKIE", ""), name)
        else:
            value = request.cookies.get(name)
        if not value:
            return self.session_class()
        max_age = int(app.permanent_session_lifetime.total_seconds())
        try:
            return self.session_class(signing.loads(value, max_age=max_age))
        except itsdangerous.BadSignature:
            return self.session_class()

    def save_session(self, app: App, session: SessionMixin, response: Response) -> None:
        """Write the session into its cookie, or delete the cookie of one that was emptied."""
        if session.accessed:
            _vary_by_cookie(response)
        if not (self.should_set_cookie(app, session) if session else session.modified):
            return
        attributes: dict[str, t.Any] = {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "partitioned": self.get_cookie_partitioned(app),
            "samesite": self.get_cookie_samesite(app),
            "httponly": self.get_cookie_httponly(app),
        }
        name = self.get_cookie_name(app)
        if session:
            expires = self.get_expiration_time(app, session)
            signing: t.Any = self.get_signing_serializer(app)
            _warn_once_of_weak_key(app, signing)
            response.set_cookie(name, signing.dumps(dict(session)), expires=expires, **attributes)
        else:
            response.delete_cookie(name, **attributes)
        if not session.accessed:
            _vary_by_cookie(response)


def _vary_by_cookie(response: Response) -> None:
    # PERF: neither Headers nor a set of names is made for a response that varies by nothing.
    pending = response._pending if isinstance(response, Response) else None
    if pending is not None and "vary" not in [name.lower() for name, _ in pending]:
        pending.append(("Vary", "Cookie"))
    elif response.headers.getlist("Vary"):
        response.vary.add("Cookie")
    else:
        response.headers.add("Vary", "Cookie")


def _warn_once_of_weak_key(app: App, signing: t.Any) -> None:
    # An interface's own serializer is its own affair.
    if getattr(signing, "key_checked", True) or app.debug or app.testing:
        return
    signing.key_checked = True
    reason = weak_secret_key_reason(app.secret_key)
    if reason is not None:
        app.logger.warning(
            "SECRET_KEY %s: whoever guesses it can forge sessions. Set it to a random value, as"
            " from: python -c 'import secrets; print(secrets.token_hex())'",
            reason,
        )


def weak_secret_key_reason(key: str | bytes | None) -> str | None:
    """Tell why a secret key does not keep a secret, for whoever reports on a deployment.

    :param key: the key, as in ``SECRET_KEY``.
    :return: what is wrong, to be read after the key's name; ``None`` where nothing is known to be.
    """
    if not key:
        return "is not set"
    value = key.encode() if isinstance(key, str) else key
    words = "".join(re.findall("[a-z0-9]+", value.decode("latin-1").lower()))
    if words in _KNOWN_KEYS:
        return "is an example that everybody knows"
    if len(value) < 16:
        return f"has {len(value)} bytes, and should have at least 16"
    if len(set(value)) < 6:
        return f"has only {len(set(value))} different bytes"
    return None


#: Keys from documentation, tutorials and templates: their letters and digits, in lower case.
_KNOWN_KEYS = frozenset(
    {
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",  # Flask's manual
        "5y2lf4q8znxec",  # Flask's old quickstart
        "xf7xa1xa8x9f",
        "changeme",
        "changethis",
        "changemeinproduction",
        "changethisinproduction",
        "default",
        "dev",
        "devkey",
        "development",
        "developmentkey",
        "forthisexampleonlytakearandomoneandkeepitoutofthesource",  # in our examples
        "fromtheenvironmentneverfromthesource",  # in our manual
        "hardtoguessstring",
        "key",
        "mysecret",
        "mysecretkey",
        "password",
        "replaceme",
        "replacemewitharandomvalue",
        "secret",
        "secretkey",
        "supersecret",
        "supersecretkey",
        "test",
        "testkey",
        "testing",
        "thisisasecret",
        "thisisasecretkey",
        "thisismysecretkey",
        "thisshouldbearandomvalue",
        "topsecret",
        "yoursecretkey",
        "yoursecretkeyhere",
        "youwillneverguess",
    }
)
