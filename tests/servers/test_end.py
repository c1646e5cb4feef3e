"""The end of each ASGI server: what would go on for ever ends, and what was asked is answered."""

from __future__ import annotations

import http.client
import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from running import ASGI, PATIENCE
from test_events import data, listen, run

websockets = pytest.importorskip("websockets")
from websockets.exceptions import ConnectionClosed  # noqa: E402  # installed
from websockets.sync.client import connect  # noqa: E402

pytestmark = pytest.mark.skipif(
    os.environ.get("ERLEN_TEST_DOOR", "erlen") != "erlen",
    reason="the server is a process of its own: through any door it is the same",
)
# Hypercorn's workers hear of the end when their time limit of three seconds is over.
TOLD = [name for name in ASGI if name != "hypercorn"]


@pytest.mark.parametrize("name", TOLD)
def test_open_streams_and_sockets_end(name: str, tmp_path: Path) -> None:
    with run(name, tmp_path) as server, ExitStack() as stack:
        streams = [stack.enter_context(listen(server, path)) for path in ("/sync", "/async")]
        assert [data(stream) for stream in streams] == ["one", "one"]
        quiet = stack.enter_context(connect(f"ws://127.0.0.1:{server.port}/quiet"))
        assert quiet.recv(PATIENCE) == "ready"
        landed: list[tuple[int, bytes]] = []

        def ask() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
            connection.request("GET", "/in-flight")
            response = connection.getresponse()
            landed.append((response.status, response.read()))
            connection.close()

        asking = threading.Thread(target=ask)
        asking.start()
        server.wait_for(r"In flight\.")
        ending = threading.Thread(target=server.stop)
        ending.start()
        for stream in streams:
            # Its end, and not that of its connection in the middle of it.
            assert set(stream.read()) <= set(b":\n")
        with pytest.raises(ConnectionClosed) as closed:
            quiet.recv(PATIENCE)
        asking.join(PATIENCE)
        ending.join(PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert landed == [(200, b"landed")]
        for said in ("Closed: sync.", "Closed: async.", "Cancelled: quiet."):
            assert said in server.printed
        assert "Traceback" not in server.printed
