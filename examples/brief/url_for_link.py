# S48. Corrected: url_for's closing parenthesis, straight quotes, and </a> at the end of the link.
from erlen import Flask, abort, render_template_string

app = Flask(__name__)

POSTS = {"5": "Five < six", "hello-world": "Hello, World!"}

LINKS = """
{% for id, title in posts.items() %}
  <a href="{{ url_for('get_post_id', post_id=id) }}">{{ title }}</a>
{% endfor %}
"""


@app.route("/")
def index() -> str:
    return render_template_string(LINKS, posts=POSTS)


@app.route("/blog/post/<string:post_id>")
def get_post_id(post_id: str) -> str:
    if post_id not in POSTS:
        abort(404)
    return render_template_string("<h1>{{ title }}</h1>", title=POSTS[post_id])
