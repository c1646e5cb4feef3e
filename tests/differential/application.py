"""One application in many variants, to be built on Flask and on erlen and compared."""

# mypy: disable-error-code="untyped-decorator"
# The application is Any here: its class is the one or the other.

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Conflict, HTTPException
from werkzeug.routing import BaseConverter, RequestRedirect, Rule

NAME = "differential"
SECRET = "the secret that both applications sign with"

# What the view "ask" tells of the request; a client names the ones it wants.
ASKABLE = (
    *("method", "path", "full_path", "url", "base_url", "root_path", "url_root", "root_url"),
    *("host", "host_url", "scheme", "is_secure", "args", "form", "values", "files", "data"),
    *("cookies", "headers", "query_string", "content_length", "content_type", "mimetype"),
    *("mimetype_params", "content_encoding", "is_json", "json", "remote_addr", "access_route"),
    *("authorization", "accept_mimetypes", "accept_languages", "accept_encodings"),
    *("accept_charsets", "cache_control", "if_match", "if_none_match", "if_modified_since"),
    *("if_unmodified_since", "if_range", "range", "referrer", "user_agent", "origin", "date"),
    *("pragma", "max_forwards", "content_md5", "is_multithread", "is_run_once", "remote_user"),
    *("access_control_request_headers", "access_control_request_method", "server"),
    *("view_args", "endpoint", "blueprint", "blueprints", "url_rule", "routing_exception"),
    *("max_content_length", "max_form_memory_size", "max_form_parts", "trusted_hosts"),
    *("want_form_data_parsed", "shallow", "input_stream", "no_such_attribute"),
)

# The names of the variants, each with what its application is made of.
VARIANTS: dict[str, dict[str, Any]] = {
    # No blueprints: with hooks and URL defaults nowhere, erlen's short ways are open.
    "bare": {"blueprints": False},
    "plain": {},
    "hooked": {"hooks": True, "signals": True},
    "limited": {
        "config": {
            "MAX_CONTENT_LENGTH": 300,
            "MAX_FORM_MEMORY_SIZE": 100,
            "MAX_FORM_PARTS": 3,
            "MAX_COOKIE_SIZE": 50,
            "TRUSTED_HOSTS": ["example.org", ".example.net", "localhost"],
        }
    },
    "debug": {"config": {"DEBUG": True, "PROPAGATE_EXCEPTIONS": False}, "hooks": True},
    "subdomains": {
        "flask": {"subdomain_matching": True},
        "config": {"SERVER_NAME": "example.org:8080"},
    },
    "hosts": {
        "flask": {"host_matching": True, "static_host": "static.example.org"},
    },
    "rooted": {
        "config": {
            "SERVER_NAME": "example.org",
            "APPLICATION_ROOT": "/app",
            "PREFERRED_URL_SCHEME": "https",
            "SESSION_COOKIE_PATH": "/app",
            "SESSION_COOKIE_DOMAIN": "example.org",
            "SESSION_COOKIE_SECURE": True,
            "SESSION_COOKIE_HTTPONLY": False,
            "SESSION_COOKIE_SAMESITE": "Strict",
            "SESSION_COOKIE_PARTITIONED": True,
            "SESSION_REFRESH_EACH_REQUEST": False,
            "SECRET_KEY_FALLBACKS": ["an old one"],
        },
        "hooks": True,
    },
    "handled": {"handlers": True, "hooks": True},
    "loose": {"strict_slashes": False, "merge_slashes": False, "handlers": True},
    "replaced": {"replace": "class", "hooks": True, "handlers": True},
    "patched": {"replace": "object", "hooks": True},
    "classes": {"classes": True, "config": {"TEMPLATES_AUTO_RELOAD": True}},
    "keyless": {"config": {"SECRET_KEY": None}, "handlers": True},
}


class Oops(Exception):
    """An error of the application's own."""


class Teapot(HTTPException):
    code = 418
    description = "short <and> stout"


class ListConverter(BaseConverter):
    """Words with plus signs between them."""

    regex = r"[a-z]+(?:\+[a-z]+)*"

    def to_python(self, value: str) -> list[str]:
        return value.split("+")

    def to_url(self, value: Any) -> str:
        return "+".join(value)


class ManyConverter(BaseConverter):
    """Two segments at once, so that the matcher cannot split at each slash."""

    regex = "[^/]+/[^/]+"
    part_isolating = False


