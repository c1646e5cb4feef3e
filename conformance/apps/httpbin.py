"""httpbin: many endpoints, every method, streams, redirects, cookies, authorization, bad input."""

from __future__ import annotations

import base64
import hashlib

from .application import Application, Visit
from .client import Answer, Client, local_path
from .compare import Normalisation

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
PLAIN = (
    "/ /legacy /html /robots.txt /deny /ip /headers /user-agent /json /xml /encoding/utf8"
    " /forms/post /uuid /spec.json /flasgger_static/swagger-ui.css /static/favicon.ico"
    " /image/png /image/jpeg /image/webp /image/svg /links/5 /links/5/2 /links/0/0"
    " /delay/0 /drip?duration=0&numbytes=7 /drip?numbytes=0 /drip?duration=0&numbytes=2&code=201"
    " /base64/aGVsbG8= /base64/not-base64 /base64/%C3%A9 /bytes/40?seed=7 /bytes/0"
    " /stream-bytes/30?seed=7&chunk_size=4 /stream/3 /stream/0 /cache /cache/60 /etag/abc"
    " /gzip /deflate /brotli /response-headers?X-A=1&X-A=2&Content-Type=text/plain"
    " /get?a=1&a=2&b=%C3%A9&c /get?%FF=%FE /anything/deep/er%2Fpath?q=%20 /anything/../get"
    " /cookies /not/there /get/ /status/200,404:0 /status/abc"
).split()
STATUSES = "200 201 204 206 300 301 302 303 304 305 307 400 401 402 404 406 407 418 429 500 503"
FORM = b"name=Alice+Liddell&name=two&empty=&unicode=%C3%A9"


def visit(visit: Visit) -> None:
    client = visit.client
    for target in PLAIN:
        client.get(target)
    for method in METHODS:
        for target in ("/anything", "/get", "/post", "/put", "/patch", "/delete", "/not-there"):
            client.request(method, target, body=b"" if method in ("POST", "PUT") else None)
    for status in STATUSES.split():
        for method in ("GET", "HEAD", "POST"):
            client.request(method, f"/status/{status}")
    bodies(client)
    headers_and_ranges(client)
    redirects(client)
    cookies(client)
    authorization(client)
    bad_input(client)


def bodies(client: Client) -> None:
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    client.request("POST", "/post?q=1", form, FORM)
    client.request("PUT", "/put", form, FORM)
    client.request("POST", "/post", [("Content-Type", "text/plain; charset=latin-1")], b"caf\xe9")
    client.request("POST", "/post", [], bytes(range(256)))
    client.request("PATCH", "/patch", [("Content-Type", "application/json")], b'{"a": [1, null]}')
    client.request("POST", "/post", [("Content-Type", "application/json")], b'{"broken":')
    client.upload(
        "/post",
        {
            "text": "héllo",
            "file": ("a.txt", "text/plain", b"content of the file"),
            "binary": ("b.bin", "application/octet-stream", bytes(range(256))),
        },
    )
    client.request("POST", "/post", form, b"x" * 600_000 + b"=1")


def headers_and_ranges(client: Client) -> None:
    client.get("/headers", [("X-Twice", "1"), ("X-Twice", "2"), ("X-Under_Score", "3")])
    client.get("/get", [("Accept", "text/html;q=0.1, */*"), ("User-Agent", "")])
    client.get("/get", [("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-Proto", "https")])
    client.get("/deflate", [("Accept-Encoding", "gzip, br")])
    client.request("OPTIONS", "/get", [("Origin", "https://other.test")])
    client.request("OPTIONS", "/post", [("Access-Control-Request-Headers", "X-One")])
    for kind in ("image/webp", "image/svg+xml", "image/jpeg", "image/png", "image/*", "text/html"):
        client.get("/image", [("Accept", kind)])
    for wanted in ("0-9", "10-", "-5", "0-25", "30-40", "9-3", "x-y", "0-4,8-9"):
        client.get("/range/26?chunk_size=5", [("Range", f"bytes={wanted}")])
    client.get("/range/0")
    client.get("/range/200000")
    for tag in ('"abc"', "abc", "*", '"other", W/"abc"', '"other"'):
        client.get("/etag/abc", [("If-None-Match", tag)])
        client.get("/etag/abc", [("If-Match", tag)])
    client.get("/cache", [("If-Modified-Since", "Mon, 01 Jan 2024 00:00:00 GMT")])
    client.get("/cache", [("If-None-Match", "x")])
    client.get("/static/favicon.ico", [("Range", "bytes=0-99")])
    client.get("/static/favicon.ico", [("If-None-Match", client.answers[-1].header("ETag"))])


def follow(client: Client, answer: Answer) -> None:
    """Go where the redirects lead."""
    while 300 <= answer.status < 400:
        answer = client.get(local_path(answer.header("Location")))


def redirects(client: Client) -> None:
    for target in ("/redirect/3", "/relative-redirect/3", "/absolute-redirect/3"):
        follow(client, client.get(target))
    follow(client, client.get("/redirect/2?absolute=true"))
    follow(client, client.get("/redirect-to?url=/get%3Fa=1&status_code=307"))
    client.get("/redirect-to?url=https://elsewhere.test/%C3%A9?q=a%20b&status_code=999")
    client.post("/redirect-to", {"url": "/get", "status_code": "303"})
    client.get("/redirect-to")
    client.get("/redirect/0")


