"""What is known beforehand: names, settings and extensions, as tables that a reader can check.

A test holds each of them against what it speaks of: the names are missing, what to use instead
exists, and the extensions that are said to run are those whose tests `make conformance` runs.
"""

from __future__ import annotations

from typing import NamedTuple


class Removed(NamedTuple):
    """A name, attribute, keyword or setting that is no more.

    :param by: the release that removed it.
    :param instead: what to write.
    """

    by: str
    instead: str


# Names of modules, in full. What no entry tells is found missing all the same.
NAMES = {
    "flask.ext": Removed("Flask 1.0", "import the extension by its own name, as flask_wtf"),
    "flask.Markup": Removed("Flask 3.0", "from markupsafe import Markup"),
    "flask.escape": Removed("Flask 3.0", "from markupsafe import escape"),
    "flask._request_ctx_stack": Removed("Flask 3.0", "from flask.globals import request_ctx"),
    "flask._app_ctx_stack": Removed("Flask 3.0", "from flask.globals import app_ctx"),
    "flask.globals._request_ctx_stack": Removed(
        "Flask 3.0", "from flask.globals import request_ctx"
    ),
    "flask.globals._app_ctx_stack": Removed("Flask 3.0", "from flask.globals import app_ctx"),
    "flask.json.JSONEncoder": Removed(
        "Flask 2.3", "override default() of flask.json.provider.DefaultJSONProvider"
    ),
    "flask.json.JSONDecoder": Removed(
        "Flask 2.3", "override loads() of flask.json.provider.DefaultJSONProvider"
    ),
    "flask.json.htmlsafe_dumps": Removed("Flask 2.3", "use Jinja's filter tojson"),
    "flask.json.htmlsafe_dump": Removed("Flask 2.3", "use Jinja's filter tojson"),
    "flask.safe_join": Removed("Flask 2.1", "from werkzeug.utils import safe_join"),
    "flask.helpers.safe_join": Removed("Flask 2.1", "from werkzeug.utils import safe_join"),
    "flask.helpers.locked_cached_property": Removed(
        "Flask 3.0", "from werkzeug.utils import cached_property"
    ),
    "flask.helpers._endpoint_from_view_func": Removed(
        "Flask 2.0", "from flask.sansio.scaffold import _endpoint_from_view_func"
    ),
    "flask.signals.signals_available": Removed(
        "Flask 3.0", "signals are always there: drop the question"
    ),
    "flask.signals_available": Removed("Flask 3.0", "signals are always there: drop the question"),
    "flask._compat": Removed("Flask 2.0", "it bridged Python 2: write Python 3"),
    "werkzeug.urls.url_quote": Removed("Werkzeug 3.0", "from urllib.parse import quote"),
    "werkzeug.urls.url_quote_plus": Removed("Werkzeug 3.0", "from urllib.parse import quote_plus"),
    "werkzeug.urls.url_unquote": Removed("Werkzeug 3.0", "from urllib.parse import unquote"),
    "werkzeug.urls.url_unquote_plus": Removed(
        "Werkzeug 3.0", "from urllib.parse import unquote_plus"
    ),
    "werkzeug.urls.url_encode": Removed("Werkzeug 3.0", "from urllib.parse import urlencode"),
    "werkzeug.urls.url_decode": Removed("Werkzeug 3.0", "from urllib.parse import parse_qs"),
    "werkzeug.urls.url_parse": Removed("Werkzeug 3.0", "from urllib.parse import urlsplit"),
    "werkzeug.urls.url_unparse": Removed("Werkzeug 3.0", "from urllib.parse import urlunsplit"),
    "werkzeug.urls.url_join": Removed("Werkzeug 3.0", "from urllib.parse import urljoin"),
    "werkzeug.security.safe_str_cmp": Removed("Werkzeug 2.1", "from hmac import compare_digest"),
    "werkzeug.secure_filename": Removed(
        "Werkzeug 1.0", "from werkzeug.utils import secure_filename"
    ),
    "werkzeug.cached_property": Removed(
        "Werkzeug 1.0", "from werkzeug.utils import cached_property"
    ),
    "werkzeug.FileStorage": Removed(
        "Werkzeug 1.0", "from werkzeug.datastructures import FileStorage"
    ),
    "werkzeug.generate_password_hash": Removed(
        "Werkzeug 1.0", "from werkzeug.security import generate_password_hash"
    ),
    "werkzeug.check_password_hash": Removed(
        "Werkzeug 1.0", "from werkzeug.security import check_password_hash"
    ),
    "werkzeug.wrappers.BaseRequest": Removed("Werkzeug 2.1", "from werkzeug import Request"),
    "werkzeug.wrappers.BaseResponse": Removed("Werkzeug 2.1", "from werkzeug import Response"),
    "werkzeug.contrib": Removed(
        "Werkzeug 1.0",
        "caches are in the package cachelib, ProxyFix is in werkzeug.middleware.proxy_fix",
    ),
    "werkzeug.__version__": Removed("Werkzeug 3.1", "importlib.metadata.version('werkzeug')"),
    "jinja2.Markup": Removed("Jinja 3.1", "from markupsafe import Markup"),
    "jinja2.escape": Removed("Jinja 3.1", "from markupsafe import escape"),
    "jinja2.contextfunction": Removed("Jinja 3.1", "from jinja2 import pass_context"),
    "jinja2.contextfilter": Removed("Jinja 3.1", "from jinja2 import pass_context"),
    "jinja2.environmentfilter": Removed("Jinja 3.1", "from jinja2 import pass_environment"),
    "jinja2.environmentfunction": Removed("Jinja 3.1", "from jinja2 import pass_environment"),
    "jinja2.evalcontextfilter": Removed("Jinja 3.1", "from jinja2 import pass_eval_context"),
    "markupsafe.soft_unicode": Removed("MarkupSafe 2.1", "from markupsafe import soft_str"),
    "itsdangerous.TimedJSONWebSignatureSerializer": Removed(
        "itsdangerous 2.1", "the package Authlib or PyJWT"
    ),
    "itsdangerous.JSONWebSignatureSerializer": Removed(
        "itsdangerous 2.1", "the package Authlib or PyJWT"
    ),
}

