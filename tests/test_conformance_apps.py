"""What compares applications on Flask and on erlen: client, differences, witness."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import serve_here
from werkzeug.wrappers import Request, Response

from conformance.apps.__main__ import NAMES, load
from conformance.apps.client import Answer, Client, local_path
from conformance.apps.compare import CSRF, SESSION, Normalisation, differences
from conformance.apps.server import SERVERS, WITNESS, Place, hear

ROOT = Path(__file__).parents[1]


@Request.application
def echo(request: Request) -> Response:
    """Answers with what was asked; a few paths are special."""
    if request.path == "/set":
        response = Response("set")
        response.set_cookie("kept", "a b")
        response.set_cookie("gone", "x")
        response.delete_cookie("gone")
        return response
    if request.path == "/page":
        return Response("<input name=token value='a&amp;b'><input name=token value=second>")
    if request.path == "/zipped":
        return Response(gzip.compress(b"said"), headers={"Content-Encoding": "gzip"})
    if request.path == "/short":
        return Response(iter(["abc"]), headers={"Content-Length": "10"})
    said = {
        "method": request.method,
        "cookies": request.cookies,
        "form": request.form,
        "files": {name: file.read().decode() for name, file in request.files.items()},
        "json": request.get_json(silent=True),
        "host": request.host,
        "length": request.content_length,
    }
    return Response(json.dumps(said), content_type="application/json")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve_here(echo) as port:
        yield port


class TestClient:
    def test_requests(self, port: int) -> None:
        client = Client(port)
        assert client.get("/?a=1").json()["host"] == "app.test"
        assert client.post("/", {"a": "1 & 2"}).json()["form"] == {"a": "1 & 2"}
        assert client.send_json("PUT", "/", {"a": None}).json()["json"] == {"a": None}
        said = client.upload("/", {"text": "é", "file": ("n.txt", "text/plain", b"x\r\n")}).json()
        assert (said["form"], said["files"]) == ({"text": "é"}, {"file": "x\r\n"})
        assert client.send(b"GET / HTTP/1.0\r\nHost: other.test\r\n\r\n").json()["host"] == (
            "other.test"
        )
        assert [answer.asked.split()[0] for answer in client.answers] == [
            "GET",
            "POST",
            "PUT",
            "POST",
            "GET",
        ]

    def test_cookies(self, port: int) -> None:
        client = Client(port)
        client.get("/set")
        assert client.get("/").json()["cookies"] == {"kept": "a b"}

    def test_an_answer_in_full(self, port: int) -> None:
        client = Client(port)
        text = str(client.request("HEAD", "/page"))
        assert text.startswith("HEAD /page HTTP/1.1\n200 OK\nServer: ")
        assert text.endswith("\n\n")
        assert str(client.get("/zipped")).endswith("\n\nsaid")
        assert str(client.get("/short")).endswith("\n\nabc\n<the body ended early>")
        assert client.get("/page").field("token") == "a&b"

    def test_what_was_expected(self, port: int) -> None:
        answer = Client(port).get("/page")
        assert answer.has("<input", "second") is answer
        with pytest.raises(LookupError, match="expected 404"):
            answer.has(status=404)
        with pytest.raises(LookupError, match=r"expected 200 and \['absent'\]"):
            answer.has("<input", "absent")
        with pytest.raises(LookupError, match="there is no input 'other'"):
            answer.field("other")

    def test_no_answer(self) -> None:
        answer = Answer("GET /", 0, "BadStatusLine", (), b"")
        assert str(answer) == "GET /\n0 BadStatusLine\n\n"

    @pytest.mark.parametrize("location", ["/a?b=c", "http://app.test/a?b=c"])
    def test_local_path(self, location: str) -> None:
        assert local_path(location) == "/a?b=c"


class TestDifferences:
    TIME = Normalisation("time", "it passes", r"at \d+", "at <time>")

    def test_none(self) -> None:
        assert differences(["a at 1", "b"], ["a at 2", "b"], [self.TIME]) == []

    def test_one(self) -> None:
        (told,) = differences(["GET /\n200 OK\nX"], ["GET /\n200 OK\nY"], [])
        assert told.splitlines() == [
            "## GET /",
            "--- Flask",
            "+++ erlen",
            "@@ -1,3 +1,3 @@",
            " GET /",
            " 200 OK",
            "-X",
            "+Y",
        ]

    def test_a_long_line_is_cut_where_it_differs(self) -> None:
        long = "word," * 100
        (told,) = differences([f"GET /\n{long}x,{long}"], [f"GET /\n{long}y,{long}"], [])
        assert "-x,\n+y," in told
        assert len(told.splitlines()) == 10

    def test_a_long_difference_is_not_shown_whole(self) -> None:
        (told,) = differences(["\n".join("x" * 100)], ["\n".join("y" * 100)], [])
        assert re.search(r"… and \d+ lines more$", told)

    def test_an_answer_too_few(self) -> None:
        assert differences(["a", "b"], ["a"], []) == ["Flask gave 2 answers, erlen 1."]

    def test_a_normalisation_that_is_not_needed(self) -> None:
        assert differences(["a"], ["a"], [self.TIME]) == [
            "The normalisation 'time' (it passes) was never needed."
        ]

    def test_dates_and_methods(self) -> None:
        flask = "Date: Sun, 22 Nov 2026 22:29:27 GMT\nAllow: GET, HEAD\n"
        erlen = "Date: Mon, 23 Nov 2026 22:29:27 GMT\nAllow: HEAD, GET\n"
        assert differences([flask], [erlen], []) == []
        assert differences([flask], [erlen.replace("HEAD", "POST")], []) != []
        assert differences([flask], [erlen.replace(" GMT", "")], []) != []

    def test_what_sessions_say_is_compared(self, app: Any) -> None:
        signer = app.session_interface.get_signing_serializer(app)

        def cookie(**session: Any) -> str:
            return f"Set-Cookie: session={signer.dumps(session)}; Path=/"

        assert differences([cookie(n=1)], [cookie(n=2)], [SESSION]) != []
        secret = [cookie(n=1, csrf_token=letter * 40) for letter in "ab"]
        said = differences(secret[:1], secret[1:], [SESSION, CSRF[0]])
        assert said == []
        large = [cookie(n=number, text="x" * 1000) for number in (1, 2)]
        assert signer.dumps({"n": 1, "text": "x" * 1000}).startswith(".")  # it is compressed
        assert '"n":1' in differences(large[:1], large[1:], [SESSION])[0]

    @pytest.mark.parametrize("value", ["not-a.signed.cookie", "no-dots", ".x.y.z", "e30.no"])
    def test_what_is_no_session_is_compared_as_it_is(self, value: str) -> None:
        cookies = [f"Set-Cookie: session={value}", f"Set-Cookie: session={value}1"]
        assert (
            f"-Set-Cookie: session={value}\n" in differences(cookies[:1], cookies[1:], [SESSION])[0]
        )


class TestWitness:
    def test_a_process_tells_what_it_ran_on(self, flask: Any, tmp_path: Path) -> None:
        program = (
            "import erlen.as_flask, flask\n"
            "app = flask.Flask('x')\n"
            "if {asks}: app.test_client().get('/')\n"
        )
        environ = os.environ | {
            "PYTHONPATH": f"{WITNESS}:{ROOT / 'src'}",
            "APPS_WITNESS": str(tmp_path),
        }
        for asks in (False, True):
            command = [sys.executable, "-c", program.format(asks=asks)]
            subprocess.run(command, env=environ, check=True, timeout=60)
            assert len([*tmp_path.iterdir()]) == asks
        (file,) = tmp_path.iterdir()
        said = json.loads(file.read_text())
        assert said["flask"].endswith("/erlen/__init__.py")
        assert "erlen.app.Flask" in said["apps"][0]

    @pytest.mark.parametrize(
        ("door", "home", "app", "modules", "message"),
        [
            ("flask", "flask", "flask.app.Flask", ["flask"], None),
            ("erlen", "erlen", "erlen.app.Flask", ["erlen", "flask"], None),
            ("erlen", "flask", "flask.app.Flask", ["flask"], "this was to run on erlen"),
            ("flask", "erlen", "erlen.app.Flask", ["erlen"], "this was to run on flask"),
            ("erlen", "erlen", "flask.app.Flask", ["erlen"], "this was to run on erlen"),
            ("flask", "flask", "flask.app.Flask", ["erlen"], "erlen was loaded"),
        ],
    )
    def test_it_is_believed_only_where_all_agrees(
        self, tmp_path: Path, door: str, home: str, app: str, modules: list[str], message: str
    ) -> None:
        place = Place(door, tmp_path, tmp_path, tmp_path)
        with pytest.raises(RuntimeError, match="no process of the server told"):
            hear(place)
        said = {"flask": f"/v/site-packages/{home}/__init__.py", "apps": [[app]]}
        (tmp_path / "1.json").write_text(json.dumps(said | {"modules": modules}))
        if message is None:
            hear(place)
        else:
            with pytest.raises(RuntimeError, match=message):
                hear(place)


class TestSettings:
    @pytest.mark.parametrize("name", NAMES)
    def test_applications(self, name: str) -> None:
        application = load(name)
        assert application.name == name
        assert set(application.servers) <= SERVERS.keys()
        names = [normalisation.name for normalisation in application.normalisations]
        assert len(names) == len(set(names))
        for normalisation in application.normalisations:
            assert re.compile(normalisation.pattern)
            assert len(normalisation.reason) > 10

    def test_the_environment_of_a_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("FLASK_DEBUG", "ERLEN_AS_FLASK", "PYTHONWARNINGS"):
            monkeypatch.setenv(name, "1")
        environs = [Place(door, ROOT, ROOT, ROOT).environ() for door in ("flask", "erlen")]
        assert "ERLEN_AS_FLASK" not in environs[0]
        assert environs[1]["ERLEN_AS_FLASK"] == "1"
        for environ in environs:
            assert "FLASK_DEBUG" not in environ and "PYTHONWARNINGS" not in environ

    @pytest.mark.parametrize(
        ("server", "target", "command"),
        [
            ("run", "a:app", "/v/bin/erlen --app a:app run --port 0"),
            ("gunicorn", "a:make()", "/v/bin/gunicorn --bind 127.0.0.1:0 a:make()"),
            ("waitress", "a:make()", "/v/bin/waitress-serve --listen 127.0.0.1:0 --call a:make"),
            ("own", "tool --port {port}", "/v/bin/tool --port 0"),
            (
                "granian",
                "a:make()",
                "/v/bin/granian --interface wsgi --blocking-threads 1 --host 127.0.0.1 --port 0"
                " --factory a:make",
            ),
        ],
    )
    def test_commands(self, server: str, target: str, command: str) -> None:
        place = Place("erlen", Path("/v/bin"), ROOT, ROOT)
        assert SERVERS[server].command(place, target, 0) == command.split()
