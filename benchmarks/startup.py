"""What stands before the first request: import time, 1,000 routes, memory of an idle worker.

``python -m benchmarks.startup [--rounds N] [--check]``

Every figure is the median of fresh processes, Flask's and erlen's in turns; times are processor
time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

# Both sides start from compiled files, which the first process writes where they are missing.
ENVIRON = {name: os.environ[name] for name in os.environ if name != "PYTHONDONTWRITEBYTECODE"}

# One app with one route, and a way to call it as a server does.
HELLO_APP = """
import io, re, sys
from {module} import Flask
def ask(app, path):
    environ = {{
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr,
    }}
    return b"".join(app(environ, {{}}.setdefault))
def view(**arguments):
    return "Hello, World!"
app = Flask("hello")
app.add_url_rule("/", "hello", view)
assert ask(app, "/") == b"Hello, World!"
"""

IMPORT = """
from time import process_time
start = process_time()
import {module}
print((process_time() - start) * 1000)
"""

FIRST_ANSWER = f"""
from time import process_time
start = process_time()
{HELLO_APP}
print((process_time() - start) * 1000)
"""

# The first request is in it: rules are sorted or compiled then.
ROUTES = f"""
from time import process_time
{HELLO_APP}
start = process_time()
app = Flask("routes")
for number in range(1000):
    path = f"/section{{{{number % 20}}}}/page{{{{number}}}}"
    app.add_url_rule(path if number % 2 else path + "/<int:item>", f"view{{{{number}}}}", view)
assert ask(app, "/section19/page999") == b"Hello, World!"
print((process_time() - start) * 1000)
"""

# An idle worker has answered once, so nothing that is loaded late is missed.
MEMORY = f"""
{HELLO_APP}
print(int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


@dataclass
class Row:
    name: str
    script: str
    ceiling: float  # of erlen's figure divided by Flask's


ROWS = [
    Row("import, ms", IMPORT, 0.75),
    Row("import to first answer, ms", FIRST_ANSWER, 1.0),
    Row("1,000 routes, ms", ROUTES, 1.0),
    Row("memory of an idle worker, MiB", MEMORY, 1.0),
]


def figure(script: str, module: str) -> float:
    """What the script prints, run in a process of its own with `module` filled in."""
    done = subprocess.run(
        [sys.executable, "-c", script.format(module=module)],
        env=ENVIRON,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="processes per figure (11)")
    parser.add_argument("--check", action="store_true", help="exit 1 where a ceiling is passed")
    args = parser.parse_args()
    line = "{:32} {:>10} {:>10} {:>7} {:>8}  {}"
    print(line.format("", "Flask", "erlen", "ratio", "ceiling", ""))
    met = True
    for row in ROWS:
        if "/proc/self" in row.script and not sys.platform.startswith("linux"):
            print(f"{row.name} is left out: it is read from /proc, which only Linux has.")
            continue
        figures: dict[str, list[float]] = {"flask": [], "erlen": []}
        for turn in range(args.rounds + 1):
            for module, values in figures.items():
                value = figure(row.script, module)
                if turn:  # the first one compiles and fills the file cache
                    values.append(value)
        flask, erlen = (statistics.median(values) for values in figures.values())
        met &= erlen / flask <= row.ceiling
        word = "ok" if erlen / flask <= row.ceiling else "above"
        texts = [f"{flask:.1f}", f"{erlen:.1f}", f"{erlen / flask:.2f}", f"{row.ceiling:g}"]
        print(line.format(row.name, *texts, word), flush=True)
    return int(args.check and not met)


if __name__ == "__main__":
    sys.exit(main())
