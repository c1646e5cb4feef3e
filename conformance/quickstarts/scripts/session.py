import tempfile

from cachelib.file import FileSystemCache
from flask import Flask, session
from flask_session import Session

from driving import show

app = Flask(__name__)
app.config.update(
    SESSION_TYPE="cachelib",
    SESSION_CACHELIB=FileSystemCache(tempfile.mkdtemp()),
    SECRET_KEY="k" * 40,
)
Session(app)


@app.route("/set/<value>")
def set_(value):
    session["key"] = value
    return "ok"


@app.route("/get")
def get():
    return session.get("key", "not set")


@app.route("/clear")
def clear():
    session.clear()
    return "cleared"


@app.route("/regenerate")
def regenerate():
    app.session_interface.regenerate(session)
    return "new"


client = app.test_client()
for path in ("/get", "/set/a", "/get", "/regenerate", "/get", "/clear", "/get"):
    show(client.get(path))
with client.session_transaction() as transaction:
    transaction["key"] = "from the test"
show(client.get("/get"))
