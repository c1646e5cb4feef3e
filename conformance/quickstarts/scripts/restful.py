from flask import Flask
from flask_restful import Api, Resource, abort, fields, marshal_with, reqparse

from driving import show

app = Flask(__name__)
api = Api(app)
TODOS = {"todo1": {"task": "build an API"}}
parser = reqparse.RequestParser()
parser.add_argument("task", required=True, help="needs a task")


class Todo(Resource):
    def get(self, todo_id):
        if todo_id not in TODOS:
            abort(404, message=f"Todo {todo_id} doesn't exist")
        return TODOS[todo_id]

    def put(self, todo_id):
        TODOS[todo_id] = {"task": parser.parse_args()["task"]}
        return TODOS[todo_id], 201, {"X-Made": "1"}

    def delete(self, todo_id):
        raise ValueError("not handled")


class Marshalled(Resource):
    @marshal_with({"task": fields.String, "uri": fields.Url("todo_ep")})
    def get(self, todo_id):
        return {"task": "x", "todo_id": todo_id, "hidden": 1}


api.add_resource(Todo, "/todos/<todo_id>", endpoint="todo_ep")
api.add_resource(Marshalled, "/m/<todo_id>")


@app.get("/plain")
def plain():
    return "plain"


client = app.test_client()
for path in ("/todos/todo1", "/todos/none", "/m/5", "/plain", "/nowhere"):
    show(client.get(path))
show(client.put("/todos/a", data={"task": "t"}))
show(client.put("/todos/a", json={}))
show(client.post("/todos/a"))
show(client.delete("/todos/a"))
show(client.get("/todos/todo1", headers={"Accept": "text/html"}))
