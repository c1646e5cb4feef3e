import hashlib
import hmac
import json
import time

import slackeventsapi
from flask import Flask, request
from flask_simple_captcha import CAPTCHA

from driving import show

app = Flask(__name__)
cap = CAPTCHA(
    config={
        "SECRET_CAPTCHA_KEY": "k" * 32,
        "CAPTCHA_LENGTH": 6,
        "CAPTCHA_DIGITS": False,
        "EXPIRE_SECONDS": 600,
    }
)
app = cap.init_app(app)


@app.route("/", methods=["GET", "POST"])
def i():
    if request.method == "POST":
        return str(cap.verify(request.form.get("t"), request.form.get("h")))
    x = cap.create(text="ABCDEF")
    return {"keys": sorted(x), "html": len(cap.captcha_html(x)) > 100}


slack = slackeventsapi.SlackEventAdapter("secret", "/slack", app)
got = []


@slack.on("reaction_added")
def on(e):
    got.append(e["event"]["type"])


c = app.test_client()
show(c.get("/"))
show(c.post("/", data={"t": "A", "h": "b"}))
body = json.dumps({"event": {"type": "reaction_added"}})
ts = str(int(time.time()))
sig = "v0=" + hmac.new(b"secret", f"v0:{ts}:{body}".encode(), hashlib.sha256).hexdigest()
show(
    c.post(
        "/slack",
        data=body,
        content_type="application/json",
        headers={"X-Slack-Request-Timestamp": ts, "X-Slack-Signature": sig},
    )
)
print(got)
show(
    c.post(
        "/slack",
        data=body,
        content_type="application/json",
        headers={"X-Slack-Request-Timestamp": ts, "X-Slack-Signature": "x"},
    )
)
show(c.get("/slack"))
