"""Sockets that listen, and why one cannot."""

from __future__ import annotations

import errno
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from erlen._listen import CannotListen, open_tcp, open_unix

pytestmark = pytest.mark.erlen_only


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with open_tcp("127.0.0.1", 0) as listener:
        yield listener


def connected(listener: socket.socket) -> socket.socket:
    client = socket.socket(listener.family)
    client.settimeout(30)
    client.connect(listener.getsockname())
    return client


def test_a_port_in_use(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(CannotListen) as caught:
        open_tcp("127.0.0.1", port)
    assert str(caught.value) == (
        f"Cannot listen on 127.0.0.1:{port}: the port is in use. Another server may be running;"
        " take another port."
    )


def test_a_port_that_was_in_use(listener: socket.socket) -> None:
    """A server starts where one has just ended, though its connections linger."""
    address = listener.getsockname()
    client = connected(listener)
    accepted, _ = listener.accept()
    accepted.close()
    client.close()
    listener.close()
    open_tcp(*address).close()


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.1", "the address is not one of this machine"),
        ("a..b", "this is no name of a host"),
    ],
)
def test_an_address_that_is_not_ours(host: str, why: str) -> None:
    with pytest.raises(CannotListen, match=rf"^Cannot listen on {host}:0: {why}\.$"):
        open_tcp(host, 0)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (PermissionError(errno.EACCES, "x"), "not allowed. Ports below 1024 are the superuser's"),
        (OSError(errno.EMFILE, "Too many files (while attempting to bind)"), "Too many files"),
    ],
)
def test_what_else_the_system_says(
    monkeypatch: pytest.MonkeyPatch, error: OSError, why: str
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(CannotListen, match=rf"^Cannot listen on x:0: {why}\.$"):
        open_tcp("x", 0)


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with open_unix(path) as listener:
        assert stat.S_ISSOCK(path.stat().st_mode)
        connected(listener).close()
        with pytest.raises(CannotListen, match="socket': it is in use, by a server or as a file"):
            open_unix(path)
        connected(listener).close()


def test_a_unix_socket_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    open_unix(path).close()
    assert path.exists()
    with open_unix(path) as listener:
        connected(listener).close()


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("kept")
    with pytest.raises(CannotListen, match="it is in use, by a server or as a file"):
        open_unix(path)
    assert path.read_text() == "kept"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match="No such file or directory"):
        open_unix(tmp_path / "missing" / "socket")
