"""Random WSGI requests, near enough to the application to reach all of it."""

from __future__ import annotations

import hashlib
import zlib
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from itsdangerous import TimestampSigner
from itsdangerous.encoding import base64_encode

from .application import ASKABLE, SECRET

CONTENTS = (
    *("str", "empty", "bytes", "bytearray", "dict", "list", "pair", "status", "none-status"),
    *("headers", "triple", "no-content", "not-modified", "informational", "response"),
    *("response-pair", "made", "generator", "iterator", "wsgi", "redirect", "redirect-external"),
    *("cookies", "etag", "json", "json-pairs", "template", "template-string", "template-missing"),
    *("stream-template", "stream-context", "file", "attachment", "file-missing", "none", "number"),
    *("one-tuple", "long-tuple", "bad-status", "text-status", "zero-status", "bad-headers"),
    *("generator-raises", "unknown"),
)
ENDPOINTS = (
    *("home", "integer", "signed", "bounded", "digits", "real", "text", "anything", "unique"),
    *("below", "words", "many", "mixed", "two", "unicode", "listed", "old", "built", "static"),
    *("sub_of", "host_of", "verbs_read", "only_post", "loose_branch", "parent.show", "lonely.x"),
    *("parent.child.show", "again.alone", "parent.static", "no_such", ".show"),
)
FIXED_PATHS = (
    *("/", "/leaf", "/branch/", "/branch", "/branch/deep/leaf", "/ask", "/json", "/json/silent"),
    *("/form", "/upload", "/stream-in", "/data", "/ignores", "/args", "/header", "/session"),
    *("/session/untouched", "/session/permanent", "/session/rich", "/session/clear"),
    *("/session/bad", "/flash/a", "/flashed", "/list/", "/list", "/list/page/1", "/list/page/2"),
    *("/only-post", "/only-post/", "/verbs/x", "/options", "/no-options", "/old/x"),
    *("/old-call/4", "/loose", "/loose/", "/loose-branch", "/loose-branch/", "/kept//twice"),
    *("/kept/twice", "/alias/x", "/socket", "/built/x", "/viewless/x", "/key", "/static/a.txt"),
    *("/static/", "/static/missing", "/static/../templates/page.html", "/static/sub/b.css"),
    *("/static/empty", "/parent/de/", "/parent/de", "/parent/de/child/5", "/parent/de/child/x"),
    *("/parent/de/child/fail/missing", "/parent/de/child/fail/oops", "/parent/de/nowhere"),
    *("/parent/de/static/a.txt", "/lonely/", "/lonely", "/lonely/x/", "/lonely/x", "/again/"),
    *("/again", "/async/3", "/raise/oops", "/favicon.ico", "", "*", "//", "/.", "/../"),
)
SEGMENTS = (
    *("", "a", "one", "three four", "x y", "1", "0", "-5", "007", "12", "13", "123", "9" * 5000),
    *("1.5", "-1.5", "1.", "é", "日本", "%2F", "%", "..", ".", "a+b", "a+B", "5-x.html", "int"),
    *("00000000-0000-0000-0000-000000000007", "edit", "end", "posts", "\x00", "\n", "a\n", "\x7f"),
    *("<x>", "&", "?", "#", ";", ":", "@", "a=b", "\u0301", "ﬀ", "İ", "𝟙", "١", "a,b"),
)
PREFIXES = (
    *("int", "signed", "bounded", "digits", "float", "float-signed", "user", "short", "length"),
    *("any", "uuid", "below", "list", "many", "mixed", "two", "üñí", "verbs", "old", "old-call"),
    *("alias", "built", "viewless", "of", "abort", "raise", "answer", "urls", "redirect-to"),
    *("ask", "session", "session/set", "session/pop", "flash", "async", "static", "parent"),
    *("lonely", "again", "loose", "kept", "branch"),
)
HOSTS = (
    *("example.org", "example.org:8080", "api.example.org:8080", "a.b.example.org:8080"),
    *("api.example.org", "me.example.org:8080", "static.example.org", "EXAMPLE.ORG:8080"),
    *("localhost", "127.0.0.1:5000", "[::1]:80", "evil.com", "example.org.", "x.example.net"),
    *("", " ", "a b", "exämple.org", "\x8a", "example.org:", "example.org:x", "a@b", "a/b"),
    *("example.org:80", "example.org:443", "-", "a" * 300, "[::1", "xn--nxasmq6b.example.org:8080"),
)
METHODS = ("GET",) * 9 + ("HEAD", "HEAD", "POST", "PUT", "DELETE")
ODD_METHODS = ("OPTIONS", "TRACE", "FOO", "get", "", "PROPFIND", "GÉT", "CONNECT", "G T")

