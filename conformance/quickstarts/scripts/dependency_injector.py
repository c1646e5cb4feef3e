import asyncio

import structlog
from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from dependency_injector import containers, providers
from dependency_injector.wiring import Provide, inject
from flask import Flask, request
from flask.views import MethodView
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from driving import show


class Svc:
    def hi(self):
        return "svc " + request.path


class C(containers.DeclarativeContainer):
    wiring_config = containers.WiringConfiguration(modules=["__main__"])
    svc = providers.Factory(Svc)


app = Flask(__name__)


@app.get("/i")
@inject
def i(svc: Svc = Provide[C.svc]):
    return svc.hi()


class V(MethodView):
    @inject
    def get(self, svc: Svc = Provide[C.svc]):
        return svc.hi()


app.add_url_rule("/v", view_func=V.as_view("v"))


@app.before_request
def b():
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(path=request.path)


@app.get("/s")
def s():
    return str(structlog.contextvars.get_contextvars())


app.container = C()
app.container.wire(modules=["__main__"])
c = app.test_client()
show(c.get("/i"))
show(c.get("/v"))
show(c.get("/s"))


async def asgi_get(a, path):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(m):
        sent.append(m)

    await a(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"a")],
            "scheme": "http",
            "server": ("a", 80),
            "client": ("1.2.3.4", 1),
        },
        receive,
        send,
    )
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])


print(asyncio.run(asgi_get(WsgiToAsgi(app.wsgi_app), "/i")))
print(asyncio.run(asgi_get(WSGIMiddleware(app.wsgi_app), "/s")))
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/sub": Flask("sub")})
show(app.test_client().get("/sub/x"))
show(app.test_client().get("/i"))
