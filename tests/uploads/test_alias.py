"""``import flask_uploads`` under the alias: erlen's battery, unless the package is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
SAME = """
import erlen.as_flask, flask_uploads, sys
if hasattr(flask_uploads, "UploadSet"):
    import erlen.uploads
    assert flask_uploads is erlen.uploads and flask_uploads.__name__ == "erlen.uploads"
print(flask_uploads.__name__)
"""

pytestmark = pytest.mark.skipif(
    find_spec("flask_uploads") is not None and "erlen" not in str(find_spec("flask_uploads")),
    reason="a package flask_uploads is installed: it answers",
)


def run(script: str, *path: Path) -> str:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (SRC, *path)))}
    env.pop("ERLEN_AS_FLASK", None)
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_is_the_battery() -> None:
    assert run(SAME) == "erlen.uploads"


def test_an_installed_package_wins(tmp_path: Path) -> None:
    (tmp_path / "flask_uploads.py").touch()
    assert run(SAME, tmp_path) == "flask_uploads"


def test_one_with_a_finder_of_its_own_wins() -> None:
    # As an editable installation has it, whose finder may come later than the alias's.
    finder = """
import erlen.as_flask, sys
from importlib.machinery import ModuleSpec
class Loader:
    create_module = staticmethod(lambda spec: None)
    exec_module = staticmethod(lambda module: None)
class Finder:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, Loader()) if name == "flask_uploads" else None
sys.meta_path.append(Finder())
"""
    assert run(finder + SAME) == "flask_uploads"


def test_not_without_the_alias() -> None:
    script = "from importlib.util import find_spec; print(find_spec('flask_uploads'))"
    assert run(script) == "None"


TUTORIAL = """
import erlen.as_flask, io, os
from flask import Flask, request
from flask_uploads import UploadSet, IMAGES, configure_uploads, patch_request_class

app = Flask(__name__)
app.config['UPLOADED_PHOTOS_DEST'] = os.getcwd()
app.config['UPLOADS_AUTOSERVE'] = True

photos = UploadSet('photos', IMAGES)
configure_uploads(app, photos)
patch_request_class(app)

@app.route('/', methods=['GET', 'POST'])
def upload_file():
    if request.method == 'POST' and 'photo' in request.files:
        filename = photos.save(request.files['photo'])
        file_url = photos.url(filename)
        return file_url
    return 'form'

picture = (io.BytesIO(bytes.fromhex('89504e470d0a1a0a') + bytes(30)), 'My Cat.PNG')
print(app.test_client().post('/', data={'photo': picture}).text, os.listdir())
"""


def test_an_old_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = run(TUTORIAL)
    assert told.startswith("http://localhost/_uploads/photos/My_Cat.png") and "My_Cat.png'" in told
