"""The types of what is imported from the front door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type, cast

from erlen import (
    Config,
    Flask,
    Request,
    Response,
    current_app,
    g,
    make_response,
    request,
    session,
    url_for,
)
from erlen.ctx import AppContext, RequestContext, _AppCtxGlobals
from erlen.globals import app_ctx, request_ctx
from erlen.sessions import SessionMixin
from erlen.testing import FlaskClient, FlaskCliRunner
from erlen.typing import ResponseReturnValue

app = Flask(__name__)


def proxies() -> None:
    assert_type(request.path, str)
    assert_type(request.args.get("n", type=int), int | None)
    assert_type(request.method, str)
    assert_type(request.endpoint, str | None)
    assert_type(request.view_args, dict[str, Any] | None)
    assert_type(current_app.name, str)
    assert_type(current_app.config, Config)
    assert_type(current_app.debug, bool)
    assert_type(session.permanent, bool)
    assert_type(session["any"], Any)
    assert_type(g.anything, Any)
    assert_type(g.get("anything"), Any)
    assert_type("x" in g, bool)
    assert_type(current_app._get_current_object(), Flask)
    assert_type(request._get_current_object(), Request)
    assert_type(session._get_current_object(), SessionMixin)
    takes_request(request)
    takes_app(current_app)
    takes_session(session)
    takes_globals(g)
    takes_contexts(app_ctx, request_ctx)


def takes_request(value: Request) -> None: ...
def takes_app(value: Flask) -> None: ...
def takes_session(value: SessionMixin) -> None: ...
def takes_globals(value: _AppCtxGlobals) -> None: ...
def takes_contexts(app_context: AppContext, request_context: RequestContext) -> None: ...


class Globals(_AppCtxGlobals):
    """What this application keeps on `g`."""

    user: str
    attempts: int


if TYPE_CHECKING:
    typed_g = cast(Globals, g)
else:
    typed_g = g


class Session(dict[str, Any], SessionMixin):
    """What this application keeps in its session."""

    @property
    def user(self) -> str | None:
        return cast("str | None", self.get("user"))


def typed() -> None:
    assert_type(typed_g.user, str)
    typed_g.attempts = 3
    typed_session = cast(Session, session)
    assert_type(typed_session.user, str | None)


class Mine(Flask):
    app_ctx_globals_class = Globals
    response_class = Response

    def make_response(self, rv: ResponseReturnValue) -> Response:
        return super().make_response(rv)


def app_types() -> None:
    assert_type(app.test_client(), FlaskClient)
    assert_type(app.test_cli_runner(), FlaskCliRunner)
    assert_type(url_for("index", _external=True, n=1), str)
    assert_type(make_response("x", 201), Response)
    assert_type(app.testing, bool)
    assert_type(app.secret_key, str | bytes | None)
    assert_type(app.url_for("index"), str)
    with app.app_context() as ctx:
        assert_type(ctx, AppContext)
    with app.test_request_context("/") as request_context:
        assert_type(request_context, RequestContext)
    with app.test_client() as client:
        assert_type(client, FlaskClient)
        assert_type(client.get("/").status_code, int)
        with client.session_transaction() as stored:
            assert_type(stored, SessionMixin)
