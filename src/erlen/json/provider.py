"""How an app reads and writes JSON: replace it, or set what it offers, per app."""

from __future__ import annotations

import dataclasses
import json
import typing as t
import weakref
from collections.abc import Callable
from datetime import date
from json import encoder
from uuid import UUID

from werkzeug.http import http_date
from werkzeug.sansio.response import Response

from ..typing import App

_COMPACT = {"separators": (",", ":")}
_Encode = Callable[[t.Any, int], t.Iterable[str]]
_Options: t.TypeAlias = tuple[Callable[[t.Any], t.Any], bool, bool]
_Known: t.TypeAlias = tuple[_Options, _Encode]  # an encoder, and the options of it


class JSONProvider:
    """What an app does with JSON; subclass it to use another library.

    Implement at least :meth:`dumps` and :meth:`loads`, and set ``json_provider_class`` on the
    app's class or ``app.json`` on the app.

    :param app: the app, kept as a weak proxy in ``_app``.

    Source: https://flask.palletsprojects.com/en/stable/api/#flask.json.provider.JSONProvider
    """

    def __init__(self, app: App) -> None:
        self._app: App = weakref.proxy(app)

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Serialize to JSON text.

        :param kwargs: for the library that does it.
        """
        raise NotImplementedError

    def dump(self, obj: t.Any, fp: t.IO[str], **kwargs: t.Any) -> None:
        """Serialize into a file opened for writing text, in UTF-8.

        :param kwargs: for the library that does it.
        """
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: t.Any) -> t.Any:
        """Read JSON text, or bytes in UTF-8.

        :param kwargs: for the library that does it.
        """
        raise NotImplementedError

    def load(self, fp: t.IO[t.AnyStr], **kwargs: t.Any) -> t.Any:
        """Read a file opened for reading text or bytes.

        :param kwargs: for the library that does it.
        """
        return self.loads(fp.read(), **kwargs)

    def _prepare_response_obj(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> t.Any:
        if args and kwargs:
            raise TypeError("app.json.response() takes either args or kwargs, not both")
        if not args:
            return kwargs or None
        return args[0] if len(args) == 1 else args

    def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
        """Answer with JSON; :func:`erlen.json.jsonify` calls this.

        :param args: one value, or several to be sent as a list; none is ``null``.
        :param kwargs: the items of an object, instead of ``args``.
        :return: an ``app.response_class`` of the type ``application/json``.
        :raise TypeError: both were given.
        """
        obj = self._prepare_response_obj(args, kwargs)
        return self._app.response_class(  # type: ignore[no-any-return]  # App is Any
            self.dumps(obj), mimetype="application/json"
        )


def _default(o: t.Any) -> t.Any:
    """Turn what JSON does not know into what it knows; see :class:`DefaultJSONProvider`."""
    from decimal import Decimal  # here, as it is rarely needed and takes 3 ms to import

    if isinstance(o, date):
        return http_date(o)
    if isinstance(o, (Decimal, UUID)):
        return str(o)
    if dataclasses.is_dataclass(o):
        return dataclasses.asdict(o)  # type: ignore[arg-type]  # a class is refused by asdict
    if hasattr(o, "__html__"):
        return str(o.__html__())
    raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")


class DefaultJSONProvider(JSONProvider):
    """Python's :mod:`json`, with a few more types.

    Dates and times become HTTP dates (RFC 9110), UUIDs and decimals text, dataclasses objects,
    and what has an ``__html__`` method, as ``Markup``, its HTML. The options below may be set on
    a subclass or on ``app.json``, at any time.

    Source: https://flask.palletsprojects.com/en/stable/api/#flask.json.provider.DefaultJSONProvider
    """

    #: Called with each object that JSON does not know; returns one that it knows, or raises
    #: TypeError.
    default: Callable[[t.Any], t.Any] = staticmethod(_default)

    #: Write other than ASCII characters as escapes. Default: true.
    ensure_ascii = True

    #: Sort the keys of objects, which must then all be strings. Default: true.
    sort_keys = True

    #: Whether :meth:`response` leaves out indentation and blanks. Default: out of debug mode.
    compact: bool | None = None

    #: The media type of :meth:`response`.
    mimetype = "application/json"

    #: The options that the last encoder was made for, and the encoder: one for compact text,
    #: one for text with blanks.
    _compact_encoder: _Known | None = None
    _spaced_encoder: _Known | None = None

    # Whether the object has a method of its own in the place of one that answers.
    _replaced = False

    def __setattr__(self, name: str, value: t.Any) -> None:
        if name in ("dumps", "response"):
            object.__setattr__(self, "_replaced", True)
        object.__setattr__(self, name, value)

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Serialize to JSON text.

        :param kwargs: for :func:`json.dumps`; ``default``, ``ensure_ascii`` and ``sort_keys``
            are taken from the provider where not given.
        :raise TypeError: something is not JSON serializable, or ``sort_keys`` met keys of
            different types.
        :raise ValueError: the data contains itself.
        """
        if not kwargs or kwargs == _COMPACT:
            try:
                return self._write(obj, compact=bool(kwargs))
            except RecursionError:
                pass  # json.dumps tells data that contains itself from data that is too deep
        kwargs.setdefault("default", self.default)
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        return json.dumps(obj, **kwargs)

    def _write(self, obj: t.Any, compact: bool) -> str:
        options = (self.default, self.ensure_ascii, self.sort_keys)
        known = self._compact_encoder if compact else self._spaced_encoder
        if known is None or known[0] != options:
            known = self._keep_encoder(options, compact)
        return "".join(known[1](obj, 0))

    # PERF: json.dumps makes an encoder on each call, which costs three times as much as writing
    # a small object. The two usual sets of options keep theirs.
    def _keep_encoder(self, options: _Options, compact: bool) -> _Known:
        known = options, _make_encoder(*options, (",", ":") if compact else (", ", ": "))
        if compact:
            self._compact_encoder = known
        else:
            self._spaced_encoder = known
        return known

    def loads(self, s: str | bytes, **kwargs: t.Any) -> t.Any:
        """Read JSON text, or bytes in UTF-8, UTF-16 or UTF-32.

        :param kwargs: for :func:`json.loads`.
        :raise ValueError: the text is not JSON.
        """
        # PERF: msgspec reads 3 to 8 times as fast. What it accepts it reads as json does; what
        # it does not accept, json reads or refuses with its own words.
        if not kwargs and (type(s) is bytes or type(s) is str):
            import msgspec  # here, as it takes 20 ms to import

            try:
                return msgspec.json.decode(s)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                pass
        try:
            return json.loads(s, **kwargs)
        except RecursionError:
            # What a client sent is no error of the program.
            raise ValueError("the JSON text is nested too deeply") from None

    def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
        """Answer with JSON; :func:`erlen.json.jsonify` calls this.

        :param args: one value, or several to be sent as a list; none is ``null``.
        :param kwargs: the items of an object, instead of ``args``.
        :return: an ``app.response_class`` of the type :attr:`mimetype`, ending in a newline, and
            indented by 2 unless :attr:`compact`.
        :raise TypeError: both were given, or something is not JSON serializable.
        """
        obj = self._prepare_response_obj(args, kwargs)
        if self.compact is False or (self.compact is None and self._app.debug):
            text = self.dumps(obj, indent=2)
        else:
            text = self.dumps(obj, separators=(",", ":"))
        return self._app.response_class(  # type: ignore[no-any-return]  # App is Any
            text + "\n", mimetype=self.mimetype
        )


