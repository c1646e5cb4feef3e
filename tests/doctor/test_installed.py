"""What becomes of installed packages: known, unknown, dead, unused."""

from __future__ import annotations

import pytest

from erlen.doctor import installed, known
from erlen.doctor.examine import examine as whole_examination
from erlen.doctor.findings import Finding
from erlen.doctor.installed import findings_of, used_by

from .conftest import Install, Write


def examine(*imported: str, loaded: tuple[str, ...] = ()) -> list[Finding]:
    """The findings of what was installed by the test, and nothing else of the environment."""
    mine = [p for p in installed.installed() if p.name.startswith(("Flask-", "fixture-"))]
    tests = [p for p in mine if p.version.startswith("0.0.") or p.version.endswith("+test")]
    used = used_by(tests, {*imported, *loaded})
    return list(findings_of(tests, used, imported, loaded))


def told(findings: list[Finding]) -> list[str]:
    return [f"{f.verdict} {f.what} {f.version}: {f.why} {f.fix}".rstrip() for f in findings]


def test_tested(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "TESTED", {"fixture-a": "0.0.1", "fixture-b": "0.0.9"})
    install("fixture-a", "0.0.1", {"fixture_a.py": "from flask import Markup"})
    install("fixture-b", "0.0.1", {"fixture_b.py": "from flask import Flask"})
    assert told(examine("fixture_a", "fixture_b")) == [
        "runs fixture-a 0.0.1: Of its own tests, all that pass on Flask pass on erlen.",
        "unknown fixture-b 0.0.1: Version 0.0.9 is tested with erlen, not this one. All that it"
        " takes from flask and werkzeug exists.",
    ]


def test_dead(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    one = known.Dead("fixture_dead", "0.0.2", "from flask import old", "something alive")
    monkeypatch.setattr(known, "DEAD", {"fixture-dead": one})
    install("fixture-dead", "0.0.2", {"fixture_dead.py": "import flask"})
    assert told(examine("fixture_dead")) == [
        "fails fixture-dead 0.0.2: Cannot be imported beside Flask 3: from flask import old."
        " Instead: something alive."
    ]


def test_a_release_after_the_last(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    one = known.Dead("fixture_dead", "0.0.2", "from flask import old", "something alive")
    monkeypatch.setattr(known, "DEAD", {"fixture-dead": one})
    install("fixture-dead", "0.0.10", {"fixture_dead.py": "import flask"})
    assert told(examine("fixture_dead")) == [
        "unknown fixture-dead 0.0.10: Not tested. All that it takes from flask and werkzeug exists."
    ]


def test_unknown_that_fails(install: Install) -> None:
    files = {
        "fixture_c/__init__.py": "from . import api",
        "fixture_c/api.py": "import flask\nfrom werkzeug.urls import url_quote, url_join\n"
        "from flask import Markup, escape",
    }
    install("fixture-c", "0.0.1", files)
    assert told(examine("fixture_c")) == [
        "fails fixture-c 0.0.1: Cannot be imported, for these do not exist:"
        " werkzeug.urls.url_quote (fixture_c/api.py:2), werkzeug.urls.url_join"
        " (fixture_c/api.py:2), flask.Markup (fixture_c/api.py:3) and 1 more. Look for a newer"
        " version."
    ]


UNSURE = {
    "fixture_d/__init__.py": "import flask\nif old:\n from flask import Markup",
    "fixture_d/sub.py": "from flask import escape",
    "fixture_d/later.py": "def f(app):\n app.before_first_request(f)\n import flask",
}


def test_unknown_that_may_fail(install: Install) -> None:
    install("fixture-d", "0.0.1", UNSURE)
    assert told(examine("fixture_d")) == [
        "check fixture-d 0.0.1: Not tested. Some of what its functions or further modules take"
        " does not exist: app.before_first_request (fixture_d/later.py:2), flask.escape"
        " (fixture_d/sub.py:1)."
    ]


def test_a_module_that_the_project_imports(install: Install) -> None:
    install("fixture-d", "0.0.1", UNSURE)
    [finding] = examine("fixture_d.sub")
    assert (finding.code, "flask.escape (fixture_d/sub.py:1)" in finding.why) == (
        "failing-extension",
        True,
    )


def test_a_module_that_was_loaded_did_not_fail(install: Install) -> None:
    install("fixture-d", "0.0.1", UNSURE)
    [finding] = examine("fixture_d.sub", loaded=("fixture_d", "fixture_d.sub"))
    assert finding.code == "unknown-extension" and "escape" not in finding.why


def test_compiled(install: Install) -> None:
    requires = ("flask>=2",)
    files = {"fixture_e/__init__.py": "", "fixture_e/x.so": ""}
    install("fixture-e", "0.0.1", files, requires)
    assert told(examine("fixture_e")) == [
        "unknown fixture-e 0.0.1: Not tested. All that it takes from flask and werkzeug exists. 1"
        " compiled modules could not be read."
    ]


def test_a_copy_of_flask(install: Install) -> None:
    install("fixture-f", "0.0.1", {"fixture_f/_v/flask/app.py": "", "fixture_f/__init__.py": ""})
    assert told(examine("fixture_f")) == [
        "check fixture_f._v.flask.app 0.0.1: fixture-f has a copy of Flask in it, which stays"
        " Flask."
    ]


def test_what_has_nothing_to_do_with_flask(install: Install) -> None:
    install("fixture-g", "0.0.1", {"fixture_g.py": "print('a flask of tea')"})
    assert examine("fixture_g") == []


def test_what_is_not_used(install: Install) -> None:
    install("fixture-c", "0.0.1", {"fixture_c.py": "from flask import Markup"}, ("flask",))
    assert examine("os") == []


def test_what_a_used_package_requires_is_used(install: Install) -> None:
    install("fixture-h", "0.0.1", {"fixture_h.py": "import flask"}, ("fixture.I[x]>=1", "absent"))
    install("fixture-i", "0.0.1", {"fixture_i.py": "import flask"}, ("flask",))
    install("fixture-j", "0.0.1", {"fixture_j.py": "import flask"}, ('flask; extra == "x"',))
    assert [finding.what for finding in examine("fixture_h")] == ["fixture-h", "fixture-i"]


def test_what_imports_flask_early(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "EARLY", {"fixture-k": "k-run"})
    install("fixture-k", "0.0.1", {"fixture_k.py": ""})
    assert told(examine()) == [
        "set fixture-k 0.0.1: k-run imports flask before the application is loaded, so that"
        " erlen.as_flask, imported by the application, comes too late. Set ERLEN_AS_FLASK=1 in"
        " the environment."
    ]


def test_erlen_and_what_it_stands_on_are_not_listed() -> None:
    keys = {package.key for package in installed.installed()}
    assert not keys & {"flask", "werkzeug", "erlen", "click"} and "pytest" in keys


def test_a_project_that_is_installed_itself_is_not_called_unused(
    install: Install, write: Write
) -> None:
    """An editable install may not say which modules it has: its files lie elsewhere."""
    install("fixture-mine", "0.0.1", {}, ("flask",))
    install("fixture-other", "0.0.1", {"fixture_other.py": "import flask"}, ("flask",))
    folder = write({"app.py": "from flask import Flask\napp = Flask('app')\n"})
    unused = {name for name, _ in whole_examination(str(folder), static=True).unused}
    assert "fixture-other" in unused and "fixture-mine" not in unused
