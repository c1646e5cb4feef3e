"""Sockets that listen, and why one cannot."""

from __future__ import annotations

import errno
import socket
import stat
from pathlib import Path

BACKLOG = 1024


class CannotListen(Exception):
    """The address cannot be listened on; says why."""


def open_tcp(host: str, port: int) -> socket.socket:
    """Bind to an address.

    :param host: an address or a name.
    :param port: 0 takes a free one.
    :raises CannotListen: it is in use, not allowed, or not of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"Cannot listen on {host}:{port}: {_why(error)}.") from None


def _why(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "this is no name of a host"
    if error.errno == errno.EADDRINUSE:
        return "the port is in use. Another server may be running; take another port"
    if error.errno == errno.EACCES:
        return "not allowed. Ports below 1024 are the superuser's"
    if error.errno == errno.EADDRNOTAVAIL:
        return "the address is not one of this machine"
    # create_server() adds the address to what the system says.
    return (error.strerror or str(error)).partition(" (while")[0]


def open_unix(path: Path) -> socket.socket:
    """Bind to a unix socket; one that a server left behind, dead, is replaced.

    :raises CannotListen: somebody listens there, or it is no socket, or not allowed.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _is_left_behind(path, listener):
            path.unlink()
        listener.bind(str(path))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            why = "it is in use, by a server or as a file"
        raise CannotListen(f"Cannot listen on the unix socket {str(path)!r}: {why}.") from None
    return listener


def _is_left_behind(path: Path, probe: socket.socket) -> bool:
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return False
    with socket.socket(probe.family, probe.type) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
    return False