_own_dumps, _own_response = DefaultJSONProvider.dumps, DefaultJSONProvider.response


def compact_text(provider: JSONProvider, obj: t.Any, debug: bool) -> str | None:
    """Return the body that a provider's ``response`` sends for one value; None for "ask it".

    PERF: without the calls between that and the encoder (a tenth of a small request).

    :param debug: whether the app is in debug mode.
    """
    if (
        debug
        or type(provider) is not DefaultJSONProvider
        or provider._replaced
        or provider.compact is False
        or DefaultJSONProvider.dumps is not _own_dumps
        or DefaultJSONProvider.response is not _own_response
    ):
        return None
    options = (provider.default, provider.ensure_ascii, provider.sort_keys)
    known = provider._compact_encoder
    if known is None or known[0] != options:
        known = provider._keep_encoder(options, compact=True)
    try:
        return "".join(known[1](obj, 0)) + "\n"
    except RecursionError:
        return None


def _make_encoder(
    default: Callable[[t.Any], t.Any] | None,
    ensure_ascii: bool,
    sort_keys: bool,
    separators: tuple[str, str],
) -> _Encode:
    """Make a function that turns an object and the level 0 into pieces of JSON text.

    Unlike :func:`json.dumps` it keeps no list of the containers it is in: data that contains
    itself ends in RecursionError.
    """
    plain = json.JSONEncoder(
        check_circular=False,
        ensure_ascii=ensure_ascii,
        sort_keys=sort_keys,
        separators=separators,
        default=default,
    )
    make: t.Any = getattr(encoder, "c_make_encoder", None)
    if make is None:  # not CPython
        return lambda obj, level: plain.iterencode(obj)
    quote = encoder.encode_basestring_ascii if ensure_ascii else encoder.encode_basestring
    item, key = separators
    # As JSONEncoder.iterencode calls it: no indentation, keys not skipped, NaN allowed.
    encode: _Encode = make(None, plain.default, quote, None, key, item, sort_keys, False, True)
    return encode
