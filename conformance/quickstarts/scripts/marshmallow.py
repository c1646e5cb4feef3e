from flask import Flask
from flask_marshmallow import Marshmallow
from flask_sqlalchemy import SQLAlchemy

from driving import show

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
db = SQLAlchemy(app)
ma = Marshmallow(app)


class Author(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(255))


class AuthorSchema(ma.Schema):
    class Meta:
        fields = ("name", "_links")

    name = ma.String()
    _links = ma.Hyperlinks(
        {"self": ma.URLFor("author", values={"id": "<id>"}), "all": ma.AbsoluteURLFor("authors")}
    )


@app.get("/authors")
def authors():
    return AuthorSchema(many=True).dump(db.session.query(Author).all())


@app.get("/authors/<int:id>")
def author(id):
    return AuthorSchema().dump(db.get_or_404(Author, id))


with app.app_context():
    db.create_all()
    db.session.add(Author(name="ada"))
    db.session.commit()
client = app.test_client()
for path in ("/authors", "/authors/1", "/authors/2"):
    show(client.get(path))
