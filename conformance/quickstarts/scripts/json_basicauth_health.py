from flask import Flask, g, jsonify
from flask_basicauth import BasicAuth
from flask_expects_json import expects_json
from flask_hashing import Hashing
from flask_healthz import HealthError, healthz
from flask_json import FlaskJSON, JsonError, as_json, json_response
from flask_orjson import OrjsonProvider
from flask_silk import Silk
from flask_sslify import SSLify

from driving import show

app = Flask(__name__)
app.config.update(
    BASIC_AUTH_USERNAME="u",
    BASIC_AUTH_PASSWORD="p",
    HEALTHZ={"live": "__main__.live", "ready": "__main__.ready"},
    JSON_ADD_STATUS=True,
)
app.register_blueprint(healthz, url_prefix="/healthz")
auth = BasicAuth(app)
hashing = Hashing(app)
FlaskJSON(app)


def live():
    pass


def ready():
    raise HealthError("not yet")


@app.get("/secret")
@auth.required
def secret():
    return hashing.hash_value("a", salt="b")[:8]


@app.post("/expects")
@expects_json(
    {
        "type": "object",
        "properties": {"n": {"type": "integer", "default": 3}, "s": {"type": "string"}},
        "required": ["s"],
    },
    fill_defaults=True,
)
def expects():
    return jsonify(g.data)


@app.get("/as_json")
@as_json
def asj():
    return {"a": 1}, 201, {"X-A": "b"}


@app.get("/err")
def err():
    raise JsonError(description="bad", code=7)


@app.get("/jr")
def jr():
    return json_response(status_=202, a=[1])


c = app.test_client()
show(c.get("/secret"))
show(c.get("/secret", auth=("u", "p")))
show(c.get("/secret", auth=("u", "x")))
for p in ("/healthz/live", "/healthz/ready", "/as_json", "/err", "/jr"):
    show(c.get(p))
show(c.post("/expects", json={"s": "x"}))
show(c.post("/expects", json={"n": "x"}))
show(c.post("/expects", data="{"))
app2 = Flask("o")
app2.json = OrjsonProvider(app2)
SSLify(app2, permanent=True, subdomains=True)
app2.register_blueprint(__import__("flask").Blueprint("b", "b"))
Silk(app2)
app2.add_url_rule("/", "i", lambda: {"b": 1, "a": [1.5, None]})
c = app2.test_client()
show(c.get("/"))
show(c.get("/", base_url="https://localhost"))
show(c.get("/icons/add.png", base_url="https://localhost"), body=False)
