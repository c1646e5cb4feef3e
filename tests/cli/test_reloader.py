from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .program import Program

TEXT = """
from flask import Flask
import part

app = Flask(__name__)


@app.get("/")
def index():
    return "one"


@app.get("/part")
def of_part():
    return part.WORD


@app.get("/lazy")
def lazy():
    import lazy_package.module

    return lazy_package.module.WORD
"""


@pytest.fixture(params=["watchfiles", "stat"])
def reloader(request: pytest.FixtureRequest, flask: Any) -> str:
    """With watchfiles, and as if it were not installed."""
    kind: str = request.param
    if kind == "watchfiles":
        if flask.__name__ == "flask":
            pytest.skip("Flask does not use it")
        pytest.importorskip("watchfiles")
    return kind


@pytest.fixture
def server(
    flask: Any, programs: Callable[..., Program], tmp_path: Path, reloader: str
) -> Iterator[Callable[..., Program]]:
    (tmp_path / "edited.py").write_text(TEXT)
    (tmp_path / "part.py").write_text("WORD = 'part one'\n")
    package = tmp_path / "elsewhere" / "deep" / "lazy_package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "module.py").write_text("WORD = 'lazy one'\n")
    (tmp_path / "start.py").write_text(
        "import runpy, sys\n"
        + ("sys.modules['watchfiles'] = None\n" if reloader == "stat" else "")
        + f"sys.argv[0] = {flask.__name__!r}\n"
        f"runpy.run_module({flask.__name__!r}, run_name='__main__')\n"
    )

    def start(*options: str) -> Program:
        args = ("start.py", "--app", "edited", "run", "-p", "0", "--debug", *options)
        server = programs(*args).ready()
        server.wait_for(f" \\* Restarting with {reloader}\n")
        server.get_until(lambda answer: answer == (200, "one"))
        return server

    yield start


def save(path: Path, old: str, new: str) -> None:
    """As editors do: the new text beside the file, then in its place."""
    draft = path.with_suffix(".draft")
    draft.write_text(path.read_text().replace(old, new))
    os.replace(draft, path)


