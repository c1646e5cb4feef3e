"""The headers of a request and a response: Werkzeug's, with less work where they are plain text."""

from __future__ import annotations

import typing as t

from werkzeug.datastructures import EnvironHeaders as _EnvironHeaders
from werkzeug.datastructures import Headers as _Headers


class Headers(_Headers):
    """Werkzeug's headers, and equal to them.

    PERF: what ``after_request`` hooks mostly do, to set a header and to look for one that is not
    there, goes through four functions in Werkzeug, the latter through an exception too.
    """

    def __setitem__(self, key: t.Any, value: t.Any) -> None:
        if (
            type(key) is str
            and type(value) is str
            and key.isascii()  # so no name of another length is the same
            and (value.isprintable() or not ("\n" in value or "\r" in value))
        ):
            size, name = len(key), key.lower()
            for old, _ in self._list:
                if len(old) == size and old.lower() == name:
                    break
            else:
                self._list.append((key, value))
                return
        super().__setitem__(key, value)

    def get(self, key: str, default: t.Any = None, type: t.Any = None) -> t.Any:  # type: ignore[override]  # overloads that differ by what `type` returns
        if type is not None:
            return super().get(key, default, type)
        name = key.lower()
        for old, value in self._list:
            if old.lower() == name:
                return value
        return default

    def __contains__(self, key: object) -> bool:
        name = key.lower()  # type: ignore[attr-defined]  # else Werkzeug's AttributeError
        for old, _ in self._list:
            if old.lower() == name:
                return True
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Headers) and _Headers(self) == _Headers(other)

    __hash__ = None


class EnvironHeaders(_EnvironHeaders):
    """Werkzeug's headers of a request, and equal to them.

    PERF: to look for a header that is not there ends in an exception there, for each one.
    """

    def get(self, key: str, default: t.Any = None, type: t.Any = None) -> t.Any:  # type: ignore[override]  # overloads that differ by what `type` returns
        if type is not None:
            return super().get(key, default, type)
        if not isinstance(key, str):
            return default
        return self.environ.get(_variable(key), default)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and _variable(key) in self.environ

    __hash__ = None


def _variable(header: str) -> str:
    """Return where the environment has a header (RFC 3875, section 4.1.18)."""
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" or name == "CONTENT_LENGTH" else f"HTTP_{name}"
