import threading

from flask import Flask, request
from flask_sock import Sock
from simple_websocket import Client
from werkzeug.serving import make_server

app = Flask(__name__)
sock = Sock(app)


@sock.route("/echo/<name>")
def echo(ws, name):
    while True:
        data = ws.receive()
        if data == "close":
            break
        ws.send(f"{name} {request.args['q']} {data}")


server = make_server("127.0.0.1", 0, app, threaded=True)
thread = threading.Thread(target=server.serve_forever)
thread.start()
try:
    ws = Client(f"ws://127.0.0.1:{server.port}/echo/ada?q=1")
    for text in ("one", "two"):
        ws.send(text)
        print(ws.receive(timeout=10))
    ws.send("close")
    try:
        ws.receive(timeout=10)
    except Exception as e:
        print(type(e).__name__, e.reason)
finally:
    server.shutdown()
    thread.join()
