# S40, S41. Corrected: no sqlite3 command has to be installed, Python's own module reads schema.sql.
import sqlite3
from pathlib import Path

from erlen import Flask, g

app = Flask(__name__)
app.config["DATABASE"] = Path(app.instance_path) / "notes.sqlite"


def get_db() -> sqlite3.Connection:
    if "db" not in g:
        g.db = sqlite3.connect(app.config["DATABASE"])
    connection: sqlite3.Connection = g.db
    return connection


@app.teardown_appcontext
def close_db(error: BaseException | None) -> None:
    db = g.pop("db", None)
    if db is not None:
        db.close()


@app.cli.command("init-db")
def init_db() -> None:
    """Make the database from schema.sql: erlen --app notes init-db."""
    app.config["DATABASE"].parent.mkdir(exist_ok=True)
    with app.open_resource("schema.sql", "r") as schema:
        get_db().executescript(schema.read())


@app.route("/")
def index() -> list[str]:
    return [text for (text,) in get_db().execute("SELECT text FROM note")]
