from flask import Flask, request
from pony.flask import Pony
from pony.orm import Database, Required, commit, select

from driving import show

db = Database()


class P(db.Entity):
    name = Required(str)


db.bind("sqlite", ":sharedmemory:")
db.generate_mapping(create_tables=True)
app = Flask(__name__)
Pony(app)


@app.post("/p")
def add():
    P(name=request.form["name"])
    commit()
    return "ok"


@app.get("/p")
def ls():
    return {"p": [p.name for p in select(p for p in P)]}


@app.get("/fail")
def fail():
    P(name="lost")
    raise ValueError("lost")


c = app.test_client()
show(c.post("/p", data={"name": "ada"}))
show(c.get("/p"))
show(c.get("/fail"))
show(c.get("/p"))
