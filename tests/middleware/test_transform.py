from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from erlen.middleware import Original, Transform, Transformed, Untransformable, xslt

from .doors import asgi, wsgi
from .test_compress import asgi_serving, serving


def shout(original: Original) -> Transformed:
    return Transformed(original.body.upper(), "text/plain; charset=utf-8")


class TestWhat:
    def test_by_both_protocols(self) -> None:
        xml = {"Content_Type": "application/xml; charset=utf-8"}
        for answer in (
            wsgi(Transform(serving(b"<a>", b"b</a>", stream=True, **xml), shout)),
            asgi(Transform(asgi_serving(b"<a>", b"b</a>", **xml), shout)),
        ):
            assert answer.data == b"<A>B</A>"
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.headers["Content-Length"] == "8"

    @pytest.mark.parametrize(
        ("content_type", "types", "changed"),
        [
            ("text/xml", None, True),
            ("Application/XML", None, True),
            ("application/atom+xml", None, False),
            ("text/html", None, False),
            ("text/html", ["text/*"], True),
            ("application/atom+xml", ["application/atom+xml"], True),
            ("", None, False),
        ],
    )
    def test_by_content_type(
        self, content_type: str, types: list[str] | None, changed: bool
    ) -> None:
        app = serving(b"body", Content_Type=content_type)
        options: dict[str, Any] = {} if types is None else {"content_types": types}
        body = wsgi(Transform(app, shout, **options)).data
        assert body == (b"BODY" if changed else b"body")

    @pytest.mark.parametrize(
        ("path", "changed"),
        [("/feed", True), ("/feed/1", True), ("/feeds", False), ("/", False), ("/b/c/d", True)],
    )
    def test_by_path(self, path: str, changed: bool) -> None:
        xml = {"Content_Type": "text/xml"}
        expected = b"BODY" if changed else b"body"
        paths = ["/feed", "/b/c/"]
        assert wsgi(Transform(serving(b"body", **xml), shout, paths=paths), path).data == expected
        app = Transform(asgi_serving(b"body", **xml), shout, paths=paths)
        assert asgi(app, "/at" + path, root_path="/at").data == expected

    @pytest.mark.parametrize(
        "headers",
        [
            {"status": "404 Not Found"},
            {"status": "201 Created"},
            {"status": "206 Partial Content", "Content_Range": "bytes 0-3/9"},
            {"Content_Encoding": "gzip"},
            {"Cache_Control": "no-transform"},
        ],
    )
    def test_what_passes_as_it_is(self, headers: dict[str, str]) -> None:
        app = serving(b"body", Content_Type="text/xml", ETag='"a"', **headers)
        answer = wsgi(Transform(app, shout))
        assert answer.data == b"body" and answer.headers["ETag"] == '"a"'
        assert answer.headers["Content-Type"] == "text/xml"

    def test_head_and_304_pass_as_they_are(self) -> None:
        given = [("Content-Type", "text/xml"), ("Content-Length", "99"), ("ETag", '"a"')]

        def head(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", given)
            return []

        assert wsgi(Transform(head, shout), method="HEAD").headers.to_wsgi_list() == given

        def not_modified(environ: Any, start_response: Any) -> list[bytes]:
            start_response("304 Not Modified", [("ETag", '"a"')])
            return []

        answer = wsgi(Transform(not_modified, shout))
        assert (answer.status_code, answer.headers.to_wsgi_list()) == (304, [("ETag", '"a"')])

    def test_what_is_too_long_passes_and_is_logged(self, caplog: Any) -> None:
        xml = {"Content_Type": "text/xml"}
        chunks = (b"abc", b"def", b"ghi")
        for answer in (
            wsgi(Transform(serving(*chunks, **xml), shout, max_bytes=5), "/long"),
            asgi(Transform(asgi_serving(*chunks, **xml), shout, max_bytes=5), "/long"),
        ):
            assert answer.data == b"abcdefghi" and answer.headers["Content-Type"] == "text/xml"
        assert wsgi(Transform(serving(b"abcde", **xml), shout, max_bytes=5)).data == b"ABCDE"
        assert caplog.messages == ["GET /long passes as it is: it is longer than 5 bytes"] * 2

    def test_what_cannot_be_transformed_passes_and_is_logged(self, caplog: Any) -> None:
        def refuse(original: Original) -> Transformed:
            raise Untransformable("it is blue")

        app = serving(b"body", Content_Type="text/xml", ETag='"a"', Content_Length="4")
        answer = wsgi(Transform(app, refuse), "/x")
        assert (answer.data, answer.headers["ETag"]) == (b"body", '"a"')
        assert answer.headers["Content-Length"] == "4"
        assert caplog.messages == ["GET /x passes as it is: it is blue"]

    def test_a_transformation_that_fails_is_an_error(self) -> None:
        def fail(original: Original) -> Transformed:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            wsgi(Transform(serving(b"body", Content_Type="text/xml"), fail))

    def test_what_a_transformation_gets(self) -> None:
        seen: list[Original] = []

        def look(original: Original) -> Transformed:
            seen.append(original)
            return shout(original)

        app = serving(b"body", Content_Type="text/xml; charset=latin-1")
        sent = {"Accept-Language": "de"}
        wsgi(Transform(app, look), "/x", "POST", headers=sent, base_url="https://h/at")
        ((body, content_type, request),) = seen
        assert (body, content_type) == (b"body", "text/xml; charset=latin-1")
        assert (request.method, request.path, request.scheme) == ("POST", "/x", "https")
        assert request.client == "127.0.0.1" and request.carrier["SCRIPT_NAME"] == "/at"
        assert request.header("accept-language") == "de" and request.header("x-other") == ""

    def test_set_up(self) -> None:
        app = serving(b"body")
        for types in ("text/xml", ["xml"], []):
            with pytest.raises(ValueError, match=r"a list as \['text/xml'\], not"):
                Transform(app, shout, content_types=types)
        for paths in ("/feed", ["feed"]):
            with pytest.raises(ValueError, match=r"a list as \['/feed'\], not"):
                Transform(app, shout, paths=paths)
        with pytest.raises(ValueError, match="max_bytes is above 0, not 0"):
            Transform(app, shout, max_bytes=0)


class TestValidators:
    app = Transform(
        serving(
            b"body",
            Content_Type="text/xml",
            Content_Length="4",
            ETag='"a"',
            Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT",
            Accept_Ranges="bytes",
            Content_Digest="sha-256=:x:",
        ),
        shout,
    )

    def test_what_told_of_the_original_is_gone(self) -> None:
        answer = wsgi(self.app)
        assert set(answer.headers.keys()) == {"Content-Type", "Content-Length", "ETag"}
        assert answer.headers["ETag"] != '"a"'

    def test_the_new_one_is_answered_with_304(self) -> None:
        etag = wsgi(self.app).headers["ETag"]
        for sent in (etag, f"W/{etag}", f'"other", {etag}'):
            answer = wsgi(self.app, headers={"If-None-Match": sent})
            assert (answer.status_code, answer.data) == (304, b"")
            assert answer.headers.to_wsgi_list() == [("ETag", etag)]
        assert wsgi(self.app, headers={"If-None-Match": '"a"'}).data == b"BODY"
        assert wsgi(self.app, "/", "POST", headers={"If-None-Match": etag}).data == b"BODY"

    def test_where_the_application_has_none_there_is_none(self) -> None:
        app = Transform(serving(b"body", Content_Type="text/xml"), shout)
        assert "ETag" not in wsgi(app).headers

    def test_by_asgi(self) -> None:
        app = Transform(asgi_serving(b"body", Content_Type="text/xml", ETag='"a"'), shout)
        etag = asgi(app).headers["ETag"]
        answer = asgi(app, headers={"If-None-Match": etag})
        assert (answer.status_code, answer.data) == (304, b"")


HEAD = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"'
    ' xmlns:exsl="http://exslt.org/common" extension-element-prefixes="exsl">'
)