small_text = st.text(st.sampled_from('aZ0 é日/%&=;+"\\\x00\r\n<>,\ud7ff'), max_size=6)


def latin1(text: str) -> str:
    """UTF-8 read as Latin-1, as WSGI has it (PEP 3333)."""
    return text.encode(errors="surrogatepass").decode("latin1")


segments = st.one_of(st.sampled_from(SEGMENTS), small_text)
near_paths = st.builds(
    lambda start, rest, end: f"/{start}/{'/'.join(rest)}{end}",
    st.sampled_from(PREFIXES),
    st.lists(segments, max_size=3),
    st.sampled_from(("", "", "", "/", "/edit", "//", "/end", "/posts", "/posts/")),
)
answer_paths = st.sampled_from(CONTENTS).map("/answer/{}".format)
abort_paths = st.sampled_from((400, 401, 403, 404, 405, 418, 429, 500, 503, 299, 999)).map(
    "/abort/{}".format
)
raise_paths = st.sampled_from(
    ("oops", "value", "lookup", "teapot", "conflict", "response", "redirect", "group")
).map("/raise/{}".format)
url_paths = st.builds(
    "/{}/{}".format, st.sampled_from(("urls", "redirect-to")), st.sampled_from(ENDPOINTS)
)
paths = st.one_of(
    st.sampled_from(FIXED_PATHS).map(latin1),
    near_paths.map(latin1),
    near_paths.map(latin1),
    answer_paths,
    st.one_of(abort_paths, raise_paths),
    url_paths,
    st.lists(segments, max_size=4).map("/".join).map(latin1),
    # Bytes that are no UTF-8.
    st.builds(
        "/user/{}{}".format,
        st.sampled_from(("\xff", "\xc3", "a\x80b", "\xed\xa0\x80")),
        st.just(""),
    ),
)

# No slash: what becomes of it in a built URL is a difference on purpose.
values = st.one_of(st.sampled_from(SEGMENTS), small_text.map(lambda text: text.replace("/", "")))
names = st.sampled_from(
    *(("a", "b", "n", "x", "s", "u", "c", "name", "word", "words", "rest", "page", "lang", "o"),)
)
switches = st.sampled_from(
    (
        *("stop=app", "stop=parent", "stop=raise", "stop=abort", "after=replace", "after=raise"),
        *("later=1", "again=1", "_external=1", "_external=0", "_scheme=https", "_anchor=é x"),
        *("_method=POST", "a=%ff", "a=%C3%A9&a=+", "%", "&&", "=", "a", "a=b=c", "a;b", "é=é"),
        *("lang=de", "filename=a b.txt", "a=X-Header&b=v", "a=&b=%0d%0aX: y", "n=x", "n=12"),
    )
)
queries = st.lists(
    st.one_of(st.builds(lambda k, v: urlencode({k: v}), names, values), switches), max_size=3
).map(lambda parts: latin1("&".join(parts)))


def signed(payload: bytes, key: str = SECRET) -> str:
    """A session cookie with any text in it."""
    signer = TimestampSigner(
        key, salt="cookie-session", key_derivation="hmac", digest_method=hashlib.sha1
    )
    return signer.sign(payload).decode()


def session_cookie(payload: bytes, key: str = SECRET) -> str:
    return signed(base64_encode(payload), key)


# What only the holder of the key can sign, and is no session, is a matter of
# tests/test_differences.py: the error is the same, it comes when the session is opened.
session_payloads = st.sampled_from(
    (
        b'{"a":"1"}',
        b'{"_permanent":true,"kept":2}',
        b'{"_flashes":[{" t":["a","hello"]},{" t":["c","other"]}]}',
        b'{"rich":{" b":"AP8="},"u":{" u":"00000000000000000000000000000007"}}',
        b'{"m":{" m":"<b>"},"d":{" d":"Thu, 01 Jan 1970 00:00:00 GMT"}}',
        b"{}",
    )
)
compressed_payloads = st.sampled_from(
    (b"." + base64_encode(zlib.compress(b'{"long":"' + b"a" * 90 + b'"}')),)
)
session_cookies = st.one_of(
    st.builds(session_cookie, session_payloads),
    st.builds(session_cookie, session_payloads, st.sampled_from(("an old one", "somebody else's"))),
    st.builds(lambda payload: session_cookie(payload)[:-2] + "xx", session_payloads),
    st.builds(signed, compressed_payloads),
    st.sampled_from(("", ".", "..", "a.b.c", "eyJhIjoxfQ", "\x00", "é", '"q.v"', "a" * 80)),
)
cookies = st.lists(
    st.one_of(
        session_cookies.map("session={}".format),
        st.sampled_from(("biscuit=1", "a=b", "=", ";", "a", 'q="\\303\\251 x"', "é=ü", "a=b,c=d")),
    ),
    max_size=3,
).map("; ".join)

