from unittest import mock

import fakeredis
import rq_dashboard
from flask import Flask

from driving import show

server = fakeredis.FakeServer()
app = Flask(__name__)
app.config.from_object(rq_dashboard.default_settings)
app.config["RQ_DASHBOARD_REDIS_URL"] = ["redis://a"]
with mock.patch(
    "rq_dashboard.web.from_url",
    lambda *a, **k: (fakeredis.FakeStrictRedis(server=server), "redis://a"),
):
    rq_dashboard.web.setup_rq_connection(app)
    app.register_blueprint(rq_dashboard.blueprint, url_prefix="/rq")
    c = app.test_client()
    for p in (
        "/rq/",
        "/rq/0/view/workers",
        "/rq/0/data/queues.json",
        "/rq/0/data/workers.json",
        "/rq/none",
    ):
        show(c.get(p), body=False)
