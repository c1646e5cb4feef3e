"""Protection against forged requests (CSRF), for the whole app and for each form."""

from __future__ import annotations

import logging
import typing as t
from collections.abc import Callable, Iterator

from werkzeug.exceptions import BadRequest
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.form import BaseForm
from wtforms.validators import ValidationError

from ..app import Flask
from ..blueprints import Blueprint
from ..globals import current_app, g, request
from ._macros import add_macros
from ._origin import check_trusted_origins, is_of_host, is_same_origin
from ._tokens import FIELD_NAME
from ._tokens import csrf_meta_tag as csrf_meta_tag
from ._tokens import generate_csrf as generate_csrf
from ._tokens import renew_csrf as renew_csrf
from ._tokens import validate_csrf as validate_csrf

logger = logging.getLogger(__name__)

# https://www.rfc-editor.org/rfc/rfc9110#name-safe-methods
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
HEADERS = ("X-CSRFToken", "X-CSRF-Token")
FOREIGN = "The request came from another site."

View = t.TypeVar("View", bound="Callable[..., t.Any] | Blueprint | str")


class CSRFError(BadRequest):
    """A request that may be forged was refused.

    It is a 400 whose description tells the reason; register an error handler for an answer of
    your own.
    """

    description = "CSRF validation failed."


class CSRFProtect:
    """Refuse requests that another site made a user's browser send.

    It puts ``csrf_token()`` and ``csrf_meta_tag()`` into the app's templates, and the macros of
    ``erlen/forms/`` beside them.

    :param app: the app; without one, call :meth:`init_app`.
    """

    def __init__(self, app: Flask | None = None) -> None:
        self._exempt = _Marks()
        self._without_token = _Marks()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Protect an app. Its settings begin with ``WTF_CSRF_``.

        :raise ValueError: ``WTF_CSRF_TRUSTED_ORIGINS`` has something that is no origin.
        """
        check_trusted_origins(app.config.get("WTF_CSRF_TRUSTED_ORIGINS", ()))
        app.extensions["csrf"] = self
        app.add_template_global(generate_csrf, "csrf_token")
        app.add_template_global(csrf_meta_tag)
        app.before_request(self._before_request)
        add_macros(app)

    def _before_request(self) -> None:
        config = current_app.config
        if config.get("WTF_CSRF_ENABLED", True) and config.get("WTF_CSRF_CHECK_DEFAULT", True):
            self.protect(apply_exemptions=True)

    def protect(self, apply_exemptions: bool = False) -> None:
        """Check the current request, where its method may change something.

        :param apply_exemptions: leave out what was marked with :meth:`exempt`, and requests whose
            URL leads nowhere.
        :raise CSRFError: it may be forged.
        """
        if not _is_checked(request.method):
            return
        needs_token = True
        if apply_exemptions:
            endpoint = request.endpoint
            if endpoint is None or self._exempt.has(endpoint):
                return
            needs_token = not self._without_token.has(endpoint)
        try:
            _check_request(needs_token)
        except ValidationError as error:
            _refuse(str(error))
            raise CSRFError(str(error)) from error
        g.csrf_valid = True

    def exempt(self, view: View) -> View:
        """Leave a view or a blueprint unprotected, with the forms inside it.

        :param view: a view function, a class of views, the dotted name of a view
            (``"package.module.view"``), or a blueprint with all that is nested in it.
        :return: the same, so that it can be a decorator.
        """
        return self._exempt.add(view)

    def without_token(self, view: View) -> View:
        """Let programs in that are no browser, as is usual for an API.

        What says neither ``Sec-Fetch-Site`` nor ``Origin`` needs no token there. What a browser
        says to come from another site stays refused.

        :param view: as for :meth:`exempt`.
        :return: the same, so that it can be a decorator.
        """
        return self._without_token.add(view)

    def is_exempt(self) -> bool:
        """Tell whether the current request goes to what was marked with :meth:`exempt`."""
        endpoint = request.endpoint
        return endpoint is not None and self._exempt.has(endpoint)


class _Marks:
    """Views and blueprints that were marked."""

    def __init__(self) -> None:
        self._marked: set[object] = set()

    def add(self, view: View) -> View:
        self._marked.add(view)
        return view

    def has(self, endpoint: str) -> bool:
        """Tell whether the view of an endpoint is marked, or a blueprint around it."""
        marked = self._marked
        if not marked:
            return False
        if any(current_app.blueprints.get(name) in marked for name in request.blueprints):
            return True
        return any(it in marked for it in _identities(current_app.view_functions.get(endpoint)))


def _identities(view: t.Any) -> Iterator[object]:
    """Yield what a view may have been marked as: itself, what it wraps, its class, its name."""
    while view is not None:
        yield view
        yield getattr(view, "view_class", None)
        yield f"{getattr(view, '__module__', '')}.{getattr(view, '__name__', '')}"
        view = getattr(view, "__wrapped__", None)


def _is_checked(method: str) -> bool:
    methods = current_app.config.get("WTF_CSRF_METHODS")
    return method not in SAFE_METHODS if methods is None else method in methods


def _check_request(needs_token: bool) -> None:
    """Check where the current request comes from, and its token where it does not tell.

    :raise ValidationError: it may be forged.
    """
    same = _comes_from_here()
    if same is None and needs_token:
        validate_csrf(_token_of_request())
        _check_referrer()
    elif same is False:
        raise ValidationError(FOREIGN)


def _comes_from_here() -> bool | None:
    config = current_app.config
    trusted = config.get("WTF_CSRF_TRUSTED_ORIGINS", ())
    if isinstance(trusted, str):
        check_trusted_origins(trusted)  # set after init_app: parts of a text would be trusted
    strict = config.get("WTF_CSRF_SSL_STRICT", True)
    return is_same_origin(request._get_current_object(), trusted, strict)


def _token_of_request() -> str | None:
    """Return the token that came in a header or in the form, whatever the form's prefix."""
    # The headers first: a body that nobody has to look into can still be streamed by the view.
    if token := _token_of_headers():
        return token
    name = current_app.config.get("WTF_CSRF_FIELD_NAME", FIELD_NAME)
    form = request.form
    if token := form.get(name):
        return token
    return next((form[key] for key in form if key.endswith(name) and form[key]), None)


