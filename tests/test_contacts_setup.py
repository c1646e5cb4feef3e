"""The test client, the contexts and the methods of set-up, as extensions derive and wrap them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.exceptions import NotFound

KEY = "a secret key of more than thirty-two bytes"


def make(flask: Any, folder: Path, **attributes: Any) -> Any:
    """An app of a subclass with these attributes."""
    app = type("Mine", (flask.Flask,), attributes)("mine", root_path=str(folder))
    app.config.update(TESTING=True, SECRET_KEY=KEY)
    return app


class TestClientAndContext:
    def test_client_class(self, flask: Any, app: Any) -> None:
        """pytest-flask, RESTX, Indico and pgAdmin derive the client."""
        testing: Any = importlib.import_module(f"{flask.__name__}.testing")

        class Mine(testing.FlaskClient):
            def __init__(self, *args: Any, token: str = "", **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.token = token

            def open(self, *args: Any, **kwargs: Any) -> Any:
                kwargs.setdefault("headers", {})["Authorization"] = f"Bearer {self.token}"
                return super().open(*args, **kwargs)

        app.test_client_class = Mine
        app.add_url_rule("/", "index", lambda: flask.request.headers["Authorization"])
        client = app.test_client(token="abc")
        assert (type(client), client.get("/").text) == (Mine, "Bearer abc")

    def test_response_wrapper_of_the_client(self, flask: Any, app: Any) -> None:
        """Flask-Testing and pytest-flask mix a class of theirs into the response's."""

        class Mixin:
            def is_fine(self) -> bool:
                return bool(self.status_code == 200)  # type: ignore[attr-defined]  # a mixin

        app.response_class = type("Mixed", (Mixin, flask.Response), {})
        app.add_url_rule("/", "index", lambda: "x")
        assert app.test_client().get("/").is_fine()

    def test_globals_class(self, flask: Any, tmp_path: Path) -> None:
        """CKAN looks what `g` does not have up elsewhere."""
        ctx: Any = importlib.import_module(f"{flask.__name__}.ctx")

        class Mine(ctx._AppCtxGlobals):
            def __getattr__(self, name: str) -> Any:
                return f"from elsewhere: {name}"

        app = make(flask, tmp_path, app_ctx_globals_class=Mine)
        app.add_url_rule("/", "index", lambda: flask.g.anything)
        assert app.test_client().get("/").text == "from elsewhere: anything"
        with app.app_context():
            flask.g.mine = 1
            assert (flask.g.mine, flask.g.other) == (1, "from elsewhere: other")

    def test_g_handed_over(self, flask: Any, app: Any) -> None:
        """Flask-Executor gives the job's context a copy of `g`."""
        with app.test_request_context():
            flask.g.user = "ada"
            kept = flask.g._get_current_object()
        with app.app_context():
            flask.globals._cv_app.get().g = kept
            assert flask.g.user == "ada"

    def test_after_request_functions_of_the_context(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        """Some keep, clear or replace the list that `after_this_request` fills."""

        def mark(name: str) -> Any:
            return lambda response: (response.headers.update({name: "1"}), response)[1]

        def view() -> str:
            ctx = flask.globals.request_ctx
            flask.after_this_request(mark("X-Dropped"))
            assert len(ctx._after_request_functions) == 1
            ctx._after_request_functions = []
            flask.after_this_request(mark("X-Kept"))
            ctx._after_request_functions.append(mark("X-Appended"))
            return "x"

        app.add_url_rule("/", "index", view)
        headers = client.get("/").headers
        assert {name for name in headers.keys() if name.startswith("X-")} == {
            "X-Kept",
            "X-Appended",
        }

    def test_no_request_for_a_while(self, flask: Any, app: Any) -> None:
        """Tests of background work hide the request and keep the app."""
        cv = flask.globals._cv_request
        with app.test_request_context("/x"):
            flask.g.kept = 1
            scope = flask.globals.app_ctx._get_current_object()
            token = cv.set(None)
            assert not flask.has_request_context()
            assert flask.has_app_context()
            assert flask.current_app._get_current_object() is app
            assert flask.g.kept == 1
            assert flask.globals.app_ctx._get_current_object() is scope
            cv.reset(token)
            assert flask.request.path == "/x"
        assert cv.get(None) is None

    def test_no_request_where_there_is_no_context(self, flask: Any) -> None:
        cv = flask.globals._cv_request
        token = cv.set(None)
        assert not flask.has_request_context()
        cv.reset(token)

    def test_all_contexts_popped_and_pushed_again(self, flask: Any, app: Any) -> None:
        """Indico's client takes the contexts around it away for its requests."""
        app.add_url_rule("/", "index", lambda: str(flask.g.get("mine")))
        outer = app.app_context()
        outer.push()
        flask.g.mine = 1
        assert app.test_client().get("/").text == "1"
        outer.pop()
        assert app.test_client().get("/").text == "None"
        outer.push()
        assert flask.current_app.name == app.name
        outer.pop()


class TestSetUp:
    """Instrumentations wrap the methods of set-up on the class."""

    METHODS = (
        ("before_request", lambda app: app.before_request(lambda: None)),
        ("after_request", lambda app: app.after_request(lambda r: r)),
        ("teardown_request", lambda app: app.teardown_request(lambda e: None)),
        ("teardown_appcontext", lambda app: app.teardown_appcontext(lambda e: None)),
        ("endpoint", lambda app: app.endpoint("e")(lambda: "x")),
        ("add_url_rule", lambda app: app.route("/r")(lambda: "x")),
        ("register_error_handler", lambda app: app.errorhandler(404)(lambda e: "x")),
        ("register_blueprint", lambda app: app.register_blueprint(app.bp)),
    )

    @pytest.mark.parametrize(("name", "use"), METHODS)
    def test_of_the_app(
        self, flask: Any, app: Any, monkeypatch: pytest.MonkeyPatch, name: str, use: Any
    ) -> None:
        app.bp = flask.Blueprint("bp", "bp")
        original = getattr(flask.Flask, name)
        calls: list[str] = []

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            return original(self, *args, **kwargs)

        monkeypatch.setattr(flask.Flask, name, wrapper)
        use(app)
        assert calls == [name]

    @pytest.mark.parametrize(
        "name",
        [
            "before_app_request",
            "after_app_request",
            "teardown_app_request",
            "before_request",
            "after_request",
            "teardown_request",
        ],
    )
    def test_of_a_blueprint(
        self, flask: Any, app: Any, client: Any, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        original = getattr(flask.Blueprint, name)
        calls: list[str] = []

        def wrapper(self: Any, f: Any) -> Any:
            def traced(*args: Any) -> Any:
                calls.append(name)
                return f(*args)

            return original(self, traced)

        monkeypatch.setattr(flask.Blueprint, name, wrapper)
        bp = flask.Blueprint("bp", "bp")
        bp.add_url_rule("/", "index", lambda: "x")
        getattr(bp, name)((lambda: None) if name.startswith("before") else (lambda x: x))
        app.register_blueprint(bp)
        assert client.get("/").text == "x"
        assert calls == [name]

    def test_as_view(
        self, flask: Any, app: Any, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """New Relic wraps `View.as_view` and marks the function that it returns."""
        views: Any = importlib.import_module(f"{flask.__name__}.views")
        original = views.View.as_view.__func__

        def as_view(cls: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            view = original(cls, name, *args, **kwargs)
            view.marked = f"{view.__module__}:{view.__name__}"
            return view

        monkeypatch.setattr(views.View, "as_view", classmethod(as_view))

        class Mine(views.MethodView):
            def get(self) -> str:
                return str(flask.current_app.view_functions["mine"].marked)

        app.add_url_rule("/", view_func=Mine.as_view("mine"))
        assert client.get("/").text == f"{__name__}:mine"

    def test_receivers_for(self, flask: Any, app: Any, client: Any) -> None:
        """ddtrace wraps `receivers_for` of each signal to trace the receivers."""
        traced: list[str] = []

        def receive(sender: Any, **extra: Any) -> None:
            traced.append("received")

        def receivers_for(sender: Any) -> Iterator[Any]:
            for receiver in original(sender):
                traced.append("wrapped")
                yield receiver

        signal = flask.request_started
        original = signal.receivers_for
        signal.receivers_for = receivers_for
        try:
            with signal.connected_to(receive, app):
                client.get("/")
        finally:
            del signal.receivers_for
        assert traced == ["wrapped", "received"]

    def test_wsgi_app_knows_its_app(self, flask: Any, app: Any) -> None:
        """ddtrace finds the app behind a mounted `app.wsgi_app`."""
        assert app.wsgi_app.__self__ is app

    def test_static_folder_of_many(self, flask: Any, tmp_path: Path) -> None:
        """CKAN overrides the property of the static folder with a list of folders."""
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (tmp_path / name / f"{name}.txt").write_text(name)

        class Many(flask.Flask):
            folders: list[str] = []

            @property
            def static_folder(self) -> Any:
                return [f"{self.root_path}/{name}" for name in self.folders]

            @static_folder.setter
            def static_folder(self, value: Any) -> None:
                self.folders = [value] if isinstance(value, str) else list(value)

            @property
            def static_url_path(self) -> str:
                return "/static"

            @static_url_path.setter
            def static_url_path(self, value: Any) -> None: ...

            def send_static_file(self, filename: str) -> Any:
                for folder in self.static_folder:
                    try:
                        return flask.send_from_directory(folder, filename)
                    except NotFound:
                        pass
                raise NotFound()

        app = Many("many", static_folder=["one", "two"], root_path=str(tmp_path))
        client = app.test_client()
        for name in ("one", "two"):
            with client.get(f"/static/{name}.txt") as response:
                assert response.text == name
        assert client.get("/static/three.txt").status_code == 404
