# S43. Nothing to correct; `erlen run` finds a file of this name by itself.
from app.main import app as app