def build(flask: Any, folder: Path, variant: str) -> Any:
    """Build the application.

    :param flask: the package to build it with.
    :param folder: holds ``static`` and ``templates``.
    :param variant: a name in VARIANTS.
    """
    options = VARIANTS[variant]
    factory = flask.Flask
    if options.get("flask", {}).get("host_matching"):
        factory = hosted(factory)
    if options.get("replace") == "class":
        factory = type("Replaced", (factory,), {n: traced(n, factory) for n in REPLACEABLE})
    app = factory(NAME, root_path=str(folder), **options.get("flask", {}))
    if options.get("replace") == "object":
        for name in REPLACEABLE:
            setattr(app, name, traced(name, factory).__get__(app))
    if options.get("classes"):
        use_own_classes(flask, app)
    app.config.update({"SECRET_KEY": SECRET} | options.get("config", {}))
    app.url_map.strict_slashes = options.get("strict_slashes", True)
    app.url_map.merge_slashes = options.get("merge_slashes", True)
    app.url_map.converters.update(list=ListConverter, many=ManyConverter)
    # Both would tell the same of their errors on standard error, a thousand times.
    logging.getLogger(NAME).disabled = True
    app.trace = []
    add_request_routes(flask, app)
    add_response_routes(flask, app)
    add_session_routes(flask, app)
    add_converter_routes(flask, app)
    add_error_routes(flask, app)
    if options.get("blueprints", True):
        add_blueprints(flask, app)
    if options.get("hooks"):
        add_hooks(flask, app)
    if options.get("signals"):
        add_signals(flask, app)
    if options.get("handlers"):
        add_handlers(flask, app)
    return app


# What a subclass or an extension may replace.
REPLACEABLE = (
    *("wsgi_app", "request_context", "create_url_adapter", "full_dispatch_request"),
    *("preprocess_request", "dispatch_request", "raise_routing_exception", "make_response"),
    *("make_default_options_response", "finalize_request", "process_response"),
    *("handle_http_exception", "handle_user_exception", "handle_exception", "log_exception"),
    *("trap_http_exception", "should_ignore_error", "do_teardown_request"),
    *("do_teardown_appcontext", "url_for", "redirect", "handle_url_build_error"),
    *("inject_url_defaults", "update_template_context", "ensure_sync", "get_send_file_max_age"),
)


def traced(name: str, base: Any) -> Any:
    """A method that notes its call and goes on to the one that it replaces."""
    replaced = getattr(base, name)

    def method(app: Any, *args: Any, **kwargs: Any) -> Any:
        vars(app).setdefault("trace", []).append(name)
        return replaced(app, *args, **kwargs)

    return method


def use_own_classes(flask: Any, app: Any) -> None:
    class Request(flask.Request):
        max_form_parts = 2
        parameter_storage_class = MultiDict

        def on_json_loading_failure(self, error: ValueError | None) -> Any:
            return {"broken": type(error).__name__}

    class Response(flask.Response):
        default_mimetype = "text/x-own"
        default_status = 207
        autocorrect_location_header = True

    class Interface(type(app.session_interface)):  # type: ignore[misc]
        salt = "own"

        def get_cookie_name(self, app: Any) -> str:
            return "own"

        def should_set_cookie(self, app: Any, session: Any) -> bool:
            return bool(session.modified)

        def is_null_session(self, obj: object) -> bool:
            app.trace.append("is_null_session")
            return bool(super().is_null_session(obj))

    app.request_class = Request
    app.response_class = Response
    app.session_interface = Interface()
    app.json.compact = False
    app.json.sort_keys = False
    app.json.ensure_ascii = False
    app.json.mimetype = "application/x-json"
    app.jinja_options = {"trim_blocks": True}


def hosted(base: Any) -> Any:
    """A class whose rules are of one host where they name none."""

    class Hosted(base):
        def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
            super().add_url_rule(rule, *args, **({"host": "example.org:8080"} | options))

    return Hosted


def told(value: Any) -> str:
    """A value of the request in words that do not tell its address or its package."""
    if isinstance(value, HTTPException):
        return f"{type(value).__name__} {value}"
    if hasattr(value, "to_dict") and hasattr(value, "lists"):  # MultiDict
        return repr([(key, [told(item) for item in values]) for key, values in value.lists()])
    if hasattr(value, "filename"):  # FileStorage
        return repr((value.name, value.filename, value.mimetype, list(value.headers), value.read()))
    if isinstance(value, Rule):
        return f"{value.rule} {value.endpoint} {sorted(value.methods or ())}"
    if hasattr(value, "read"):
        return repr(value.read())
    return repr(value)


