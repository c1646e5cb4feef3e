from __future__ import annotations

import asyncio
import gzip
import importlib
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen.middleware import Compress, Dispatcher
from erlen.middleware.compress import choose_encoding

from .doors import Answer, asgi, ask, scope_for, wsgi

pytest.importorskip("brotli", reason="brotli (extra middleware) is not installed")
if sys.version_info < (3, 14):
    pytest.importorskip("zstandard", reason="zstandard (extra middleware) is not installed")

TEXT = b"a text that shrinks. " * 100


def streaming_decoder(encoding: str) -> Callable[[bytes], bytes]:
    """Unpacks what has come so far, as a browser does."""
    if encoding == "gzip":
        return zlib.decompressobj(31).decompress
    if encoding == "br":
        brotli: Any = importlib.import_module("brotli")
        process: Callable[[bytes], bytes] = brotli.Decompressor().process
        return process
    if sys.version_info >= (3, 14):
        zstd = importlib.import_module("compression.zstd")
        decompress: Callable[[bytes], bytes] = zstd.ZstdDecompressor().decompress
        return decompress
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj().decompress


def unpack(answer: Any) -> bytes:
    return streaming_decoder(answer.headers["Content-Encoding"])(answer.data)


def serving(*chunks: bytes, status: Any = "200 OK", stream: Any = False, **headers: Any) -> Any:
    pairs = {"Content_Type": "text/plain", **headers}
    given = [(name.replace("_", "-"), value) for name, value in pairs.items()]

    def app(environ: Any, start_response: Any) -> Any:
        start_response(status, given)
        return iter(chunks) if stream else list(chunks)

    return app


def asgi_serving(*chunks: bytes, status: Any = 200, **headers: Any) -> Any:
    pairs = {"Content_Type": "text/plain", **headers}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        given = [(n.replace("_", "-").lower().encode(), v.encode()) for n, v in pairs.items()]
        await send({"type": "http.response.start", "status": status, "headers": given})
        for chunk in chunks[:-1]:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": chunks[-1]})

    return app


def get(app: Any, accepted: str = "gzip", method: str = "GET", **headers: str) -> Any:
    return wsgi(Compress(app), "/", method, headers={"Accept-Encoding": accepted, **headers})


class TestChoice:
    @pytest.mark.parametrize(
        ("accepted", "chosen"),
        [
            ("", None),
            ("gzip", "gzip"),
            ("x-gzip", "gzip"),
            ("GZip", "gzip"),
            ("gzip, deflate, br, zstd", "zstd"),
            ("gzip, br", "br"),
            ("gzip;q=1, br;q=0.9", "gzip"),
            ("br;q=0, gzip", "gzip"),
            ("*", "zstd"),
            ("*;q=0.5, gzip", "gzip"),
            ("*, zstd;q=0", "br"),
            ("*;q=0", None),
            ("gzip;q=0", None),
            ("identity", None),
            ("gzip;q=0.5, identity", None),
            ("gzip, identity;q=0.5", "gzip"),
            ("deflate, compress", None),
            ("gzip;q=nonsense", None),
        ],
    )
    def test_by_what_the_client_likes(self, accepted: str, chosen: str | None) -> None:
        assert choose_encoding(accepted, ["zstd", "br", "gzip"]) == chosen

    def test_nothing_to_offer(self) -> None:
        assert choose_encoding("gzip", []) is None

    @pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
    def test_each(self, encoding: str) -> None:
        for answer in (
            get(serving(TEXT), encoding),
            asgi(Compress(asgi_serving(TEXT)), headers={"Accept-Encoding": encoding}),
        ):
            assert answer.headers["Content-Encoding"] == encoding
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert unpack(answer) == TEXT and len(answer.data) < len(TEXT) / 5

    def test_offered(self) -> None:
        app = Compress(serving(TEXT), encodings=["gzip"])
        answer = wsgi(app, headers={"Accept-Encoding": "br, gzip;q=0.1"})
        assert answer.headers["Content-Encoding"] == "gzip"

    def test_offered_by_default_is_what_is_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("erlen.middleware.compress.find_spec", lambda name: None)
        answer = get(serving(TEXT), "br, gzip;q=0.1")
        assert answer.headers["Content-Encoding"] == "gzip"

    def test_an_encoding_that_is_none(self) -> None:
        for encodings in (["deflate"], "gzip"):
            with pytest.raises(ValueError, match=r"some of \['zstd', 'br', 'gzip'\], not"):
                Compress(serving(TEXT), encodings=encodings)  # type: ignore[arg-type]

    def test_a_library_that_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "brotli", None)
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'erlen\[middleware\]'"):
            Compress(serving(TEXT), encodings=["br"])


