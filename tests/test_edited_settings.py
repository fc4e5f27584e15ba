"""Settings edited between runs, with the command, a state file and a real database.

After each edit, the table has the rows that the sandbox has for the new settings, or the run
explains why not.
"""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from sandbox.adsterra import DEMO, expected_rows
from sandbox.faults import Fault
from tests.command_line import CommandLine
from tests.support import NOW, day
from tests.test_targets import Target

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Adcloud, Adsterra

OWN = "own"
TWO_PLACEMENTS = [placement["id"] for placement in DEMO.placements[:2]]
FIVE_PLACEMENTS = [placement["id"] for placement in DEMO.placements[:5]]


def report(*group_by: str, **filters: Any) -> list[dict[str, Any]]:
    return [{"name": OWN, "group_by": list(group_by), **filters}]


class Loop:
    """``tap | target-duckdb``, with the last state kept in a file."""

    def __init__(self, runner: Adsterra | Adcloud, folder: Path, stream: str) -> None:
        self.command: CommandLine[Any] = CommandLine(runner, folder)
        self.requests = runner.sandbox.requests
        self.folder = folder
        self.stream = stream
        self.state = folder / "state.json"
        self.database = folder / "ads.duckdb"
        self.target = Target(
            "target-duckdb",
            folder,
            path=str(self.database),
            default_target_schema="main",
            flush_all_streams=True,
        )

    def run(self, **settings: Any) -> tuple[int, str]:
        """Run once with these settings; return the tap's exit code, and its warnings and errors."""
        catalog = self.command.runner.tap(self.stream, **settings).catalog_dict
        arguments = ["--config", "CONFIG", "--catalog", self.command.write("catalog.json", catalog)]
        if self.state.exists():
            arguments += ["--state", str(self.state)]
        code, output, log = self.command.run(*arguments, **settings)
        if output:
            self.state.write_text(json.dumps(self.target.load(output)))
        messages = [line for line in log.splitlines() if "| WARNING " in line or "| ERROR " in line]
        return code, "\n".join(messages)

    def impressions(self) -> tuple[int, int]:
        """Count the rows in the table and add up their impressions."""
        with duckdb.connect(str(self.database), read_only=True) as database:
            (row,) = database.table(self.stream).aggregate("count(*), sum(impression)").fetchall()
        return row

    def days(self) -> list[str]:
        """Return the days in the table."""
        with duckdb.connect(str(self.database), read_only=True) as database:
            rows = database.table(self.stream).aggregate("date").fetchall()
        return sorted(each for (each,) in rows)

    def covered(self) -> tuple[str, str]:
        """Return the first and the last day that the state covers."""
        bookmark = json.loads(self.state.read_text())["bookmarks"][self.stream]
        return bookmark["first_day"], bookmark["replication_key_value"]


class AdsterraLoop(Loop):
    """The loop of a user-defined report."""

    def __init__(self, adsterra: Adsterra, folder: Path) -> None:
        super().__init__(adsterra, folder, OWN)
        self.windows = adsterra.windows
        self.faults = adsterra.sandbox.faults


@pytest.fixture
def loop(adsterra: Adsterra, tmp_path: Path) -> AdsterraLoop:
    return AdsterraLoop(adsterra, tmp_path)


def expected(*group_by: str, start: str = "2024-04-01", **filters: Any) -> tuple[int, int]:
    rows = expected_rows(DEMO, ("date", *group_by), day(start), day("2024-05-01"), NOW, **filters)
    return len(rows), sum(row["impression"] for row in rows)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"country": "US"}, {}),
        ({"placement_ids": TWO_PLACEMENTS}, {"placement_ids": FIVE_PLACEMENTS}),
    ],
)
def test_a_report_whose_filters_are_widened_is_read_again_from_the_start(
    loop: AdsterraLoop, before: dict[str, Any], after: dict[str, Any]
) -> None:
    dimensions = ("placement", "country")
    loop.run(reports=report(*dimensions, **before))
    assert loop.impressions() == expected(*dimensions, **before)
    code, messages = loop.run(reports=report(*dimensions, **after))
    assert code == 0
    assert "its filters were" in messages
    assert loop.impressions() == expected(*dimensions, **after)
    # The third run logs nothing, and reads the usual days.
    loop.requests.clear()
    assert loop.run(reports=report(*dimensions, **after)) == (0, "")
    assert loop.windows() == ["2024-04-24..2024-05-01"]
    assert loop.impressions() == expected(*dimensions, **after)


