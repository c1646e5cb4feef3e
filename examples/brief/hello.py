# S88. Nothing to correct; `erlen --app hello run` says the same as FLASK_APP=hello.py.
from erlen import Flask

app = Flask(__name__)


@app.route("/")
def hello_world() -> str:
    return "Hello, World!"
