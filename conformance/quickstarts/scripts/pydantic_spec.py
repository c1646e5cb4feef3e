from flask import Flask, jsonify
from flask_parameter_validation import Json, Query, Route, ValidateParameters
from flask_pydantic import validate
from pydantic import BaseModel
from spectree import Response, SpecTree

from driving import show

app = Flask(__name__)
spec = SpecTree("flask")


class Body(BaseModel):
    name: str
    age: int = 3


class Args(BaseModel):
    limit: int


@app.post("/pydantic/<int:n>")
@validate()
def by_pydantic(n: int, body: Body, query: Args):
    return Body(name=f"{body.name}{n}", age=query.limit)


@app.post("/spectree")
@spec.validate(json=Body, query=Args, resp=Response(HTTP_200=Body))
def by_spectree(json: Body, query: Args):
    return {"name": json.name, "age": query.limit}


@app.post("/parameters/<int:id>")
@ValidateParameters()
def by_parameters(id: int = Route(), name: str = Json(min_str_length=2), q: int = Query()):
    return jsonify(id=id, name=name, q=q)


spec.register(app)
client = app.test_client()
show(client.post("/pydantic/1?limit=2", json={"name": "ada"}))
show(client.post("/pydantic/1?limit=x", json={"age": "y"}))
show(client.post("/pydantic/1?limit=1", data="x"))
show(client.post("/spectree?limit=2", json={"name": "ada"}))
show(client.post("/spectree?limit=x", json={}))
show(client.post("/parameters/5?q=1", json={"name": "ada"}))
show(client.post("/parameters/5?q=x", json={"name": "ada"}))
show(client.post("/parameters/5?q=1", json={"name": "a"}))
show(client.get("/apidoc/openapi.json"))