def add_request_routes(flask: Any, app: Any) -> None:
    request = flask.request

    @app.route("/ask", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "FOO"])
    @app.route("/ask/<path:rest>", methods=["GET", "POST"])
    def ask(rest: str = "") -> Any:
        wanted = request.headers.get("X-Ask", "method,path").split(",")
        return "\n".join(f"{name}: {told(getattr(request, name))}" for name in wanted)

    @app.post("/json")
    def read_json() -> Any:
        return flask.jsonify(request.json)

    @app.post("/json/silent")
    def read_json_silently() -> Any:
        return {"got": request.get_json(silent=True), "forced": request.get_json(True, True)}

    @app.post("/form")
    def read_form() -> Any:
        return {"name": request.form["name"], "all": request.form.to_dict(flat=False)}

    @app.post("/upload")
    def upload() -> Any:
        file = request.files["file"]
        return [file.filename, len(file.read()), request.form.to_dict()]

    @app.post("/stream-in")
    def stream_in() -> Any:
        return request.stream.read()

    @app.put("/data")
    def read_data() -> Any:
        text = request.get_data(as_text=True)
        return {"length": len(text), "form": request.form, "text": text}

    @app.post("/ignores")
    def ignores() -> str:
        return "not read"

    @app.get("/args")
    def args() -> Any:
        return {
            "n": request.args.get("n", -1, type=int),
            "all": request.args.getlist("a"),
            "b": request.args.get("b"),
        }


def add_response_routes(flask: Any, app: Any) -> None:
    request = flask.request

    def wsgi_answer(environ: Any, start_response: Any) -> list[bytes]:
        start_response("206 Some", [("Content-Type", "text/x"), ("X-W", environ["PATH_INFO"])])
        return [b"from", b"wsgi"]

    def set_cookies() -> Any:
        response = flask.make_response("set")
        response.set_cookie("one", request.args.get("a", 'é; "'), max_age=60, httponly=True)
        response.set_cookie("two", path="/x", samesite="lax", secure=True, partitioned=True)
        response.delete_cookie("three", domain="example.org")
        return response

    def conditional() -> Any:
        response = flask.make_response("0123456789" * 3)
        response.set_etag("tag")
        response.last_modified = 1_700_000_000
        response.cache_control.public = True
        return response.make_conditional(request, accept_ranges=True, complete_length=30)

    def failing() -> Iterator[str]:
        raise Oops("before the first step")
        yield "never"

    content: dict[str, Callable[[], Any]] = {
        "str": lambda: "text é",
        "empty": lambda: "",
        "bytes": lambda: b"\xff\x00",
        "bytearray": lambda: bytearray(b"array"),
        "dict": lambda: {"b": 1, "a": ["é", None, 1.5], "<": "&"},
        "list": lambda: [1, {"z": 1, "a": 2}],
        "pair": lambda: ("made", 201),
        "status": lambda: ("odd", "299 Very Odd"),
        "none-status": lambda: ("text", None),
        "headers": lambda: ("text", {"X-One": "1", "Content-Type": "text/css"}),
        "triple": lambda: ({"a": 1}, 202, [("X-One", "1"), ("X-One", "2")]),
        "no-content": lambda: ("", 204),
        "not-modified": lambda: ("ignored", 304),
        "informational": lambda: ("x", 199),
        "response": lambda: flask.Response("given", 203, {"X-A": "b"}, mimetype="text/plain"),
        "response-pair": lambda: (flask.Response("given"), 404, {"X-A": "c"}),
        "made": lambda: flask.make_response(("made", 418, {"X-M": "1"})),
        "generator": lambda: (f"{n} " for n in range(3)),
        "iterator": lambda: iter([b"a", b"", b"c"]),
        "wsgi": lambda: wsgi_answer,
        "redirect": lambda: flask.redirect("/args?é=ü", 303),
        "redirect-external": lambda: flask.redirect("//example.com/é b"),
        "cookies": set_cookies,
        "etag": conditional,
        "json": lambda: flask.jsonify({"d": 1}, [2], "three"),
        "json-pairs": lambda: flask.jsonify(b=1, a=UUID(int=5)),
        "template": lambda: flask.render_template("page.html", name=request.args.get("a")),
        "template-string": lambda: flask.render_template_string(
            "{{ request.path }}|{{ g.get('x') }}|{{ a }}|{{ a|tojson }}", a=request.args.get("a")
        ),
        "template-missing": lambda: flask.render_template("missing.html"),
        "stream-template": lambda: flask.stream_template("page.html", name="<x>"),
        "stream-context": lambda: flask.stream_with_context(steps(request)),
        "file": lambda: flask.send_file("static/a.txt"),
        "attachment": lambda: flask.send_file(
            BytesIO(b"0123456789"), "text/plain", True, "näme.txt", max_age=60
        ),
        "file-missing": lambda: flask.send_from_directory("static", "../templates/page.html"),
        "none": lambda: None,
        "number": lambda: 42,
        "one-tuple": lambda: ("a",),
        "long-tuple": lambda: ("a", 200, {}, 1),
        "bad-status": lambda: ("text", 99999),
        "text-status": lambda: ("text", "no number"),
        "zero-status": lambda: ("text", 0),
        "bad-headers": lambda: ("text", 200, {"X-A": "a\r\nX-B: b"}),
        "generator-raises": failing,
    }

    @app.route("/answer/<kind>", methods=["GET", "POST"])
    def answer(kind: str) -> Any:
        return content.get(kind, lambda: flask.abort(404))()

    @app.get("/async/<int:n>")
    async def asynchronous(n: int) -> Any:
        return {"n": n, "path": request.path}

    @app.get("/header")
    def header() -> Any:
        response = flask.make_response("")
        response.headers[request.args.get("a", "X-A")] = request.args.get("b", "value")
        return response

    @app.get("/urls/<endpoint>")
    def urls(endpoint: str) -> str:
        values: dict[str, Any] = request.args.to_dict()
        if "_external" in values:
            values["_external"] = values["_external"] == "1"
        return str(flask.url_for(endpoint, **values))

    @app.get("/redirect-to/<endpoint>")
    def redirect_to(endpoint: str) -> Any:
        return flask.redirect(flask.url_for(endpoint, **request.args))