def test_a_report_of_another_domain_is_read_again_with_a_warning_of_old_rows(
    loop: AdsterraLoop,
) -> None:
    one, other = DEMO.domains[0]["id"], DEMO.domains[1]["id"]
    loop.run(reports=report("placement", "country", domain=one))
    code, messages = loop.run(reports=report("placement", "country", domain=other))
    assert code == 0
    assert f"its filters were domain={one} and are domain={other} now" in messages
    assert "delete them, or give the report another name" in messages
    both = [expected("placement", "country", domain=domain) for domain in (one, other)]
    assert loop.impressions() == tuple(map(sum, zip(*both, strict=True)))


@pytest.mark.parametrize("group_by", [["placement"], ["placement", "country", "domain"], ["date"]])
def test_a_report_with_other_dimensions_is_refused_before_the_first_request(
    loop: AdsterraLoop, group_by: list[str]
) -> None:
    loop.run(reports=report("placement", "country"))
    before = loop.impressions()
    loop.requests.clear()
    code, messages = loop.run(reports=report(*group_by))
    assert code == 1
    assert f"The state says that {OWN} was read by date, placement, country" in messages
    assert f"Give the report another name, or remove {OWN} from the state" in messages
    assert loop.requests == []
    assert loop.impressions() == before


def test_the_order_of_dimensions_and_filters_does_not_matter(loop: AdsterraLoop) -> None:
    loop.run(reports=report("placement", "country", placement_ids=TWO_PLACEMENTS))
    settings = report("country", "date", "placement", placement_ids=TWO_PLACEMENTS[::-1])
    assert loop.run(reports=settings) == (0, "")


def test_a_state_without_a_definition_is_accepted(loop: AdsterraLoop) -> None:
    loop.run(reports=report("placement"), start_date="2024-04-20")
    state = json.loads(loop.state.read_text())
    bookmark = state["bookmarks"][OWN]
    del bookmark["definition"], bookmark["first_day"]
    loop.state.write_text(json.dumps(state))
    settings = report("placement", country="US")
    assert loop.run(reports=settings, start_date="2024-04-20") == (0, "")
    assert loop.covered() == ("2024-04-20", "2024-04-30")


def test_days_before_an_earlier_start_date_are_read_backwards_and_logged(
    loop: AdsterraLoop,
) -> None:
    settings: dict[str, Any] = {"reports": report("placement"), "window_days": 10}
    loop.run(start_date="2024-04-11", **settings)
    loop.requests.clear()
    code, messages = loop.run(start_date="2024-03-01", lookback_days=3, **settings)
    assert (code, messages) == (0, "")
    assert loop.windows() == [
        "2024-03-01..2024-03-01",
        "2024-03-02..2024-03-11",
        "2024-03-12..2024-03-21",
        "2024-03-22..2024-03-31",
        "2024-04-01..2024-04-10",
        "2024-04-28..2024-05-01",
    ]
    assert loop.impressions() == expected("placement", start="2024-03-01")
    assert loop.covered() == ("2024-03-01", "2024-04-30")


@pytest.mark.parametrize("status", [403, 504])
def test_a_failed_run_over_earlier_days_is_continued(loop: AdsterraLoop, status: int) -> None:
    settings: dict[str, Any] = {"reports": report("placement"), "window_days": 10}
    loop.run(start_date="2024-04-11", **settings)
    # The window 2024-03-22..2024-03-31 fails with a server error, and is split into smaller ones.
    faults = loop.faults
    whole = {"start_date": "2024-03-22", "finish_date": "2024-03-31"}
    faults.add(Fault("status", path="stats", query=whole, status=status))
    early_half = {"start_date": "2024-03-22", "finish_date": "2024-03-26"}
    faults.add(Fault("status", path="stats", query=early_half, status=403))
    code, _ = loop.run(start_date="2024-03-01", **settings)
    assert code == 1
    done = loop.covered()
    assert done == ("2024-04-01" if status == 403 else "2024-03-27", "2024-04-30")
    stored = {each for each in loop.days() if each >= "2024-03-01"}
    assert min(stored) >= done[0]
    faults.clear()
    assert loop.run(start_date="2024-03-01", **settings)[0] == 0
    assert loop.impressions() == expected("placement", start="2024-03-01")
    assert loop.covered() == ("2024-03-01", "2024-04-30")