def _token_of_headers() -> str | None:
    names = current_app.config.get("WTF_CSRF_HEADERS", HEADERS)
    return next((token for name in names if (token := request.headers.get(name))), None)


def _check_referrer() -> None:
    """Refuse what a page that came by plain HTTP sends to HTTPS: others could have changed it."""
    config = current_app.config
    if request.scheme != "https" or not config.get("WTF_CSRF_SSL_STRICT", True):
        return
    if not request.referrer:
        raise ValidationError("The referrer header is missing.")
    if not is_of_host(request.referrer, request._get_current_object()):
        raise ValidationError("The referrer does not match the host.")


def _refuse(reason: str) -> None:
    """Log why a request is refused, with what whoever runs the site needs to know."""
    advice = ""
    if reason == FOREIGN:
        advice = (
            " If that site is yours, add it to WTF_CSRF_TRUSTED_ORIGINS; behind a proxy, let it"
            " pass the Host header on."
        )
    headers = request.headers
    logger.warning(
        "Refused %s %r: %s (Origin: %r, Sec-Fetch-Site: %r, Host: %r)%s",
        request.method,
        request.path,
        reason,
        headers.get("Origin"),
        headers.get("Sec-Fetch-Site"),
        headers.get("Host"),
        advice,
    )


class FormCSRFField(CSRFTokenField):
    """The hidden field with the token. It is made only where the field is shown."""

    def process(self, *args: t.Any, **kwargs: t.Any) -> None:
        super(CSRFTokenField, self).process(*args, **kwargs)

    # WTForms declares an attribute, and signs a token for each form that is made.
    @property
    def current_token(self) -> str:  # type: ignore[override]
        """The token of this session."""
        return self.csrf_impl.generate_csrf_token(self)


class FormCSRF(CSRF):
    """The part of a form that carries and checks its token."""

    field_class = FormCSRFField

    def setup_form(self, form: BaseForm) -> list[tuple[str, t.Any]]:
        self.meta = form.meta
        return super().setup_form(form)

    def generate_csrf_token(self, csrf_token_field: CSRFTokenField) -> str:
        return generate_csrf(self.meta.csrf_secret, self.meta.csrf_field_name)

    def validate_csrf_token(self, form: BaseForm, field: CSRFTokenField) -> None:
        if g.get("csrf_valid", False):
            return  # CSRFProtect has looked at the request.
        protect = current_app.extensions.get("csrf")
        if isinstance(protect, CSRFProtect) and protect.is_exempt():
            return
        try:
            self._check(field)
        except ValidationError as error:
            _refuse(str(error))
            raise

    def _check(self, field: CSRFTokenField) -> None:
        # A form that is sent by GET may come by a link in a mail, which no header tells.
        same = None if request.method in SAFE_METHODS else _comes_from_here()
        if same is None:
            meta = self.meta
            token = field.data or _token_of_headers()
            validate_csrf(token, meta.csrf_secret, meta.csrf_time_limit, meta.csrf_field_name)
            _check_referrer()
        elif not same:
            raise ValidationError(FOREIGN)
