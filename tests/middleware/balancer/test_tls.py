"""Backends over TLS: only one whose certificate holds is asked."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from erlen.middleware import Balancer
from erlen.middleware.balancer import _tunnel
from erlen.middleware.balancer._backends import Backend

from ..doors import wsgi
from .servers import Server

pytest.importorskip("urllib3", reason="urllib3 (extra middleware) is not installed")
pytest.importorskip("cryptography", reason="cryptography is not installed")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """A backend over TLS, and what a client needs to believe it."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from werkzeug.serving import generate_adhoc_ssl_pair

    certificate, key = generate_adhoc_ssl_pair("localhost")
    written = certificate.public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "backend.pem").write_bytes(written + secret)
    (tmp_path / "trusted.pem").write_bytes(written)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "backend.pem")

    class Secure(Server):
        def get_request(self) -> tuple[socket.socket, Any]:
            accepted, address = super().get_request()
            return context.wrap_socket(accepted, server_side=True), address

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: some tests have a client that does not believe it."""

    server = Secure(lambda asked: asked.answer(b"over TLS"))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    trusting = ssl.create_default_context(cafile=str(tmp_path / "trusted.pem"))
    yield f"https://localhost:{server.server_port}", trusting
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_certificate_that_holds(secure: Any) -> None:
    url, trusting = secure
    balancer = Balancer([url], tls=trusting)
    assert wsgi(balancer).text == "over TLS"
    balancer.close()


def test_one_that_nobody_vouches_for(secure: Any, caplog: Any) -> None:
    answer = wsgi(Balancer([secure[0]], retries=0))
    assert answer.status_code == 502
    assert "certificate verify failed" in caplog.messages[0]


def test_websockets_ask_for_the_same(secure: Any) -> None:
    url, trusting = secure
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    handshake = _tunnel.shake_hands(Backend(url), head, trusting, 5, 5)
    assert (handshake.status, handshake.body) == (200, b"over TLS")
    _tunnel.refuse(handshake)
    with pytest.raises(ssl.SSLCertVerificationError):
        _tunnel.shake_hands(Backend(url), head, ssl.create_default_context(), 5, 5)
