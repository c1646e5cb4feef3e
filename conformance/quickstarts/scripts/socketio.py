from flask import Flask, request, session
from flask_socketio import Namespace, SocketIO, disconnect, emit, join_room, send

app = Flask(__name__)
app.secret_key = "k" * 40
socketio = SocketIO(app, async_mode="threading")


@app.get("/login")
def login():
    session["user"] = "ada"
    return "in"


@app.get("/who")
def who():
    return session.get("user", "nobody")


@socketio.on("connect")
def connect():
    emit("hello", {"user": session.get("user"), "args": request.args.get("foo")})


@socketio.on("json")
def on_json(data):
    session["n"] = data["n"]
    send({"got": data, "event": request.event["message"]}, json=True)
    return "acknowledged"


@socketio.on("join")
def join(room):
    join_room(room)
    emit("joined", room, to=room)


@socketio.on("leave")
def leave():
    disconnect()


@socketio.on_error_default
def error(e):
    emit("error", f"{type(e).__name__} {e}")


@socketio.on("fail")
def fail():
    raise ValueError(session["n"])


class Named(Namespace):
    def on_connect(self):
        emit("named", request.namespace)


socketio.on_namespace(Named("/named"))
http = app.test_client()
print(http.get("/login").text)
client = socketio.test_client(app, flask_test_client=http, query_string="?foo=bar")
client.send({"n": 5}, json=True)
print(client.emit("json", {"n": 6}, callback=True))
client.emit("join", "room")
client.emit("fail")
client.connect("/named")
print(client.get_received(), client.get_received("/named"))
client.emit("leave")
print(client.is_connected(), http.get("/who").text)
