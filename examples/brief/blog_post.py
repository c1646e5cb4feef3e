# S49. Corrected: straight quotes, the body indented, and what comes from the URL escaped.
from markupsafe import escape

from erlen import Flask

app = Flask(__name__)


@app.route("/blog/post/<string:post_id>")
def get_post_id(post_id: str) -> str:
    return escape(post_id)
