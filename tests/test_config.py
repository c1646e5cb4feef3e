from __future__ import annotations

import importlib
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

SECRET_KEY = "from this module"
TEST_KEY = "foo"
lowercase = "not a setting"


@pytest.fixture
def module(flask: Any) -> Any:
    return importlib.import_module(f"{flask.__name__}.config")


@pytest.fixture
def config(module: Any, tmp_path: Path) -> Any:
    return module.Config(str(tmp_path), {"DEFAULT": 1})


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("FLASK_", "ERLEN_")):
            monkeypatch.delenv(name)


class Base:
    A = 1
    _B = 2
    lower = 3

    @property
    def FROM_INSTANCE(self) -> str:
        return "computed"


def test_is_a_dict_with_defaults_and_a_repr(config: Any, module: Any) -> None:
    assert isinstance(config, dict)
    assert config == {"DEFAULT": 1}
    assert repr(config) == "<Config {'DEFAULT': 1}>"
    named = type("Settings", (module.Config,), {})("/")
    assert repr(named) == "<Settings {}>"
    assert named.root_path == "/"


@pytest.mark.parametrize("name", [__name__, f"{__name__}.Base"])
def test_from_object_by_import_name(config: Any, name: str) -> None:
    config.from_object(name)
    if name == __name__:
        assert config["TEST_KEY"] == "foo" and config["SECRET_KEY"] == "from this module"
        assert "lowercase" not in config
    else:
        assert config["A"] == 1 and config["_B"] == 2 and "lower" not in config


def test_from_object_does_not_instantiate(config: Any) -> None:
    config.from_object(Base)
    assert config["FROM_INSTANCE"] is vars(Base)["FROM_INSTANCE"]  # the property itself
    config.from_object(Base())
    assert config["FROM_INSTANCE"] == "computed"


def test_from_object_with_an_unknown_name(config: Any) -> None:
    with pytest.raises(ImportError, match="no_such_module"):
        config.from_object("no_such_module.Settings")


def test_from_pyfile(config: Any, tmp_path: Path) -> None:
    (tmp_path / "settings.cfg").write_text(
        "import os\nKEY = __file__\nlower = 1\nNAME = __name__\n", "utf-8"
    )
    assert config.from_pyfile("settings.cfg") is True
    assert config["KEY"] == str(tmp_path / "settings.cfg")
    assert config["NAME"] == "config"
    assert "lower" not in config
    config.clear()
    assert config.from_pyfile(tmp_path / "settings.cfg") is True
    assert config["NAME"] == "config"


