from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from erlen.middleware import RequestId, RequestIdFilter, request_id

from .doors import asgi, ask, scope_for, wsgi


def echo(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield f"{request_id()} {environ['HTTP_X_REQUEST_ID']}".encode()


async def asgi_echo(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0)
    (sent,) = [value.decode() for name, value in scope["headers"] if name == b"x-request-id"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{request_id()} {sent}".encode()})


@pytest.mark.parametrize(("call", "app"), [(wsgi, echo), (asgi, asgi_echo)])
class TestBothProtocols:
    def test_a_new_one(self, call: Any, app: Any) -> None:
        found = {call(RequestId(app)).headers["X-Request-ID"] for _ in range(5)}
        assert len(found) == 5 and {len(each) for each in found} == {32}

    def test_the_same_everywhere(self, call: Any, app: Any) -> None:
        answer = call(RequestId(app), headers={"X-Request-ID": "from-the-proxy/1.2"})
        assert answer.headers.getlist("X-Request-ID") == ["from-the-proxy/1.2"]
        assert answer.text == "from-the-proxy/1.2 from-the-proxy/1.2"
        assert request_id() == "-"

    @pytest.mark.parametrize("sent", ["", "a b", "a\x1b[31m", "é", '"', "x" * 129, "a,b"])
    def test_a_bad_one_is_replaced(self, call: Any, app: Any, sent: str) -> None:
        answer = call(RequestId(app), headers={"X-Request-ID": sent})
        assert len(answer.headers["X-Request-ID"]) == 32
        assert answer.text == " ".join([answer.headers["X-Request-ID"]] * 2)

    def test_none_is_believed(self, call: Any, app: Any) -> None:
        answer = call(RequestId(app, trust=False), headers={"X-Request-ID": "theirs"})
        assert "theirs" not in answer.text + answer.headers["X-Request-ID"]


def test_another_header() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["HTTP_X_TRACE"].encode()]

    answer = wsgi(RequestId(app, header="X-Trace"), headers={"X-Trace": "t1"})
    assert answer.text == answer.headers["X-Trace"] == "t1"
    with pytest.raises(ValueError, match="'X Trace' is no name of a header"):
        RequestId(app, header="X Trace")


def test_it_is_in_the_log(flask: Any, app: Any) -> None:
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Lines()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("%(request_id)s %(message)s"))
    logger = logging.getLogger("tested_log")
    logger.addHandler(handler)

    @app.get("/")
    def index() -> str:
        logger.error("inside")
        return "x"

    app.wsgi_app = RequestId(app.wsgi_app)
    app.test_client().get("/", headers={"X-Request-ID": "r1"}).close()
    logger.error("outside")
    logger.removeHandler(handler)
    assert lines == ["r1 inside", "- outside"]


def test_an_application_that_fails_leaves_nothing() -> None:
    def fail(environ: Any, start_response: Any) -> list[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        wsgi(RequestId(fail))
    assert request_id() == "-"


def test_requests_at_once_keep_theirs() -> None:
    async def main() -> list[Any]:
        app = RequestId(asgi_echo)
        scopes = [scope_for(headers={"X-Request-ID": str(n)}) for n in range(20)]
        return await asyncio.gather(*(ask(app, scope) for scope in scopes))

    assert [answer.text for answer in asyncio.run(main())] == [f"{n} {n}" for n in range(20)]
