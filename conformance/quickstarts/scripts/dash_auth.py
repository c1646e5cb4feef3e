import base64

import dash_auth
from dash import Dash, Input, Output, dcc, html

from driving import show

app = Dash("x")
app.server.secret_key = "k" * 40
dash_auth.BasicAuth(app, {"u": "p"}, public_routes=["/public/<x>"], secret_key="k" * 40)
app.layout = html.Div([dcc.Input(id="i"), html.Div(id="o")])


@app.callback(Output("o", "children"), Input("i", "value"))
def f(v):
    return v


c = app.server.test_client()
show(c.get("/"), body=False)
h = {"Authorization": "Basic " + base64.b64encode(b"u:p").decode()}
show(c.get("/", headers=h), body=False)
show(c.get("/_dash-layout", headers=h))
show(c.get("/public/a"), body=False)
show(
    c.post(
        "/_dash-update-component",
        headers=h,
        json={
            "output": "o.children",
            "outputs": {"id": "o", "property": "children"},
            "inputs": [{"id": "i", "property": "value", "value": "z"}],
            "changedPropIds": ["i.value"],
        },
    )
)