def steps(request: Any) -> Iterator[str]:
    yield "first "
    yield request.path
    yield " last"


def add_session_routes(flask: Any, app: Any) -> None:
    session = flask.session

    @app.get("/session")
    def show() -> Any:
        return {"session": repr(sorted(session.items(), key=str)), "new": session.new}

    @app.get("/session/untouched")
    def untouched() -> str:
        return "nobody opened it"

    @app.route("/session/set/<key>/<value>", methods=["GET", "POST"])
    def store(key: str, value: str) -> Any:
        session[key] = value
        return repr((session.modified, session.accessed))

    @app.get("/session/permanent")
    def permanent() -> str:
        session.permanent = True
        return str(session.setdefault("kept", 1))

    @app.get("/session/rich")
    def rich() -> str:
        session["rich"] = {"t": (1, "é"), "b": b"\x00\xff", "u": UUID(int=7), " t": [()]}
        return "stored"

    @app.get("/session/pop/<key>")
    def pop(key: str) -> str:
        return repr(session.pop(key, None))

    @app.get("/session/clear")
    def clear() -> str:
        session.clear()
        return "cleared"

    @app.get("/session/bad")
    def unserializable() -> str:
        session["bad"] = object()
        return "cannot be kept"

    @app.get("/flash/<category>")
    def flash(category: str) -> str:
        flask.flash("kept <for> later", category)
        return "flashed"

    @app.get("/flashed")
    def flashed() -> Any:
        return repr(flask.get_flashed_messages(with_categories=True, category_filter=["a", "b"]))


