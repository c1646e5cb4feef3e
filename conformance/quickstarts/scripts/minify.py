import pathlib
import tempfile

from flask import Flask, render_template_string
from flask_minify import Minify
from flask_static_digest import FlaskStaticDigest

from driving import show

root = tempfile.mkdtemp()
s = pathlib.Path(root, "static")
s.mkdir()
(s / "a.css").write_text("body {\n  color: red;\n}\n")
(s / "a.js").write_text("function  f( ) {\n return 1;\n}\n")
app = Flask("x", root_path=root)
digest = FlaskStaticDigest()
digest.init_app(app)
minify = Minify(app=app, html=True, js=True, cssless=True, static=True)


@app.get("/")
def i():
    return render_template_string(
        "<html>\n  <body>\n <p> hi </p> "
        "<script> var a  = 1; </script><style>p { color : red }</style>"
        "{{ static_url_for('static', filename='a.css') }}</body></html>"
    )


@app.get("/j")
def j():
    return {"a": 1}


r = app.test_cli_runner().invoke(args=["digest", "compile"])
print(r.exit_code)
digest.init_app(app)
c = app.test_client()
for p in ("/", "/j", "/static/a.css", "/static/a.js", "/none"):
    show(c.get(p))
