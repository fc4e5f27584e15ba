"""Stream maps: which streams they may match, which expressions work, and how errors are told."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_adsterra.tap import TapAdsterra
from tests.command_line import CommandLine
from tests.support import RunResult

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Adcloud, Adsterra, Runner

#: Per tap: a stream with a date, a list, and a number of the former with a decimal point.
STREAMS = {
    "adsterra": ("stats", "domains", "revenue"),
    "adcloud": ("advertiser_report", "topics", "costs"),
}


@pytest.fixture(params=STREAMS)
def runner(request: pytest.FixtureRequest) -> Runner[Any]:
    """Each of the taps."""
    found: Runner[Any] = request.getfixturevalue(request.param)
    return found


def streams(runner: Runner[Any]) -> tuple[str, str, str]:
    return STREAMS[runner.tap_class.name.removeprefix("tap-")]


def test_a_map_may_match_streams_that_are_not_selected(runner: Runner[Any], tmp_path: Path) -> None:
    """As does ``*`` by default, because some streams are not selected."""
    code, output, log = CommandLine(runner, tmp_path).run(
        stream_maps={"*": {"account": "'north'"}, "__else__": None}
    )
    assert code == 0, log
    messages = [json.loads(line) for line in output.splitlines()]
    records = [message["record"] for message in messages if message["type"] == "RECORD"]
    assert len(records) > 50
    assert {record["account"] for record in records} == {"north"}
    not_selected = [
        name for name, each in runner.tap().streams.items() if not each.selected_by_default
    ]
    if runner.tap_class is TapAdsterra:
        assert not_selected


@pytest.mark.parametrize("pattern", ["*", "{dated}", "{table}", "[!x]*"])
def test_a_map_is_applied_where_it_matches(runner: Runner[Any], pattern: str) -> None:
    dated, table, _ = streams(runner)
    name = pattern.format(dated=dated, table=table)
    run = runner.run(dated, stream_maps={name: {"account": "'north'"}})
    assert run.error is None
    assert all(("account" in record) == (name != table) for record in run.records(dated))
    assert run.records(dated)


def test_a_stream_that_a_program_reads_is_mapped_though_it_is_not_selected(
    runner: Runner[Any],
) -> None:
    dated, table, _ = streams(runner)
    tap = runner.tap(dated, stream_maps={"*": {"account": "'north'"}})
    assert {record["account"] for record in tap.records(table)} == {"north"}


def test_the_schema_of_a_stream_that_is_not_selected_is_whole(
    runner: Runner[Any], tmp_path: Path
) -> None:
    code, output, _ = CommandLine(runner, tmp_path).run("--config", "CONFIG", "--test=schema")
    assert code == 0
    for message in map(json.loads, output.splitlines()):
        assert set(message["key_properties"]) <= set(message["schema"]["properties"])


def test_the_settings_of_a_program_are_not_changed(adsterra: Adsterra) -> None:
    """The SDK takes ``__else__`` out of them; a second run would send the other streams."""
    settings = adsterra.settings(stream_maps={"stats": {"x": "1"}, "__else__": None})
    before = copy.deepcopy(settings)
    for _ in range(2):
        TapAdsterra(config=settings)
        assert settings == before


@pytest.mark.parametrize(
    "written", ["float({number}) * 0.92", "{number} * 92 / 100", "float(float({number}) * 0.92)"]
)
def test_a_decimal_can_be_converted_to_another_currency(
    runner: Runner[Any], tmp_path: Path, written: str
) -> None:
    dated, _, number = streams(runner)
    expression = written.format(number=number)
    code, output, log = CommandLine(runner, tmp_path).run(
        stream_maps={dated: {"other": expression, number: expression}}
    )
    assert code == 0, log
    messages = [json.loads(line, parse_float=Decimal) for line in output.splitlines()]
    records = [m["record"] for m in messages if m["type"] == "RECORD" and m["stream"] == dated]
    unchanged = runner.run(dated).records(dated)
    assert len(records) == len(unchanged) > 3
    for record, before in zip(records, unchanged, strict=True):
        wanted = before[number] * Decimal("0.92")
        assert record["other"] == record[number]
        assert abs(Decimal(record["other"]) - wanted) < Decimal("1e-9")


def test_an_expression_that_fails_on_some_rows_is_named(adsterra: Adsterra, tmp_path: Path) -> None:
    maps = {"stats": {"half": "revenue * 0.5 if clicks > 5 else 0"}}
    code, _, log = CommandLine(adsterra, tmp_path).run(stream_maps=maps)
    assert code == 1
    assert (
        "| stream_maps.stats.half, revenue * 0.5 if clicks > 5 else 0, mixes a decimal of the API "
        "with a floating-point number, which Python refuses. Write float(revenue) * 0.5 if clicks "
        "> 5 else 0. All other streams were read. To read without stats, add '!stats.*' to select"
    ) in log.splitlines()[-1]


def test_an_expression_that_fails_on_some_rows_does_not_keep_the_others_from_being_read(
    adsterra: Adsterra, tmp_path: Path
) -> None:
    undisturbed = adsterra.run("stats")
    maps = {"domains": {"number": "int(title)"}}
    code, output, log = CommandLine(adsterra, tmp_path).run(stream_maps=maps)
    assert code == 1
    assert "stream_maps.domains.number cannot be computed" in log.splitlines()[-1]
    assert RunResult(output).rows("stats") == undisturbed.rows("stats")


@pytest.mark.parametrize(
    ("stream", "expression", "reason"),
    [
        ("placements", "direct_url", ": a row of placements has no direct_url; write _.get"),
        ("stats", "clicks / (clicks * 0)", " cannot be computed, clicks / (clicks * 0): division"),
        ("stats", "revenue * 0 / (clicks * 0)", "revenue * 0 / (clicks * 0): division by zero"),
        ("domains", "int(title)", " cannot be computed, int(title): invalid literal for int()"),
    ],
)
def test_other_errors_name_the_map_and_the_field(
    adsterra: Adsterra, stream: str, expression: str, reason: str
) -> None:
    run = adsterra.run(stream, stream_maps={stream: {"new": expression}})
    assert f"stream_maps.{stream}.new" in str(run.error)
    assert reason in str(run.error)


def test_nothing_is_computed_for_rows_that_a_filter_leaves_out(adsterra: Adsterra) -> None:
    """So that a map of all streams may name a field of one."""
    maps = {"*": {"__filter__": "__stream_name__ == 'stats'", "euros": "float(revenue) * 0.92"}}
    run = adsterra.run(stream_maps=maps)
    assert run.error is None
    assert run.records("stats")
    assert not run.records("domains")


def test_batches_are_written_where_nothing_is_changed(adcloud: Adcloud, tmp_path: Path) -> None:
    storage = {"root": tmp_path.as_uri()}
    batches = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": storage}
    run = adcloud.run("topics", batch_config=batches, stream_maps={}, flattening_enabled=False)
    assert run.error is None
    assert run.of_type("BATCH")
