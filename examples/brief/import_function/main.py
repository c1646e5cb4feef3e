# S82. Corrected: # for comments, and the view returns what the imported function gave.
from other_file import function

from erlen import Flask

app = Flask(__name__)


@app.route("/")
@app.route("/index")
def index() -> str:
    baz = function()
    return baz


if __name__ == "__main__":
    app.run(debug=True)
