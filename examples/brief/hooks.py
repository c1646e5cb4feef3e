# S45, S46, S47. Corrected: these are functions around a request, not ways to ask a database.
from erlen import Flask, Response, request
from erlen.typing import ResponseReturnValue

app = Flask(__name__)
log: list[str] = []


@app.before_request
def before() -> ResponseReturnValue | None:
    log.append("before")
    if "stop" in request.args:
        return "stopped", 403  # an answer from here, and the view is not called
    return None


@app.after_request
def after(response: Response) -> Response:
    log.append(f"after {response.status_code}")
    response.headers["X-Hook"] = "was here"
    return response  # an after_request function has to give a response back


@app.teardown_request
def teardown(error: BaseException | None) -> None:
    log.append(f"teardown {error!r}")


@app.route("/")
def index() -> str:
    log.append("view")
    if "fail" in request.args:
        raise ZeroDivisionError("division by zero")
    return "done"
