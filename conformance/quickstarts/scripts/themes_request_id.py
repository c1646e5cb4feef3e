import io
import json
import logging
import pathlib
import tempfile

import chameleon_flask
from flask import Flask
from flask_log_request_id import RequestID, RequestIDLogFilter, current_request_id
from flask_themes2 import Themes, render_theme_template

from driving import show

root = pathlib.Path(tempfile.mkdtemp())
t = root / "themes" / "cool"
(t / "templates").mkdir(parents=True)
(t / "static").mkdir()
(t / "info.json").write_text(
    json.dumps(
        {
            "application": "x",
            "identifier": "cool",
            "name": "Cool",
            "author": "a",
            "license": "MIT",
            "description": "",
            "website": "",
            "version": "1",
            "doctype": "html5",
        }
    )
)
(t / "templates" / "a.html").write_text("cool {{ x }} {{ theme_static('a.css') }}")
(t / "static" / "a.css").write_text("p{}")
(root / "templates").mkdir()
(root / "templates" / "a.html").write_text("plain {{ x }}")
(root / "templates" / "b.html").write_text("plain b {{ x }}")
(root / "cham").mkdir()
(root / "cham" / "c.pt").write_text("<p>${x}</p>")
app = Flask("x", root_path=str(root))
Themes(app, app_identifier="x")
RequestID(app)
stream = io.StringIO()
h = logging.StreamHandler(stream)
h.addFilter(RequestIDLogFilter())
h.setFormatter(logging.Formatter("%(request_id)s %(message)s"))
logging.getLogger("mine").addHandler(h)
logging.getLogger("mine").setLevel(20)
chameleon_flask.global_init(str(root / "cham"), auto_reload=False)


@app.get("/a")
def a():
    logging.getLogger("mine").info("in a")
    return render_theme_template("cool", "a.html", x=1)


@app.get("/b")
def b():
    return render_theme_template("cool", "b.html", x=2)


@app.get("/c")
@chameleon_flask.template("c.pt")
def cc():
    return {"x": "<3"}


@app.get("/id")
def i():
    return str(current_request_id())


c = app.test_client()
for p in ("/a", "/b", "/c", "/id", "/_themes/cool/a.css"):
    show(c.get(p, headers={"X-Request-ID": "rid"}))
print(stream.getvalue())
