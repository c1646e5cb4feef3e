"""JSON that keeps tuples, bytes, dates and the like: each is written as ``{" tag": value}``.

The session cookie is written so. An app's own types can be added::

    from collections import OrderedDict
    from erlen.json.tag import JSONTag

    class TagOrderedDict(JSONTag):
        key = " od"

        def check(self, value):
            return isinstance(value, OrderedDict)

        def to_json(self, value):
            return [[key, self.serializer.tag(item)] for key, item in value.items()]

        def to_python(self, value):
            return OrderedDict(value)

    app.session_interface.serializer.register(TagOrderedDict, index=0)  # before plain dicts
"""

from __future__ import annotations

import typing as t
from base64 import b64decode, b64encode
from datetime import datetime
from uuid import UUID

from markupsafe import Markup
from werkzeug.http import http_date, parse_date

from ..globals import _cv_app
from . import dumps, loads

#: What JSON writes as it stands, and no tag of ours wants.
_SCALARS = frozenset({str, int, float, bool, type(None)})


class JSONTag:
    """One type that plain JSON does not keep, and how to write and read it.

    :param serializer: the :class:`TaggedJSONSerializer` that the tag is registered with.
    """

    __slots__ = ("serializer",)

    #: The key that marks the value; empty where the value needs no mark when it is read.
    key: str = ""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: t.Any) -> bool:
        """Tell whether this tag is for the value."""
        raise NotImplementedError

    def to_json(self, value: t.Any) -> t.Any:
        """Turn the value into what JSON knows; the mark is put around it later."""
        raise NotImplementedError

    def to_python(self, value: t.Any) -> t.Any:
        """Turn what :meth:`to_json` made back into the value."""
        raise NotImplementedError

    def tag(self, value: t.Any) -> dict[str, t.Any]:
        """Turn the value into what JSON knows, and put the mark around it."""
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """A dict that looks like a tagged value: its only key is a tag's, and gets two underscores."""

    __slots__ = ()
    key = " di"

    def check(self, value: t.Any) -> bool:
        tags = self.serializer.tags
        return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in tags

    def to_json(self, value: t.Any) -> t.Any:
        [(key, item)] = value.items()
        return {f"{key}__": self.serializer.tag(item)}

    def to_python(self, value: t.Any) -> t.Any:
        key = next(iter(value))
        return {key[:-2]: value[key]}


class PassDict(JSONTag):
    """Any other dict, whose values may need tags; its keys are strings in JSON."""

    __slots__ = ()

    def check(self, value: t.Any) -> bool:
        return isinstance(value, dict)

    def to_json(self, value: t.Any) -> t.Any:
        tag = self.serializer.tag
        return {key: tag(item) for key, item in value.items()}

    tag = to_json


class TagTuple(JSONTag):
    """A tuple, written as a list."""

    __slots__ = ()
    key = " t"

    def check(self, value: t.Any) -> bool:
        return isinstance(value, tuple)

    def to_json(self, value: t.Any) -> t.Any:
        return [self.serializer.tag(item) for item in value]

    def to_python(self, value: t.Any) -> t.Any:
        return tuple(value)


class PassList(JSONTag):
    """A list, whose items may need tags."""

    __slots__ = ()

    def check(self, value: t.Any) -> bool:
        return isinstance(value, list)

    def to_json(self, value: t.Any) -> t.Any:
        return [self.serializer.tag(item) for item in value]

    tag = to_json


class TagBytes(JSONTag):
    """Bytes, written in base64."""

    __slots__ = ()
    key = " b"

    def check(self, value: t.Any) -> bool:
        return isinstance(value, bytes)

    def to_json(self, value: t.Any) -> t.Any:
        return b64encode(value).decode("ascii")

    def to_python(self, value: t.Any) -> t.Any:
        return b64decode(value)


class TagMarkup(JSONTag):
    """Whatever has an ``__html__`` method, written as its HTML and read as Markup."""

    __slots__ = ()
    key = " m"

    def check(self, value: t.Any) -> bool:
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: t.Any) -> t.Any:
        return str(value.__html__())

    def to_python(self, value: t.Any) -> t.Any:
        return Markup(value)


