# S59. Nothing to correct; get_data() keeps the body, so the view still finds its form.
from erlen import Flask, request

app = Flask(__name__)


@app.before_request
def log_request_info() -> None:
    app.logger.debug("Headers: %s", request.headers)
    app.logger.debug("Body: %s", request.get_data())


@app.post("/")
def index() -> dict[str, str]:
    return request.form.to_dict()
