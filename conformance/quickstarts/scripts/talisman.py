import re

from flask import Flask, render_template_string
from flask_talisman import ALLOW_FROM, Talisman

app = Flask(__name__)
talisman = Talisman(
    app,
    content_security_policy={"default-src": "'self'", "script-src": "'self'"},
    content_security_policy_nonce_in=["script-src"],
)


@app.get("/")
def index():
    return render_template_string("<script nonce='{{ csp_nonce() }}'>1</script>")


@app.get("/embeddable")
@talisman(frame_options=ALLOW_FROM, frame_options_allow_from="*", force_https=False)
def embeddable():
    return "embed"


client = app.test_client()
for path in ("/", "/embeddable"):
    for base in ("http://localhost", "https://localhost"):
        response = client.get(path, base_url=base)
        print(path, base, response.status)
        for header in sorted(response.headers):
            print("  ", header[0], re.sub("nonce-[^']+", "nonce", header[1]))
        nonce = re.search("nonce='([^']+)'", response.text)
        if nonce:
            print(nonce[1] in response.headers["Content-Security-Policy"])
