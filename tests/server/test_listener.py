"""The socket that all workers accept from."""

from __future__ import annotations

import errno
import select
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from erlen.server.listener import (
    CannotListen,
    open_tcp,
    open_unix,
    refuse_new,
    wait_until_accepted,
)

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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere new connections still come in")
def test_no_new_connections_while_those_that_wait_stay(listener: socket.socket) -> None:
    client = connected(listener)
    refuse_new(listener)
    late = socket.socket()
    late.setblocking(False)
    late.connect_ex(listener.getsockname())
    assert not wait_until_accepted(listener, 0)
    accepted, _ = listener.accept()
    # Nobody else is in the queue.
    assert wait_until_accepted(listener, 0)
    client.sendall(b"asked")
    assert accepted.recv(100) == b"asked"
    accepted.sendall(b"answered")
    assert client.recv(100) == b"answered"
    listener.close()
    # The late one tries again after a second.
    assert select.select([], [late], [], 30)[1] == [late]
    assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
    for end in (client, accepted, late):
        end.close()


def test_a_unix_socket_loses_its_name(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with open_unix(path) as listener:
        client = connected(listener)
        refuse_new(listener)
        assert not path.exists()
        with pytest.raises(FileNotFoundError), socket.socket(socket.AF_UNIX) as late:
            late.connect(str(path))
        assert not wait_until_accepted(listener, 0)
        accepted, _ = listener.accept()
        assert wait_until_accepted(listener, 0)
        client.close()
        accepted.close()
        # It may have ended otherwise, and be gone already.
        refuse_new(listener)
