# S75. Corrected: the folder is static/ beside this file, not flask/static; straight quotes.
from erlen import Flask, url_for

app = Flask(__name__)


@app.route("/")
def index() -> str:
    style = url_for("static", filename="static_file_name.css")
    return f'<!doctype html><link rel="stylesheet" href="{style}"><h1>In colour</h1>'
