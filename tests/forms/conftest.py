from __future__ import annotations

from typing import Any

import pytest

from erlen.forms import CSRFProtect

#: What a browser of today says of a request that a page of the same origin sends.
BROWSER = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def csrf(app: Any) -> CSRFProtect:
    """Turn the protection of the app on, in the way most apps do."""
    return CSRFProtect(app)


@pytest.fixture
def unprotected(app: Any) -> Any:
    """The app, with nothing checked."""
    app.config["WTF_CSRF_ENABLED"] = False
    return app