# Attributes of applications and blueprints that no other object is likely to have.
ATTRIBUTES_OF_ANYTHING = {
    "before_first_request": Removed(
        "Flask 2.3", "run it where the application is made, within app.app_context()"
    ),
    "before_app_first_request": Removed(
        "Flask 2.3", "run it where the application is made, or in Blueprint.record_once()"
    ),
    "before_first_request_funcs": Removed("Flask 2.3", "run them where the application is made"),
    "try_trigger_before_first_request_functions": Removed("Flask 2.2", "drop the call"),
}

# Attributes of an application, told only where what has them looks like one.
ATTRIBUTES = ATTRIBUTES_OF_ANYTHING | {
    "json_encoder": Removed("Flask 2.3", "set app.json, a DefaultJSONProvider of your own"),
    "json_decoder": Removed("Flask 2.3", "set app.json, a DefaultJSONProvider of your own"),
    "env": Removed("Flask 2.3", "debug mode is app.debug; a name of your own goes to app.config"),
    "got_first_request": Removed("Flask 3.0", "drop the question"),
    "propagate_exceptions": Removed("Flask 2.3", "app.config['PROPAGATE_EXCEPTIONS']"),
    "session_cookie_name": Removed("Flask 2.3", "app.config['SESSION_COOKIE_NAME']"),
    "send_file_max_age_default": Removed("Flask 2.3", "app.config['SEND_FILE_MAX_AGE_DEFAULT']"),
    "use_x_sendfile": Removed("Flask 2.3", "app.config['USE_X_SENDFILE']"),
    "templates_auto_reload": Removed("Flask 2.3", "app.config['TEMPLATES_AUTO_RELOAD']"),
    "preserve_context_on_exception": Removed("Flask 2.2", "drop it: the debugger keeps contexts"),
}

