from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.exceptions import ClientDisconnected
from werkzeug.test import EnvironBuilder, run_wsgi_app

from . import is_clean


class TestForms:
    FORM = "application/x-www-form-urlencoded"

    def test_invalid_encoding(self, app: Any) -> None:
        client = app.test_client()
        for data in (b"a=%FF", b"a=\xff", b"%zz=%", b"\x00=\x00", b"a=1&&&=&="):
            response = client.post("/read/form", data=data, content_type=self.FORM)
            assert response.status_code == 200

    @pytest.mark.parametrize(
        ("config", "size", "status"),
        [
            ({}, 500_001, 200),  # the limit of form memory is for multipart, as in Flask
            ({"MAX_CONTENT_LENGTH": 50}, 51, 413),
            ({"MAX_CONTENT_LENGTH": 50}, 50, 200),
        ],
    )
    def test_size(self, app: Any, config: dict[str, Any], size: int, status: int) -> None:
        app.config.update(config)
        data = b"a=" + b"x" * (size - 2)
        response = app.test_client().post("/read/form", data=data, content_type=self.FORM)
        assert response.status_code == status
        assert is_clean(response)

    @pytest.mark.parametrize(
        "content_type", ["", "nonsense", "text/plain", "application/json", ";;="]
    )
    def test_other_media_types_are_no_forms(self, app: Any, content_type: str) -> None:
        response = app.test_client().post("/read/form", data=b"a=1", content_type=content_type)
        assert (response.status_code, response.json) == (200, {})


def multipart(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


def field(name: bytes = b"a", value: bytes = b"1") -> bytes:
    return b'Content-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value


def file(content: bytes) -> bytes:
    head = b'Content-Disposition: form-data; name="f"; filename="../../big.bin"'
    return head + b"\r\n\r\n" + content


class TestMultipart:
    MULTIPART = "multipart/form-data; boundary=b"

    def post(self, app: Any, data: bytes, content_type: str | None = None, **options: Any) -> Any:
        return app.test_client().post(
            "/read/form", data=data, content_type=content_type or self.MULTIPART, **options
        )

    def test_good(self, app: Any) -> None:
        assert self.post(app, multipart(field(), field(b"c"))).json == {"a": ["1"], "c": ["1"]}

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"nonsense",
            b"--b",
            b"--b\r\n",
            b"--b--\r\n",
            multipart(field(), end=b""),
            multipart(b"no header at all"),
            multipart(b"\r\n\r\n"),
            multipart(b"Content-Disposition: form-data\r\n\r\nx"),
            multipart(b"Content-Disposition: nonsense; ===\r\n\r\nx"),
            multipart(b'Content-Disposition: form-data; name="\xff"\r\n\r\nx'),
            multipart(b"Content-Disposition: form-data; name*=utf-8''%FF\r\n\r\nx"),
            multipart(b'Content-Disposition: form-data; name="a"; filename=""\r\n\r\nx'),
            multipart(field(b"a", b"\xff\xfe\x00")),
            multipart(b"\x00: \x00\r\n\r\nx"),
            multipart(b"Content-Type: text/plain; charset=nonsense\r\n" + field()),
            multipart(b"Content-Transfer-Encoding: base64\r\n" + field(b"a", b"!!!")),
        ],
    )
    def test_malformed(self, app: Any, data: bytes) -> None:
        response = self.post(app, data)
        assert response.status_code in (200, 400)
        assert is_clean(response)

    @pytest.mark.parametrize(
        "content_type",
        [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            'multipart/form-data; boundary="b',
            "multipart/form-data; boundary=" + "x" * 10_000,
            "multipart/form-data; boundary=\u00e9",
        ],
    )
    def test_boundaries(self, app: Any, content_type: str) -> None:
        response = self.post(app, multipart(field()), content_type)
        assert response.status_code in (200, 400)
        assert is_clean(response)

    @pytest.mark.parametrize(
        ("config", "parts", "status"),
        [
            ({}, 1_000, 200),
            ({}, 1_001, 413),
            ({"MAX_FORM_PARTS": 2}, 2, 200),
            ({"MAX_FORM_PARTS": 2}, 3, 413),
            ({"MAX_FORM_PARTS": None}, 1_500, 200),
        ],
    )
    def test_parts(self, app: Any, config: dict[str, Any], parts: int, status: int) -> None:
        app.config.update(config)
        data = multipart(*(field(b"k%d" % n) for n in range(parts)))
        assert self.post(app, data).status_code == status

    @pytest.mark.parametrize(
        ("config", "size", "status"),
        [
            ({}, 500_000, 200),
            ({}, 500_001, 413),
            ({"MAX_FORM_MEMORY_SIZE": 10}, 11, 413),
            ({"MAX_CONTENT_LENGTH": 10}, 1, 413),
        ],
    )
    def test_field_size(self, app: Any, config: dict[str, Any], size: int, status: int) -> None:
        app.config.update(config)
        assert self.post(app, multipart(field(value=b"x" * size))).status_code == status

    def test_files_are_not_held_in_memory(self, flask: Any, app: Any) -> None:
        streams: list[Any] = []

        @app.post("/keep")
        def keep() -> Any:
            streams.append(flask.request.files["f"].stream)
            return flask.request.files["f"].filename

        response = app.test_client().post(
            "/keep", data=multipart(file(b"x" * 2_000_000)), content_type=self.MULTIPART
        )
        assert response.text == "../../big.bin"
        assert not isinstance(streams[0], io.BytesIO)
        assert streams[0].closed

    def test_limit_of_the_whole_body(self, app: Any) -> None:
        app.config["MAX_CONTENT_LENGTH"] = 1_000_000
        assert self.post(app, multipart(file(b"x" * 2_000_000))).status_code == 413

    @pytest.mark.erlen_only
    def test_refused_files_of_an_ordinary_request(self, flask: Any, app: Any) -> None:
        """The same without a class of its own, which takes the short way: no ResourceWarning."""
        kept: list[Any] = []

        @app.teardown_request
        def keep(exc: BaseException | None) -> None:
            kept.append(flask.request._get_current_object())

        data = multipart(file(b"x" * 600_000), field(value=b"x" * 600_000))
        assert self.post(app, data).status_code == 413
        (request,) = kept
        assert [stream.closed for stream in request._part_streams] == [True]

    @pytest.mark.erlen_only
    @pytest.mark.parametrize(
        ("rest", "status"), [(field(value=b"x" * 600_000), 413), (b"nonsense", 200)]
    )
    def test_files_of_a_form_that_was_refused_are_closed(
        self, flask: Any, app: Any, rest: bytes, status: int
    ) -> None:
        """Werkzeug leaves them to the garbage collector."""
        streams: list[Any] = []

        class Request(flask.Request):
            def _get_file_stream(self, *args: Any, **kwargs: Any) -> Any:
                streams.append(super()._get_file_stream(*args, **kwargs))
                return streams[-1]

        app.request_class = Request
        assert self.post(app, multipart(file(b"x" * 600_000), rest)).status_code == status
        assert [stream.closed for stream in streams] == [True]


