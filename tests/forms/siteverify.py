"""A server that answers as the providers of captchas document it, and as they do not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

SECRET = "the-secret-key"


class Siteverify:
    """The server: `asked` has the forms that came, `says` what is added to a good answer.

    The response `good…` is good once, `slow` is not answered before the end, `other` answers with
    `raw`, a status and a body; all else is no response of a widget.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.says: dict[str, Any] = {}
        self.raw: tuple[int, bytes] = (200, b"")
        self.ended = threading.Event()
        self._seen: set[str] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked = dict(parse_qsl(body.decode()))
                server.asked.append(asked)
                status, content = server.answer(asked)
                if status == 0:
                    return  # It hangs up.
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                server.asked.append({"redirected": self.path})
                self.send_error(404)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/siteverify"

    def answer(self, asked: dict[str, str]) -> tuple[int, bytes]:
        response = asked.get("response", "")
        if response == "slow":
            self.ended.wait(30)
            return 0, b""
        if response == "other":
            return self.raw
        code = self._fault(asked, response)
        if code:
            told = {"success": False, "error-codes": [code]}
        else:
            told = {"success": True, "challenge_ts": "2026-01-01T00:00:00Z", **self.says}
        return 200, json.dumps(told).encode()

    def _fault(self, asked: dict[str, str], response: str) -> str | None:
        if "secret" not in asked:
            return "missing-input-secret"
        if asked["secret"] != SECRET:
            return "invalid-input-secret"
        if not response:
            return "missing-input-response"
        if not response.startswith("good"):
            return "invalid-input-response"
        if response in self._seen:
            return "timeout-or-duplicate"
        self._seen.add(response)
        return None

    @contextmanager
    def running(self) -> Iterator[Siteverify]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
