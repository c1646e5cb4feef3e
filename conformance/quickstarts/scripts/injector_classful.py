from flask import Flask, request
from flask.views import MethodView
from flask_classful import FlaskView, route
from flask_injector import FlaskInjector
from flask_injector import request as request_scope
from injector import inject

from driving import show

app = Flask(__name__)


class Service:
    def __init__(self):
        self.n = 5


class Quotes(FlaskView):
    route_base = "/quotes"

    def index(self):
        return "all"

    def get(self, id):
        return f"one {id}"

    def post(self):
        return request.form["a"], 201

    @route("/random/", methods=["GET", "PATCH"])
    def random(self):
        return f"random {request.method}"

    def before_request(self, name, **kwargs):
        self.seen = name

    def after_request(self, name, response):
        response.headers["X-Name"] = name
        return response


class Injected(MethodView):
    @inject
    def __init__(self, service: Service):
        self.service = service

    def get(self):
        return f"view {self.service.n}"


@app.get("/injected")
def injected(service: Service):
    return f"function {service.n}"


@app.before_request
def before(service: Service):
    service.n += 1


Quotes.register(app)
app.add_url_rule("/class", view_func=Injected.as_view("injected_class"))
FlaskInjector(app=app, modules=[lambda binder: binder.bind(Service, scope=request_scope)])
client = app.test_client()
for path in ("/quotes/", "/quotes/3/", "/quotes/random/", "/injected", "/class", "/quotes/a/b"):
    show(client.get(path))
show(client.post("/quotes/", data={"a": "made"}))
show(client.patch("/quotes/random/"))
