"""The end of the socket that all workers accept from.

One socket for all, instead of one for each worker: what waits to be accepted is not lost with the
worker that ends.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import sys
import time
from contextlib import suppress

# Linux's; Python has no name for it.
_SO_ATTACH_FILTER = 26
# Of classic BPF: load the byte of TCP's flags; SYN set, drop; else keep the whole packet.
_DROP_SYN = [
    (0x30, 0, 0, 13),  # ldb [13]
    (0x45, 0, 1, 0x02),  # jset #0x02
    (0x06, 0, 0, 0),  # ret #0
    (0x06, 0, 0, 0x7FFF_FFFF),  # ret #all
]


def refuse_new(listener: socket.socket) -> None:
    """Have no more connections come in, while those that wait to be accepted stay.

    A unix socket loses its name. For TCP, Linux drops the clients' SYN: they try again after a
    second, and are refused then or find the next server. Elsewhere nothing is done.
    """
    if listener.family == getattr(socket, "AF_UNIX", None):
        with suppress(OSError):
            os.unlink(listener.getsockname())
    elif sys.platform == "linux":
        code = b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN)
        buffer = ctypes.create_string_buffer(code)
        program = struct.pack("HP", len(_DROP_SYN), ctypes.addressof(buffer))
        with suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def wait_until_accepted(listener: socket.socket, seconds: float) -> bool:
    """Wait until no connection waits to be accepted; whether this came to be in time."""
    deadline = time.monotonic() + seconds
    while select.select([listener], [], [], 0)[0]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
