import pathlib
import subprocess
import sys
import tempfile

PLUGIN = """
import flask
import flask.globals
import pytest
from flask import Flask, jsonify, url_for

@pytest.fixture
def app():
    app = Flask("tested")
    app.config["LIVESERVER_PORT"] = 0
    app.add_url_rule("/ping", "ping", lambda: jsonify(ping="pong"))
    return app

def test_client(client, accept_json):
    response = client.get(url_for("ping"), headers=accept_json)
    assert response.json == {"ping": "pong"}
    assert response == 200

def test_config(config, client):
    assert config["LIVESERVER_PORT"] == 0
    assert flask.globals.request_ctx.app.name == "tested"

@pytest.mark.options(debug=True)
def test_options(app):
    assert app.debug
"""
CASE = """
from flask import Flask, flash, render_template, session
from flask_testing import TestCase
import jinja2

class Mine(TestCase):
    render_templates = False
    def create_app(self):
        app = Flask("tested")
        app.config.update(TESTING=True, SECRET_KEY="k" * 40)
        app.jinja_loader = jinja2.DictLoader({"a.html": "{{ x }}"})
        @app.get("/")
        def index():
            flash("hello", "info")
            return render_template("a.html", x=5)
        app.add_url_rule("/r", "r", lambda: app.redirect("/"))
        return app
    def test_template(self):
        response = self.client.get("/")
        self.assert200(response)
        self.assert_template_used("a.html")
        self.assert_context("x", 5)
        self.assert_message_flashed("hello", "info")
    def test_redirect(self):
        self.assert_redirects(self.client.get("/r"), "/")
    def test_missing(self):
        self.assert404(self.client.get("/none"))
"""
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "test_plugin.py").write_text(PLUGIN)
    pathlib.Path(folder, "test_case.py").write_text(CASE)
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:warnings",
            folder,
        ],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    print(done.returncode)
    print("\n".join(line.partition(" in ")[0] for line in done.stdout.splitlines()))