# Keywords of functions, as a reading tells them.
KEYWORDS = {
    "flask.send_file(attachment_filename)": Removed("Flask 2.2", "download_name"),
    "flask.send_file(cache_timeout)": Removed("Flask 2.2", "max_age"),
    "flask.send_file(add_etags)": Removed("Flask 2.2", "etag"),
    "flask.send_from_directory(filename)": Removed("Flask 2.2", "path"),
}

# Keys of the configuration that nobody reads any more.
SETTINGS = {
    "JSON_AS_ASCII": Removed("Flask 2.3", "app.json.ensure_ascii"),
    "JSON_SORT_KEYS": Removed("Flask 2.3", "app.json.sort_keys"),
    "JSONIFY_MIMETYPE": Removed("Flask 2.3", "app.json.mimetype"),
    "JSONIFY_PRETTYPRINT_REGULAR": Removed("Flask 2.3", "app.json.compact = False"),
    "PRESERVE_CONTEXT_ON_EXCEPTION": Removed("Flask 2.2", "drop it: the debugger keeps contexts"),
}

#: The environment variable that was removed, wherever a project speaks of it.
FLASK_ENV = Removed("Flask 2.3", "FLASK_DEBUG=1, or erlen --debug run, for debug mode")


class Difference(NamedTuple):
    """Something that erlen does otherwise on purpose.

    :param heading: the section of docs/differences.md.
    :param why: what that means here.
    """

    heading: str
    why: str


_ONE_CONTEXT = Difference(
    "One context",
    "In a request, the context of the application and that of the request are one object.",
)
_NO_SECOND_CORE = Difference(
    "No second core",
    "App and Blueprint of flask.sansio are Flask and Blueprint themselves.",
)

# Names that exist and behave otherwise.
DIFFERENT_NAMES = {
    "flask.globals._cv_app": _ONE_CONTEXT,
    "flask.globals._cv_request": _ONE_CONTEXT,
    "flask.globals.app_ctx": _ONE_CONTEXT,
    "flask.sansio": _NO_SECOND_CORE,
    "flask.__version__": Difference(
        "The version asked for is Flask's",
        "It is the version of Flask whose API this is, and deprecated there too.",
    ),
}

# What a reading tells by a text of its own.
DIFFERENT_TEXTS = {
    "async view": Difference(
        "Async views share a loop",
        "Under WSGI the async functions of a process run on one event loop, so that what one"
        " request connects the next can use. Each call crosses a thread.",
    ),
    "run(debug) for others": Difference(
        "The debugger stays at home",
        "Where others reach the server, the debugger is left out, unless debugger_host_allowed"
        " names the host.",
    ),
    "flask.app": Difference(
        "Modules have erlen's names",
        "A filter of warnings or a logger by this name does not meet erlen's modules.",
    ),
}

