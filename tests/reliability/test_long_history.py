"""Ten years of daily runs: in the end, a warehouse has the rows that the API has.

The API restates recent days: numbers change, rows and whole days come late or vanish. The runs are
those of a real machine: it is off for days, its clock is wrong, it runs twice a day and around
midnight, the API fails, the target is killed. All of it is drawn with a seed, so every run of the
test is the same.
"""

from __future__ import annotations

import datetime
import json
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.adcloud import expected_rows as expected_adcloud_rows
from sandbox.adsterra import DEMO
from sandbox.adsterra import expected_rows as expected_adsterra_rows
from sandbox.faults import Fault
from tests.reliability.asgi_adapter import AsgiAdapter
from tests.support import REPORT_KEY, day, select, sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.support import Adcloud, Adsterra, CountCases, Message, Runner, RunResult

    Rows = dict[tuple[Any, ...], dict[str, Any]]
    #: By currency: the number of rows, impressions, clicks, and the amount.
    Totals = dict[str, tuple[int, int, int, Decimal]]

LARGE = "AD_TAPS_LARGE_TESTS" in os.environ
#: Ten years with their leap days, or long enough for every kind of event.
DAYS = 3_652 if LARGE else 200
TOTALS = "control_totals"
TOTALS_KEY = ("report", "date", "currency", "extracted_at")
ONE_DAY = datetime.timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
#: The time of the run on most days, and on the others, in UTC.
USUAL = datetime.time(5, 17)
ODD = [datetime.time(*time) for time in ((0, 0), (0, 4), (0, 59), (1, 0), (1, 30), (2, 0), (12, 0))]
ODD += [datetime.time(*time) for time in ((21, 59), (22, 0), (22, 59), (23, 0), (23, 30), (23, 59))]
#: Minutes between two runs on the same day; Adsterra updates its numbers every ten.
GAPS = (1, 9, 61, 600)
#: The faults of a run that fails, for every response of a window.
FAULTS = [
    Fault("status", status=500),
    Fault("status", status=403),
    Fault("html"),
    Fault("truncated"),
    Fault("error_in_body"),
    Fault("wrong_total"),
    Fault("lost_row"),
    Fault("wrong_type"),
]
#: At most: 3 for a window, 3 for its half, 6 for its day, and one for each other half.
REQUESTS_OF_A_FAILURE = 3 + 3 + 6 + 2


