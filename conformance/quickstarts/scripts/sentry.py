import sentry_sdk
from flask import Flask, abort, render_template_string
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.transport import Transport

from driving import show

events = []


class Kept(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            events.append(item.payload.json)


sentry_sdk.init(
    dsn="https://k@localhost/1",
    transport=Kept,
    integrations=[FlaskIntegration()],
    traces_sample_rate=1.0,
    send_default_pii=True,
)
app = Flask(__name__)


@app.get("/fail/<int:n>")
def fail(n):
    return 1 / 0


@app.get("/ok")
def ok():
    return render_template_string("{{ 'yes' if sentry_trace_meta else 'no' }}")


@app.get("/gone")
def gone():
    abort(410)


@app.post("/form")
def form():
    raise ValueError("form")


client = app.test_client()
show(client.get("/fail/5"))
show(client.get("/ok"))
show(client.get("/gone"))
show(client.post("/form", data={"a": "1"}))
show(client.post("/form", json={"a": 1}))
for event in events:
    request = event.get("request", {})
    exceptions = event.get("exception", {}).get("values", [])
    print(
        event.get("type", "error"),
        event["transaction"],
        event["transaction_info"],
        request.get("method"),
        request.get("data"),
        request.get("url"),
        [
            (e["type"], e["mechanism"], e["stacktrace"]["frames"][-1]["function"])
            for e in exceptions
        ],
        event.get("contexts", {}).get("trace", {}).get("status"),
    )