class TestReload:
    def test_a_save(self, server: Any, tmp_path: Path) -> None:
        running = server()
        save(tmp_path / "edited.py", "one", "two")
        path = str(tmp_path / "edited.py")
        running.wait_for(f" \\* Detected change in '{path}', reloading\n")
        running.wait_for(r" \* Restarting with \w+\n")
        # The parent kept the socket: whoever asks meanwhile waits.
        assert running.get() == (200, "two")
        # In place, and so soon that Python's bytecode cannot tell the sources apart.
        (tmp_path / "edited.py").write_text(TEXT.replace("one", "six"))
        if "watchfiles" in running.output:
            running.get_until(lambda answer: answer == (200, "six"))

    def test_an_imported_module(self, server: Any, tmp_path: Path) -> None:
        running = server()
        save(tmp_path / "part.py", "one", "number two")
        running.get_until(lambda answer: answer == (200, "part number two"), "/part")

    def test_an_error_is_shown_until_it_is_mended(self, server: Any, tmp_path: Path) -> None:
        running = server()
        save(tmp_path / "edited.py", "def index():", "def index(:")
        running.get_until(lambda answer: "<h1>SyntaxError</h1>" in answer[1])
        status, page = running.get()
        assert status == 500
        assert "// Werkzeug Debugger</title>" in page
        assert "def index(:" in page
        running.wait_for("SyntaxError: ")
        save(tmp_path / "edited.py", "def index(:", "def index():  # mended")
        running.get_until(lambda answer: answer == (200, "one"))

    def test_an_import_error_is_shown_until_it_is_mended(self, server: Any, tmp_path: Path) -> None:
        running = server()
        save(tmp_path / "part.py", "WORD", "import no_such_module_anywhere\nWORD")
        running.get_until(lambda answer: "NoAppException" in answer[1])
        assert "No module named &#39;no_such_module_anywhere&#39;" in running.get()[1]
        save(tmp_path / "part.py", "import no_such_module_anywhere", "# mended")
        running.get_until(lambda answer: answer == (200, "one"))

    def test_an_error_without_the_debugger(self, server: Any, tmp_path: Path) -> None:
        running = server("--no-debugger")
        save(tmp_path / "edited.py", "def index():", "def index(:")
        running.get_until(lambda answer: answer[0] == 500)
        body = running.get()[1]
        assert "Internal Server Error" in body and "SyntaxError" not in body
        save(tmp_path / "edited.py", "def index(:", "def index():  # mended")
        running.get_until(lambda answer: answer == (200, "one"))

    def test_the_trace_of_an_error_does_not_grow(self, server: Any, tmp_path: Path) -> None:
        running = server()
        save(tmp_path / "edited.py", "app = Flask(__name__)", "raise ValueError('broken')")
        running.get_until(lambda answer: "ValueError: broken" in answer[1])
        lengths = {running.get()[1].count('<div class="frame"') for _ in range(4)}
        if "watchfiles" in running.output:
            assert len(lengths) == 1

    def test_an_extra_file(self, server: Any, tmp_path: Path) -> None:
        extra = tmp_path / "elsewhere" / "settings.toml"
        extra.write_text("one")
        running = server("--extra-files", str(extra))
        save(extra, "one", "two or so")
        running.wait_for(f" \\* Detected change in '{extra}', reloading\n")

    def test_an_excluded_file(self, server: Any, tmp_path: Path) -> None:
        running = server("--exclude-patterns", "*/part.py")
        save(tmp_path / "part.py", "one", "number two")
        save(tmp_path / "edited.py", "one", "two")
        running.get_until(lambda answer: answer == (200, "two"))
        assert f"Detected change in '{tmp_path / 'part.py'}'" not in running.output

    def test_other_files_do_not_count(self, server: Any, tmp_path: Path) -> None:
        running = server()
        (tmp_path / "notes.txt").write_text("new")
        (tmp_path / "data").mkdir()
        save(tmp_path / "edited.py", "one", "two")
        running.get_until(lambda answer: answer == (200, "two"))
        assert running.output.count(f"Detected change in '{tmp_path}") == 1

    def test_a_script(
        self, flask: Any, programs: Callable[..., Program], tmp_path: Path, reloader: str
    ) -> None:
        hidden = "import sys\nsys.modules['watchfiles'] = None\n" if reloader == "stat" else ""
        (tmp_path / "script.py").write_text(
            f"{hidden}from {flask.__name__} import Flask\n"
            "app = Flask(__name__)\n"
            "app.get('/')(lambda: 'one')\n"
            "app.run(port=0, debug=True)\n"
        )
        running = programs("script.py").ready()
        running.get_until(lambda answer: answer == (200, "one"))
        save(tmp_path / "script.py", "'one'", "'two'")
        running.wait_for(f"Detected change in '{tmp_path / 'script.py'}', reloading\n")
        running.get_until(lambda answer: answer == (200, "two"))


class TestContract:
    def test_variables_of_the_child(
        self, flask: Any, programs: Callable[..., Program], tmp_path: Path
    ) -> None:
        """The child knows that it is one, and takes over the parent's socket."""
        (tmp_path / "told.py").write_text(
            "import os, socket\n"
            "from flask import Flask\n"
            "app = Flask(__name__)\n"
            "def here(): \n"
            "    fd = int(os.environ.get('WERKZEUG_SERVER_FD', -1))\n"
            "    if fd < 0:\n        return f'none {os.environ.get(\"WERKZEUG_RUN_MAIN\")}'\n"
            "    with socket.socket(fileno=os.dup(fd)) as taken:\n"
            "        port = taken.getsockname()[1]\n"
            "    return f'{os.environ.get(\"WERKZEUG_RUN_MAIN\")} {port}'\n"
            "print('at import', here(), flush=True)\n"
            "app.get('/')(here)\n"
        )
        args = ("-m", flask.__name__, "--app", "told", "run", "-p", "0", "--debug")
        running = programs(*args)
        running.wait_for("at import none None\n")
        running.ready()
        running.wait_for(f"at import true {running.port}\n")
        running.get_until(lambda answer: answer == (200, f"true {running.port}"))


