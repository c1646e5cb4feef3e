"""The pages."""

from __future__ import annotations

from erlen import Blueprint, flash, redirect, render_template, url_for
from erlen.forms import Form, StringField
from erlen.forms.validators import DataRequired, Length
from erlen.typing import ResponseReturnValue

bp = Blueprint("pages", __name__)


class Greeting(Form):
    """Whom to greet."""

    name = StringField("Your name", validators=[DataRequired(), Length(max=80)])


@bp.route("/", methods=["GET", "POST"])
def index() -> ResponseReturnValue:
    """Show the form, and greet who sends it."""
    form = Greeting()
    if form.validate_on_submit():
        flash(f"Hello, {form.name.data}!")
        return redirect(url_for("pages.index"), 303)
    return render_template("index.html", form=form), 400 if form.errors else 200
