"""Hold globals.pyi against globals.py, by stubtest: ``python tests/stubs.py``.

The proxies' classes bear the name of Werkzeug's (some programs look for it), for which stubtest
would take them, and ask each proxy what it stands for. Here they have a name of their own.
"""

from __future__ import annotations

import sys

from mypy import stubtest
from werkzeug.local import LocalProxy

from erlen import globals as proxies


def main() -> int:
    for value in vars(proxies).values():
        if issubclass(type(value), LocalProxy):
            type(value).__module__ = proxies.__name__
    return stubtest.test_stubs(stubtest.parse_options([proxies.__name__]))


if __name__ == "__main__":
    sys.exit(main())
