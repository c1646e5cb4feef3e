from flask import Flask
from flask_swagger_ui import get_swaggerui_blueprint
from swagger_ui import api_doc

from driving import show

app = Flask(__name__)
app.register_blueprint(
    get_swaggerui_blueprint("/docs", "/spec.json", config={"app_name": "T"}), url_prefix="/docs"
)
api_doc(
    app,
    config={"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {}},
    url_prefix="/api/doc",
    title="API",
)
app.add_url_rule("/spec.json", "spec", lambda: {"openapi": "3.0.0"})
c = app.test_client()
for p in (
    "/docs",
    "/docs/",
    "/docs/index.css",
    "/spec.json",
    "/api/doc",
    "/api/doc/swagger.json",
    "/api/doc/static/LICENSE",
):
    show(c.get(p))