DATES = (
    *("Tue, 14 Nov 2023 22:13:20 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "not a date", "0"),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Tue, 99 Nov 2023 22:13:20 GMT"),
)
TAGS = ('"tag"', 'W/"tag"', "*", '"other"', '"a", "tag"', "tag", '"', "", ",")
HEADERS: dict[str, tuple[str, ...]] = {
    "HTTP_RANGE": (
        *("bytes=0-3", "bytes=-2", "bytes=5-", "bytes=0-1,4-5", "bytes=99-", "bytes=3-1"),
        *("bytes", "x=1-2", "bytes=a-b", "bytes=0-0", "bytes=-0", "bytes=-", "bytes=0-99999"),
    ),
    "HTTP_IF_RANGE": TAGS + DATES,
    "HTTP_IF_MATCH": TAGS,
    "HTTP_IF_NONE_MATCH": TAGS,
    "HTTP_IF_MODIFIED_SINCE": DATES,
    "HTTP_IF_UNMODIFIED_SINCE": DATES,
    "HTTP_ACCEPT": ("text/html", "*/*;q=0.1, application/json", "a/b;q=x", ";;", "text/*"),
    "HTTP_ACCEPT_LANGUAGE": ("de-AT, en;q=0.5", "*", "-", "en;q=2"),
    "HTTP_ACCEPT_ENCODING": ("gzip, br;q=0", "identity"),
    "HTTP_ACCEPT_CHARSET": ("utf-8, latin1;q=0.3",),
    "HTTP_AUTHORIZATION": (
        *("Basic dXNlcjpwYXNz", "Basic !!", "Basic", "Bearer abc", "Digest a=b", "x", "Basic w6k="),
    ),
    "HTTP_CACHE_CONTROL": ("no-cache, max-age=0", "max-age=x", "=", "private"),
    "HTTP_X_FORWARDED_FOR": ("1.2.3.4, 5.6.7.8", ","),
    "HTTP_REFERER": ("http://example.org/é",),
    "HTTP_USER_AGENT": ("Mozilla/5.0", "\xff\xfe"),
    "HTTP_ORIGIN": ("https://example.org", "null"),
    "HTTP_CONTENT_ENCODING": ("gzip",),
    "HTTP_MAX_FORWARDS": ("3", "x"),
    "HTTP_UPGRADE": ("websocket",),
    "HTTP_CONNECTION": ("Upgrade", "keep-alive, Upgrade"),
    "HTTP_X_HTTP_METHOD_OVERRIDE": ("DELETE",),
    "HTTP_X_": ("nameless",),
    "HTTP_DATE": DATES,
    "HTTP_PRAGMA": ("no-cache",),
    "REMOTE_ADDR": ("127.0.0.1", "", "::1"),
    "REMOTE_USER": ("me",),
    "HTTPS": ("on",),
    "wsgi.url_scheme": ("https", "ws", "wss", ""),
    "wsgi.multithread": (True,),  # type: ignore[dict-item]
}
headers = st.lists(
    st.sampled_from(sorted(HEADERS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name]))
    ),
    max_size=3,
).map(dict)

BOUNDARY = "bound"


def multipart(parts: list[tuple[str, bytes]], end: bytes = b"--bound--\r\n") -> bytes:
    body = b"".join(
        b"--bound\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts
    )
    return body + end


