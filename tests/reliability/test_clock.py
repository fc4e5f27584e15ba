"""With a wrong clock on some days, no day is skipped."""

from __future__ import annotations

import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
from singer_sdk.exceptions import ConfigValidationError, RetriableAPIError

from singer_reports.http.errors import retry_after
from tests.reliability.stream_cases import STREAM_CASES, StreamCase, by_key
from tests.support import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.server import Sandbox
    from tests.support import CountCases, RunResult

ONE_DAY = datetime.timedelta(days=1)
RIGHT = datetime.timedelta(0)
#: How far this machine's clock is ahead of the API's, on three successive days.
WRONG = {
    "clock ahead on the first day": (40 * ONE_DAY, RIGHT, RIGHT),
    "clock ahead on the second day": (RIGHT, 40 * ONE_DAY, RIGHT),
    "clock behind on the second day": (RIGHT, -10 * ONE_DAY, RIGHT),
    "clock back in 1970 on the second day": (RIGHT, NOW.fromtimestamp(0, NOW.tzinfo) - NOW, RIGHT),
}


def daily_runs(
    kind: StreamCase,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    ahead: tuple[datetime.timedelta, ...],
) -> list[RunResult]:
    """Run the tap daily, each time from the last state, with a clock that is that far ahead."""
    settings = {name: value for name, value in kind.settings.items() if name != "end_date"}
    runs: list[RunResult] = []
    for number, wrong_by in enumerate(ahead):
        sandbox.clock.now = NOW + number * ONE_DAY
        runner = kind.runner(sandbox, monkeypatch)
        now = sandbox.clock.now + wrong_by
        monkeypatch.setattr(kind.runner.tap_class, "clock", staticmethod(lambda now=now: now))
        state = runs[-1].state if runs else None
        try:
            runs.append(runner.run(*kind.streams, state=state, **settings))
        except ConfigValidationError as refused:
            # By a clock so far behind, the first day to read is in the future.
            assert wrong_by < RIGHT
            assert "is in the future" in refused.errors[0]
            continue
        assert runs[-1].error is None
    return runs


def numbers_of(runs: list[RunResult]) -> dict[Any, dict[str, Any]]:
    """Return the rows that a target has after these runs, without Adsterra's time of update."""
    rows = by_key(*runs).items()
    return {key: {**row, "db_last_update_time": None} for key, row in rows}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("kind", STREAM_CASES, ids=lambda kind: kind.name)
def test_days_read_under_a_wrong_clock_are_read_again(  # noqa: PLR0913, PLR0917 - fixtures
    kind: StreamCase,
    name: str,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    count_cases: CountCases,
    record_ending: Callable[[str, str, str], None],
) -> None:
    sandbox.adcloud.rows_per_day = 30
    right = daily_runs(kind, sandbox, monkeypatch, (RIGHT, RIGHT, RIGHT))
    wrong = daily_runs(kind, sandbox, monkeypatch, WRONG[name])
    assert numbers_of(wrong) == numbers_of(right)
    count_cases("faults", 1)
    record_ending(name, kind.name, "whole")


@pytest.mark.parametrize("wrong_by", [-400 * ONE_DAY, RIGHT, 400 * ONE_DAY])
def test_a_retry_after_date_is_compared_with_the_clock_of_the_api(
    wrong_by: datetime.timedelta,
) -> None:
    there = datetime.datetime.now(datetime.UTC) + wrong_by
    response = requests.Response()
    response.headers["Date"] = format_datetime(there, usegmt=True)
    response.headers["Retry-After"] = format_datetime(there + 7 * ONE_DAY / 86_400, usegmt=True)
    assert retry_after(RetriableAPIError("", response)) == 7


def test_an_impossible_date_is_none() -> None:
    response = requests.Response()
    response.headers["Retry-After"] = "Fri, 31 Dec 99999999999 23:59:59 GMT"
    assert retry_after(RetriableAPIError("", response)) is None