def add_converter_routes(flask: Any, app: Any) -> None:
    def values(**kwargs: Any) -> str:
        return f"{flask.request.endpoint}: {sorted(kwargs.items())!r}"

    rules = {
        "home": "/",
        "static_leaf": "/leaf",
        "static_branch": "/branch/",
        "static_deep": "/branch/deep/leaf",
        "integer": "/int/<int:n>",
        "signed": "/signed/<int(signed=True):n>",
        "bounded": "/bounded/<int(min=3, max=12):n>",
        "digits": "/digits/<int(fixed_digits=3):n>",
        "real": "/float/<float:x>",
        "real_signed": "/float-signed/<float(signed=True, max=2.5):x>",
        "text": "/user/<name>",
        "text_branch": "/user/<name>/posts/",
        "text_short": "/short/<string(minlength=2, maxlength=4):s>",
        "text_length": "/length/<string(length=2):s>",
        "anything": "/any/<any(one, two, 'three four'):word>",
        "unique": "/uuid/<uuid:u>",
        "below": "/below/<path:rest>",
        "below_edit": "/below/<path:rest>/edit",
        "words": "/list/<list:words>",
        "many": "/many/<many:pair>/end",
        "mixed": "/mixed/<int:a>-<b>.<any(html, json):c>",
        "two": "/two/<a>/<int:b>",
        "two_text": "/two/<a>/<b>",
        "unicode": "/üñí/<o>",
        "page": "/<page>",
        "page_number": "/<int:page>/",
    }
    for endpoint, rule in rules.items():
        app.add_url_rule(rule, endpoint, values)
    app.add_url_rule("/list/", "listed", values, defaults={"page": 1})
    app.add_url_rule("/list/page/<int:page>", "listed", values)
    app.add_url_rule("/only-post", "only_post", values, methods=["POST"])
    app.add_url_rule("/only-post/", "only_put", values, methods=["PUT"])
    app.add_url_rule("/verbs/<x>", "verbs_read", values, methods=["GET"])
    app.add_url_rule("/verbs/<x>", "verbs_write", values, methods=["POST", "DELETE"])
    app.add_url_rule("/options", "options", values, methods=["GET", "OPTIONS"])
    app.add_url_rule("/no-options", "no_options", values, provide_automatic_options=False)
    app.add_url_rule("/old/<x>", "old", values, redirect_to="/new/<x>")
    app.add_url_rule("/old-call/<int:x>", "old_call", values, redirect_to=moved)
    app.add_url_rule("/loose", "loose", values, strict_slashes=False)
    app.add_url_rule("/loose-branch/", "loose_branch", values, strict_slashes=False)
    app.add_url_rule("/kept//twice", "kept", values, merge_slashes=False)
    app.add_url_rule("/alias/<x>", "text_alias", values, alias=True)
    app.add_url_rule("/socket", "socket", values, websocket=True)
    app.add_url_rule("/built/<x>", "built", build_only=True)
    app.add_url_rule("/viewless/<x>", "viewless")
    if app.subdomain_matching:
        app.add_url_rule("/", "sub_home", values, subdomain="api")
        app.add_url_rule("/of/<x>", "sub_of", values, subdomain="<account>")
    if app.url_map.host_matching:
        app.add_url_rule("/", "host_home", values, host="api.example.org")
        app.add_url_rule("/of/<x>", "host_of", values, host="<account>.example.org:8080")


def moved(adapter: Any, x: int) -> str:
    return f"int/{x + 1}"


def add_error_routes(flask: Any, app: Any) -> None:
    @app.get("/abort/<int:code>")
    def abort(code: int) -> Any:
        flask.abort(code)

    @app.get("/raise/<kind>")
    def fail(kind: str) -> Any:
        errors: dict[str, Callable[[], Exception]] = {
            "oops": lambda: Oops("oops"),
            "value": lambda: ValueError("value"),
            "lookup": lambda: KeyError("lookup"),
            "teapot": Teapot,
            "conflict": lambda: Conflict("two <of> them"),
            "response": lambda: Conflict(response=flask.Response("own", 409)),
            "redirect": lambda: RequestRedirect("/elsewhere"),
            "group": lambda: ExceptionGroup("two", [Oops("one"), ValueError("two")]),
        }
        raise errors.get(kind, lambda: Oops("unknown"))()

    @app.get("/key")
    def key() -> Any:
        return flask.request.args["needed"] + flask.request.cookies["biscuit"]


