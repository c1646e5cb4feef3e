"""The end of the socket that all workers accept from."""

from __future__ import annotations

import errno
import select
import socket
import sys
from pathlib import Path

import pytest

from erlen._listen import open_tcp, open_unix
from erlen.server.listener import refuse_new, wait_until_accepted

pytestmark = pytest.mark.erlen_only


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere new connections still come in")
def test_no_new_connections_while_those_that_wait_stay() -> None:
    listener = open_tcp("127.0.0.1", 0)
    client = socket.create_connection(listener.getsockname(), 30)
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
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        client.connect(str(path))
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
