"""A blueprint that owns its prefix answers the unknown URLs below it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.exceptions import MethodNotAllowed, NotFound


def view() -> str:
    return "view"


@pytest.mark.erlen_only
class TestOwnedPrefix:
    def make(self, flask: Any, name: str, prefix: str | None, **options: Any) -> Any:
        part = flask.Blueprint(
            name, "tested", root_path="/", url_prefix=prefix, owns_prefix=True, **options
        )
        part.register_error_handler(NotFound, lambda e: (f"{name}: not found", 404))
        part.register_error_handler(MethodNotAllowed, lambda e: (f"{name}: not so", 405))
        part.get("/view", endpoint="view")(view)
        return part

    def test_by_default_the_app_answers(self, flask: Any, app: Any, client: Any) -> None:
        part = flask.Blueprint("part", "tested", root_path="/", url_prefix="/part")
        part.register_error_handler(404, lambda e: ("part", 404))
        app.register_blueprint(part)
        assert app.prefix_owners == {}
        assert "Not Found" in client.get("/part/unknown").text

    def test_unknown_urls_below_it(self, flask: Any, app: Any, client: Any) -> None:
        app.register_blueprint(self.make(flask, "part", "/part/"))
        app.register_error_handler(404, lambda e: ("app", 404))
        assert app.prefix_owners == {"/part": "part"}

        for path in ("/part/unknown", "/part/", "/part", "/part/view/"):
            response = client.get(path)
            assert (response.text, response.status_code) == ("part: not found", 404), path
        response = client.post("/part/view")
        assert (response.text, response.status_code) == ("part: not so", 405)
        for path in ("/unknown", "/party", "/pa", "/"):
            assert client.get(path).text == "app", path

    def test_the_longest_prefix_wins(self, flask: Any, app: Any, client: Any) -> None:
        parent = self.make(flask, "parent", "/api")
        child = self.make(flask, "child", "/v1")
        parent.register_blueprint(child)
        app.register_blueprint(parent)
        assert app.prefix_owners == {"/api": "parent", "/api/v1": "parent.child"}
        assert client.get("/api/v1/unknown").text == "child: not found"
        assert client.get("/api/v2").text == "parent: not found"

    def test_a_child_leaves_to_its_parent_what_it_does_not_handle(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        parent = self.make(flask, "parent", "/api")
        child = flask.Blueprint(
            "child", "tested", root_path="/", url_prefix="/v1", owns_prefix=True
        )
        parent.register_blueprint(child)
        app.register_blueprint(parent)
        assert client.get("/api/v1/unknown").text == "parent: not found"

    def test_each_registration_owns_its_own(self, flask: Any, app: Any) -> None:
        part = self.make(flask, "part", "/one")
        app.register_blueprint(part)
        app.register_blueprint(part, name="again", url_prefix="/two")
        assert app.prefix_owners == {"/one": "part", "/two": "again"}

    @pytest.mark.parametrize("prefix", [None, "", "/", "/<lang>/part"])
    def test_what_cannot_be_owned(self, flask: Any, app: Any, prefix: str | None) -> None:
        with pytest.raises(ValueError) as caught:
            app.register_blueprint(self.make(flask, "part", prefix))
        assert str(caught.value) == (
            f"The blueprint 'part' cannot own its prefix {prefix!r}: 'owns_prefix' needs a"
            " 'url_prefix' with at least one segment and without variables. To answer unknown URLs"
            " everywhere, use 'app_errorhandler'."
        )
        assert app.blueprints == {}
