from __future__ import annotations

import importlib.metadata
import platform
import ssl
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import click.testing
import pytest


class TestVersion:
    def test_of_flask(self, cli: Any, runner: click.testing.CliRunner) -> None:
        result = runner.invoke(cli.cli, ["--version"])
        assert result.exit_code == 0
        lines = result.output.splitlines()
        assert lines[0] == f"Python {platform.python_version()}"
        assert "Flask 3.1.3" in lines[1]
        assert lines[2:] == [f"Werkzeug {importlib.metadata.version('werkzeug')}"]

    @pytest.mark.erlen_only
    @pytest.mark.parametrize("installed", [True, False])
    def test_of_erlen(
        self,
        cli: Any,
        runner: click.testing.CliRunner,
        monkeypatch: pytest.MonkeyPatch,
        installed: bool,
    ) -> None:
        def version(name: str) -> str:
            if name == "erlen" and not installed:
                raise importlib.metadata.PackageNotFoundError
            return f"version of {name}"

        monkeypatch.setattr(importlib.metadata, "version", version)
        line = runner.invoke(cli.cli, ["--version"]).output.splitlines()[1]
        expected = "version of erlen" if installed else "from source"
        assert line == f"Erlen {expected} (the API of Flask 3.1.3)"

    def test_not_while_completing(self, cli: Any) -> None:
        ctx = click.Context(cli.cli, resilient_parsing=True)
        assert cli.get_version(ctx, None, True) is None


class TestCert:
    """``--cert`` and ``--key``, which depend on each other in either order."""

    def refused(self, cli: Any, *args: str) -> str:
        with pytest.raises(click.BadParameter) as error:
            cli.run_command.make_context("run", list(args))
        return error.value.message

    def test_files(self, cli: Any) -> None:
        for args in (
            ["--cert", __file__, "--key", __file__],
            ["--key", __file__, "--cert", __file__],
        ):
            params = cli.run_command.make_context("run", args).params
            assert params["cert"] == (__file__, __file__)
            assert "key" not in params

    def test_one_without_the_other(self, cli: Any) -> None:
        assert self.refused(cli, "--cert", __file__) == 'Required when using "--cert".'
        assert self.refused(cli, "--key", __file__) == '"--cert" must also be specified.'

    def test_no_such_file(self, cli: Any) -> None:
        assert "does not exist" in self.refused(cli, "--cert", "missing.pem")

    def test_adhoc(self, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cryptography", ModuleType("cryptography"))
        for word in ("adhoc", "ADHOC"):
            ctx = cli.run_command.make_context("run", ["--cert", word])
            assert ctx.params["cert"] == "adhoc"
        assert self.refused(cli, "--cert", "adhoc", "--key", __file__) == (
            'When "--cert" is "adhoc", "--key" is not used.'
        )

    def test_adhoc_without_cryptography(self, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cryptography", None)
        assert self.refused(cli, "--cert", "adhoc") == (
            "Using ad-hoc certificates requires the cryptography library."
        )

    def test_an_import(self, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        module = ModuleType("tls_of_mine")
        module.context, module.other = context, "other"  # type: ignore[attr-defined]  # made here
        monkeypatch.setitem(sys.modules, "tls_of_mine", module)
        ctx = cli.run_command.make_context("run", ["--cert", "tls_of_mine.context"])
        assert ctx.params["cert"] is context
        args = ["--cert", "tls_of_mine:context", "--key", __file__]
        assert self.refused(cli, *args) == (
            'When "--cert" is an SSLContext object, "--key" is not used.'
        )
        assert "does not exist" in self.refused(cli, "--cert", "tls_of_mine.other")

    def test_without_ssl(self, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "ssl", None)
        assert self.refused(cli, "--cert", "adhoc") == (
            'Using "--cert" requires Python to be compiled with SSL support.'
        )


@pytest.mark.erlen_only
@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_what_is_no_port(cli: Any, port: str) -> None:
    """Flask serves the last sixteen bits of it, or ends with a traceback."""
    with pytest.raises(click.BadParameter, match=f"^{port} is no port: it is from 0 to 65535.$"):
        cli.run_command.make_context("run", ["--port", port])
    assert cli.run_command.make_context("run", ["--port", "65535"]).params["port"] == 65535


class TestSeparatedPaths:
    @pytest.mark.parametrize("option", ["extra-files", "exclude-patterns"])
    def test_split(self, cli: Any, tmp_path: Path, option: str) -> None:
        both = f"a.txt{':' if sys.platform != 'win32' else ';'}b.txt"
        params = cli.run_command.make_context("run", [f"--{option}", both]).params
        assert params[option.replace("-", "_")] == ["a.txt", "b.txt"]

    def test_each_is_checked(self, cli: Any, tmp_path: Path) -> None:
        kind = cli.SeparatedPathType(exists=True)
        with pytest.raises(click.BadParameter, match="does not exist"):
            kind.convert("missing", None, None)
