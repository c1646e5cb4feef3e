from flask import Flask, render_template_string, request
from flask_paginate import Pagination, get_page_parameter
from flask_seasurf import SeaSurf

from driving import show

app = Flask(__name__)
app.secret_key = "k" * 40
csrf = SeaSurf(app)


@app.route("/form", methods=["GET", "POST"])
def form():
    return render_template_string("{{ csrf_token()|length }}")


@csrf.exempt
@app.post("/hook")
def hook():
    return "hook"


@app.get("/users")
def users():
    page = request.args.get(get_page_parameter(), type=int, default=1)
    pagination = Pagination(page=page, total=50, record_name="users", css_framework="bootstrap5")
    return render_template_string("{{ p.info }}{{ p.links }}", p=pagination)


client = app.test_client()
show(client.get("/form"))
show(client.post("/form"))
token = client.get_cookie("_csrf_token").value
show(client.post("/form", data={"_csrf_token": token}))
show(client.post("/hook"))
show(client.get("/users?page=2&q=a%20b"))
