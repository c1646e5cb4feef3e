from apiflask import APIBlueprint, APIFlask, HTTPTokenAuth, Schema, abort
from apiflask.fields import Integer, String
from apiflask.validators import Length
from flask.views import MethodView
from flask_openapi3 import Info, OpenAPI, Tag
from pydantic import BaseModel

from driving import show

app = APIFlask(__name__)
app.config["SYNC_LOCAL_SPEC"] = False
auth = HTTPTokenAuth()
bp = APIBlueprint("bp", __name__, url_prefix="/bp")


class PetIn(Schema):
    name = String(required=True, validate=Length(0, 10))


class PetOut(Schema):
    id = Integer()
    name = String()


@auth.verify_token
def verify(token):
    return "ada" if token == "t" else None


@app.get("/")
def hello():
    return {"message": "hello"}


@app.get("/pets/<int:pet_id>")
@app.output(PetOut)
def pet(pet_id):
    if pet_id > 3:
        abort(404, message="no pet")
    return {"id": pet_id, "name": "x", "more": 1}


@app.post("/pets")
@app.input(PetIn)
@app.output(PetOut, status_code=201)
@app.auth_required(auth)
def make(json_data):
    return {"id": 5, **json_data}


class Cats(MethodView):
    def get(self):
        return {"cats": []}


bp.add_url_rule("/cats", view_func=Cats.as_view("cats"))
app.register_blueprint(bp)
client = app.test_client()
for path in ("/", "/pets/1", "/pets/9", "/pets/x", "/bp/cats", "/openapi.json", "/docs"):
    show(client.get(path))
bearer = {"Authorization": "Bearer t"}
show(client.post("/pets", json={"name": "n"}))
show(client.post("/pets", json={"name": "n"}, headers=bearer))
show(client.post("/pets", json={"name": "n" * 20}, headers=bearer))
show(client.post("/pets", data="{", content_type="application/json", headers=bearer))

api = OpenAPI(__name__, info=Info(title="book API", version="1.0.0"))


class Query(BaseModel):
    age: int | None = None
    author: str


class Path(BaseModel):
    bid: int


@api.get("/book", tags=[Tag(name="book")])
def book(query: Query):
    return query.model_dump()


@api.post("/book/<int:bid>")
def post_book(path: Path, body: Query):
    return {"bid": path.bid, **body.model_dump()}, 201


client = api.test_client()
show(client.get("/book?age=5&author=a"))
show(client.get("/book?age=x"))
show(client.post("/book/7", json={"author": "b"}))
show(client.get("/openapi/openapi.json"))
