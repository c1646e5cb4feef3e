# S32. Nothing to correct; 0.0.0.0 opens the server to the whole network, so never with debug.
from erlen import Flask

app = Flask(__name__)


@app.route("/")
def index() -> str:
    return "Hello, World!"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8080)
