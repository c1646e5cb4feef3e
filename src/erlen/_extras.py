"""What a battery says where the library it stands on is not installed."""

from __future__ import annotations


def missing_extra(extra: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Make the error that names the extra to install, from the one that an import raised.

    :param extra: the name of erlen's extra, as in ``pip install "erlen[extra]"``.
    :param error: what the import of the library raised.
    :return: the error to raise ``from error``; its ``name`` is the missing module's.
    """
    return ModuleNotFoundError(
        f"This part of erlen needs {error.name!r}, which is not installed."
        f" Install it with: pip install 'erlen[{extra}]'",
        name=error.name,
        path=error.path,
    )
