# S57, S61, S62. Corrected: session instead of request.session; the view answers admins, too.
from dataclasses import dataclass

from erlen import Flask, g, redirect, render_template_string, session, url_for
from erlen.typing import ResponseReturnValue

app = Flask(__name__)
app.secret_key = "for this example only: take a random one, and keep it out of the source"


@dataclass
class User:
    name: str
    is_admin: bool


USERS = {1: User("Ada", is_admin=True), 2: User("Bob", is_admin=False)}


@app.before_request
def load_user() -> None:
    # Whoever checks the password sets session["user_id"].
    g.user = USERS.get(session.get("user_id", 0))


@app.route("/")
def index() -> str:
    return "Everybody may read this."


@app.route("/admin")
def admin() -> ResponseReturnValue:
    if g.user is None or not g.user.is_admin:
        return redirect(url_for("index"))
    return render_template_string("Welcome, {{ g.user.name }}.")
