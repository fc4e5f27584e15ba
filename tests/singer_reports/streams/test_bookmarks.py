"""After any sequence of runs, the bookmark covers only days that were read completely.

The Adsterra tap reads a small API that has a row for most days; the row says whether the day was
over at the time of the request.
"""

from __future__ import annotations

import datetime
import io
import json
import os
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from requests.adapters import HTTPAdapter
from singer_sdk.exceptions import ConfigValidationError
from urllib3 import HTTPResponse

from tap_adsterra.tap import TapAdsterra
from tests.support import day, select, sync

if TYPE_CHECKING:
    import requests

    from tests.support import CountCases, RunResult

LARGE = "AD_TAPS_LARGE_TESTS" in os.environ
ONE_DAY = datetime.timedelta(days=1)
STREAM = "days"
CONFIG: dict[str, Any] = {
    "api_token": "t0ken",
    "api_url": "http://api.example",
    "reports": [{"name": STREAM, "group_by": ["date"]}],
}
CATALOG = json.dumps(select(TapAdsterra(config=dict(CONFIG)).catalog_dict, [STREAM]))


def days(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    return [first + ONE_DAY * number for number in range((last - first).days + 1)]


def covered_by(state: dict[str, Any] | None) -> list[datetime.date]:
    """Return the days that a state says are covered, in order."""
    bookmark = (state or {}).get("bookmarks", {}).get(STREAM)
    if not bookmark or "first_day" not in bookmark:
        return []
    return days(day(bookmark["first_day"]), day(bookmark["replication_key_value"]))


class Api(HTTPAdapter):
    """An API with a row per day, none on every fifth day, and errors for broken days."""

    def __init__(self) -> None:
        super().__init__()
        self.today = day("2024-01-01")
        self.broken: set[datetime.date] = set()
        self.status = 500
        self.requested: list[datetime.date] = []
        self.responded: list[datetime.date] = []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        query = parse_qs(urlsplit(str(request.url)).query)
        wanted = days(day(query["start_date"][0]), day(query["finish_date"][0]))
        self.requested += wanted
        status = 200
        if self.broken.intersection(wanted):
            status = self.status
        else:
            self.responded += wanted
        items = [self.row(each) for each in wanted if self.has_row(each)]
        body = json.dumps({"items": items, "itemCount": len(items)}).encode()
        return self.build_response(
            request, HTTPResponse(io.BytesIO(body), status=status, preload_content=False)
        )

    def has_row(self, wanted: datetime.date) -> bool:
        return wanted <= self.today and wanted.toordinal() % 5 > 0

    def row(self, wanted: datetime.date) -> dict[str, Any]:
        numbers = dict.fromkeys(("clicks", "ctr", "cpm", "revenue"), 0)
        return {"date": str(wanted), "impression": int(wanted < self.today), **numbers}


class Tap(TapAdsterra):
    """The tap with a clock that can be set."""

    time: ClassVar[datetime.datetime]
    clock = staticmethod(lambda: Tap.time)


class Runs(RuleBasedStateMachine):
    """Runs the tap at any time, with any settings and failures anywhere."""

    count = 0

    @initialize(start=st.dates(day("2023-12-01"), day("2024-01-01")))
    def begin(self, start: datetime.date) -> None:
        self.api = Api()
        self.start = start
        self.state: dict[str, Any] | None = None
        #: The days of which the final rows are stored.
        self.stored: set[datetime.date] = set()

    @rule(count=st.integers(1, 40))
    def days_pass(self, count: int) -> None:
        self.api.today += ONE_DAY * count

    @rule(
        lookback=st.integers(0, 20),
        length=st.integers(1, 31),
        concurrency=st.integers(1, 4),
        include_today=st.booleans(),
        behind=st.sampled_from([0, 0, 0, 1, 2, 30]),
        end=st.none() | st.integers(-20, 10),
        moves=st.sampled_from([0, 0, -1, -7, -40, -90, 5, 60]),
        broken=st.just(set()) | st.sets(st.integers(-40, 1), max_size=3),
        broken_early=st.sets(st.integers(0, 40), max_size=2),
        status=st.sampled_from([403, 500]),
    )
    def run_once(  # noqa: PLR0913 - everything a run depends on
        self,
        *,
        lookback: int,
        length: int,
        concurrency: int,
        include_today: bool,
        behind: int,
        end: int | None,
        moves: int,
        broken: set[int],
        broken_early: set[int],
        status: int,
    ) -> None:
        type(self).count += 1
        self.start = min(self.start + ONE_DAY * moves, self.api.today)
        today = self.api.today - ONE_DAY * behind
        Tap.time = datetime.datetime.combine(today, datetime.time(12), datetime.UTC)
        self.api.broken = {self.api.today + ONE_DAY * number for number in broken}
        self.api.broken |= {self.start + ONE_DAY * number for number in broken_early}
        self.api.status = status
        last_wanted = None if end is None else max(self.start, self.api.today + ONE_DAY * end)
        settings: dict[str, Any] = {
            "lookback_days": lookback,
            "window_days": length,
            "max_concurrency": concurrency,
            "include_today": include_today,
            **({} if last_wanted is None else {"end_date": str(last_wanted)}),
        }
        if self.start > today:
            with pytest.raises(ConfigValidationError):
                self.read(**settings)
            return

        # The windows to read: the new days, then earlier ones.
        yesterday = today - ONE_DAY
        last = today if include_today else yesterday
        last = min(last, last_wanted or last)
        before = covered_by(self.state)
        right_clock = before[-1:] <= [yesterday]
        covered = [each for each in before if each <= yesterday]
        first = self.start
        if covered:
            first = max(first, covered[0], covered[-1] + ONE_DAY * (1 - lookback))
        new = days(first, last)
        planned = [new[index : index + length] for index in range(0, len(new), length)]
        if covered and self.start < covered[0] <= last + ONE_DAY:
            earlier = days(self.start, covered[0] - ONE_DAY)[::-1]
            planned += [earlier[index : index + length] for index in range(0, len(earlier), length)]
        # The days before the first failure; a window with a server error is read day by day.
        done: list[datetime.date] = []
        for window in planned:
            failing = [index for index, each in enumerate(window) if each in self.api.broken]
            done += window[: failing[0] if status == 500 else 0] if failing else window
            if failing:
                break
        else:
            failing = []

        run = self.read(**settings)

        assert (run.error is not None) == bool(failing)
        requested = sorted(self.api.requested)
        wanted = sorted(each for window in planned for each in window)
        assert set(requested) <= set(wanted) if failing else requested == wanted
        self.take(run, yesterday)
        after = set(covered_by(self.state))
        complete = {each for each in done if each <= yesterday}
        assert complete <= after
        gap = covered and self.start > covered[-1] + ONE_DAY
        # Days read with a wrong clock count once they have been read again.
        kept = {each for each in covered if right_clock or each < first}
        if not complete:
            # A run without a complete day may write no state.
            assert after in (set(before), kept)
        elif not gap:
            assert after == kept | complete

    def read(self, **changes: Any) -> RunResult:
        config = {**CONFIG, "start_date": str(self.start), **changes}
        tap = Tap(config=config, state=self.state, catalog=json.loads(CATALOG))
        tap.run.session.mount("http://", self.api)
        self.api.requested.clear()
        self.api.responded.clear()
        return sync(tap)

    def take(self, run: RunResult, yesterday: datetime.date) -> None:
        """Store rows and states as a target does, and compare each state with the stored rows."""
        stored = {each for each in self.api.responded if not self.api.has_row(each)}
        for message in run.messages:
            if message["type"] == "RECORD" and message["record"]["impression"]:
                stored.add(day(message["record"]["date"]))
            elif message["type"] == "STATE":
                self.stored |= stored
                before, after = covered_by(self.state), covered_by(message["value"])
                self.state = message["value"]
                if after != before:
                    # Only a bookmark in the machine's future may go back.
                    if before and before[-1] <= yesterday:
                        assert after[-1] >= before[-1]
                    assert after[-1] <= yesterday
                    assert self.stored.issuperset(after)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("no_log")
def test_the_bookmark_is_right_after_any_sequence_of_runs(
    count_cases: CountCases,
) -> None:
    run_state_machine_as_test(
        Runs,
        settings=settings(max_examples=200 if LARGE else 30, stateful_step_count=30),
    )
    count_cases("bookmark", Runs.count)
