"""A module of the example quickhowto that its source distribution lacks."""

from .extensions import db
from .models import Gender


def fill_gender() -> None:
    if not db.session.query(Gender).count():
        db.session.add_all([Gender(name="Male"), Gender(name="Female")])
        db.session.commit()