PART_HEADS = (
    'Content-Disposition: form-data; name="name"',
    'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain',
    'Content-Disposition: form-data; name="file"; filename=""',
    "Content-Disposition: form-data; name=file; filename*=utf-8''n%C3%A4me.txt",
    'Content-Disposition: form-data; name="é"; filename="../é/x"',
    'Content-Disposition: form-data; filename="nameless"',
    'Content-Disposition: attachment; name="name"',
    'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=latin1',
    'Content-Disposition: form-data; name="b"\r\nContent-Transfer-Encoding: base64',
    "Content-Type: text/plain",
    "no header",
    "",
)
PART_BODIES = (b"", b"value", b"\xe9", b"x" * 120, b"--bound", b"\r\n--boun", b"YWJj", b"a\r\nb")
multipart_bodies = st.builds(
    multipart,
    st.lists(st.tuples(st.sampled_from(PART_HEADS), st.sampled_from(PART_BODIES)), max_size=5),
    st.sampled_from((b"--bound--\r\n", b"--bound--", b"", b"--bound", b"--bound--\r\nepilogue")),
)
MULTIPART_TYPES = (
    *("multipart/form-data; boundary=bound",) * 6,
    'multipart/form-data; boundary="bound"',
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b\xe9",
    "multipart/mixed; boundary=bound",
)
FORM_TYPES = (
    *("application/x-www-form-urlencoded",) * 5,
    "application/x-www-form-urlencoded; charset=latin1",
    "APPLICATION/X-WWW-FORM-URLENCODED",
    "application/x-url-encoded",
)
JSON_TYPES = (
    *("application/json",) * 5,
    "application/vnd.api+json; charset=utf-16",
    "application/json; charset=no-such",
    "text/plain",
    "",
)
JSON_BODIES = (
    *(b'{"a": [1, 2.5, null, true, "\xc3\xa9"]}', b"[]", b'"text"', b"1e400", b"NaN", b"", b"{"),
    *(b"\xff", b'{"a": 1, "a": 2}', '{"é": 1}'.encode("utf-16"), b"\xef\xbb\xbf{}", b"null"),
    *(b'"\\ud800"', b"123456789012345678901234567890", b"[" * 60 + b"]" * 60, b"{} x", b"01"),
    *(b'{"b":1,"a":{"d":[],"c":{}}}', b"-Infinity", b'"\\u00e9<>&"', b" {}\n"),
)
form_bodies = st.lists(
    st.builds(lambda k, v: f"{quote(k)}={quote(v)}", names, small_text), max_size=5
).map(lambda parts: "&".join(parts).encode())
odd_forms = st.sampled_from(
    (b"%", b"a=%ff", b"name=\xff", b"&" * 2000, b"name=" + b"a" * 200, b"=")
)
bodies = st.one_of(
    st.just((None, b"")),
    st.just((None, b"")),
    st.tuples(st.sampled_from(FORM_TYPES), st.one_of(form_bodies, odd_forms)),
    st.tuples(st.sampled_from(MULTIPART_TYPES), multipart_bodies),
    st.tuples(st.sampled_from(JSON_TYPES), st.sampled_from(JSON_BODIES)),
    st.tuples(st.sampled_from(("text/plain", "x", None, "a/b;c")), st.binary(max_size=400)),
)
# Where a body is read, for requests that bring one.
READERS = tuple(
    ("POST", path)
    for path in (
        *("/json", "/json/silent", "/form", "/upload", "/stream-in", "/ignores", "/ask"),
        *("/form", "/upload", "/ask", "/ask/x"),
    )
) + (("PUT", "/data"), ("PUT", "/ask"), ("PATCH", "/ask"))


@st.composite
def environs(draw: st.DrawFn) -> dict[str, Any]:
    """A WSGI environ; ``body`` holds the bytes for ``wsgi.input``."""
    content_type, body = draw(bodies)
    with_body = content_type is not None
    if with_body and draw(st.integers(0, 9)):
        method, path = draw(st.sampled_from(READERS))
    else:
        method, path = draw(st.sampled_from(METHODS)), draw(paths)
    if draw(st.integers(0, 19)) == 0:
        method = draw(st.sampled_from(ODD_METHODS))
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": draw(st.sampled_from(("", "", "", "", "/app", "/\xc3\xa4"))),
        "PATH_INFO": path,
        "QUERY_STRING": draw(queries),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": draw(st.sampled_from(("80", "8080", "443"))),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "body": body,
    }
    if draw(st.integers(0, 9)):
        usual = draw(st.integers(0, 2))
        host = "example.org:8080" if usual else draw(st.sampled_from(HOSTS))
        environ["HTTP_HOST"] = host.encode("utf-8", "replace").decode("latin1")
    if with_body:
        environ["CONTENT_TYPE"] = content_type
        environ["CONTENT_LENGTH"] = str(len(body))
        odd = draw(st.integers(0, 9))
        if odd == 0:
            environ["CONTENT_LENGTH"] = draw(
                st.sampled_from(("", "0", "-1", "x", "1", "99", "9" * 30, "1.5", " 3 ", "+3", "٣"))
            )
        elif odd == 1:
            del environ["CONTENT_LENGTH"]
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
            if draw(st.booleans()):
                environ["wsgi.input_terminated"] = True
    environ |= draw(headers)
    if draw(st.booleans()):
        environ["HTTP_COOKIE"] = latin1(draw(cookies))
    if "ask" in path:
        asked = draw(st.lists(st.sampled_from(ASKABLE), min_size=1, max_size=4))
        environ["HTTP_X_ASK"] = ",".join(asked)
    return environ


def fresh(environ: dict[str, Any], errors: Any) -> dict[str, Any]:
    """The environ for one application alone."""
    mine = dict(environ)
    mine["wsgi.input"] = BytesIO(mine.pop("body"))
    mine["wsgi.errors"] = errors
    return mine
