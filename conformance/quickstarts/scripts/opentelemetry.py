from flask import Blueprint, Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from driving import show

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))


def build(app):
    bp = Blueprint("bp", __name__, url_prefix="/bp")
    bp.add_url_rule("/<int:n>", "number", lambda n: str(n))
    app.register_blueprint(bp)
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    app.add_url_rule("/again", "again", lambda: app.test_client().get("/bp/7").text)
    client = app.test_client()
    for path in ("/bp/5", "/fail", "/missing", "/again"):
        show(client.get(path))
    for span in exporter.get_finished_spans():
        print(span.name, span.kind, sorted(span.attributes.items()))
        print("  ", span.status.status_code, len(span.events))
    exporter.clear()


app = Flask("one")
FlaskInstrumentor.instrument_app(app, tracer_provider=provider)
build(app)
FlaskInstrumentor.uninstrument_app(app)

import flask  # noqa: E402

FlaskInstrumentor().instrument(tracer_provider=provider, excluded_urls="missing")
build(flask.Flask("two"))
FlaskInstrumentor().uninstrument()
build(flask.Flask("three"))
