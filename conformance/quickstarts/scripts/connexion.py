from pathlib import Path
from tempfile import mkdtemp

from connexion import FlaskApp, NoContent
from connexion.resolver import Resolver
from flask import current_app
from flask import request as flask_request

SPEC = """
openapi: 3.0.0
info: {title: Pets, version: "1"}
paths:
  /pets/{pet_id}:
    get:
      operationId: pets.get
      parameters:
        - {name: pet_id, in: path, required: true, schema: {type: integer}}
        - {name: kind, in: query, schema: {type: string, enum: [cat, dog]}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object}}}}}
    put:
      operationId: pets.put
      parameters:
        - {name: pet_id, in: path, required: true, schema: {type: integer}}
      requestBody:
        content:
          application/json:
            schema: {type: object, required: [name], properties: {name: {type: string}}}
      responses: {"201": {description: made}}
    delete:
      operationId: pets.delete
      parameters:
        - {name: pet_id, in: path, required: true, schema: {type: integer}}
      responses: {"204": {description: gone}}
"""


class pets:
    @staticmethod
    def get(pet_id, kind="any"):
        if pet_id > 5:
            return {"problem": "no pet"}, 404
        return {"id": pet_id, "kind": kind, "path": flask_request.path, "app": current_app.name}

    @staticmethod
    def put(pet_id, body):
        return {"id": pet_id, **body}, 201, {"X-Made": "1"}

    @staticmethod
    async def delete(pet_id):
        return NoContent, 204


home = Path(mkdtemp())
(home / "spec.yaml").write_text(SPEC)
app = FlaskApp("pets", specification_dir=home)
app.add_api("spec.yaml", resolver=Resolver(lambda name: getattr(pets, name.rpartition(".")[2])))
app.add_url_rule("/plain", "plain", lambda: "plain")
app.add_url_rule("/fail", "fail", lambda: 1 / 0)
with app.test_client() as client:
    for method, path, options in (
        ("GET", "/pets/1", {}),
        ("GET", "/pets/1?kind=cat", {}),
        ("GET", "/pets/1?kind=cow", {}),
        ("GET", "/pets/9", {}),
        ("GET", "/pets/x", {}),
        ("PUT", "/pets/1", {"json": {"name": "a"}}),
        ("PUT", "/pets/1", {"json": {}}),
        ("DELETE", "/pets/1", {}),
        ("POST", "/pets/1", {}),
        ("GET", "/plain", {}),
        ("GET", "/fail", {}),
        ("GET", "/openapi.json", {}),
    ):
        response = client.request(method, path, **options)
        print(method, path, response.status_code, sorted(response.headers.items()), response.text)