@pytest.mark.erlen_only
class TestLoop:
    """The parts of the reloader, without a process."""

    @pytest.fixture
    def room(self) -> ModuleType:
        pytest.importorskip("watchfiles")
        return importlib.import_module("erlen.cli.reloader")

    def test_registered(self, room: Any) -> None:
        from werkzeug import _reloader

        assert room.register() == "watchfiles"
        assert _reloader.reloader_loops["watchfiles"] is room.WatchfilesReloaderLoop

    def test_directories(self, room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        sources = ["a.py", "pkg/b.py", "pkg/templates/deep/er/c.py", "src/pkg2/d.py"]
        others = ["node_modules/x/y.py", "env/lib/z.py", ".git/hook.py", "docs/a/b/c/d.txt"]
        for name in sources + others + ["env/pyvenv.cfg"]:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        loop = room.WatchfilesReloaderLoop(extra_files=[__file__])
        inside = {
            os.path.relpath(path, tmp_path)
            for path in loop._look_around()
            if path.startswith(str(tmp_path))
        }
        # A folder without Python is passed through once: templates, not what lies deep in it.
        assert {".", "pkg", "src", "src/pkg2"} <= inside
        assert not any(name.startswith(("node_modules", "env", ".git")) for name in inside)
        assert not any(name.startswith(("docs/a/b", "pkg/templates/deep")) for name in inside)
        assert os.path.dirname(__file__) in loop._look_around()

    def test_what_counts(self, room: Any, tmp_path: Path) -> None:
        from watchfiles import Change

        extra = str(tmp_path / "extra.toml")
        loop = room.WatchfilesReloaderLoop([extra], ["*/not_me.py"])
        loop._look_around()
        counts = [
            loop._counts(Change.modified, f"{tmp_path}/x.py"),
            loop._counts(Change.added, f"{tmp_path}/x.py"),
            loop._counts(Change.added, extra),
            loop._counts(Change.deleted, f"{tmp_path}/x.py"),
            loop._counts(Change.modified, f"{tmp_path}/x.txt"),
            loop._counts(Change.modified, f"{tmp_path}/not_me.py"),
        ]
        assert counts == [True, True, True, False, False, False]

    def test_a_trigger_leaves_no_bytecode(
        self, room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = tmp_path / "reloaded_module.py"
        bytecode = Path(importlib.util.cache_from_source(str(source)))
        bytecode.parent.mkdir(parents=True, exist_ok=True)
        bytecode.touch()
        for path in (source, tmp_path / "no_python.toml"):
            with pytest.raises(SystemExit) as leaving:
                room.WatchfilesReloaderLoop().trigger_reload(str(path))
            assert leaving.value.code == 3
        assert not bytecode.exists()

    @pytest.fixture
    def imported(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], ModuleType]:
        source = tmp_path / "outdated_module.py"
        source.write_text("WORD = 1\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(sys, "dont_write_bytecode", False)
        return lambda: importlib.import_module("outdated_module")

    def test_saved_between_import_and_watch(
        self,
        room: Any,
        imported: Callable[[], ModuleType],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        module = imported()
        assert module in room._own_modules()
        monkeypatch.setattr(room, "_own_modules", lambda: iter([module]))
        assert room._is_outdated(module) is False
        room.WatchfilesReloaderLoop()._reload_if_outdated()
        (tmp_path / "outdated_module.py").write_text("WORD = 'another'\n")
        assert room._is_outdated(module) is True
        room.WatchfilesReloaderLoop((), ["*/outdated_*"])._reload_if_outdated()
        with pytest.raises(SystemExit):
            room.WatchfilesReloaderLoop()._reload_if_outdated()

    def test_no_telling_without_bytecode(
        self,
        room: Any,
        imported: Callable[[], ModuleType],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        module = imported()
        (tmp_path / "outdated_module.py").write_text("WORD = 'another'\n")
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        assert room._is_outdated(module) is False
        monkeypatch.setattr(sys, "dont_write_bytecode", False)
        assert room._is_outdated(module) is True
        assert module.__spec__ is not None and module.__spec__.cached is not None
        shutil.rmtree(os.path.dirname(module.__spec__.cached))
        assert room._is_outdated(module) is False
        assert room._is_outdated(ModuleType("made")) is False

    def test_the_default_is_werkzeug_s_where_watchfiles_is_missing(
        self, app: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import werkzeug.serving

        kinds = []
        monkeypatch.setattr(
            werkzeug.serving, "run_simple", lambda *_, **kw: kinds.append(kw["reloader_type"])
        )
        app.run(use_reloader=True)
        app.run(use_reloader=True, reloader_type="stat")
        monkeypatch.setitem(sys.modules, "watchfiles", None)
        app.run(use_reloader=True)
        assert kinds == ["watchfiles", "stat", "auto"]
