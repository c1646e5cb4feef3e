import io

import fakeredis
import flask_excel
from flask import Flask, jsonify, request
from flask_redis import FlaskRedis

from driving import show

app = Flask(__name__)
flask_excel.init_excel(app)


@app.get("/x")
def x():
    return flask_excel.make_response_from_array([[1, 2], [3, 4]], "csv", file_name="a")


@app.post("/u")
def u():
    return jsonify({"r": request.get_array(field_name="file")})


c = app.test_client()
show(c.get("/x"))
show(c.post("/u", data={"file": (io.BytesIO(b"1,2\n3,4\n"), "a.csv")}))
print(app.request_class.__name__)


class Redis(fakeredis.FakeStrictRedis):
    @classmethod
    def from_url(cls, *args, **kwargs):
        return cls()


other = Flask("other")
store = FlaskRedis.from_custom_provider(Redis, other)


@other.get("/<key>")
def count(key):
    return {"n": store.incr(key), "extensions": sorted(other.extensions)}


client = other.test_client()
show(client.get("/a"))
show(client.get("/a"))
