# S90. Corrected: warnings and errors are logged without debug mode, too; only INFO needs it.
from erlen import Flask

app = Flask(__name__)


@app.route("/")
def foo() -> str:
    app.logger.warning("A warning occurred")
    app.logger.error("An error occurred")
    app.logger.info("Info")
    return "foo"
