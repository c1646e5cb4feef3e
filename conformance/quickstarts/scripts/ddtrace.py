import os

os.environ.update(
    DD_TRACE_ENABLED="true",
    DD_INSTRUMENTATION_TELEMETRY_ENABLED="false",
    DD_TRACE_AGENT_URL="http://127.0.0.1:1",
    DD_REMOTE_CONFIGURATION_ENABLED="false",
    DD_TRACE_STARTUP_LOGS="false",
)
import logging

logging.disable(logging.CRITICAL)
from ddtrace import patch  # noqa: E402

patch(flask=True, jinja2=True)
from ddtrace.trace import TraceFilter, tracer  # noqa: E402

spans = []


class Keep(TraceFilter):
    def process_trace(self, trace):
        spans.extend(trace)
        return None


tracer.configure(trace_processors=[Keep()])
import flask  # noqa: E402
from flask import (  # noqa: E402
    Blueprint,
    Flask,
    abort,
    flash,
    jsonify,
    redirect,
    render_template_string,
)

from driving import show  # noqa: E402

app = Flask("dd")
app.secret_key = "k" * 40
bp = Blueprint("bp", "bp")


@app.before_request
def before():
    flask.g.x = 1


@app.after_request
def after(r):
    r.headers["X-A"] = "b"
    return r


@app.teardown_request
def td(e):
    pass


@app.get("/t/<int:n>")
def t(n):
    return render_template_string("{{ n }}", n=n)


@bp.get("/bp")
def b():
    return jsonify(a=1)


@app.errorhandler(404)
def nf(e):
    return "none", 404


@app.get("/boom")
def boom():
    raise ValueError("boom")


@app.get("/abort")
def ab():
    abort(418)


@app.get("/flash")
def fl():
    flash("a")
    return redirect("/t/1")


app.register_blueprint(bp)
c = app.test_client()
for p in ("/t/5?a=b", "/bp", "/missing", "/boom", "/abort", "/flash", "/static/none.css"):
    show(c.get(p))
    print(
        sorted(
            (
                s.name,
                s.resource.replace("erlen", "flask"),
                s.error,
                sorted(
                    (k, v.replace("erlen", "flask"))
                    for k, v in s.get_tags().items()
                    if k.startswith(("http.", "flask.")) and k not in ("flask.version",)
                ),
            )
            for s in spans
        )
    )
    spans.clear()
