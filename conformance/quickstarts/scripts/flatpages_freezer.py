import os
import tempfile

from flask import Flask, render_template_string, url_for
from flask_flatpages import FlatPages
from flask_frozen import Freezer

home = tempfile.mkdtemp()
os.makedirs(f"{home}/pages")
os.makedirs(f"{home}/static")
with open(f"{home}/static/a.css", "w") as file:
    file.write("a {}")
with open(f"{home}/pages/hello.md", "w") as file:
    file.write("title: Hello\ntags: [x]\n\nHello, **World**!\n")
app = Flask(__name__, root_path=home)
app.config.update(FLATPAGES_EXTENSION=".md", FREEZER_DESTINATION=f"{home}/build")
pages, freezer = FlatPages(app), Freezer(app)


@app.get("/")
def index():
    return " ".join(url_for("page", path=p.path) for p in pages)


@app.get("/<path:path>/")
def page(path):
    found = pages.get_or_404(path)
    return render_template_string("{{ p.title }} {{ p.html|safe }}", p=found)


@app.get("/n/<int:n>.html")
def number(n):
    return str(n)


@freezer.register_generator
def numbers():
    yield "number", {"n": 5}
    yield "/n/6.html"


print(app.test_client().get("/hello/").text)
print(sorted(freezer.freeze()))
for folder, _, files in sorted(os.walk(f"{home}/build")):
    for name in sorted(files):
        with open(os.path.join(folder, name)) as file:
            print(os.path.relpath(os.path.join(folder, name), home), repr(file.read()))
