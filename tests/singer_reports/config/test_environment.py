"""The file ``.env``: only that of the working directory, and after the variables themselves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tests.command_line import CommandLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Adcloud, Adsterra, Runner


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remove the variables that a file sets."""
    with monkeypatch.context():
        before = dict(os.environ)
        yield
        os.environ.clear()
        os.environ.update(before)


def env_file(runner: Runner[Any], **changes: str) -> str:
    prefix = runner.tap_class.environment_prefix()
    settings = {**runner.settings(), **changes}
    return "".join(f"{prefix}{name.upper()}={value}\n" for name, value in settings.items())


def run(runner: Runner[Any], folder: Path, **environment: str) -> tuple[int, bytes, str]:
    return CommandLine(runner, folder).run("--config", "ENV", environment=environment)


def test_settings_are_read_from_the_file_in_the_working_directory(
    adsterra: Adsterra, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(env_file(adsterra))
    code, output, _ = run(adsterra, tmp_path)
    assert code == 0
    assert output.count(b'"RECORD"') > 3


@pytest.mark.parametrize("tap", ["adsterra", "adcloud"])
def test_no_file_of_another_folder_is_read(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tap: str
) -> None:
    """Neither one above the working directory nor one above the modules of the SDK."""
    runner: Runner[Any] = request.getfixturevalue(tap)
    (tmp_path / ".env").write_text(env_file(runner))
    folder = tmp_path / "below"
    folder.mkdir()
    code, _, log = run(runner, folder)
    assert code == 1
    assert "is missing" in log
    # With this function, the SDK looks in all folders above its modules.
    monkeypatch.setattr("singer_sdk.configuration._dict_config.find_dotenv", pytest.fail)
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigValidationError, match="is missing"):
        runner.tap_class(parse_env_config=True)


def test_variables_take_precedence_over_the_file(adsterra: Adsterra, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(env_file(adsterra, start_date="2024-04-30"))
    run(adsterra, tmp_path, TAP_ADSTERRA_START_DATE="2024-04-29")
    assert adsterra.windows() == ["2024-04-29..2024-05-01"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"TAP_ADCLOUD_CLIENT_ID=\xff\xfe\n", "it is not text in UTF-8; save it as such"),
        (b"A=\0\n", "it holds a name or a value that no variable can have"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(
    adcloud: Adcloud, tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / ".env").write_bytes(content)
    code, output, log = run(adcloud, tmp_path)
    assert (code, output) == (1, b"")
    assert f"(1) The file .env cannot be read: {reason}. (2) client_id is missing" in log


def test_a_folder_of_this_name_is_ignored(adsterra: Adsterra, tmp_path: Path) -> None:
    """As of a virtual environment."""
    (tmp_path / ".env").mkdir()
    _, _, log = run(adsterra, tmp_path)
    assert "api_token is missing" in log
    assert ".env" not in log
