# S87. Corrected: what is shared here is shared within one process; many workers need a database.
from erlen import Flask

app = Flask(__name__)
greeting = "Welcome to the shop"

from . import views  # noqa: E402, F401  (the views import app, so they come after it)
