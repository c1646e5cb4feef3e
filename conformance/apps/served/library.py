"""Books and authors under Flask-Admin with Flask-SQLAlchemy; ``flask --app library make``."""

from __future__ import annotations

from flask import Flask
from flask_admin import Admin, BaseView, expose
from flask_admin.contrib.fileadmin import FileAdmin
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import SecureForm
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """What the tables have in common."""


db = SQLAlchemy(model_class=Base)


class Author(db.Model):  # type: ignore[name-defined]
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="author")

    def __str__(self) -> str:
        return self.name


class Book(db.Model):  # type: ignore[name-defined]
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    year: Mapped[int | None]
    in_print: Mapped[bool] = mapped_column(default=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(back_populates="books")

    def __str__(self) -> str:
        return self.title


class AuthorView(ModelView):
    form_base_class = SecureForm
    column_searchable_list = ("name",)
    form_columns = ("name",)
    inline_models = (Book,)


class BookView(ModelView):
    form_base_class = SecureForm
    can_export = True
    can_view_details = True
    column_searchable_list = ("title", "author.name")
    column_filters = ("year", "in_print", "author.name")
    column_editable_list = ("title",)
    column_default_sort = "id"
    export_types = ("csv", "json")
    form_columns = ("title", "year", "in_print", "author")
    create_modal = True
    page_size = 3


class Notes(BaseView):
    @expose("/")
    def index(self) -> str:
        return self.render("admin/index.html")

    @expose("/<int:number>", methods=("GET", "POST"))
    def one(self, number: int) -> str:
        return f"Note {number}: {self.get_url('.index')}"


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="a key for comparisons", SQLALCHEMY_DATABASE_URI="sqlite:///library.sqlite"
    )
    db.init_app(app)
    admin = Admin(app, name="Library")
    admin.add_view(AuthorView(Author, db, category="Shelf"))
    admin.add_view(BookView(Book, db, category="Shelf"))
    admin.add_view(Notes(name="Notes", endpoint="notes"))
    admin.add_view(FileAdmin(app.instance_path, name="Files", endpoint="files"))

    @app.cli.command("make")
    def make() -> None:
        db.create_all()

    return app
