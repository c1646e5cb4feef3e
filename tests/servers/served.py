"""What the servers serve: the guestbook of the examples, and views for what it does not use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from guestbook import create_app

from erlen import Response, request, websocket

app = create_app()


@app.before_serving
async def before() -> None:
    print("Before serving.", flush=True)


@app.after_serving
async def after() -> None:
    print("After serving.", flush=True)


@app.get("/stream")
def stream() -> Iterator[str]:
    return (f"{n} " * 1000 for n in range(5))


@app.get("/async-stream")
async def async_stream() -> AsyncIterator[str]:
    async def produce() -> AsyncIterator[str]:
        for n in range(5):
            await asyncio.sleep(0)
            yield f"{n} " * 1000

    return produce()


@app.get("/wait")
async def wait() -> str:
    print("Waiting.", flush=True)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("Cancelled.", flush=True)
        raise
    return "never"


@app.post("/async")
async def asynchronous() -> dict[str, object]:
    await asyncio.sleep(0)
    return {"path": request.path, "form": request.form.to_dict(), "scheme": request.scheme}


@app.websocket("/ws/<room>")
async def ws(room: str) -> None:
    await websocket.accept(subprotocol="chat" if websocket.requested_subprotocols else None)
    async for message in websocket:
        if message == "close":
            await websocket.close(4001, "as you wish")
        elif isinstance(message, str):
            await websocket.send(f"{room} {message}")
        else:
            await websocket.send(message)


@app.websocket("/refused")
async def refused() -> tuple[str, int]:
    return "You may not.", 401


@app.get("/page")
def page() -> str:
    """A page that talks over a WebSocket to the host that its query names, or to its own."""
    return """<!doctype html><title>waiting</title><script>
        const host = new URLSearchParams(location.search).get("host") || location.host
        const socket = new WebSocket(`ws://${host}/ws/browser`)
        const got = []
        socket.onopen = () => { socket.send("hello"); socket.send(new Uint8Array([1, 2, 3])) }
        socket.binaryType = "arraybuffer"
        socket.onmessage = (event) => {
            const bytes = event.data instanceof ArrayBuffer
            got.push(bytes ? new Uint8Array(event.data).join("-") : event.data)
            if (got.length === 2) socket.send("close")
        }
        socket.onclose = (event) => {
            document.title = `${got.join(", ")}; closed ${event.code} ${event.reason}`
        }
    </script>"""


def allow_script(response: Response) -> Response:
    if request.path == "/page":
        del response.headers["Content-Security-Policy"]
    return response


# After the guestbook's own hook, by which no page may have a script in it.
app.after_request_funcs[None].insert(0, allow_script)