#: Extensions whose own tests pass on erlen, every one that passes on Flask: the versions tested.
TESTED = {
    "APIFlask": "3.1.2",
    "apispec-webframeworks": "1.2.0",
    "beets": "2.14.1",
    "dishka": "1.10.1",
    "flasgger": "0.9.7.1",
    "flask-accepts": "1.0.1",
    "Flask-Admin": "2.2.1",
    "Flask-AppBuilder": "5.3.0",
    "Flask-Assets": "2.1.0",
    "Flask-AutoIndex": "0.6.6",
    "Flask-Caching": "2.5.1",
    "Flask-Compress": "1.25",
    "Flask-Cors": "6.0.5",
    "Flask-Dance": "7.1.0",
    "Flask-HTTPAuth": "4.8.1",
    "Flask-Injector": "0.15.0",
    "Flask-JWT-Extended": "4.7.4",
    "Flask-Limiter": "4.1.1",
    "Flask-Login": "0.6.3",
    "flask-marshmallow": "1.5.0",
    "Flask-Migrate": "4.1.0",
    "flask-multipass": "0.11.2",
    "flask-oidc": "2.4.0",
    "flask-openapi3": "4.3.2",
    "flask-paginate": "2026.10.22",
    "Flask-Plugins": "2.0.0",
    "Flask-pyoidc": "3.14.3",
    "flask-rebar": "3.5.0",
    "Flask-RESTful": "0.3.10",
    "flask-restx": "1.3.2",
    "Flask-Reuploaded": "1.6.0",
    "Flask-Security": "5.9.2",
    "flask-simplelogin": "0.3.0",
    "Flask-Sitemap": "0.4.0",
    "flask-smorest": "0.47.0",
    "flask-sock": "0.7.0",
    "Flask-SocketIO": "5.7.0",
    "Flask-SQLAlchemy": "3.1.1",
    "Flask-SSE": "1.0.0",
    "flask-talisman": "1.1.0",
    "Flask-Testing": "0.8.1",
    "Flask-Themes2": "2.0.0",
    "Flask-Vite": "0.6.1",
    "Flask-WTF": "1.3.0",
    "Frozen-Flask": "1.0.2",
    "httpbin": "0.10.4",
    "moto": "5.2.5",
    "openapi-core": "0.23.1",
    "opentelemetry-instrumentation-flask": "0.66b1",
    "pytest-flask": "1.3.0",
    "sentry-sdk": "2.75.0",
    "svcs": "26.2.0",
    "turbo-flask": "0.8.6",
    "webargs": "8.7.1",
    "wireup": "2.13.0",
}


class Dead(NamedTuple):
    """An extension that cannot be imported beside Flask 3.

    :param module: what programs import.
    :param last: its last release, with which this was seen; a later one may run.
    :param reason: the line of it that fails.
    :param instead: what to use.
    """

    module: str
    last: str
    reason: str
    instead: str


DEAD = {
    "Flask-API": Dead(
        "flask_api",
        "3.1",
        "from werkzeug.urls import url_decode_stream",
        "flask-smorest, APIFlask, or plain views that return dicts",
    ),
    "Flask-BabelEx": Dead(
        "flask_babelex", "0.9.4", "from flask import _request_ctx_stack", "Flask-Babel"
    ),
    "Flask-Cache": Dead(
        "flask_cache", "0.13.1", "from werkzeug.contrib.cache import BaseCache", "Flask-Caching"
    ),
    "Flask-JWT": Dead(
        "flask_jwt", "0.3.2", "from flask import _request_ctx_stack", "Flask-JWT-Extended"
    ),
    "flask-mongoengine": Dead(
        "flask_mongoengine", "1.0.0", "from flask.json import JSONEncoder", "mongoengine by itself"
    ),
    "Flask-Restless": Dead(
        "flask_restless",
        "0.17.0",
        "from werkzeug.urls import url_quote_plus",
        "flask-smorest with SQLAlchemy",
    ),
    "flask-restplus": Dead(
        "flask_restplus", "0.13.0", "from werkzeug import cached_property", "flask-restx"
    ),
    "Flask-Script": Dead(
        "flask_script",
        "2.0.6",
        "from flask._compat import text_type",
        "commands of the application: @app.cli.command()",
    ),
    "Flask-Social": Dead(
        "flask_social",
        "1.6.2",
        "from flask.ext.security import current_user",
        "Authlib or Flask-Dance",
    ),
    "Flask-Uploads": Dead(
        "flask_uploads",
        "0.2.1",
        "from werkzeug import secure_filename, FileStorage",
        "Flask-Reuploaded, which is imported by the same name",
    ),
}

#: Packages that are loaded before an application is, and import flask: only the environment
#: variable is earlier.
EARLY = {
    "ddtrace": "ddtrace-run",
    "newrelic": "newrelic-admin run-program",
    "opentelemetry-instrumentation-flask": "opentelemetry-instrument",
}


def canonical(name: str) -> str:
    """Write a distribution's name as PEP 503 does, to compare it."""
    return name.replace("_", "-").replace(".", "-").lower()