def test_days_between_the_state_and_a_later_start_date_are_logged(loop: AdsterraLoop) -> None:
    loop.run(reports=report("placement"), end_date="2024-04-10")
    code, messages = loop.run(reports=report("placement"), start_date="2024-04-20")
    assert code == 0
    assert "start_date 2024-04-20 is past what has been read, so 2024-04-11..2024-04-19" in messages
    assert loop.covered() == ("2024-04-20", "2024-04-30")
    # Following the warning, the gap is read, and the days before it once more.
    assert loop.run(reports=report("placement"), start_date="2024-04-01") == (0, "")
    assert loop.impressions() == expected("placement")


def test_days_before_a_gap_are_not_read_and_logged(loop: AdsterraLoop) -> None:
    loop.run(reports=report("placement"), start_date="2024-04-20")
    code, messages = loop.run(
        reports=report("placement"), start_date="2024-04-01", end_date="2024-04-10"
    )
    assert code == 0
    assert "the days from 2024-04-01 to 2024-04-10 are not read" in messages
    assert "Set end_date to 2024-04-19 or later" in messages
    assert loop.covered() == ("2024-04-20", "2024-04-30")


def test_nothing_to_read_is_a_warning(loop: AdsterraLoop) -> None:
    code, messages = loop.run(
        reports=report("placement"), start_date="2024-05-01", include_today=False
    )
    assert code == 0
    assert "nothing to read" in messages


@pytest.mark.parametrize("network", ["adsterra", "adcloud"])
def test_a_start_date_in_the_future_is_refused(
    request: pytest.FixtureRequest, network: str, tmp_path: Path
) -> None:
    command = CommandLine(request.getfixturevalue(network), tmp_path)
    code, output, log = command.run(start_date="2024-05-03")
    assert (code, output) == (1, b"")
    assert "start_date 2024-05-03 is in the future" in log


@pytest.mark.parametrize("content", ["", "\n", " \n\n"])
@pytest.mark.parametrize("network", ["adsterra", "adcloud"])
def test_an_empty_state_file_is_no_state(
    request: pytest.FixtureRequest, network: str, content: str, tmp_path: Path
) -> None:
    command = CommandLine(request.getfixturevalue(network), tmp_path)
    (tmp_path / "state.json").write_text(content)
    code, output, log = command.run("--config", "CONFIG", "--state", str(tmp_path / "state.json"))
    assert code == 0
    assert "is empty, so this run reads from start_date on" in log
    assert b'"RECORD"' in output


@pytest.mark.parametrize("last", ["2031-01-01", "9999-12-31"])
def test_a_bookmark_in_the_future_is_logged(loop: AdsterraLoop, last: str) -> None:
    bookmark = {"replication_key": "date", "replication_key_value": last}
    loop.state.write_text(json.dumps({"bookmarks": {OWN: bookmark}}))
    code, messages = loop.run(reports=report("placement"))
    assert code == 0
    assert f"the state says that all was read up to {last}, which is not over yet" in messages
    assert loop.covered()[1] == "2024-04-30"


@pytest.mark.parametrize("last", ["0001-01-01", "0001-01-01T00:00:00+05:00"])
def test_a_bookmark_at_the_beginning_of_time_ends_in_no_error(
    loop: AdsterraLoop, last: str
) -> None:
    bookmark = {"replication_key": "date", "replication_key_value": last}
    loop.state.write_text(json.dumps({"bookmarks": {OWN: bookmark}}))
    code, messages = loop.run(reports=report("placement"))
    assert "Error" not in messages
    if code == 0:
        assert loop.impressions() == expected("placement")
    else:
        assert "is not a day" in messages


