from flask import Flask
from flask_principal import (
    Identity,
    Permission,
    PermissionDenied,
    Principal,
    RoleNeed,
    identity_changed,
    identity_loaded,
)

from driving import show

app = Flask(__name__)
app.secret_key = "k" * 40
Principal(app)
admin = Permission(RoleNeed("admin"))


@identity_loaded.connect_via(app)
def loaded(sender, identity):
    if identity.id == "root":
        identity.provides.add(RoleNeed("admin"))


@app.get("/login/<name>")
def login(name):
    identity_changed.send(app, identity=Identity(name))
    return name


@app.get("/admin")
@admin.require()
def only_admin():
    return "admin"


@app.get("/http")
@admin.require(http_exception=403)
def forbidden():
    return "admin"


@app.errorhandler(PermissionDenied)
def denied(error):
    return f"denied {error}", 401


client = app.test_client()
for path in ("/admin", "/login/ada", "/admin", "/http", "/login/root", "/admin", "/http"):
    show(client.get(path))
