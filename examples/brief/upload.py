# S78. Corrected: a form by relative URL, and the missing view, which trusts no name and no size.
from pathlib import Path

from werkzeug.utils import secure_filename

from erlen import Flask, abort, request

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
app.config["UPLOAD_FOLDER"] = Path(app.instance_path) / "uploads"

PAGE = """
<!doctype html>
<title>Upload</title>
<form action="/uploader" method="POST" enctype="multipart/form-data">
  <label>File <input type="file" name="file"></label>
  <input type="submit">
</form>
"""


@app.get("/")
def form() -> str:
    return PAGE


@app.post("/uploader")
def uploader() -> str:
    file = request.files["file"]
    name = secure_filename(file.filename or "")
    if not name:
        abort(400, "Choose a file first.")
    app.config["UPLOAD_FOLDER"].mkdir(parents=True, exist_ok=True)
    file.save(app.config["UPLOAD_FOLDER"] / name)
    return f"Kept as {name}."
