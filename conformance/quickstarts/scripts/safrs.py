from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from safrs import SAFRSAPI, SAFRSBase, jsonapi_rpc

from driving import show

db = SQLAlchemy()


class User(SAFRSBase, db.Model):
    __tablename__ = "Users"
    id = db.Column(db.String, primary_key=True)
    name = db.Column(db.String, default="")
    books = db.relationship("Book", back_populates="user", lazy="dynamic")

    @jsonapi_rpc(http_methods=["POST"])
    def greet(self, word):
        """
        description: greet
        args:
            word: x
        """
        return f"{word} {self.name}"


class Book(SAFRSBase, db.Model):
    __tablename__ = "Books"
    id = db.Column(db.String, primary_key=True)
    title = db.Column(db.String, default="")
    user_id = db.Column(db.String, db.ForeignKey("Users.id"))
    user = db.relationship("User", back_populates="books")


app = Flask("demo")
app.config.update(SQLALCHEMY_DATABASE_URI="sqlite://", TESTING=True)
db.init_app(app)
with app.app_context():
    db.create_all()
    api = SAFRSAPI(app, host="localhost", port=80, prefix="/api")
    api.expose_object(User)
    api.expose_object(Book)
    User(id="1", name="ada")
    Book(id="2", title="t", user_id="1")
    db.session.commit()
    c = app.test_client()
    H = {"Content-Type": "application/vnd.api+json"}
    for p in (
        "/api/Users/",
        "/api/Users/1/",
        "/api/Users/1/books",
        "/api/Users/9/",
        "/api/Books/?include=user&filter[title]=t&sort=-title",
    ):
        show(c.get(p, headers=H))
    made = c.post(
        "/api/Users/", headers=H, json={"data": {"type": "User", "attributes": {"name": "bob"}}}
    )
    print(made.status, made.json["data"]["attributes"])
    User(id="5", name="eve")
    db.session.commit()
    show(
        c.patch(
            "/api/Users/5/",
            headers=H,
            json={"data": {"type": "User", "id": "5", "attributes": {"name": "bo"}}},
        )
    )
    show(c.post("/api/Users/5/greet", headers=H, json={"meta": {"args": {"word": "hi"}}}))
    show(c.delete("/api/Users/5/", headers=H))
    show(c.get("/api/swagger.json"), body=False)
