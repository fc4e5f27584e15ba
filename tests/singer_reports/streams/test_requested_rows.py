"""Rows are those requested: of the days, filters and ids; missing ones are requested in halves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault
from sandbox.adsterra import DEMO
from tap_adsterra.reports import ReportStream
from tests.command_line import CommandLine
from tests.support import RunResult

if TYPE_CHECKING:
    from pathlib import Path

    from singer_reports.tap import ReportTap
    from tap_adsterra.tap import TapAdsterra
    from tests.support import Adcloud, Adsterra

BY_COUNTRY = {
    "name": "own",
    "group_by": ["date", "placement", "country"],
    "country": "DE",
}
FIRST_DAY = {"start_date": "2024-04-10"}


@pytest.fixture
def adsterra_command(adsterra: Adsterra, tmp_path: Path) -> CommandLine[TapAdsterra]:
    """The command of tap-adsterra."""
    return CommandLine(adsterra, tmp_path)


def other_rows(path: str, field: str, value: Any, **options: Any) -> Fault:
    """Make a fault: every row of a response has this value in a field."""
    return Fault("set_field_in_all", path=path, field=field, value=value, **options)


def test_a_response_of_another_day_is_read_again(adsterra: Adsterra) -> None:
    undisturbed = adsterra.run("stats", window_days=1)
    fault = other_rows("stats", "date", "2024-04-09", query=FIRST_DAY, times=1)
    adsterra.sandbox.faults.add(fault)
    run = adsterra.run("stats", window_days=1)
    assert run.error is None
    assert run.without_times() == undisturbed.without_times()


def test_a_response_that_stays_of_another_day_is_refused_and_not_passed_over(
    adsterra: Adsterra,
) -> None:
    adsterra.sandbox.faults.add(other_rows("stats", "date", "2024-04-09", query=FIRST_DAY))
    run = adsterra.run("stats", window_days=1)
    assert "stats 2024-04-10: the API sent " in str(run.error)
    assert "and none that was requested (date 2024-04-09), at the second reading too" in str(
        run.error
    )
    assert run.bookmark("stats") == "2024-04-09"


def test_a_window_with_another_day_instead_of_one_is_read_in_halves(
    adsterra: Adsterra, caplog: pytest.LogCaptureFixture, waits: list[float]
) -> None:
    undisturbed = adsterra.run("stats", window_days=1)
    query = {**FIRST_DAY, "finish_date": "2024-04-19"}
    adsterra.sandbox.faults.add(Fault("shifted_days", path="stats", by=1, query=query))
    run = adsterra.run("stats", start_date="2024-03-31", window_days=10)
    assert run.error is None
    assert [row for row in run.rows("stats") if row["date"] >= "2024-04-01"] == undisturbed.rows(
        "stats"
    )
    assert "(date 2024-04-20), and none of 2024-04-10; reading it in halves" in caplog.text
    assert not waits


def test_days_that_stay_one_off_are_refused_in_any_window(adsterra: Adsterra) -> None:
    adsterra.sandbox.faults.add(Fault("shifted_days", path="stats", by=1))
    run = adsterra.run("stats", window_days=10)
    assert "stats 2024-04-01: the API sent " in str(run.error)
    assert "none that was requested (date 2024-04-02), at the second reading too" in str(run.error)
    assert run.records("stats") == []


@pytest.mark.parametrize("value", ["2024-04-09", "20240410"])
def test_a_date_that_was_not_asked_for_is_checked_too(adsterra: Adsterra, value: str) -> None:
    report = {"name": "own", "group_by": ["domain", "placement", "country"]}
    options = {"reports": [report], "start_date": "2024-04-10", "end_date": "2024-04-10"}
    undisturbed = adsterra.run("own", **options)
    adsterra.sandbox.faults.add(other_rows("stats", "date", "2024-04-10"))
    assert adsterra.run("own", **options).rows("own") == undisturbed.rows("own")
    adsterra.sandbox.faults.clear()
    adsterra.sandbox.faults.add(other_rows("stats", "date", value))
    run = adsterra.run("own", **options)
    assert value in str(run.error)
    assert run.records("own") == []


def test_a_null_beside_other_values_that_were_not_requested_is_left_out(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    number = DEMO.placements[-1]["id"]
    report = {"name": "own", "group_by": ["placement"], "placement_ids": [number]}
    undisturbed = adsterra.run("own", reports=[report])
    parameters_of = ReportStream.get_url_params

    def without_filter(*arguments: Any) -> dict[str, Any]:
        return {**parameters_of(*arguments), "placement_ids[]": None}

    monkeypatch.setattr(ReportStream, "get_url_params", without_filter)
    adsterra.sandbox.faults.add(Fault("set_field", path="stats", field="placement", row=0))
    run = adsterra.run("own", reports=[report])
    assert run.error is None
    assert run.rows("own") == undisturbed.rows("own")
    assert "which were not requested (placement " in caplog.text


def test_a_response_of_another_day_is_refused_at_adcloud_too(adcloud: Adcloud) -> None:
    adcloud.sandbox.faults.add(other_rows("reports", "date", "2024-04-01"))
    run = adcloud.run("advertiser_report", start_date="2024-04-29")
    assert "and none that was requested (date 2024-04-01)" in str(run.error)
    assert run.records("advertiser_report") == []


@pytest.mark.parametrize(
    ("filters", "field", "value"),
    [
        ({"country": "DE"}, "country", "FR"),
        ({"placement_ids": [101, 102]}, "placement", 999),
        ({"domain": 11}, "domain", 999),
    ],
)
def test_a_filter_that_the_api_ignores_is_noticed(
    adsterra: Adsterra,
    caplog: pytest.LogCaptureFixture,
    filters: dict[str, Any],
    field: str,
    value: Any,
) -> None:
    report = {"name": "own", "group_by": ["date", field], **filters}
    options = {"reports": [report], "start_date": "2024-04-20"}
    adsterra.sandbox.faults.add(Fault("set_field", path="stats", field=field, value=value))
    run = adsterra.run("own", **options)
    if run.records("own"):
        assert f"which were not requested ({field} {value})" in caplog.text
        assert {row[field] for row in run.rows("own")}.isdisjoint({value})
    adsterra.sandbox.faults.clear()
    adsterra.sandbox.faults.add(other_rows("stats", field, value))
    run = adsterra.run("own", **options)
    assert f"none that was requested ({field} {value})" in str(run.error) or not run.records("own")


def test_campaigns_that_were_not_requested_are_left_out(
    adcloud: Adcloud, caplog: pytest.LogCaptureFixture
) -> None:
    undisturbed = adcloud.run("campaign_performance")
    fault = Fault(
        "set_field", path="campaign_performance_data", field="campaign_id", value=999_999, row=0
    )
    adcloud.sandbox.faults.add(fault)
    caplog.set_level("INFO")
    run = adcloud.run("campaign_performance")
    assert run.error is None
    ids = [row["campaign_id"] for row in run.rows("campaign_performance")]
    everyone = [row["campaign_id"] for row in undisturbed.rows("campaign_performance")]
    # One of each of the three chunks is not there, and is named.
    assert set(ids) < set(everyone)
    assert len(ids) == len(everyone) - 3
    missing = sorted(set(everyone) - set(ids))
    for number in missing:
        assert f"no row for the campaigns {number}" in caplog.text


def capped(adsterra: Adsterra, days: int) -> None:
    """Lose a row of every window of so many days or more: the API's responses are capped."""
    for first in range(1, 31, days):
        last = min(first + days - 1, 30)
        query = {"start_date": f"2024-04-{first:02}", "finish_date": f"2024-04-{last:02}"}
        adsterra.sandbox.faults.add(Fault("lost_row", path="stats", query=query))


