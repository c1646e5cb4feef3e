# S60. Nothing to correct; only boxes that are checked are sent, so the list can be empty.
from erlen import Flask, request

app = Flask(__name__)

PAGE = """
<!doctype html>
<title>Checkboxes</title>
<form method="post">
  <label><input type="checkbox" value="X" class="danger" name="my_checkbox"> X</label>
  <label><input type="checkbox" value="Y" class="danger" name="my_checkbox"> Y</label>
  <label><input type="checkbox" value="Z" class="danger" name="my_checkbox"> Z</label>
  <button>Send</button>
</form>
"""


@app.get("/")
def show() -> str:
    return PAGE


@app.post("/")
def receive() -> list[str]:
    return request.form.getlist("my_checkbox")
