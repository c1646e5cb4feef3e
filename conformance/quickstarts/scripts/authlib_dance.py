import re

from authlib.integrations.flask_client import OAuth
from flask import Flask, url_for
from flask_dance.contrib.github import github, make_github_blueprint

from driving import show

app = Flask(__name__)
app.secret_key = "k" * 40
oauth = OAuth(app)
oauth.register(
    "example",
    client_id="id",
    client_secret="secret",
    authorize_url="https://example.com/authorize",
    access_token_url="https://example.com/token",
    client_kwargs={"scope": "email", "code_challenge_method": "S256"},
)
app.register_blueprint(
    make_github_blueprint(client_id="gh", client_secret="s"), url_prefix="/login"
)


@app.get("/auth")
def auth():
    return oauth.example.authorize_redirect(url_for("back", _external=True))


@app.get("/back")
def back():
    return oauth.example.authorize_access_token()


@app.get("/")
def index():
    return str(github.authorized) + " " + url_for("github.login")


client = app.test_client()
for path in ("/auth", "/login/github"):
    response = client.get(path)
    location = response.headers["Location"]
    print(response.status, re.sub(r"(state|code_challenge)=[\w-]+", r"\1=...", location))
with client.session_transaction() as stored:
    print(sorted(re.sub("_[A-Za-z0-9]{20,}", "_...", key) for key in stored))
show(client.get("/"))
app.testing = False
print(client.get("/back?error=access_denied&error_description=no").status)
print(client.get("/login/github/authorized?code=x&state=wrong").status)
