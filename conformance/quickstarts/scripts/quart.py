import asyncio

from quart import Blueprint, Quart, g, render_template_string, request, session, websocket

app = Quart(__name__)
app.secret_key = "k" * 40
bp = Blueprint("bp", __name__, url_prefix="/bp")


@app.before_request
async def before():
    g.n = 1


@app.get("/")
async def index():
    session["n"] = session.get("n", 0) + g.n
    return await render_template_string("{{ request.path }} {{ n }}", n=session["n"])


@app.post("/json")
async def json():
    return {"got": await request.get_json()}


@bp.get("/<int:n>")
def number(n):
    return str(n)


@app.errorhandler(404)
async def missing(error):
    return "missing", 404


@app.websocket("/ws")
async def ws():
    await websocket.send(await websocket.receive() + "!")


app.register_blueprint(bp)


async def main():
    client = app.test_client()
    for path in ("/", "/", "/bp/5", "/bp/x", "/static/none"):
        response = await client.get(path)
        print(path, response.status_code, sorted(response.headers.keys()))
        print(await response.get_data(as_text=True))
    print(await (await client.post("/json", json={"a": 1})).get_json())
    async with client.websocket("/ws") as connection:
        await connection.send("hello")
        print(await connection.receive())


asyncio.run(main())