def test_fewer_rows_than_announced_are_requested_in_halves(
    adsterra: Adsterra, waits: list[float]
) -> None:
    undisturbed = adsterra.run("stats", window_days=1)
    capped(adsterra, 30)
    capped(adsterra, 15)
    run = adsterra.run("stats", window_days=30)
    assert run.error is None
    assert run.rows("stats") == undisturbed.rows("stats")
    assert not waits


def test_a_request_that_is_too_large_is_halved(adsterra: Adsterra) -> None:
    undisturbed = adsterra.run("stats", window_days=1)
    query = {"start_date": "2024-04-01", "finish_date": "2024-04-30"}
    adsterra.sandbox.faults.add(Fault("status", status=413, path="stats", query=query))
    run = adsterra.run("stats", window_days=30)
    assert run.error is None
    assert run.rows("stats") == undisturbed.rows("stats")


@pytest.mark.parametrize("path", ["smart-links", "domains"])
def test_a_stream_that_fails_does_not_keep_the_others_from_being_read(
    adsterra_command: CommandLine[Any], path: str
) -> None:
    _, output, _ = adsterra_command.run()
    undisturbed = RunResult(output)
    adsterra_command.runner.sandbox.faults.add(Fault("status", status=404, path=path))
    code, output, log = adsterra_command.run()
    run = RunResult(output)
    name = path.replace("-", "_")
    assert code == 1
    last = log.splitlines()[-1]
    assert f"{name}: " in last
    assert f"To read without {name}, add '!{name}.*' to select in meltano.yml" in last
    for stream in {"domains", "placements", "smart_links", "stats"} - {name}:
        assert run.rows(stream) == undisturbed.rows(stream)
        assert run.rows(stream)
    assert run.records(name) == []
    assert run.bookmark("stats") == undisturbed.bookmark("stats")


def test_without_a_connection_the_run_ends_at_once(
    adsterra_command: CommandLine[Any],
) -> None:
    code, _, log = adsterra_command.run(api_url="http://127.0.0.1:1")
    assert code == 1
    assert log.count("To read without") == 0
    assert "CRITICAL" in log.splitlines()[-1]
    # The control totals are no requests.
    assert log.count("Beginning sync") == 2


def test_a_library_raises_the_first_error(adsterra: Adsterra) -> None:
    adsterra.sandbox.faults.add(Fault("status", status=404, path="smart-links"))
    tap: ReportTap = adsterra.tap("smart_links", "stats")
    with pytest.raises(Exception, match="smart_links: "):
        tap.sync_all()