@dataclass
class Report:
    """A report, and the rows that the API has of it."""

    runner: Runner[Any]
    stream: str
    key: tuple[str, ...]
    #: The fields that are added up, and the one with the currency, if rows have one.
    amounts: tuple[str, str, str]
    currency: str | None
    start: datetime.date
    zone: datetime.tzinfo
    lookback_days: int
    more_lookback_days: int
    includes_today: bool
    window_days: int
    #: The request parameter with the first day of the window.
    first_day: str
    #: Requests of a run in addition to those for its windows.
    other_requests: int
    #: The rows that the API has of a day at some time, or once it has settled.
    rows_of: Callable[[datetime.date, datetime.datetime | None], list[dict[str, Any]]]
    settings: dict[str, Any] = field(default_factory=dict)

    def expected_rows(self, wanted: datetime.date, now: datetime.datetime | None = None) -> Rows:
        return {itemgetter(*self.key)(row): row for row in self.rows_of(wanted, now)}

    def as_sent(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row without what the tap adds."""
        added = {"extracted_at", "db_last_update_time"}
        return {name: value for name, value in row.items() if name not in added}

    def totals(self, rows: Iterable[dict[str, Any]]) -> Totals:
        """Add up rows by currency."""
        found: Totals = {}
        for row in rows:
            currency = row[self.currency] if self.currency else "USD"
            before = found.get(currency, (0, 0, 0, Decimal()))
            impressions, clicks, amount = (Decimal(str(row[name])) for name in self.amounts)
            found[currency] = (
                before[0] + 1,
                before[1] + int(impressions),
                before[2] + int(clicks),
                before[3] + amount,
            )
        return found

    def bookmark(self, state: dict[str, Any] | None) -> datetime.date | None:
        bookmarks = (state or {}).get("bookmarks", {})
        value = bookmarks.get(self.stream, {}).get("replication_key_value")
        return None if value is None else day(value)


@dataclass
class Warehouse:
    """What a target stores: rows by key, and the last state."""

    report: Report
    state: dict[str, Any] | None = None
    days: dict[str, Rows] = field(default_factory=lambda: defaultdict(dict))
    #: The control totals of each day, by reading.
    readings: dict[str, dict[str, Totals]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )

    def load(self, messages: Iterable[Message]) -> None:
        """Insert or update rows by their key, and keep the state."""
        for message in messages:
            if message["type"] == "SCHEMA":
                expected = TOTALS_KEY if message["stream"] == TOTALS else self.report.key
                assert tuple(message["key_properties"]) == expected
            elif message.get("stream") == TOTALS:
                total = message["record"]
                self.readings[total["date"]][total["extracted_at"]].update(as_totals(total))
            elif message["type"] == "RECORD":
                row = message["record"]
                self.days[row["date"]][itemgetter(*self.report.key)(row)] = row
            elif message["type"] == "STATE":
                self.state = message["value"]

    def newest_reading(self, wanted: datetime.date) -> Rows:
        """Return a day's rows of the newest reading that has control totals."""
        rows = self.days[str(wanted)]
        newest = max(self.readings[str(wanted)])
        found = {
            key: self.report.as_sent(row)
            for key, row in rows.items()
            if row["extracted_at"] == newest
        }
        assert self.report.totals(found.values()) == self.readings[str(wanted)][newest]
        return found


def as_totals(total: dict[str, Any]) -> Totals:
    """Return a control total by its currency; a day without rows has none."""
    amounts = total["row_count"], total["impressions"], total["clicks"], total["amount"]
    return {total["currency"]: amounts} if total["row_count"] else {}


@dataclass
class Occasion:
    """A planned run, and its events."""

    now: datetime.datetime
    #: The error of the machine's clock.
    clock_off: datetime.timedelta
    fault: Fault | None
    target_dies: bool


def occasions(start: datetime.date, dice: Random) -> Iterator[Occasion]:
    """Draw the times of the runs and their events."""
    off = 0
    for number in range(DAYS):
        today = start + ONE_DAY * number
        if off:
            off -= 1
        elif dice.random() < 1 / 80:
            off = dice.randrange(20)
        else:
            odd = clocks_change(today) or dice.random() < 1 / 8
            time = dice.choice(ODD) if odd else USUAL
            now = datetime.datetime.combine(today, time, datetime.UTC)
            yield occasion(now, dice)
            later = now + datetime.timedelta(minutes=dice.choice(GAPS))
            if dice.random() < 1 / 15 and later.date() == today:
                yield occasion(later, dice)


def occasion(now: datetime.datetime, dice: Random) -> Occasion:
    return Occasion(
        now,
        clock_off=ONE_DAY * dice.choices((0, -1, 1), weights=(96, 3, 1))[0],
        fault=dice.choice(FAULTS) if dice.random() < 1 / 12 else None,
        target_dies=dice.random() < 1 / 25,
    )


def clocks_change(today: datetime.date) -> bool:
    """Return whether Berlin's clocks change around a day."""
    noon = datetime.datetime.combine(today, datetime.time(12), BERLIN)
    return (noon - ONE_DAY).utcoffset() != (noon + ONE_DAY).utcoffset()


class Machine:
    """Runs a tap day by day into a warehouse, and checks every run."""

    def __init__(self, report: Report, monkeypatch: pytest.MonkeyPatch, dice: Random) -> None:
        self.report = report
        self.runner = report.runner
        self.sandbox = report.runner.sandbox
        self.adapter = AsgiAdapter(self.sandbox)
        self.warehouse = Warehouse(report)
        self.dice = dice
        self.time = self.sandbox.clock.now
        monkeypatch.setattr(self.runner.tap_class, "clock", staticmethod(lambda: self.time))
        selected = [report.stream, TOTALS]
        catalog = json.loads(json.dumps(select(self.runner.tap().catalog_dict, selected)))
        streams = catalog["streams"]
        self.catalog = {"streams": [each for each in streams if each["stream"] in selected]}
        #: The latest reading that was stored so far, although the clock may have gone back.
        self.last_reading = ""
        #: Every day before this one has been read for the last time.
        self.settled = report.start
        self.first_readings: dict[datetime.date, Rows] = {}
        self.sizes_of_state: set[int] = set()
        #: For runs on successive days, once the lookback does not reach the start date.
        self.requests_of_ordinary_runs: Counter[int] = Counter()
        self.seen: Counter[str] = Counter()

    def run(self, occasion: Occasion, lookback_days: int) -> None:
        """Run the tap once, and check what it did."""
        self.time = occasion.now + occasion.clock_off
        self.sandbox.clock.now = occasion.now
        before = self.report.bookmark(self.warehouse.state)
        windows = self.windows(before, lookback_days)
        self.sandbox.faults.clear()
        if occasion.fault and windows:
            triggered = {self.report.first_day: str(self.dice.choice(windows))}
            self.sandbox.faults.add(Fault(occasion.fault.kind, query=triggered))
        self.sandbox.requests.clear()

        run = self.sync(lookback_days)

        expected = len(windows) + self.report.other_requests * bool(windows)
        requests = len(self.sandbox.requests)
        if any(fault.triggered for fault in self.sandbox.faults):
            self.seen["run that failed"] += run.error is not None
            assert requests <= expected + REQUESTS_OF_A_FAILURE
        else:
            assert run.error is None
            assert requests == expected
            ordinary = (self.yesterday - ONE_DAY, self.report.lookback_days)
            if (before, lookback_days) == ordinary and self.settled > self.report.start:
                self.requests_of_ordinary_runs[requests] += 1
        self.check_states(run, before)
        self.check_totals(run)
        self.store(run, occasion)
        self.check_settled_days(lookback_days)
        self.seen["run"] += 1
        self.seen["wrong clock"] += bool(occasion.clock_off)
        self.seen["day missed"] += before is not None and (self.yesterday - before).days > 1

    @property
    def yesterday(self) -> datetime.date:
        """The last complete day, by the machine's clock."""
        return self.time.astimezone(self.report.zone).date() - ONE_DAY

    def windows(self, bookmark: datetime.date | None, lookback_days: int) -> list[datetime.date]:
        """Return the first days of the windows that a run must read, and no others."""
        first = self.report.start
        if bookmark is not None:
            missed = max(0, (self.yesterday - bookmark).days)
            first = max(first, self.yesterday + ONE_DAY * (1 - missed - lookback_days))
        days = (self.yesterday - first).days + 1 + self.report.includes_today
        return [first + ONE_DAY * number for number in range(0, days, self.report.window_days)]

    def sync(self, lookback_days: int) -> RunResult:
        tap = self.runner.tap(
            catalog=self.catalog,
            state=self.warehouse.state,
            start_date=str(self.report.start),
            lookback_days=lookback_days,
            **self.report.settings,
        )
        tap.run.session.mount(self.sandbox.url, self.adapter)
        return sync(tap)

    def check_states(self, run: RunResult, bookmark: datetime.date | None) -> None:
        """Compare every state of a run with the rows before it."""
        written: dict[str, Rows] = defaultdict(dict)
        for message in run.messages:
            if message.get("stream") == TOTALS:
                continue
            if message["type"] == "RECORD":
                row = self.report.as_sent(message["record"])
                written[row["date"]][itemgetter(*self.report.key)(row)] = row
            elif message["type"] == "STATE":
                moved = self.report.bookmark(message["value"])
                if moved == bookmark:
                    continue
                assert moved is not None
                assert moved <= self.yesterday
                done = bookmark or self.report.start - ONE_DAY
                if done > self.yesterday:
                    # A bookmark in the future of this clock is corrected, in the first state.
                    bookmark = moved
                    if not written:
                        continue
                    done = moved - ONE_DAY
                assert moved > done
                while done < moved:
                    done += ONE_DAY
                    expected = self.report.expected_rows(done, self.sandbox.clock.now)
                    assert written[str(done)] == expected
                    self.first_readings.setdefault(done, expected)
                bookmark = moved

    def check_totals(self, run: RunResult) -> None:
        """Compare every reading with what the API has at the time, and with the readings before."""
        found: dict[tuple[str, str], Totals] = defaultdict(dict)
        for total in run.records(TOTALS):
            assert total["extracted_at"] > self.last_reading
            assert total["complete"] == (day(total["date"]) <= self.yesterday)
            found[total["date"], total["extracted_at"]].update(as_totals(total))
        for (date, _), totals in found.items():
            expected = self.report.expected_rows(day(date), self.sandbox.clock.now)
            assert totals == self.report.totals(expected.values())
        self.seen["reading"] += len(found)

    def store(self, run: RunResult, occasion: Occasion) -> None:
        """Store the messages, or, if the target is killed, those before that."""
        messages = run.messages
        if occasion.target_dies:
            self.seen["target that died"] += 1
            messages = messages[: self.dice.randrange(len(messages) + 1)]
            # Some targets store rows immediately, some only with the next state.
            while self.dice.random() < 1 / 2 and messages and messages[-1]["type"] != "STATE":
                messages.pop()
        self.warehouse.load(messages)
        stored = (each["record"] for each in messages if each["type"] == "RECORD")
        self.last_reading = max([self.last_reading, *(row["extracted_at"] for row in stored)])
        if self.report.bookmark(self.warehouse.state):
            assert self.warehouse.state is not None
            bookmark = self.warehouse.state["bookmarks"][self.report.stream]
            self.sizes_of_state.add(len(json.dumps(bookmark)))

    def check_settled_days(self, lookback_days: int) -> None:
        """Compare the days that no run will read again with their final rows."""
        bookmark = self.report.bookmark(self.warehouse.state)
        while bookmark and self.settled <= bookmark - ONE_DAY * lookback_days:
            self.check_settled(self.settled)
            self.settled += ONE_DAY

    def check_settled(self, wanted: datetime.date) -> None:
        expected = self.report.expected_rows(wanted)
        assert self.warehouse.newest_reading(wanted) == expected
        first = self.first_readings[wanted]
        self.seen["late row"] += len(expected.keys() - first)
        self.seen["vanished row"] += len(first.keys() - expected)
        self.seen["late day"] += bool(expected) and not first
        self.seen["vanished day"] += bool(first) and not expected
        self.seen["moved row"] += sum(
            first[key] != expected[key] for key in first.keys() & expected
        )


def adsterra_report(adsterra: Adsterra) -> Report:
    key = ("date", "domain", "placement")
    return Report(
        runner=adsterra,
        stream="stats",
        key=key,
        amounts=("impression", "clicks", "revenue"),
        currency=None,
        start=day("2016-12-17"),
        zone=datetime.UTC,
        lookback_days=7,
        more_lookback_days=21,
        includes_today=True,
        window_days=4,
        first_day="start_date",
        other_requests=0,
        rows_of=lambda wanted, now: expected_adsterra_rows(DEMO, key, wanted, wanted, now),
        settings={"window_days": 4},
    )


def adcloud_report(adcloud: Adcloud) -> Report:
    adcloud.sandbox.adcloud.rows_per_day = 4
    return Report(
        runner=adcloud,
        stream="advertiser_report",
        key=REPORT_KEY,
        amounts=("ad_impressions", "clicks", "costs"),
        currency="currency",
        start=day("2014-01-01"),
        zone=BERLIN,
        lookback_days=30,
        more_lookback_days=40,
        includes_today=False,
        window_days=1,
        first_day="filter[date]",
        other_requests=1,
        rows_of=lambda wanted, now: expected_adcloud_rows(wanted, now, rows_per_day=4),
    )


def live(report: Report, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Run the machine for all days."""
    dice = Random("ten years")  # noqa: S311 - must be reproducible
    machine = Machine(report, monkeypatch, dice)
    more_from = report.start + ONE_DAY * (DAYS * 2 // 5)
    more_until = report.start + ONE_DAY * (DAYS * 3 // 5)
    for occasion in occasions(report.start, dice):
        more = more_from <= occasion.now.date() < more_until
        machine.run(occasion, report.more_lookback_days if more else report.lookback_days)
    return machine


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("no_log")
@pytest.mark.parametrize("name", ["adsterra", "adcloud"])
def test_years_of_daily_runs_leave_what_the_api_has(
    name: str,
    adsterra: Adsterra,
    adcloud: Adcloud,
    monkeypatch: pytest.MonkeyPatch,
    count_cases: CountCases,
) -> None:
    report = adsterra_report(adsterra) if name == "adsterra" else adcloud_report(adcloud)
    machine = live(report, monkeypatch)

    days = (machine.settled - report.start).days
    assert days >= DAYS - report.lookback_days - 25
    for number in range(days):
        wanted = report.start + ONE_DAY * number
        assert machine.warehouse.newest_reading(wanted) == report.expected_rows(wanted)

    # Neither the requests of an ordinary run nor the state grow over the years.
    assert set(machine.requests_of_ordinary_runs) == {3 if name == "adsterra" else 32}
    assert len(machine.sizes_of_state) == 1

    events = {"run that failed", "target that died", "wrong clock", "day missed"}
    events |= {"late row", "vanished row", "moved row", "late day", "vanished day"}
    assert events <= {*+machine.seen}
    assert machine.seen["reading"] > days
    count_cases("ten_years", machine.seen["run"])