class TagUUID(JSONTag):
    """A UUID, written as 32 hexadecimal digits."""

    __slots__ = ()
    key = " u"

    def check(self, value: t.Any) -> bool:
        return isinstance(value, UUID)

    def to_json(self, value: t.Any) -> t.Any:
        return value.hex

    def to_python(self, value: t.Any) -> t.Any:
        return UUID(value)


class TagDateTime(JSONTag):
    """A date and time, written as an HTTP date: whole seconds, read as UTC."""

    __slots__ = ()
    key = " d"

    def check(self, value: t.Any) -> bool:
        return isinstance(value, datetime)

    def to_json(self, value: t.Any) -> t.Any:
        return http_date(value)

    def to_python(self, value: t.Any) -> t.Any:
        return parse_date(value)


class TaggedJSONSerializer:
    """Write and read JSON with tags; an intermediate serializer for :mod:`itsdangerous`.

    It keeps dicts, tuples, bytes, Markup, UUIDs and datetimes. It is not for untrusted text:
    read only what was signed.
    """

    __slots__ = ("tags", "order", "_own")

    #: The tags that every serializer begins with, in the order in which they are asked.
    default_tags: t.ClassVar[list[type[JSONTag]]] = [
        TagDict,
        PassDict,
        TagTuple,
        PassList,
        TagBytes,
        TagMarkup,
        TagUUID,
        TagDateTime,
    ]

    def __init__(self) -> None:
        self.tags: dict[str, JSONTag] = {}
        self.order: list[JSONTag] = []
        for tag_class in self.default_tags:
            self.register(tag_class)
        self._own = [tag for tag in self.order if type(tag) in _OWN_TAGS]

    def register(
        self, tag_class: type[JSONTag], force: bool = False, index: int | None = None
    ) -> None:
        """Add a tag.

        :param tag_class: is made with this serializer.
        :param force: replace the tag that has the same key. Default: false.
        :param index: the place in the order in which tags are asked; a special case of another
            type goes before it. Default: the end.
        :raise KeyError: another tag has the key, and ``force`` is false.
        """
        tag = tag_class(self)
        if tag.key:
            if not force and tag.key in self.tags:
                raise KeyError(f"Tag '{tag.key}' is already registered.")
            self.tags[tag.key] = tag
        self.order.insert(len(self.order) if index is None else index, tag)

    def tag(self, value: t.Any) -> t.Any:
        """Mark the value, and what is in it, where plain JSON would not keep it."""
        # PERF: our own tags leave scalars alone, and dicts of scalars, as most sessions are.
        if self.order == self._own and self._is_plain(value):
            return value
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)
        return value

    def _is_plain(self, value: t.Any) -> bool:
        if type(value) is not dict:
            return type(value) in _SCALARS
        if len(value) == 1 and next(iter(value)) in self.tags:
            return False
        return _SCALARS.issuperset(map(type, value.values()))

    def untag(self, value: dict[str, t.Any]) -> t.Any:
        """Turn a marked value back; anything else is returned as it is."""
        if len(value) != 1:
            return value
        [(key, item)] = value.items()
        return self.tags[key].to_python(item) if key in self.tags else value

    def _untag_scan(self, value: t.Any) -> t.Any:
        if isinstance(value, dict):
            # PERF: a dict of scalars, as most sessions are, has nothing in it to turn back.
            if not _SCALARS.issuperset(map(type, value.values())):
                value = {key: self._untag_scan(item) for key, item in value.items()}
            return self.untag(value)
        if isinstance(value, list):
            return [self._untag_scan(item) for item in value]
        return value

    def dumps(self, value: t.Any) -> str:
        """Mark what needs it, and write compact JSON."""
        ctx = _cv_app.get(None)
        # PERF: what erlen.json.dumps does in an app, but keyword arguments are passed once.
        write = dumps if ctx is None else ctx.app.json.dumps
        return write(self.tag(value), separators=(",", ":"))

    def loads(self, value: str) -> t.Any:
        """Read JSON, and turn what is marked back."""
        ctx = _cv_app.get(None)
        read = loads if ctx is None else ctx.app.json.loads
        return self._untag_scan(read(value))


_OWN_TAGS = frozenset(TaggedJSONSerializer.default_tags)
