import re

from flask import Flask, render_template_string, session
from flask_debugtoolbar import DebugToolbarExtension

app = Flask(__name__)
app.debug = True
app.config.update(SECRET_KEY="k" * 40, DEBUG_TB_INTERCEPT_REDIRECTS=True)
toolbar = DebugToolbarExtension(app)


@app.get("/")
def index():
    session["seen"] = 1
    return render_template_string("<html><body>{{ x }}</body></html>", x=5)


@app.get("/text")
def text():
    return "no html"


@app.get("/redirect")
def redirect():
    from flask import redirect

    return redirect("/")


client = app.test_client()
for path in ("/", "/text", "/redirect"):
    response = client.get(path)
    panels = re.findall(r"<h4>(.*?)</h4>", response.text)
    print(
        path,
        response.status,
        "flDebug" in response.text,
        panels,
        "session" in response.text.lower(),
    )
print(client.get("/_debug_toolbar/static/css/toolbar.css").status)
print(client.get("/_debug_toolbar/views/").status)