class TestLeftAlone:
    @pytest.mark.parametrize(
        "app",
        [
            serving(b"small"),
            serving(b"x" * 499, Content_Length="499"),
            serving(TEXT, Content_Type="image/png"),
            serving(TEXT, Content_Encoding="br"),
            serving(TEXT, Cache_Control="private, no-transform"),
            serving(TEXT, status="206 Partial Content", Content_Range="bytes 0-9/99"),
        ],
    )
    def test_as_it_is(self, app: Any) -> None:
        answer = get(app)
        plain = wsgi(app)
        assert answer.data == plain.data
        assert answer.headers.get("Content-Encoding") == plain.headers.get("Content-Encoding")

    def test_204(self) -> None:
        def app(environ: Any, start_response: Any) -> list[bytes]:
            start_response("204 No Content", [])
            return []

        assert list(get(app).headers) == []

    def test_a_client_that_accepts_nothing_hears_that_it_varies(self) -> None:
        for app in (serving(TEXT), serving(b"small")):
            answer = get(app, "")
            assert "Content-Encoding" not in answer.headers
            assert answer.headers["Vary"] == "Accept-Encoding"
        assert "Vary" not in get(serving(TEXT, Content_Type="image/png")).headers

    def test_vary_stands_once(self) -> None:
        assert get(serving(TEXT, Vary="Cookie, accept-encoding")).headers.getlist("Vary") == [
            "Cookie, accept-encoding"
        ]
        assert get(serving(TEXT, Vary="*")).headers.getlist("Vary") == ["*"]
        assert get(serving(TEXT, Vary="Cookie")).headers.getlist("Vary") == [
            "Cookie",
            "Accept-Encoding",
        ]

    def test_what_is_small_and_what_shrinks_can_be_said(self) -> None:
        small = Compress(serving(b"small", Content_Type="application/x-mine"), minimum=1,
                         types=["application/X-Mine"])  # fmt: skip
        answer = wsgi(small, headers={"Accept-Encoding": "gzip"})
        assert unpack(answer) == b"small"

    def test_a_file_is_left_to_the_server(self) -> None:
        body = [b"\x89PNG"]

        def app(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "image/png")])
            return body

        environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http"}
        assert Compress(app)(environ, lambda *args: print) is body


class TestHeaders:
    def test_length_and_etag(self) -> None:
        answer = get(
            serving(TEXT, Content_Length=str(len(TEXT)), ETag='"a"', Accept_Ranges="bytes")
        )
        assert "Content-Length" not in answer.headers and "Accept-Ranges" not in answer.headers
        assert answer.headers["ETag"] == 'W/"a"'
        assert get(serving(TEXT, ETag='W/"a"')).headers["ETag"] == 'W/"a"'
        assert get(serving(TEXT, ETag='"a"'), "").headers["ETag"] == '"a"'

    def test_digests_are_not_those_of_what_is_sent(self) -> None:
        digests = dict.fromkeys(
            ("Content_Digest", "Repr_Digest", "Digest", "Content_MD5"), "sha-256=:YQ==:"
        )
        names = {name.replace("_", "-") for name in digests}
        assert names.isdisjoint(get(serving(TEXT, **digests)).headers.keys())
        assert names.issubset(get(serving(TEXT, **digests), "").headers.keys())

    def test_a_part_varies_as_the_whole_does(self) -> None:
        answer = get(serving(TEXT, status="206 Partial Content", Content_Range="bytes 0-9/9999"))
        assert (answer.data, answer.headers["Vary"]) == (TEXT, "Accept-Encoding")

    def test_not_modified(self) -> None:
        def app(environ: Any, start_response: Any) -> list[bytes]:
            start_response("304 Not Modified", [("ETag", '"a"')])
            return []

        answer = get(app)
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == 'W/"a"' and answer.headers["Vary"] == "Accept-Encoding"

    def test_head_tells_what_get_would(self) -> None:
        length = str(len(TEXT))
        app = serving(TEXT, Content_Length=length, ETag='"a"')

        def answering_head(environ: Any, start_response: Any) -> Any:
            app(environ, start_response)
            return []

        head, body = get(answering_head, method="HEAD"), get(app)
        assert head.data == b"" and head.headers.to_wsgi_list() == body.headers.to_wsgi_list()

    def test_around_erlen(self, app: Any) -> None:
        app.add_url_rule("/", "index", lambda: TEXT.decode())
        found = asgi(Compress(app), headers={"Accept-Encoding": "br"})
        assert unpack(found) == TEXT
        app.wsgi_app = Compress(app.wsgi_app)
        answer = app.test_client().get("/", headers={"Accept-Encoding": "br"})
        assert unpack(answer) == TEXT


