"""How long the property tests look: ``ERLEN_TEST_PROFILE=deep`` looks much longer, at random."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_common: dict[str, object] = {
    "deadline": None,  # No test of erlen measures time.
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
# The usual run asks the same questions each time, so that a failure belongs to the change at hand.
settings.register_profile("usual", settings(max_examples=300, derandomize=True, **_common))  # type: ignore[arg-type]
settings.register_profile("deep", settings(max_examples=10_000, **_common))  # type: ignore[arg-type]
settings.load_profile(os.environ.get("ERLEN_TEST_PROFILE", "usual"))
