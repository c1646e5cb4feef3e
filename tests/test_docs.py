"""Every Python sample of the documentation runs, and every link in it leads somewhere.

The samples of a page run in order in one namespace, in an empty folder. One that cannot run is
preceded by ``<!-- not run: reason -->``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from erlen.sessions import weak_secret_key_reason

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
SAMPLE = re.compile(
    r"^(?:<!-- not run: ?(?P<reason>.*?) ?-->\n+)?```python\n(?P<source>.*?)^```$", re.M | re.S
)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
KEY = re.compile(r"""secret_key["'\]]*\s*[=:]\s*["'](?P<key>[^"']+)["']""", re.I)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)

pytestmark = pytest.mark.erlen_only  # the samples import erlen by its name


class Sample(NamedTuple):
    line: int
    source: str
    reason: str | None  # why it is not run


def samples_of(text: str) -> list[Sample]:
    """The Python samples of a page, each with the line of the page where it starts."""
    return [
        Sample(text.count("\n", 0, found.start("source")), found["source"], found["reason"])
        for found in SAMPLE.finditer(text)
    ]


def run_samples(samples: list[Sample], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run samples as one module in a process of their own, lines counted as in the page.

    What a sample sets up, from signals to logging, ends with it.
    """
    lines: list[str] = []
    for sample in samples:
        if sample.reason is None:
            lines += [""] * (sample.line - len(lines)) + sample.source.splitlines()
    (folder / "documented.py").write_text("\n".join(lines) + "\n", "utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", "import documented"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_samples_run(page: Path, tmp_path: Path) -> None:
    samples = samples_of(page.read_text("utf-8"))
    assert [s for s in samples if s.reason is not None and len(s.reason) < 10] == []
    if any(sample.reason is None for sample in samples):
        done = run_samples(samples, tmp_path)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page: Path) -> None:
    prose = CODE.sub("", page.read_text("utf-8"))
    targets = [found["target"].partition("#")[0] for found in LINK.finditer(prose)]
    local = [target for target in targets if target and "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_index_leads_to_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    linked = {found["target"] for found in LINK.finditer(index)}
    assert pages - linked - {"index.md"} == set()


def test_a_key_that_is_copied_from_here_is_reported() -> None:
    """Who deploys a sample as it is has a key that everybody can read here."""
    sources = [*PAGES, *(ROOT / "examples" / "brief").rglob("*.py")]
    keys = {
        (file.name, found["key"])
        for file in sources
        for found in KEY.finditer(file.read_text("utf-8"))
    }
    assert len(keys) > 5
    assert [key for key in sorted(keys) if weak_secret_key_reason(key[1]) is None] == []


def test_a_failing_sample_fails_with_the_line_of_the_page(tmp_path: Path) -> None:
    text = "# Page\n\n```python\nx = 1\n```\n\ntext\n\n```python\nassert x == 2\n```\n"
    done = run_samples(samples_of(text), tmp_path)
    assert done.returncode == 1
    assert 'documented.py", line 10' in done.stdout


def test_only_a_reason_keeps_a_sample_from_running(tmp_path: Path) -> None:
    text = (
        "<!-- not run: it needs a server -->\n```python\nraise SystemExit\n```\n"
        "<!-- a note -->\n```python\nprint('ran')\n```\n```shell\nexit 1\n```\n"
    )
    samples = samples_of(text)
    assert [sample.reason for sample in samples] == ["it needs a server", None]
    assert run_samples(samples, tmp_path).stdout == "ran\n"
