# S91, S92. Corrected: plain dataclasses, which jsonify knows, instead of ORM objects, which fail.
from dataclasses import dataclass

from erlen import Flask, Response, jsonify

app = Flask(__name__)


@dataclass
class User:
    name: str
    id: int


@app.route("/users")
def users() -> Response:
    users = [User("Ada", 1), User("Bob", 2)]
    return jsonify(users)
