# S87. A module of the package that uses what __init__.py declares.
from shop import app, greeting


@app.route("/")
def index() -> str:
    return greeting