def sheet(body: str, declared: str = "") -> bytes:
    return f"{declared}{HEAD}{body}</xsl:stylesheet>".encode()


ALL = '<xsl:template match="/"><p><xsl:value-of select="."/></p></xsl:template>'


class TestXslt:
    @pytest.fixture(autouse=True)
    def lxml(self) -> None:
        pytest.importorskip("lxml", reason="lxml (extra middleware) is not installed")

    @staticmethod
    def run(stylesheet: bytes, document: bytes, **options: Any) -> Any:
        app = serving(document, Content_Type="application/xml", ETag='"a"')
        return wsgi(Transform(app, xslt(stylesheet, **options)), "/doc")

    def test_a_page_is_made(self, tmp_path: Path) -> None:
        file = tmp_path / "page.xsl"
        file.write_bytes(
            sheet(
                '<xsl:output method="html"/><xsl:template match="/feed"><html><body>'
                '<xsl:for-each select="item"><li><xsl:value-of select="."/></li></xsl:for-each>'
                "</body></html></xsl:template>"
            )
        )
        app = serving(b"<feed><item>&lt;1&gt;</item><item>\xc3\xa9</item></feed>",
                      Content_Type="text/xml")  # fmt: skip
        for stylesheet in (file, str(file), file.read_bytes()):
            answer = wsgi(Transform(app, xslt(stylesheet)))
            assert answer.text.strip() == (
                "<html><body>\n<li>&lt;1&gt;</li>\n<li>é</li>\n</body></html>"
            )
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"

    @pytest.mark.parametrize(
        ("output", "content_type", "body"),
        [
            ("", "application/xml; charset=utf-8", "<?xml version=\"1.0\"?>\n<p>é</p>\n"),
            ('<xsl:output method="text"/>', "text/plain; charset=utf-8", "é"),
            (
                '<xsl:output method="text" encoding="ISO-8859-1"/>',
                "text/plain; charset=iso-8859-1",
                "é",
            ),
            (
                '<xsl:output omit-xml-declaration="yes"/><xsl:output media-type="image/svg+xml"/>',
                "image/svg+xml; charset=utf-8",
                "<p>é</p>\n",
            ),
        ],
    )  # fmt: skip
    def test_the_type_follows_from_the_output(
        self, output: str, content_type: str, body: str
    ) -> None:
        answer = self.run(sheet(output + ALL), "<a>é</a>".encode())
        assert answer.headers["Content-Type"] == content_type
        assert answer.data.decode(content_type.partition("charset=")[2]) == body

    def test_html_without_a_word(self) -> None:
        page = sheet('<xsl:template match="/"><html><br/></html></xsl:template>')
        answer = self.run(page, b"<a/>")
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.text == "<html><br></html>\n"

    def test_an_empty_result(self) -> None:
        answer = self.run(sheet('<xsl:template match="/"/>'), b"<a/>")
        assert (answer.status_code, answer.data) == (200, b"")

    def test_parameters_are_strings_whatever_is_in_them(self) -> None:
        page = sheet(
            '<xsl:output method="text"/><xsl:param name="q"/>'
            '<xsl:template match="/"><xsl:value-of select="$q"/></xsl:template>'
        )
        nasty = "'\" | document('/etc/passwd') & <x>"
        answer = self.run(page, b"<a/>", params=lambda request: {"q": nasty + request.path})
        assert answer.text == nasty + "/doc"

    def test_a_parameter_that_xml_cannot_hold(self, caplog: pytest.LogCaptureFixture) -> None:
        """Some are of the request, and nobody's error."""
        answer = self.run(sheet(""), b"<a/>", params=lambda request: {"name": "\x01"})
        assert (answer.status_code, answer.data) == (200, b"<a/>")
        (record,) = caplog.records
        assert "passes as it is: a parameter is none: " in record.getMessage()

    @pytest.mark.parametrize(
        ("document", "content_type"),
        [
            ("<a>é</a>".encode("latin-1"), "application/xml; charset=iso-8859-1"),
            ("<a>é</a>".encode(), "application/xml; charset=utf-8"),
            ("<a>é</a>".encode(), "application/xml; charset=no-such"),
            ("<a>é</a>".encode("utf-16"), "application/xml; charset=utf-8"),
            # What the document says goes before: many frameworks add utf-8 unasked.
            (
                '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode("latin-1"),
                "application/xml; charset=utf-8",
            ),
        ],
    )
    def test_encodings(self, document: bytes, content_type: str) -> None:
        app = Transform(serving(document, Content_Type=content_type), xslt(sheet(ALL)))
        assert wsgi(app).text.endswith("<p>é</p>\n")

    def test_it_is_compiled_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from lxml import etree

        made: list[bool] = []

        class Counted(etree.XSLT):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                made.append(True)

        monkeypatch.setattr(etree, "XSLT", Counted)
        transformation = xslt(sheet(ALL))
        app = Transform(serving(b"<a>1</a>", Content_Type="text/xml"), transformation)
        assert [wsgi(app).status_code for _ in range(3)] == [200] * 3 and made == [True]

    def test_threads_share_it(self) -> None:
        app = asgi_serving(b"<a>1</a>", Content_Type="text/xml")
        transform = Transform(app, xslt(sheet(ALL)))
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: asgi(transform).data, range(64)))
        assert set(answers) == {b'<?xml version="1.0"?>\n<p>1</p>\n'}

    @pytest.mark.parametrize("document", [b"", b"no xml", b"<a><b></a>", b"<a>&undefined;</a>"])
    def test_malformed_xml_passes_as_it_is(self, document: bytes, caplog: Any) -> None:
        answer = self.run(sheet(ALL), document)
        assert answer.data == document and answer.headers["ETag"] == '"a"'
        assert answer.headers["Content-Type"] == "application/xml"
        (message,) = caplog.messages
        assert message.startswith("GET /doc passes as it is: ")

    def test_a_stylesheet_that_gives_up(self, caplog: Any) -> None:
        page = sheet(
            '<xsl:template match="/"><xsl:message terminate="yes">no</xsl:message></xsl:template>'
        )
        assert self.run(page, b"<a/>").data == b"<a/>"
        assert caplog.messages == ["GET /doc passes as it is: no"]

    def test_set_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match="The stylesheet is not well-formed: "):
            xslt(b"<xsl")
        with pytest.raises(ValueError, match="The stylesheet cannot be compiled: "):
            xslt(sheet('<xsl:template match="]["/>'))
        with pytest.raises(FileNotFoundError):
            xslt(tmp_path / "missing.xsl")
        monkeypatch.setitem(__import__("sys").modules, "lxml", None)
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'erlen\[middleware\]'"):
            xslt(sheet(ALL))


