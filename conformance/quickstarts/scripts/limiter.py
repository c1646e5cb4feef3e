from flask import Blueprint, Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from driving import show

app = Flask(__name__)
app.config["RATELIMIT_HEADERS_ENABLED"] = True
limiter = Limiter(
    get_remote_address, app=app, default_limits=["3 per hour"], storage_uri="memory://"
)
bp = Blueprint("bp", __name__, url_prefix="/bp")


@app.route("/slow")
@limiter.limit("1 per day")
def slow():
    return ":("


@app.route("/medium")
def medium():
    return ":|"


@app.route("/ping")
@limiter.exempt
def ping():
    return "PONG"


@bp.route("/")
def of_blueprint():
    return "bp"


limiter.limit("2/hour")(bp)
app.register_blueprint(bp)
client = app.test_client()
for path in ("/slow", "/slow", "/medium", "/ping", *["/medium"] * 3, *["/bp/"] * 3):
    show(client.get(path))
print(app.test_cli_runner().invoke(args=["limiter", "limits"]).exit_code)