def add_blueprints(flask: Any, app: Any) -> None:
    parent = flask.Blueprint(
        "parent", NAME, url_prefix="/parent/<lang>", root_path=app.root_path, static_folder="static"
    )
    child = flask.Blueprint("child", NAME, url_prefix="/child", subdomain=None)
    lonely = flask.Blueprint("lonely", NAME, url_prefix="/lonely/")

    @parent.url_value_preprocessor
    def take_lang(endpoint: str | None, values: dict[str, Any] | None) -> None:
        flask.g.lang = values.pop("lang", None) if values else None

    @parent.url_defaults
    def give_lang(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("lang", flask.g.get("lang", "en"))

    @parent.before_request
    def parent_before() -> Any:
        app.trace.append("parent before")
        return ("stopped by parent", 409) if flask.request.args.get("stop") == "parent" else None

    @child.after_request
    def child_after(response: Any) -> Any:
        response.headers["X-Child"] = flask.request.blueprint
        return response

    @child.teardown_request
    def child_teardown(error: BaseException | None) -> None:
        app.trace.append(f"child teardown {type(error).__name__}")

    @parent.errorhandler(Oops)
    def parent_oops(error: Oops) -> Any:
        return f"parent handled {error}", 400

    @child.errorhandler(404)
    def child_missing(error: HTTPException) -> Any:
        return f"child misses {flask.g.get('lang')}", 404

    @parent.get("/")
    @child.get("/<int:n>")
    def show(n: int = 0) -> Any:
        return f"{flask.g.lang} {n} {flask.url_for('.show')} {flask.request.blueprints}"

    @child.route("/fail/<kind>", methods=["GET", "POST"])
    def fail(kind: str) -> Any:
        if kind == "missing":
            flask.abort(404)
        raise Oops(kind)

    @lonely.app_errorhandler(Teapot)
    def brewed(error: Teapot) -> Any:
        return "brewed", 200

    @lonely.route("", methods=["GET"])
    @lonely.route("/x/", endpoint="x")
    def alone() -> Any:
        return flask.render_template_string("{{ note }} {{ url_for('lonely.x') }}")

    @lonely.context_processor
    def note() -> dict[str, str]:
        return {"note": "of lonely"}

    parent.register_blueprint(child)
    app.register_blueprint(parent)
    app.register_blueprint(lonely)
    app.register_blueprint(lonely, name="again", url_prefix="/again")


def add_hooks(flask: Any, app: Any) -> None:
    request = flask.request

    @app.before_request
    def before() -> Any:
        app.trace.append(f"before {request.endpoint}")
        flask.g.x = 1
        stop = request.args.get("stop")
        if stop == "raise":
            raise Oops("in before")
        if stop == "abort":
            flask.abort(403)
        return "stopped" if stop == "app" else None

    @app.after_request
    def after(response: Any) -> Any:
        app.trace.append(f"after {response.status_code}")
        response.headers["X-After"] = str(response.content_length)
        if request.args.get("after") == "replace":
            return flask.make_response("replaced")
        if request.args.get("after") == "raise":
            raise Oops("in after")
        return response

    @app.before_request
    def later() -> None:
        if request.args.get("later"):

            @flask.after_this_request
            def once(response: Any) -> Any:
                app.trace.append("after this")
                response.headers.add("X-Later", flask.g.x)
                return response

    @app.teardown_request
    def teardown(error: BaseException | None) -> None:
        app.trace.append(f"teardown {type(error).__name__}")

    @app.teardown_appcontext
    def teardown_app(error: BaseException | None) -> None:
        app.trace.append(f"teardown app {type(error).__name__} {flask.g.get('x')}")

    @app.context_processor
    def note() -> dict[str, Any]:
        return {"note": "of the app"}


def add_signals(flask: Any, app: Any) -> None:
    names = (
        *("appcontext_pushed", "appcontext_popped", "appcontext_tearing_down"),
        *("before_render_template", "got_request_exception", "message_flashed"),
        *("request_started", "request_finished", "request_tearing_down", "template_rendered"),
    )
    for name in names:

        def receive(sender: Any, name: str = name, **extra: Any) -> None:
            app.trace.append(f"{name} {sorted(extra)}")

        getattr(flask, name).connect(receive, app, weak=False)


def add_handlers(flask: Any, app: Any) -> None:
    @app.errorhandler(404)
    def missing(error: HTTPException) -> Any:
        return {"missing": flask.request.path}, 404

    @app.errorhandler(HTTPException)
    def other(error: HTTPException) -> Any:
        return flask.make_response((f"handled {error.code} {error.name}", error.code or 500))

    @app.errorhandler(Oops)
    def oops(error: Oops) -> Any:
        if flask.request.args.get("again"):
            raise ValueError("in the handler")
        return f"handled {error}", 500

    @app.errorhandler(500)
    def broken(error: Any) -> Any:
        return f"broken by {type(error.original_exception).__name__}", 500
