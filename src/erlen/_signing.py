"""How the text of a session is signed and read: itsdangerous' way, with less work for each.

A module of its own, so that an app without sessions does not import itsdangerous.
"""

from __future__ import annotations

import hashlib
import hmac
import typing as t
import zlib
from binascii import a2b_base64, b2a_base64
from datetime import datetime
from functools import cached_property, lru_cache, partial
from uuid import UUID

from itsdangerous import TimestampSigner, URLSafeTimedSerializer, want_bytes
from itsdangerous.encoding import int_to_bytes

# The inner and the outer hash of an HMAC, before there is a text; copy them before use.
_KeyedHMAC: t.TypeAlias = tuple[t.Any, t.Any]


class SessionSigner(TimestampSigner):
    """itsdangerous' signer, which derives its keys once and keys each HMAC once.

    PERF: itsdangerous does both for every value, which takes longer than the signing itself.
    """

    @cached_property
    def _keyed(self) -> tuple[_KeyedHMAC, ...]:
        """An HMAC for each key, the signing key's first."""
        method: t.Any = self.digest_method
        if isinstance(method, str):
            method = partial(hashlib.new, method)
        return tuple(_key_hmac(self.derive_key(key), method) for key in reversed(self.secret_keys))

    def sign(self, value: str | bytes) -> bytes:
        text = value if type(value) is bytes else want_bytes(value)
        signed = text + self.sep + _timestamp(self.get_timestamp())
        return signed + self.sep + _sign(self._keyed[0], signed)

    def read(self, signed: bytes) -> tuple[bytes, int] | None:
        """Return what was signed and when, in seconds since 1970.

        :return: ``None`` where :meth:`unsign` is to tell what is wrong.
        """
        signed_part, _, signature = signed.rpartition(self.sep)
        payload, sep, timestamp = signed_part.rpartition(self.sep)
        for keyed in self._keyed if sep else ():
            if hmac.compare_digest(_sign(keyed, signed_part), signature):
                break
        else:
            return None
        try:
            return payload, int.from_bytes(_from_base64(timestamp))
        except ValueError:
            return None


# PERF: within a second it is the same.
@lru_cache(maxsize=4)
def _timestamp(seconds: int) -> bytes:
    return _to_base64(int_to_bytes(seconds))


def _key_hmac(key: bytes, method: t.Any) -> _KeyedHMAC:
    """Hash the two blocks that an HMAC makes of its key (RFC 2104, section 4).

    PERF: Python's hmac is a class around OpenSSL's, of which a copy takes twice as long.
    """
    size: int = method().block_size
    block = (key if len(key) <= size else method(key).digest()).ljust(size, b"\0")
    return method(block.translate(hmac.trans_36)), method(block.translate(hmac.trans_5C))


def _sign(keyed: _KeyedHMAC, value: bytes) -> bytes:
    inner, outer = keyed[0].copy(), keyed[1].copy()
    inner.update(value)
    outer.update(inner.digest())
    return _to_base64(outer.digest())


# PERF: itsdangerous' base64 is this, and four calls deep; a session is three times in base64.
def _to_base64(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_TO_URL_SAFE).rstrip(b"=")


def _from_base64(data: bytes) -> bytes:
    return a2b_base64(data.translate(_FROM_URL_SAFE) + b"===")


_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


# A session that was read: when it was signed, and its data where nothing in them can change, else
# the JSON that they are made of each time.
_Known: t.TypeAlias = tuple[int, dict[str, t.Any] | None, str]
_MAX_KNOWN = 1000  # sessions that are remembered
_MAX_KNOWN_SIZE = 8192  # characters of one, cookie and JSON
_CONSTANTS = frozenset({str, int, float, bool, type(None), bytes, datetime, UUID})


class SessionSerializer(URLSafeTimedSerializer):
    """itsdangerous' serializer, with one signer for all the sessions it reads and writes.

    PERF: a browser sends its cookie again and again. One that was found good is remembered, by
    the whole of it, with what it holds; its age is asked each time. Another key has another
    serializer.
    """

    #: Whether a weak key was looked for.
    key_checked = False

    @cached_property
    def _known(self) -> dict[str, _Known]:
        return {}

    @cached_property
    def _signer(self) -> SessionSigner:
        return SessionSigner(self.secret_keys, salt=self.salt, **self.signer_kwargs)

    def make_signer(self, salt: str | bytes | None = None) -> TimestampSigner:
        if salt is None:
            return self._signer
        return t.cast(TimestampSigner, super().make_signer(salt))

    def loads(  # type: ignore[override]  # as TimedSerializer's, which has another order
        self,
        s: str | bytes,
        max_age: int | None = None,
        return_timestamp: bool = False,
        salt: str | bytes | None = None,
    ) -> t.Any:
        # PERF: the good case without the timestamp as a datetime; all else is itsdangerous'.
        if type(s) is str and salt is None and max_age is not None and not return_timestamp:
            known = self._known.get(s) or self._read(s)
            if known is not None:
                signed_at, data, json = known
                if 0 <= self._signer.get_timestamp() - signed_at <= max_age:
                    return self.serializer.loads(json) if data is None else data.copy()
        return super().loads(s, max_age, return_timestamp, salt)

    def _read(self, cookie: str) -> _Known | None:
        """Read a session and remember it; ``None`` where itsdangerous is to tell what is wrong."""
        signed = self._signer.read(cookie.encode()) if self.is_text_serializer else None
        if signed is None:
            return None
        payload, signed_at = signed
        try:
            if payload.startswith(b"."):
                # PERF: by itself it would take 16 KB for what is mostly a few hundred bytes.
                text = zlib.decompress(_from_base64(payload[1:]), bufsize=1024).decode()
            else:
                text = _from_base64(payload).decode()
            data = self.serializer.loads(text)
        except Exception:
            return None
        lasts = type(data) is dict and all(type(value) in _CONSTANTS for value in data.values())
        known = signed_at, data if lasts else None, text
        if len(cookie) + len(text) <= _MAX_KNOWN_SIZE:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[cookie] = known
        return known

    def dumps(self, obj: t.Any, salt: str | bytes | None = None) -> t.Any:
        if salt is None and self.is_text_serializer:
            return self._signer.sign(self.dump_payload(obj)).decode()
        return super().dumps(obj, salt)

    def dump_payload(self, obj: t.Any) -> bytes:
        text = self.serializer.dumps(obj, **self.serializer_kwargs)
        json = text.encode() if type(text) is str else want_bytes(text)
        if _worth_compressing(json):
            compressed = zlib.compress(json)
            if len(compressed) < len(json) - 1:
                return b"." + _to_base64(compressed)
        return _to_base64(json)


_SMALL_ZLIB = zlib.compressobj(wbits=9, memLevel=2)


def _worth_compressing(json: bytes) -> bool:
    """Rule out what zlib would not make shorter.

    PERF: zlib.compress clears 256 KB for each call, which costs more than all the rest of a
    small session. Within 240 bytes the smallest window holds everything and one block takes all
    the symbols, so the length is the same at a tenth of the cost.
    """
    if len(json) <= 15:
        return False  # around the five characters that no object shares, zlib takes 14 bytes
    if len(json) > 240:
        return True
    small = _SMALL_ZLIB.copy()
    return len(small.compress(json)) + len(small.flush()) < len(json) - 1
