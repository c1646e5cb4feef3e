"""Every Python sample of the documentation runs, and every link in it leads somewhere.

The samples of a page run in order in one namespace, in an empty folder. One that cannot run is
preceded by ``<!-- not run: reason -->``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
SAMPLE = re.compile(
    r"^(?:<!-- not run: ?(?P<reason>.*?) ?-->\n+)?```python\n(?P<source>.*?)^```$", re.M | re.S
)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
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


def run_samples(samples: list[Sample], page: str, folder: Path) -> ModuleType:
    """Run samples one after another as one module, lines counted as in the page."""
    module = ModuleType("documented")
    module.__file__ = str(folder / "documented.py")
    sys.modules[module.__name__] = module
    try:
        for sample in samples:
            if sample.reason is None:
                source = "\n" * sample.line + sample.source
                exec(compile(source, page, "exec", dont_inherit=True), vars(module))
    finally:
        del sys.modules[module.__name__]
    return module


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_samples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples = samples_of(page.read_text("utf-8"))
    assert [s for s in samples if s.reason is not None and len(s.reason) < 10] == []
    run_samples(samples, str(page), tmp_path)


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


def test_a_failing_sample_fails_with_the_line_of_the_page(tmp_path: Path) -> None:
    text = "# Page\n\n```python\nx = 1\n```\n\ntext\n\n```python\nassert x == 2\n```\n"
    with pytest.raises(AssertionError) as caught:
        run_samples(samples_of(text), "page.md", tmp_path)
    last = caught.traceback[-1]
    assert (str(last.path), last.lineno + 1) == ("page.md", 10)


def test_only_a_reason_keeps_a_sample_from_running(tmp_path: Path) -> None:
    text = (
        "<!-- not run: it needs a server -->\n```python\nraise SystemExit\n```\n"
        "<!-- a note -->\n```python\nran = True\n```\n```shell\nexit 1\n```\n"
    )
    samples = samples_of(text)
    assert [sample.reason for sample in samples] == ["it needs a server", None]
    assert run_samples(samples, "page.md", tmp_path).ran is True
