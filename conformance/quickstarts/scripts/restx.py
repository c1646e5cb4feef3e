from flask import Blueprint, Flask
from flask_restx import Api, Resource, fields

from driving import show

app = Flask(__name__)
blueprint = Blueprint("api", __name__, url_prefix="/api")
api = Api(blueprint, version="1.0", title="Todo", doc="/doc/")
ns = api.namespace("todos")
todo = api.model(
    "Todo", {"id": fields.Integer(readonly=True), "task": fields.String(required=True)}
)


@ns.route("/<int:id>")
@ns.response(404, "not found")
class Todo(Resource):
    @ns.marshal_with(todo)
    def get(self, id):
        if id > 5:
            api.abort(404, f"Todo {id} doesn't exist")
        return {"id": id, "task": "t", "more": 1}

    @ns.expect(todo, validate=True)
    @ns.marshal_with(todo, code=201)
    def put(self, id):
        return {"id": id, **api.payload}, 201

    def delete(self, id):
        raise KeyError("lost")


@api.errorhandler(KeyError)
def key_error(error):
    return {"message": f"key {error}"}, 400


app.register_blueprint(blueprint)
client = app.test_client()
show(client.get("/api/swagger.json"))
show(client.get("/api/doc/"))
for path in (
    "/api/todos/1",
    "/api/todos/9",
    "/api/todos/x",
    "/nowhere",
    "/swaggerui/favicon-32x32.png",
):
    show(client.get(path), body="favicon" not in path)
show(client.put("/api/todos/1", json={"task": "new"}))
show(client.put("/api/todos/1", json={"no": 1}))
show(client.delete("/api/todos/1"))
show(client.options("/api/todos/1"))