class TestAttacks:
    """Documents and stylesheets that reach for files, the network, or all the memory."""

    @pytest.fixture(autouse=True)
    def lxml(self) -> None:
        pytest.importorskip("lxml", reason="lxml (extra middleware) is not installed")

    @pytest.fixture
    def secret(self, tmp_path: Path) -> str:
        file = tmp_path / "secret.xml"
        file.write_text(sheet('<xsl:template match="/">SECRET</xsl:template>').decode())
        return file.as_uri()

    @pytest.fixture
    def outside(self) -> Iterator[tuple[str, list[str]]]:
        """A server that notes who asks."""
        asked: list[str] = []

        class Note(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Note) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}/x", asked
            server.shutdown()
            thread.join()

    @pytest.mark.parametrize(
        "document",
        [
            '<!DOCTYPE a [<!ENTITY x SYSTEM "{}">]><a>&x;</a>',
            '<!DOCTYPE a [<!ENTITY % x SYSTEM "{}"> %x;]><a/>',
            '<!DOCTYPE a [<!ENTITY x "harmless">]><a>&x;</a>',
        ],
    )
    def test_entities(self, document: str, secret: str, outside: Any, caplog: Any) -> None:
        for url in (secret, outside[0]):
            body = document.format(url).encode()
            answer = TestXslt.run(sheet(ALL), body)
            assert answer.data == body
        assert caplog.messages == ["GET /doc passes as it is: it declares entities"] * 2
        assert outside[1] == []

    def test_an_external_dtd_is_not_read(self, secret: str, outside: Any) -> None:
        for url in (secret, outside[0]):
            answer = TestXslt.run(sheet(ALL), f'<!DOCTYPE a SYSTEM "{url}"><a>1</a>'.encode())
            assert answer.data == b'<?xml version="1.0"?>\n<p>1</p>\n'
        assert outside[1] == []

    @pytest.mark.parametrize("use", ["<a>&j;</a>", '<a b="&j;"/>'])
    def test_entity_bombs(self, use: str) -> None:
        entities = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
        bomb = f'<!DOCTYPE a [<!ENTITY a "{"a" * 10}">{entities}]>{use}'.encode()
        assert TestXslt.run(sheet(ALL), bomb).data == bomb

    @pytest.mark.parametrize(
        "instruction",
        [
            "<xsl:copy-of select=\"document('{}')\"/>",
            '<xsl:copy-of select="document(string(/a/@href))"/>',
            '<exsl:document href="{}"><b/></exsl:document>',
        ],
    )
    def test_documents_named_at_run_time(
        self, instruction: str, secret: str, outside: Any, caplog: Any
    ) -> None:
        for url in (secret, outside[0]):
            page = sheet(f'<xsl:template match="/">{instruction.format(url)}</xsl:template>')
            body = f'<a href="{url}"/>'.encode()
            assert TestXslt.run(page, body).data == body
        assert outside[1] == []
        assert len(caplog.messages) == 2 and "denied" in caplog.messages[0]

    @pytest.mark.parametrize("how", ["include", "import"])
    def test_stylesheets_that_ask_for_others(self, how: str, secret: str, outside: Any) -> None:
        for url in (secret, outside[0], "relative.xsl"):
            with pytest.raises(ValueError, match="asks for '.*': other files are not read"):
                xslt(sheet(f'<xsl:{how} href="{url}"/>'))
        assert outside[1] == []

    def test_a_stylesheet_with_entities(self, secret: str) -> None:
        declared = f'<!DOCTYPE x [<!ENTITY s SYSTEM "{secret}">]>'
        with pytest.raises(ValueError, match="cannot be used: it declares entities"):
            xslt(sheet('<xsl:template match="/">&s;</xsl:template>', declared))
