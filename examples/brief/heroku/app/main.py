# S43. The application that wsgi.py imports.
from erlen import Flask

app = Flask(__name__)


@app.route("/")
def index() -> str:
    return "Hello from a dyno!"
