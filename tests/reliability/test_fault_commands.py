"""Some faults on the command line: the exit code, and one sentence at the end of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adcloud import CLIENT_SECRET
from sandbox.adsterra import DEMO_TOKEN
from sandbox.faults import Fault
from tests.command_line import CommandLine
from tests.support import Adcloud, Adsterra, RunResult

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.support import CountCases

FAULTS: list[tuple[type[Adsterra | Adcloud], str, dict[str, Any], str]] = [
    (Adsterra, "stats", {"kind": "status", "status": 503}, "stats 2024-04-11: "),
    # Halved down to the day that lacks a row.
    (Adsterra, "stats", {"kind": "lost_row"}, "stats 2024-04-11: "),
    (Adsterra, "stats", {"kind": "reset_in_body"}, "stats 2024-04-11..2024-04-20: "),
    (Adcloud, "reports", {"kind": "html", "status": 200}, "advertiser_report 2024-04-26: "),
    (Adcloud, "reports", {"kind": "wrong_type"}, "advertiser_report 2024-04-26: "),
    (Adcloud, "oauth", {"kind": "empty"}, "advertiser_report 2024-04-24: "),
]


@pytest.mark.parametrize(("runner_class", "path", "fault", "begins"), FAULTS)
def test_a_lasting_fault_is_one_sentence_and_the_next_run_continues(  # noqa: PLR0913, PLR0917
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    runner_class: type[Adsterra | Adcloud],
    path: str,
    fault: dict[str, Any],
    begins: str,
    count_cases: CountCases,
) -> None:
    sandbox.adcloud.rows_per_day = 30
    runner = runner_class(sandbox, monkeypatch)
    stream = "stats" if runner_class is Adsterra else "advertiser_report"
    command_line: CommandLine[Any] = CommandLine(runner, tmp_path)
    catalog = command_line.write("catalog.json", runner.tap(stream).catalog_dict)
    settings: dict[str, Any] = {"end_date": "2024-04-30", "lookback_days": 0}
    settings |= {"window_days": 10} if runner_class is Adsterra else {}
    undisturbed = runner.run(stream, **settings)

    query = {"start_date": "2024-04-11"} if stream == "stats" else {"filter[date]": "2024-04-26"}
    sandbox.faults.add(Fault(**fault, path=path, query={} if path == "oauth" else query))
    arguments = ("--config", "CONFIG", "--catalog", catalog)
    code, output, log = command_line.run(*arguments, **settings)
    assert code == 1
    *before, last = log.splitlines()
    assert begins in last
    assert last.endswith(".")
    assert "CRITICAL" in last
    assert not any("CRITICAL" in line or "ERROR" in line for line in before)
    assert "Traceback" not in log
    assert DEMO_TOKEN not in log
    assert CLIENT_SECRET not in log

    sandbox.faults.clear()
    state = command_line.write("state.json", RunResult(output).state)
    code, rest, log = command_line.run(*arguments, "--state", state, **settings)
    assert code == 0, log
    rows = RunResult(output).rows(stream) + RunResult(rest).rows(stream)
    assert rows == undisturbed.rows(stream)
    count_cases("faults", 1)
