"""A missing library is told with the extra that brings it."""

from __future__ import annotations

from importlib import import_module

import pytest

from erlen._extras import missing_extra


def test_the_error_names_the_library_and_the_extra() -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        import_module("no_such_library")
    told = missing_extra("forms", caught.value)
    assert isinstance(told, ModuleNotFoundError) and told.name == "no_such_library"
    assert str(told) == (
        "This part of erlen needs 'no_such_library', which is not installed."
        " Install it with: pip install 'erlen[forms]'"
    )