class TestStreams:
    @pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
    def test_each_piece_arrives_when_it_is_sent(self, encoding: str) -> None:
        def app(environ: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/event-stream")])
            yield b"data: first\n\n"
            assert received == [b"data: first\n\n"]
            yield b""
            yield b"data: second\n\n"

        received: list[bytes] = []
        decode = streaming_decoder(encoding)
        headers = {"Accept-Encoding": encoding}
        answer = wsgi(Compress(app), headers=headers, buffered=False)
        for chunk in answer.iter_encoded():
            if data := decode(chunk):
                received.append(data)
        answer.close()
        assert received == [b"data: first\n\n", b"data: second\n\n"]

    @pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
    def test_by_asgi(self, encoding: str) -> None:
        answer = asgi(
            Compress(asgi_serving(b"first", b"second", b"")), headers={"Accept-Encoding": encoding}
        )
        decode = streaming_decoder(encoding)
        assert [decode(chunk) for chunk in answer.chunks] == [b"first", b"second", b""]

    @given(
        chunks=st.lists(st.binary(max_size=2_000), max_size=8),
        encoding=st.sampled_from(["gzip", "br", "zstd"]),
        stream=st.booleans(),
        length=st.booleans(),
    )
    def test_whatever_the_pieces_the_whole_is_the_same(
        self, chunks: list[bytes], encoding: str, stream: bool, length: bool
    ) -> None:
        whole = b"".join(chunks)
        headers = {"Content_Length": str(len(whole))} if length else {}
        asked = {"Accept-Encoding": encoding}
        answers: list[Any] = [
            wsgi(Compress(serving(*chunks, stream=stream, **headers), minimum=1), headers=asked),
            asgi(Compress(asgi_serving(*chunks, b"", **headers), minimum=1), headers=asked),
        ]
        for answer in answers:
            if "Content-Encoding" in answer.headers:
                assert unpack(answer) == whole
            else:
                assert answer.data == whole == b""

    def test_the_body_is_closed(self) -> None:
        closed: list[bool] = []

        class Body:
            def __iter__(self) -> Iterator[bytes]:
                return iter([TEXT])

            def close(self) -> None:
                closed.append(True)

        def app(environ: Any, start_response: Any) -> Body:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return Body()

        assert unpack(get(app)) == TEXT and closed == [True]


class TestProtocols:
    def test_write(self) -> None:
        def app(environ: Any, start_response: Any) -> list[bytes]:
            write = start_response("200 OK", [("Content-Type", "text/plain")])
            write(b"written, ")
            return [b"returned"]

        assert unpack(get(app)) == b"written, returned"
        assert get(app, "").data == b"written, returned"

        def only(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])(b"written")
            return []

        assert unpack(get(only)) == b"written"

    def test_an_error_before_the_head_is_sent_replaces_it(self) -> None:
        def app(environ: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "image/png")])
            try:
                raise ValueError("late")
            except ValueError:
                start_response(
                    "500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info()
                )
            yield TEXT

        statuses: list[str] = []

        def start(status: str, headers: Any, exc_info: Any = None) -> Any:
            statuses.append(status)
            return print

        environ = {
            "REQUEST_METHOD": "GET",
            "wsgi.url_scheme": "http",
            "HTTP_ACCEPT_ENCODING": "gzip",
        }
        body = Compress(app)(environ, start)
        assert gzip.decompress(b"".join(body)) == TEXT
        assert statuses == ["500 Internal Server Error"]

    def test_an_error_after_the_head_is_sent_is_raised(self) -> None:
        def app(environ: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            yield TEXT
            try:
                raise ValueError("late")
            except ValueError:
                start_response("500 Error", [("Content-Type", "text/plain")], sys.exc_info())

        with pytest.raises(ValueError, match="late"):
            get(app)

    def test_an_application_that_does_not_answer(self) -> None:
        environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http"}
        app: Any = Compress(lambda environ, start_response: [b"x"])
        with pytest.raises(AssertionError, match="did not call start_response"):
            list(app(environ, print))

    def test_a_file_sent_by_an_asgi_server(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            head = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.pathsend", "path": "/a/file"})

        answer = asgi(Compress(app), headers={"Accept-Encoding": "gzip"})
        assert [each["type"] for each in answer.messages] == [
            "http.response.start",
            "http.response.pathsend",
        ]
        assert "Content-Encoding" not in answer.headers

    def test_other_connections_pass(self) -> None:
        seen: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["type"])

        async def main() -> Answer:
            return await ask(Compress(app), scope_for() | {"type": "websocket"})

        asyncio.run(main())
        assert seen == ["websocket"]

    def test_called_as_what_is_not_inside(self) -> None:
        with pytest.raises(TypeError, match="Compress was called as ASGI, but the application"):
            asgi(Compress(serving(TEXT)))
        with pytest.raises(TypeError, match="inside speaks ASGI only.*or mount it with Dispatcher"):
            wsgi(Compress(asgi_serving(TEXT)))
        mounted = Dispatcher(None, {"/x": Compress(asgi_serving(TEXT))})
        assert unpack(wsgi(mounted, "/x", headers={"Accept-Encoding": "gzip"})) == TEXT
