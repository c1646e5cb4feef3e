"""The command of conformance.suites, for who stands anywhere: run.py [SUITE ...]."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
runpy.run_module("conformance.suites", run_name="__main__")
