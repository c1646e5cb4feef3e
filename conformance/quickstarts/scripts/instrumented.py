import newrelic.agent

from driving import show

newrelic.agent.initialize()  # before Flask is imported, which it wraps
from aws_xray_sdk.core import xray_recorder  # noqa: E402
from aws_xray_sdk.ext.flask.middleware import XRayMiddleware  # noqa: E402
from flask import Flask, render_template_string  # noqa: E402
from flask.views import MethodView  # noqa: E402
from prometheus_flask_exporter import PrometheusMetrics  # noqa: E402

sent = []
xray_recorder.configure(service="app", sampling=False, context_missing="IGNORE_ERROR")
xray_recorder.emitter.send_entity = lambda entity: sent.append(entity)
app = Flask(__name__)
XRayMiddleware(app, xray_recorder)
metrics = PrometheusMetrics(app, default_labels={"a": "b"}, buckets=[10])


@app.get("/t")
@metrics.counter("by_view", "x", labels={"status": lambda r: r.status_code})
def template():
    return render_template_string("hello")


class View(MethodView):
    def get(self):
        return "view"


@app.errorhandler(ZeroDivisionError)
def zero(error):
    return "zero", 400


app.add_url_rule("/v", view_func=View.as_view("v"))
app.add_url_rule("/fail", "fail", lambda: 1 / 0)
app.add_url_rule("/lost", "lost", lambda: {}["lost"])
client = app.test_client()
for path in ("/t", "/v", "/fail", "/lost", "/missing"):
    show(client.get(path))
for segment in sent:
    print(segment.name, segment.http, [s.name for s in segment.subsegments], bool(segment.cause))
lines = client.get("/metrics").text.splitlines()
counters = (
    "flask_http_request_total",
    "by_view_total",
    "flask_http_request_duration_seconds_count",
)
print("\n".join(line for line in lines if line.startswith(counters)))