@pytest.mark.wsgi  # an ASGI server refuses these itself
class TestContentLength:
    @pytest.mark.parametrize("part", ["data", "stream", "form", "json"])
    @pytest.mark.parametrize("length", ["-1", "nonsense", "", "1e3", "0x10", "+5", " 5", "5,5"])
    def test_not_a_number(self, app: Any, part: str, length: str) -> None:
        """Without a length that can be believed there is no body."""
        response = app.test_client().post(
            f"/read/{part}",
            data=b"12345",
            content_type="application/json",
            environ_overrides={"CONTENT_LENGTH": length},
        )
        assert response.status_code in (200, 400)
        assert is_clean(response)

    def test_negative_reads_nothing(self, app: Any) -> None:
        response = app.test_client().post(
            "/read/data", data=b"12345", environ_overrides={"CONTENT_LENGTH": "-1"}
        )
        assert response.json == {"length": 0}

    @pytest.mark.parametrize("length", ["100", str(10**12), "9" * 100])
    def test_more_than_was_sent(self, app: Any, length: str) -> None:
        """The client went away in the middle of its body."""
        response = app.test_client().post(
            "/read/data", data=b"12345", environ_overrides={"CONTENT_LENGTH": length}
        )
        assert response.status_code == 400
        assert is_clean(response)

    def test_less_than_was_sent(self, app: Any) -> None:
        response = app.test_client().post(
            "/read/data", data=b"12345", environ_overrides={"CONTENT_LENGTH": "3"}
        )
        assert response.json == {"length": 3}

    @pytest.mark.erlen_only
    @pytest.mark.parametrize("part", ["data", "stream", "json", "form", "multipart"])
    @pytest.mark.parametrize("encoding", [None, "gzip"])
    def test_more_than_was_sent_where_the_server_ends_the_body(
        self, app: Any, part: str, encoding: str | None
    ) -> None:
        """So do gunicorn and granian, and Flask takes what came for the whole.

        What the server may have decoded has another length.
        """
        content_type = {
            "multipart": "multipart/form-data; boundary=b",
            "form": "application/x-www-form-urlencoded",
        }.get(part, "application/json")
        # That of a multipart body is cut off too early for the parser to object.
        body = b"" if part == "multipart" else b"12345"
        environ = EnvironBuilder(
            f"/read/{'form' if part == 'multipart' else part}",
            method="POST",
            content_type=content_type,
        ).get_environ()
        environ.update({"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True})
        environ["CONTENT_LENGTH"] = str(len(body) + 4)
        if encoding is not None:
            environ["HTTP_CONTENT_ENCODING"] = encoding
        _, line, _ = run_wsgi_app(app, environ)
        assert line == ("400 BAD REQUEST" if encoding is None else "200 OK")

    def test_a_server_that_ends_the_body_may_know_better(self, flask: Any, app: Any) -> None:
        """What is in front of the app may have put a longer body in the place of the client's."""
        for read in (flask.Request.get_data, lambda request: request.stream.read()):
            environ = EnvironBuilder("/", method="POST").get_environ()
            environ.update({"wsgi.input": io.BytesIO(b"12345"), "wsgi.input_terminated": True})
            environ["CONTENT_LENGTH"] = "2"
            assert read(flask.Request(environ)) == b"12345"

    @pytest.mark.parametrize("ends", [False, pytest.param(True, marks=pytest.mark.erlen_only)])
    def test_what_was_cut_off_stays_so(self, flask: Any, app: Any, ends: bool) -> None:
        """Who reads again, after an error that a hook has swallowed, gets no empty body."""
        environ = EnvironBuilder("/", method="POST").get_environ()
        environ.update({"wsgi.input": io.BytesIO(b"12345"), "CONTENT_LENGTH": "9"})
        if ends:
            environ["wsgi.input_terminated"] = True
        request = flask.Request(environ)
        for read in (request.get_data, request.get_data, request.stream.read):
            with pytest.raises(ClientDisconnected):
                read()

    @pytest.mark.erlen_only
    def test_limit_of_a_body_without_a_length(self, app: Any) -> None:
        """Flask hands the view the first bytes of a chunked body that is too large."""
        app.config["MAX_CONTENT_LENGTH"] = 10
        chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        for size, status in ((10, 200), (11, 413)):
            environ = EnvironBuilder("/read/data", method="POST").get_environ()
            environ.update({"wsgi.input": io.BytesIO(b"x" * size), **chunked})
            environ.pop("CONTENT_LENGTH", None)
            body, line, _ = run_wsgi_app(app, environ)
            assert int(line[:3]) == status, b"".join(body)

    @pytest.mark.erlen_only
    @pytest.mark.parametrize("limit", [None, 10])
    @pytest.mark.parametrize("part", ["data", "form"])
    def test_a_server_with_an_error_of_its_own_for_a_broken_chunk(
        self, app: Any, limit: int | None, part: str
    ) -> None:
        class InvalidChunkSize(Exception):
            """As in gunicorn, where it is neither an OSError nor a ValueError."""

        class Broken(io.RawIOBase):
            def readinto(self, buffer: Any) -> int:
                raise InvalidChunkSize

        app.config["MAX_CONTENT_LENGTH"] = limit
        environ = EnvironBuilder(
            f"/read/{part}", method="POST", content_type="multipart/form-data; boundary=b"
        ).get_environ()
        chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        environ.update({"wsgi.input": Broken(), **chunked})
        environ.pop("CONTENT_LENGTH", None)
        _, line, _ = run_wsgi_app(app, environ)
        assert line == "400 BAD REQUEST"

    def test_chunked_body_is_read_to_its_end(self, app: Any) -> None:
        environ = EnvironBuilder("/read/data", method="POST").get_environ()
        environ.update({"wsgi.input": io.BytesIO(b"x" * 99), "wsgi.input_terminated": True})
        environ.pop("CONTENT_LENGTH", None)
        body, _, _ = run_wsgi_app(app, environ)
        assert b"".join(body) == b'{"length":99}\n'


class TestJson:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"{",
            b"nonsense",
            b"{'a': 1}",
            b'{"a": 1,}',
            b"\xff\xfe\x00",
            b"[1] trailing",
            b"\x00",
            b"1" * 5_000,
        ],
        ids=lambda data: repr(data[:20]),
    )
    def test_invalid(self, app: Any, data: bytes) -> None:
        response = app.test_client().post("/read/json", data=data, content_type="application/json")
        assert response.status_code == 400
        assert "Failed to decode JSON object" not in response.text
        assert is_clean(response)

    @pytest.mark.erlen_only
    def test_nested_too_deep(self, app: Any) -> None:
        """Flask answers 500: Python's RecursionError is no ValueError."""
        for data in (b"[" * 100_000, b'{"a":' * 100_000):
            response = app.test_client().post(
                "/read/json", data=data, content_type="application/json"
            )
            assert response.status_code == 400
            assert is_clean(response)

    def test_reason_in_debug_only(self, app: Any) -> None:
        app.debug = True
        response = app.test_client().post("/read/json", data=b"{", content_type="application/json")
        assert response.status_code == 400
        assert "Failed to decode JSON object" in response.text

    @pytest.mark.parametrize("content_type", ["text/plain", "", "application/jsonx", "x" * 9999])
    def test_wrong_media_type(self, app: Any, content_type: str) -> None:
        response = app.test_client().post("/read/json", data=b"{}", content_type=content_type)
        assert response.status_code == 415
        assert is_clean(response)
