"""Wrong configurations are refused before the first request; all problems are explained together.

The messages are in ``snapshots/bad_configuration.md``, to be read as by a new user. Run the test
with ``AD_TAPS_WRITE_SNAPSHOTS=1`` to write it again.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.command_line import CommandLine
from tests.reliability.bad_configurations import ADCLOUD, ADSTERRA, LOOKS_SECRET, Case

if TYPE_CHECKING:
    from tests.support import Adcloud, Adsterra, CountCases

SNAPSHOT = Path(__file__).parent / "snapshots" / "bad_configuration.md"
INTRODUCTION = """\
# What a user may get wrong, and what the taps say

Each is said before the first request, in one line that ends with "Nothing was read: correct this
and run again.", and ends the run with exit code 1. Written by
`tests/reliability/test_bad_configuration.py`, which compares it.
"""
LAST = " Nothing was read: correct this and run again."
LAST_OF_SEVERAL = " Nothing was read: correct these and run again."
LOG_CONFIG = "SINGER_SDK_LOG_CONFIG"
NO_LOG_CONFIG = "does not hold what Python's logging.config.dictConfig takes"
#: Secrets of these cases, and Python's own terms: users must not see them.
NOT_FOR_USERS = ("s3cr3t", "s3 cr3t", "31337", LOOKS_SECRET, "pa55word", "Traceback", "Error:", "<")


class Lines(logging.Handler):
    """Collects warnings and errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def arguments(case: Case, runner: Adsterra | Adcloud) -> list[str]:
    """Write a case's files into the current folder, and return the command-line arguments."""
    changes = case.settings
    settings = {**runner.settings(), **changes}
    kept = {name: value for name, value in settings.items() if value is not None}
    files: dict[str, Any] = {}
    if case.environment is None:
        files["config.json"] = kept
    if case.catalog is not None:
        discovered = runner.tap_class(config={}, validate_config=False).catalog_dict
        files["catalog.json"] = case.catalog(json.loads(json.dumps(discovered)))
    if case.state is not None:
        files["state.json"] = case.state
    contents = {name: json.dumps(content).encode() for name, content in files.items()} | case.files
    for name, content in contents.items():
        Path(name).write_bytes(content)
    if case.arguments is not None:
        return case.arguments
    given = ["--config=ENV"] if case.environment is not None else []
    return given + [word for name in contents for word in (f"--{name.removesuffix('.json')}", name)]


def refusal(case: Case, runner: Adsterra | Adcloud, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run the command of a case, which must fail with one line, and return the problems in it."""
    with monkeypatch.context() as patch:
        for name, text in {**case.variables, **(case.environment or {})}.items():
            patch.setenv(name, text)
        given = arguments(case, runner)
        captured, output = Lines(), io.StringIO()
        logger = logging.getLogger()
        before = list(logger.handlers)
        logger.addHandler(captured)
        try:
            with redirect_stdout(output), pytest.raises(SystemExit) as ended:
                runner.tap_class.cli.main(given, prog_name=runner.tap_class.name)
        finally:
            # Every command adds a handler.
            logger.handlers[:] = before
            logging.captureWarnings(capture=False)
    assert ended.value.code == 1
    assert output.getvalue() == ""
    (line,) = captured.lines
    if line.endswith(LAST):
        return [line.removesuffix(LAST)]
    assert line.endswith(LAST_OF_SEVERAL)
    numbered = re.split(r" ?\((\d+)\) ", line.removesuffix(LAST_OF_SEVERAL))
    assert numbered[1::2] == [str(number) for number in range(1, len(numbered) // 2 + 1)]
    return numbered[2::2]


def test_all_problems_are_reported_before_the_first_request(
    adsterra: Adsterra,
    adcloud: Adcloud,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    count_cases: CountCases,
) -> None:
    written = [INTRODUCTION]
    cases: list[tuple[Adsterra | Adcloud, str, Case]] = [
        *((adsterra, name, case) for name, case in ADSTERRA.items()),
        *((adcloud, name, case) for name, case in ADCLOUD.items()),
    ]
    for number, (runner, name, case) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        said = refusal(case, runner, monkeypatch)
        title = f"{runner.tap_class.name}: {name}"
        assert len(set(said)) == len(said), title
        for line in said:
            assert line.endswith((".", "?")), title
            assert len(line) < 400, title
            assert not any(word in line for word in NOT_FOR_USERS), title
        assert runner.sandbox.requests == [], title
        written += [f"\n## {title}\n", *(f"- {line}" for line in said)]
    text = "\n".join(written) + "\n"
    if os.environ.get("AD_TAPS_WRITE_SNAPSHOTS"):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(text)
    assert text.splitlines() == SNAPSHOT.read_text().splitlines()
    count_cases("bad_configuration", len(cases))


@pytest.mark.parametrize(
    ("variables", "log_config", "reason"),
    [
        ({"TAP_ADSTERRA_LOGLEVEL": "LOUD"}, b"", "Unknown level: 'LOUD'"),
        ({"LOGLEVEL": "LOUD"}, b"", "Unknown level: 'LOUD'"),
        ({LOG_CONFIG: "log.yml"}, b"version: 2", "Unsupported version: 2"),
        ({LOG_CONFIG: "no.yml"}, b"", "no.yml does not exist"),
        ({LOG_CONFIG: "."}, b"", ". cannot be read: is a directory"),
        ({LOG_CONFIG: "log.yml"}, b"a: [", "log.yml is not YAML; look at line 1, column 5"),
        ({LOG_CONFIG: "log.yml"}, b"\xff\xfe", "log.yml is not text in UTF-8"),
        ({LOG_CONFIG: "log.yml"}, b"", f"log.yml {NO_LOG_CONFIG}"),
        ({LOG_CONFIG: "log.yml"}, b"version: 1\nformatters: 5", f"log.yml {NO_LOG_CONFIG}"),
        (
            {LOG_CONFIG: "log.yml"},
            b"version: 1\nhandlers: {a: {class: no.Such}}",
            "Unable to configure handler 'a': Cannot resolve 'no.Such': No module named 'no'",
        ),
    ],
)
def test_an_impossible_log_configuration_is_explained(
    adsterra: Adsterra,
    tmp_path: Path,
    variables: dict[str, str],
    log_config: bytes,
    reason: str,
) -> None:
    (tmp_path / "log.yml").write_bytes(log_config)
    code, output, log = CommandLine(adsterra, tmp_path).run(environment=variables)
    assert (code, output) == (1, b"")
    assert log.splitlines() == [
        f"Cannot configure logging: {reason}. Correct TAP_ADSTERRA_LOGLEVEL, LOGLEVEL and "
        "SINGER_SDK_LOG_CONFIG."
    ]


def test_empty_variables_of_the_log_are_as_good_as_none(adsterra: Adsterra, tmp_path: Path) -> None:
    variables = {"TAP_ADSTERRA_LOGLEVEL": "", "LOGLEVEL": "", LOG_CONFIG: ""}
    code, _, log = CommandLine(adsterra, tmp_path).run(environment=variables)
    assert code == 0
    assert "| INFO " in log
    assert "| ERROR " not in log