def test_another_time_zone_has_the_last_days_read_again(adcloud: Adcloud, tmp_path: Path) -> None:
    loop = Loop(adcloud, tmp_path, "advertiser_report")
    loop.run(lookback_days=0)
    adcloud.sandbox.requests.clear()
    code, messages = loop.run(lookback_days=0, timezone="UTC")
    assert code == 0
    assert "timezone was Europe/Berlin and is UTC now" in messages
    assert adcloud.days() == ["2024-04-29", "2024-04-30"]
    adcloud.sandbox.requests.clear()
    assert loop.run(lookback_days=1, timezone="UTC") == (0, "")
    assert adcloud.days() == ["2024-04-30"]


@pytest.mark.parametrize("include_today", [True, False])
def test_a_bookmark_in_the_future_is_logged_once_and_later_days_are_read(
    adsterra: Adsterra, caplog: pytest.LogCaptureFixture, *, include_today: bool
) -> None:
    settings: dict[str, Any] = {"lookback_days": 0, "include_today": include_today}
    bookmark = {"replication_key": "date", "replication_key_value": "2024-05-20"}
    run = adsterra.run("stats", state={"bookmarks": {"stats": bookmark}}, **settings)
    assert "not over yet" in caplog.text
    adsterra.sandbox.clock.advance(datetime.timedelta(days=2))
    adsterra.sandbox.requests.clear()
    caplog.clear()
    adsterra.run("stats", state=run.state, **settings)
    assert "not over yet" not in caplog.text
    (window,) = adsterra.windows()
    assert window == f"2024-05-01..2024-05-0{3 if include_today else 2}"


def test_another_time_zone_is_logged_once_also_if_nothing_is_read(
    adcloud: Adcloud, caplog: pytest.LogCaptureFixture
) -> None:
    run = adcloud.report(lookback_days=0)
    settings: dict[str, Any] = {"lookback_days": 0, "timezone": "UTC"}
    run = adcloud.report(state=run.state, end_date="2024-04-27", **settings)
    assert "timezone was" in caplog.text
    adcloud.sandbox.requests.clear()
    caplog.clear()
    adcloud.report(state=run.state, **settings)
    assert "timezone was" not in caplog.text
    assert adcloud.days() == ["2024-04-29", "2024-04-30"]


@pytest.mark.parametrize("key", ["progress_markers", "partitions"])
@pytest.mark.parametrize("value", [None, "x", [None], 1])
def test_what_the_sdk_keeps_in_a_state_is_checked(
    adsterra: Adsterra, tmp_path: Path, key: str, value: Any
) -> None:
    command: CommandLine[Any] = CommandLine(adsterra, tmp_path)
    state = command.write("state.json", {"bookmarks": {"stats": {key: value}}})
    code, output, log = command.run("--config", "CONFIG", "--state", state)
    assert (code, output) == (1, b"")
    assert f"bookmarks.stats.{key} must be" in log


def test_a_full_table_of_another_grouping_is_refused(loop: AdsterraLoop) -> None:
    loop.run(reports=report("placement"))
    catalog = loop.command.runner.tap(OWN, reports=report("country")).catalog_dict
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    path = loop.command.write("catalog.json", catalog)
    arguments = ["--config", "CONFIG", "--catalog", path, "--state", str(loop.state)]
    code, output, log = loop.command.run(*arguments, reports=report("country"))
    assert (code, output) == (1, b"")
    assert "its rows have another key" in log


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"dimensions": None, "filters": []}, "definition.dimensions must be a list"),
        ({"dimensions": ["date", "placement"], "filters": "US"}, "definition.filters must be"),
        ([], "definition must be an object"),
    ],
)
def test_a_definition_of_another_form_is_refused(
    loop: AdsterraLoop, definition: Any, message: str
) -> None:
    bookmark = {"replication_key_value": "2024-04-20", "definition": definition}
    loop.state.write_text(json.dumps({"bookmarks": {OWN: bookmark}}))
    code, log = loop.run(reports=report("placement"))
    assert code == 1
    assert message in log


def test_ids_written_as_decimals_are_ids(adsterra: Adsterra) -> None:
    one = DEMO.domains[0]["id"]
    whole = adsterra.run(OWN, reports=report("placement", domain=one))
    run = adsterra.run(OWN, reports=report("placement", domain=float(one)))
    assert run.error is None
    assert run.without_times()[-1] == whole.without_times()[-1]
    assert run.rows(OWN) == whole.rows(OWN)
