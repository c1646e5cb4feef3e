# S74. Nothing to correct; breakpoint() is today's way to write import pdb; pdb.set_trace().
import pdb

from erlen import Flask

app = Flask(__name__)


@app.route("/old")
def old() -> str:
    x = 41
    pdb.set_trace()
    return f"x was {x}"


@app.route("/new")
def new() -> str:
    x = 41
    breakpoint()
    return f"x was {x}"
