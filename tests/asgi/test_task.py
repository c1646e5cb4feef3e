"""An app on the event loop of a program that does something else too."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from serving import environment, one_door

from erlen import Flask, websocket

pytestmark = one_door
PATIENCE = 30


@pytest.fixture
def app() -> Flask:
    app = Flask("served")

    @app.get("/")
    async def hello() -> str:
        return "hello"

    app.add_url_rule("/sync", "sync", lambda: "from a thread")
    return app


async def where(capsys: pytest.CaptureFixture[str]) -> str:
    """Wait for the line that says where it listens."""
    said = ""
    async with asyncio.timeout(PATIENCE):
        while not (found := re.search(r" \* Running on (\S+)\n", said)):
            await asyncio.sleep(0.01)
            said += capsys.readouterr().out
    return found[1]


async def get(url: str, context: ssl.SSLContext | None = None) -> str:
    def ask() -> str:
        with urllib.request.urlopen(url, timeout=PATIENCE, context=context) as answer:
            text: str = answer.read().decode()
            return text

    return await asyncio.to_thread(ask)


def test_until_a_trigger(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    log: list[str] = []
    app.before_serving(lambda: log.append("before"))
    app.after_serving(lambda: log.append("after"))

    async def main() -> None:
        enough = asyncio.Event()
        task = asyncio.create_task(app.run_task(port=0, debug=True, shutdown_trigger=enough.wait))
        url = await where(capsys)
        log.append(await get(url))
        log.append(await get(f"{url}/sync"))
        enough.set()
        await asyncio.wait_for(task, PATIENCE)
        with pytest.raises(OSError):
            await get(url)

    asyncio.run(main())
    assert log == ["before", "hello", "from a thread", "after"]
    assert app.debug


def test_cancelled(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    log: list[str] = []
    app.after_serving(lambda: log.append("after"))

    @app.websocket("/ws")
    async def serve() -> None:
        async for message in websocket:
            await websocket.send(message)

    async def main() -> None:
        from websockets.asyncio.client import connect

        task = asyncio.create_task(app.run_task(port=0))
        url = await where(capsys)
        async with connect(url.replace("http", "ws", 1) + "/ws") as client:
            await client.send("echo")
            log.append(str(await client.recv()))
            task.cancel()
            await asyncio.wait([task], timeout=PATIENCE)
            assert task.cancelled()
            await client.wait_closed()
            log.append(str(client.close_code))

    asyncio.run(main())
    assert log == ["echo", "after", "1001"]


def test_a_failing_start(app: Flask, tmp_path: Path) -> None:
    @app.before_serving
    async def fail() -> None:
        raise KeyError("database")

    path = tmp_path / "socket"
    for host in ("127.0.0.1", *([f"unix:{path}"] if hasattr(socket, "AF_UNIX") else [])):
        with pytest.raises(KeyError, match="database"):
            asyncio.run(app.run_task(host, 0))
    assert not path.exists()


def test_a_failing_trigger(app: Flask) -> None:
    async def fail() -> None:
        raise KeyError("trigger")

    with pytest.raises(KeyError, match="trigger"):
        asyncio.run(app.run_task(port=0, shutdown_trigger=fail))


def test_a_port_in_use(app: Flask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"Cannot listen on 127.0.0.1:{port}: the port is in use"):
            asyncio.run(app.run_task(port=port))


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets here")
def test_a_unix_socket(app: Flask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "socket"

    async def main() -> bytes:
        task = asyncio.create_task(app.run_task(f"unix:{path}"))
        assert await where(capsys) == f"unix:{path}"
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        await writer.wait_closed()
        task.cancel()
        await asyncio.wait([task], timeout=PATIENCE)
        return answer

    assert asyncio.run(main()).endswith(b"\r\n\r\nhello")
    assert not path.exists()


def test_tls(app: Flask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from werkzeug.serving import make_ssl_devcert

    cert, key = make_ssl_devcert(str(tmp_path / "dev"), host="localhost")

    async def main() -> str:
        task = asyncio.create_task(app.run_task(port=0, certfile=cert, keyfile=key))
        url = await where(capsys)
        context = ssl.create_default_context(cafile=cert)
        context.check_hostname = False
        text = await get(url, context)
        task.cancel()
        await asyncio.wait([task], timeout=PATIENCE)
        assert url.startswith("https://127.0.0.1:")
        return text

    assert asyncio.run(main()) == "hello"


PROGRAM = """
import asyncio
from erlen import Flask

app = Flask("program")
app.add_url_rule("/", "hello", lambda: "hello")
app.after_serving(lambda: print("after", flush=True))

async def tick():
    while True:
        await asyncio.sleep(0.01)

async def main():
    await asyncio.gather(app.run_task(port=0), tick())

asyncio.run(main())
"""


def test_ctrl_c_beside_other_work(tmp_path: Path) -> None:
    program: Any = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with program:
        line = program.stdout.readline()
        assert line.startswith(" * Running on http://127.0.0.1:")
        assert asyncio.run(get(line.split()[-1])) == "hello"
        program.send_signal(signal.SIGINT)
        start = time.monotonic()
        output, errors = program.communicate(timeout=PATIENCE)
    assert output == "after\n"
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert time.monotonic() - start < PATIENCE
