from flasgger import Swagger, swag_from
from flask import Flask, jsonify

from driving import show

app = Flask(__name__)
app.json.sort_keys = False
swagger = Swagger(app)
SCHEMA = {"id": "B", "required": ["a"], "properties": {"a": {"type": "integer"}}}


@app.get("/colors/<palette>/")
def colors(palette):
    """List colours.
    ---
    parameters:
      - name: palette
        in: path
        type: string
        required: true
    responses:
      200:
        description: A list of colours
    """
    return jsonify({"rgb": ["red", "green"]}.get(palette))


@app.post("/checked")
@swag_from({"parameters": [{"name": "body", "in": "body", "schema": SCHEMA}]}, validation=True)
def checked():
    return "ok"


client = app.test_client()
show(client.get("/colors/rgb/"))
show(client.get("/apispec_1.json"))
show(client.get("/apidocs/"))
show(client.post("/checked", json={"a": 1}))
show(client.post("/checked", json={"a": "x"}))
