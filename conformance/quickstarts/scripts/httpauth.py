from flask import Flask
from flask_httpauth import HTTPBasicAuth, HTTPDigestAuth, HTTPTokenAuth, MultiAuth

from driving import show

app = Flask(__name__)
app.secret_key = "k" * 40
basic, token, digest = HTTPBasicAuth(), HTTPTokenAuth(), HTTPDigestAuth()
multi = MultiAuth(basic, token)


@basic.verify_password
def verify(username, password):
    return username if password == "secret" else None


@basic.get_user_roles
def roles(user):
    return ["admin"] if user == "root" else []


@basic.error_handler
def denied(status):
    return {"denied": status}, status


@token.verify_token
def verify_token(value):
    return "by token" if value == "t" else None


@digest.get_password
def password(username):
    return "secret"


app.get("/basic")(basic.login_required(lambda: f"Hello, {basic.current_user()}"))
app.add_url_rule("/admin", "admin", basic.login_required(role="admin")(lambda: "admin"))
app.add_url_rule("/multi", "multi", multi.login_required(lambda: multi.current_user()))
app.add_url_rule("/digest", "digest", digest.login_required(lambda: "digest"))
client = app.test_client()
for path in ("/basic", "/admin", "/multi"):
    show(client.get(path))
    show(client.get(path, auth=("ada", "secret")))
    show(client.get(path, auth=("root", "secret")))
    show(client.get(path, headers={"Authorization": "Bearer t"}))
    show(client.get(path, headers={"Authorization": "Nonsense"}))
print(client.get("/digest").headers["WWW-Authenticate"].partition('nonce="')[0])
