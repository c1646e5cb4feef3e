"""A pytest plugin: Werkzeug's tests of wrappers and routing meet erlen's classes and matcher.

It changes the names that the tests import, not what Werkzeug itself uses inside, and gives the
classes back the few defaults that a framework sets otherwise than Werkzeug does.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest
import werkzeug
import werkzeug.routing
import werkzeug.wrappers

# The baseline run asks Flask's classes, and Werkzeug's matcher, the same questions.
_door = importlib.import_module(os.environ["CONFORMANCE_FRAMEWORK"])
_answered = 0


class Request(_door.Request):  # type: ignore[name-defined]  # found at run time
    """The framework's request, as the tests know Werkzeug's."""


class Response(_door.Response):  # type: ignore[name-defined]  # found at run time
    """The framework's response, as the tests know Werkzeug's."""

    default_mimetype = "text/plain"


class MapAdapter(werkzeug.routing.MapAdapter):
    """Asks erlen's matcher first, on the conditions on which the road of a request asks it."""

    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: bool = False,
        query_args: Any = None,
        websocket: bool | None = None,
    ) -> Any:
        global _answered
        path = self.path_info if path_info is None else path_info
        hosts_matter = self.map.host_matching or self.subdomain != self.map.default_subdomain
        if not hosts_matter and not (self.websocket if websocket is None else websocket):
            hit = self.map.find(  # type: ignore[attr-defined]  # the tests' maps are erlen's
                (method or self.default_method).upper(), path.encode().decode("latin1")
            )
            if hit is not None:
                _answered += 1
                rule, values = hit
                return (rule if return_rule else rule.endpoint), values
        return super().match(path_info, method, return_rule, query_args, websocket)  # type: ignore[call-overload]


for _place in (werkzeug, werkzeug.wrappers):
    vars(_place).update(Request=Request, Response=Response)
if _door.__name__ == "erlen":
    _routing = importlib.import_module("erlen.routing")

    class Map(_routing.Map):  # type: ignore[name-defined]  # found at run time
        """erlen's map; its adapters ask erlen's matcher."""

        def bind(self, *args: Any, **kwargs: Any) -> MapAdapter:
            adapter: MapAdapter = super().bind(*args, **kwargs)
            adapter.__class__ = MapAdapter
            return adapter

    _names: Any = werkzeug.routing
    _names.Map = Map
    _names.Rule = _routing.Rule


def pytest_sessionfinish(session: pytest.Session) -> None:
    asked = any(item.path.name == "test_routing.py" for item in session.items)
    if _door.__name__ == "erlen" and asked and not _answered:
        raise pytest.UsageError("erlen's matcher never answered")
