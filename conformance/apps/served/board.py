"""A Dash application: callbacks with state, one that raises, and a route of Flask's."""

from __future__ import annotations

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate
from flask import Flask, request

server = Flask(__name__)


@server.get("/plain")
def plain() -> dict[str, str]:
    return {"path": request.path}


app = Dash(__name__, server=server, title="Board")
app.layout = html.Div(
    [
        html.H1("Board"),
        dcc.Input(id="name", value="", debounce=False),
        html.Button("Greet", id="greet"),
        html.Div(id="greeting"),
        dcc.Dropdown(id="colour", options=["red", "green"], value="red"),
        html.Div(id="chosen"),
        html.Button("Fail", id="fail"),
        html.Div("no failure yet", id="failed"),
    ]
)


@app.callback(
    Output("greeting", "children"),
    Input("greet", "n_clicks"),
    State("name", "value"),
    prevent_initial_call=True,
)
def greet(clicks: int, name: str) -> str:
    if not name:
        raise PreventUpdate
    return f"Hello {name}, for the {clicks}. time"


@app.callback(Output("chosen", "children"), Output("chosen", "style"), Input("colour", "value"))
def choose(colour: str) -> tuple[object, object]:
    return html.B(colour), {"color": colour} if colour else no_update


@app.callback(Output("failed", "children"), Input("fail", "n_clicks"), prevent_initial_call=True)
def fail(clicks: int) -> str:
    raise ValueError("on purpose")