def cookies(client: Client) -> None:
    follow(client, client.get("/cookies/set/color/blue"))
    follow(client, client.get("/cookies/set?a=1&b=two%20words&c=%C3%A9"))
    client.get("/cookies")
    follow(client, client.get("/cookies/delete?a=&color="))
    client.get("/cookies", [("Cookie", 'odd="quoted \\"x\\""; broken; =nameless')])
    client.cookies.clear()


def authorization(client: Client) -> None:
    def basic(text: str) -> list[tuple[str, str]]:
        return [("Authorization", "Basic " + base64.b64encode(text.encode()).decode())]

    for target in ("/basic-auth/user/secret", "/hidden-basic-auth/user/secret"):
        client.get(target)
        client.get(target, basic("user:secret"))
        client.get(target, basic("user:wrong"))
        client.get(target, basic("no colon"))
        client.get(target, [("Authorization", "Basic not!base64")])
    client.get("/bearer")
    client.get("/bearer", [("Authorization", "Bearer abc")])
    client.get("/bearer", [("Authorization", "Basic abc")])
    for algorithm in ("MD5", "SHA-256", "SHA-512"):
        for password in ("secret", "wrong"):
            digest(client, f"/digest-auth/auth/user/secret/{algorithm}", algorithm, password)
    client.get("/digest-auth/auth/user/secret?require-cookie=1")
    client.cookies.clear()


def digest(client: Client, target: str, algorithm: str, password: str) -> None:
    """Answer a challenge (RFC 7616)."""

    def hashed(text: str) -> str:
        return hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest()

    challenge = client.get(target).header("WWW-Authenticate")
    said = dict(part.strip().split("=", 1) for part in challenge.removeprefix("Digest").split(","))
    nonce, realm, opaque = (said[key].strip('"') for key in ("nonce", "realm", "opaque"))
    once = hashed(f"user:{realm}:{password}")
    response = hashed(f"{once}:{nonce}:00000001:c:auth:{hashed(f'GET:{target}')}")
    client.get(
        target,
        [
            (
                "Authorization",
                f'Digest username="user", realm="{realm}", nonce="{nonce}", uri="{target}",'
                f' response="{response}", opaque="{opaque}", algorithm={algorithm},'
                ' qop=auth, nc=00000001, cnonce="c"',
            )
        ],
    )


def bad_input(client: Client) -> None:
    """What no browser sends."""
    for head in (
        b"GET /get HTTP/1.0\r\nHost: app.test\r\n\r\n",
        b"GET /get HTTP/1.1\r\nHost: bad host!\r\n\r\n",
        b"GET /get HTTP/1.1\r\nHost: app.test:99999999\r\n\r\n",
        b"GET /get HTTP/1.1\r\nHost: xn--caf-dma.test\r\n\r\n",
        b"GET http://other.test/get?a=1 HTTP/1.1\r\nHost: app.test\r\n\r\n",
        b"GET /status/%00 HTTP/1.1\r\nHost: app.test\r\n\r\n",
        b"GET /get?%zz=%f HTTP/1.1\r\nHost: app.test\r\n\r\n",
        b"GET //get HTTP/1.1\r\nHost: app.test\r\n\r\n",
        b"get /get HTTP/1.1\r\nHost: app.test\r\n\r\n",
        b"POST /post HTTP/1.1\r\nHost: app.test\r\nContent-Length: -1\r\n\r\n",
        b"POST /post HTTP/1.1\r\nHost: app.test\r\nContent-Length: many\r\n\r\n",
        b"POST /post HTTP/1.1\r\nHost: app.test\r\nContent-Type: multipart/form-data\r\n"
        b"Content-Length: 5\r\n\r\nhello",
        b"POST /post HTTP/1.1\r\nHost: app.test\r\nContent-Type: multipart/form-data; boundary=x"
        b"\r\nContent-Length: 13\r\n\r\n--x\r\nbroken\r\n",
        b"POST /post HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: text/plain\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ):
        client.send(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))


APPLICATION = Application(
    name="httpbin",
    title="httpbin 0.10.4",
    requirements=("httpbin[mainapp]==0.10.4", "setuptools<81"),
    target="httpbin:app",
    visit=visit,
    servers=("run", "gunicorn", "waitress", "granian"),
    normalisations=(
        Normalisation(
            "uuid",
            "/uuid draws one",
            r'"uuid": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"',
            '"uuid": <uuid>',
        ),
        Normalisation(
            "tag",
            "/cache draws one",
            r"(?mi)^(ETag): [0-9a-f]{32}$",
            r"\1: <tag>",
        ),
        Normalisation(
            "now",
            "/cache says that it was modified at this moment",
            r"(?i)\A(GET /cache HTTP/1\.1\n(?:.+\n)*?Last-Modified): .* GMT\n",
            r"\1: <now>\n",
        ),
        Normalisation(
            "challenge",
            "a digest's nonce and opaque are drawn",
            r'(nonce|opaque)="[0-9a-f]{32,128}"',
            r"\1=<random>",
        ),
        Normalisation(
            "nonce",
            "the last of them comes back in a cookie",
            r"last_nonce=[0-9a-f]{32,128};",
            "last_nonce=<random>;",
        ),
    ),
)