def test_from_pyfile_takes_the_declared_encoding(config: Any, tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes("# coding: latin-1\nKEY = 'Käse'\n".encode("latin-1"))
    config.from_pyfile("latin.py")
    assert config["KEY"] == "Käse"


@pytest.mark.parametrize("load", ["from_pyfile", "from_file"])
def test_a_missing_file(config: Any, tmp_path: Path, load: str) -> None:
    arguments = (json.load,) if load == "from_file" else ()
    with pytest.raises(OSError) as info:
        getattr(config, load)("missing.cfg", *arguments)
    assert str(info.value) == (
        "[Errno 2] Unable to load configuration file (No such file or directory): "
        f"{str(tmp_path / 'missing.cfg')!r}"
    )
    assert getattr(config, load)("missing.cfg", *arguments, silent=True) is False
    (tmp_path / "folder").mkdir()
    assert getattr(config, load)("folder", *arguments, silent=True) is False


def test_only_from_pyfile_forgives_a_file_in_the_way(config: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert config.from_pyfile("file/settings.cfg", silent=True) is False
    with pytest.raises(NotADirectoryError, match="Unable to load configuration file"):
        config.from_file("file/settings.json", json.load, silent=True)


def test_silent_does_not_hide_errors_of_the_file(config: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.cfg").write_text("KEY = 1 / 0\n", "utf-8")
    with pytest.raises(ZeroDivisionError):
        config.from_pyfile("broken.cfg", silent=True)


def test_from_envvar(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_SETTINGS", raising=False)
    with pytest.raises(RuntimeError) as info:
        config.from_envvar("MY_SETTINGS")
    assert str(info.value) == (
        "The environment variable 'MY_SETTINGS' is not set and as such configuration could not"
        " be loaded. Set this variable and make it point to a configuration file"
    )
    assert config.from_envvar("MY_SETTINGS", silent=True) is False
    monkeypatch.setenv("MY_SETTINGS", "missing.cfg")
    with pytest.raises(OSError, match="Unable to load configuration file"):
        config.from_envvar("MY_SETTINGS")
    assert config.from_envvar("MY_SETTINGS", silent=True) is False
    (tmp_path / "missing.cfg").write_text("HERE = True\n", "utf-8")
    assert config.from_envvar("MY_SETTINGS") is True
    assert config["HERE"] is True


def test_from_prefixed_env(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_STRING", "value")
    monkeypatch.setenv("FLASK_BOOL", "true")
    monkeypatch.setenv("FLASK_LIKE_INT", "1a")
    monkeypatch.setenv("FLASK_LIST", '[1, "b"]')
    monkeypatch.setenv("FLASK_lower", "1")
    monkeypatch.setenv("NOT_FLASK_A", "1")
    assert config.from_prefixed_env() is True
    assert config == {
        "DEFAULT": 1,
        "STRING": "value",
        "BOOL": True,
        "LIKE_INT": "1a",
        "LIST": [1, "b"],
        "lower": 1,
    }


def test_from_prefixed_env_nested(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    config["EXIST"] = {"ok": "kept", "flag": True, "inner": {"ik": 1}}
    monkeypatch.setenv("FLASK_EXIST__ok", "other")
    monkeypatch.setenv("FLASK_EXIST__inner__ik", "2")
    monkeypatch.setenv("FLASK_EXIST__new__more", '{"k": false}')
    monkeypatch.setenv("FLASK_NEW__K", "v")
    monkeypatch.setenv("FLASK_NEW__A__B", "7")
    config.from_prefixed_env()
    assert config["EXIST"] == {
        "ok": "other",
        "flag": True,
        "inner": {"ik": 2},
        "new": {"more": {"k": False}},
    }
    assert config["NEW"] == {"K": "v", "A": {"B": 7}}


def test_from_prefixed_env_other_prefix_and_loads(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loads(text: str) -> str:
        if text == "refused":
            raise ValueError(text)
        return text.upper()

    monkeypatch.setenv("OTHER_A", "aa")
    monkeypatch.setenv("OTHER_B", "refused")
    monkeypatch.setenv("FLASK_A", "not read")
    monkeypatch.setenv("ERLEN_A", "not read")
    assert config.from_prefixed_env("OTHER", loads=loads) is True
    assert config == {"DEFAULT": 1, "A": "AA", "B": "refused"}


@pytest.mark.erlen_only
def test_from_prefixed_env_reads_erlens_names_last(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERLEN_BOTH", "1")
    monkeypatch.setenv("FLASK_BOTH", "2")
    monkeypatch.setenv("FLASK_MAIL__PORT", "25")
    monkeypatch.setenv("FLASK_MAIL__HOST", "localhost")
    monkeypatch.setenv("ERLEN_MAIL__PORT", "587")
    config.from_prefixed_env()
    assert config["BOTH"] == 1
    assert config["MAIL"] == {"PORT": 587, "HOST": "localhost"}


@pytest.mark.parametrize(
    ("name", "content", "load", "text"),
    [
        ("settings.json", '{"KEY": "ä", "lower": 1}', json.load, True),
        ("settings.toml", 'KEY = "ä"\nlower = 1\n', tomllib.load, False),
    ],
)
def test_from_file(
    config: Any, tmp_path: Path, name: str, content: str, load: Any, text: bool
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert config.from_file(name, load=load, text=text) is True
    assert config == {"DEFAULT": 1, "KEY": "ä"}


def test_from_mapping(config: Any) -> None:
    assert config.from_mapping({"A": 1, "b": 2}, C=3, d=4) is True
    assert config.from_mapping([("E", 5), ("A", 6)]) is True
    assert config.from_mapping() is True
    assert config == {"DEFAULT": 1, "A": 6, "C": 3, "E": 5}
    with pytest.raises(TypeError):
        config.from_mapping({}, {})


def test_get_namespace(config: Any) -> None:
    config.update(IMAGE_STORE_TYPE="fs", IMAGE_STORE_BASE_URL="http://img")
    assert config.get_namespace("IMAGE_STORE_") == {"type": "fs", "base_url": "http://img"}
    assert config.get_namespace("IMAGE_STORE_", lowercase=False) == {
        "TYPE": "fs",
        "BASE_URL": "http://img",
    }
    assert config.get_namespace("IMAGE_", trim_namespace=False) == {
        "image_store_type": "fs",
        "image_store_base_url": "http://img",
    }
    assert config.get_namespace("NOTHING_") == {}


def test_config_attribute(module: Any, config: Any) -> None:
    class Owner:
        plain = module.ConfigAttribute("DEFAULT")
        converted = module.ConfigAttribute("DEFAULT", get_converter=str)

    owner = Owner()
    owner.config = config  # type: ignore[attr-defined]
    assert owner.plain == 1 and owner.converted == "1"
    owner.converted = 2
    assert config["DEFAULT"] == 2 and owner.converted == "2"
    assert isinstance(Owner.plain, module.ConfigAttribute)
    assert Owner.plain.__name__ == "DEFAULT"
    del config["DEFAULT"]
    with pytest.raises(KeyError, match="DEFAULT"):
        owner.plain  # noqa: B018 - the look-up is what raises


@pytest.fixture
def flags(flask: Any) -> Any:
    """Where the flags live: Flask has them in helpers, erlen re-exports them there."""
    return importlib.import_module(f"{flask.__name__}.helpers")


FLAG_VALUES = [
    ("", False),
    ("0", False),
    ("False", False),
    ("NO", False),
    ("1", True),
    ("true", True),
    ("yes", True),
    ("off", True),
]


@pytest.mark.parametrize(("value", "expected"), FLAG_VALUES)
def test_debug_flag(
    flags: Any, monkeypatch: pytest.MonkeyPatch, value: str, expected: bool
) -> None:
    assert flags.get_debug_flag() is False
    monkeypatch.setenv("FLASK_DEBUG", value)
    assert flags.get_debug_flag() is expected


@pytest.mark.parametrize(("value", "skip"), FLAG_VALUES)
def test_skip_dotenv_flag(
    flags: Any, monkeypatch: pytest.MonkeyPatch, value: str, skip: bool
) -> None:
    assert flags.get_load_dotenv() is True
    assert flags.get_load_dotenv(False) is False
    monkeypatch.setenv("FLASK_SKIP_DOTENV", value)
    assert flags.get_load_dotenv() is not skip
    assert flags.get_load_dotenv(False) is (not skip and value != "")


@pytest.mark.erlen_only
def test_erlens_flags_win(flags: Any, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    monkeypatch.setenv("ERLEN_DEBUG", "0")
    assert flags.get_debug_flag() is False
    monkeypatch.setenv("ERLEN_DEBUG", "")  # empty: not set
    assert flags.get_debug_flag() is True
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "0")
    monkeypatch.setenv("ERLEN_SKIP_DOTENV", "1")
    assert flags.get_load_dotenv() is False
    assert module.get_env("SKIP_DOTENV") == "1"
    assert module.get_env("NOTHING") is None
