from flask import Flask, render_template_string
from flask_security import (
    Security,
    SQLAlchemyUserDatastore,
    auth_required,
    hash_password,
    roles_required,
)
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy

from driving import show

app = Flask(__name__)
app.config.update(
    SECRET_KEY="k" * 40,
    SECURITY_PASSWORD_SALT="146585145368132386173505678016728509634",
    SQLALCHEMY_DATABASE_URI="sqlite://",
    SECURITY_REGISTERABLE=True,
    SECURITY_SEND_REGISTER_EMAIL=False,
    SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    SECURITY_PASSWORD_HASH="pbkdf2_sha512",
    SECURITY_PASSWORD_SINGLE_HASH=False,
    WTF_CSRF_ENABLED=False,
)
db = SQLAlchemy(app)
fsqla.FsModels.set_db_info(db)


class Role(db.Model, fsqla.FsRoleMixin):
    pass


class User(db.Model, fsqla.FsUserMixin):
    pass


app.security = Security(app, SQLAlchemyUserDatastore(db, User, Role))


@app.route("/")
@auth_required()
def home():
    return render_template_string("Hello {{ current_user.email }}")


@app.route("/admin")
@roles_required("admin")
def admin():
    return "admin"


with app.app_context():
    db.create_all()
    app.security.datastore.create_user(email="t@me.com", password=hash_password("password1"))
    db.session.commit()

client = app.test_client()
show(client.get("/"))
show(client.get("/login"))
show(client.post("/login", data={"email": "t@me.com", "password": "wrong"}))
show(client.post("/login", data={"email": "t@me.com", "password": "password1"}))
show(client.get("/"))
show(client.get("/admin"))
show(client.get("/logout"))
show(client.post("/register", json={"email": "n@me.com", "password": "battery staple"}))
show(
    client.post(
        "/login?include_auth_token", json={"email": "n@me.com", "password": "battery staple"}
    )
)
show(client.get("/", headers={"Accept": "application/json"}))
