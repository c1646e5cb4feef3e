"""The signature of a session, held against Python's own HMAC; the rest is in test_sessions.py."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from erlen import _signing

pytestmark = pytest.mark.erlen_only


@given(st.binary(max_size=200), st.binary(max_size=50), st.sampled_from(["sha1", "sha512", "md5"]))
@example(b"k" * 64, b"", "sha1")
@example(b"k" * 65, b"", "sha1")
def test_the_signature_is_an_hmac(key: bytes, text: bytes, method: str) -> None:
    keyed = _signing._key_hmac(key, getattr(hashlib, method))
    for _ in range(2):  # what is keyed can be used again
        signature = _signing._from_base64(_signing._sign(keyed, text))
        assert signature == hmac.digest(key, text, method)
