import os
import tempfile

from flask import Blueprint, Flask, render_template_string
from flask_assets import Bundle, Environment

from driving import show

home = tempfile.mkdtemp()
os.makedirs(f"{home}/static")
os.makedirs(f"{home}/bp_static")
for name in ("static/a.js", "static/b.js", "bp_static/c.js"):
    with open(f"{home}/{name}", "w") as file:
        file.write(f"var x = {name!r};")
app = Flask(__name__, root_path=home)
app.register_blueprint(
    Blueprint("bp", __name__, root_path=home, static_folder="bp_static", static_url_path="/bps")
)
assets = Environment(app)
assets.register("all", Bundle("a.js", "b.js", "bp/c.js", output="gen/all.js"))


@app.get("/")
def index():
    return render_template_string(
        '{% assets "all" %}<script src="{{ ASSET_URL }}"></script>{% endassets %}'
    )


client = app.test_client()
print(client.get("/").text.partition("?")[0])
show(client.get("/static/gen/all.js"))
app.debug = assets.debug = True
print(client.get("/").text)
