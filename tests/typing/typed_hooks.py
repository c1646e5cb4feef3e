"""Hooks, handlers and registrations, as a type checker must accept them."""

from __future__ import annotations

from typing import Any, assert_type

from werkzeug.exceptions import HTTPException, NotFound

from erlen import Blueprint, Flask, Response, g, request
from erlen.typing import ResponseReturnValue

app = Flask(__name__)
bp = Blueprint("bp", __name__, url_prefix="/bp")


@app.before_request
def before() -> None: ...


@app.before_request
def before_answers() -> ResponseReturnValue | None:
    return "stop" if request.args else None


@bp.before_request
async def before_async() -> None: ...


@app.after_request
def after(response: Response) -> Response:
    return response


@bp.after_app_request
async def after_async(response: Response) -> Response:
    return response


@app.teardown_request
def teardown(exc: BaseException | None) -> None: ...


@app.teardown_appcontext
async def teardown_app(exc: BaseException | None) -> None: ...


@app.context_processor
def processor() -> dict[str, Any]:
    return {"x": 1}


@app.url_value_preprocessor
def pull(endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.lang = (values or {}).pop("lang", None)


@app.url_defaults
def add(endpoint: str, values: dict[str, Any]) -> None:
    values.setdefault("lang", g.lang)


@app.errorhandler(404)
def not_found(error: NotFound) -> tuple[str, int]:
    return "gone", 404


@app.errorhandler(ValueError)
def value_error(error: ValueError) -> str:
    return str(error)


@bp.app_errorhandler(HTTPException)
async def http_error(error: HTTPException) -> ResponseReturnValue:
    return {"error": error.name}, error.code or 500


def key_error(error: KeyError) -> str:
    return str(error)


app.register_error_handler(KeyError, key_error)


@app.template_filter()
def double(value: int) -> int:
    return value * 2


@app.template_test("even")
def is_even(value: int) -> bool:
    return value % 2 == 0


@app.template_global()
def answer() -> int:
    return 42


@app.shell_context_processor
def shell() -> dict[str, Any]:
    return {"app": app}


@app.cli.command("init")
def init() -> None: ...


app.register_blueprint(bp, url_prefix="/other", name="other")

# What a decorator gives back is what it was given.
assert_type(double(2), int)
assert_type(not_found(NotFound()), tuple[str, int])


@app.before_request  # type: ignore[type-var]  # a hook before the request takes nothing
def wrong_before(response: Response) -> None: ...
