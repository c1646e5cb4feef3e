# S76. Corrected: # for comments, the body indented, and the view returns something.
from erlen import Flask, request

app = Flask(__name__)


@app.route("/query")
def query() -> dict[str, list[str]]:
    args = request.args
    return args.to_dict(flat=False)
