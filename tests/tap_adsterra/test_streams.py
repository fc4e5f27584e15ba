"""The streams have exactly the rows of the sandbox."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from jsonschema import Draft202012Validator

from sandbox.adsterra import DEMO, DOCUMENTS_TOKEN, expected_rows
from sandbox.faults import Fault
from sandbox.numbers import from_json, to_json
from tap_adsterra.reports import DIMENSIONS, MAX_DIMENSIONS, ReportStream, ordered_dimensions
from tap_adsterra.streams import STREAMS
from tests.support import NOW, day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support import Adsterra, RunResult

LISTS = ["domains", "placements", "smart_links"]
REPORTS = [stream for stream in STREAMS if issubclass(stream, ReportStream)]
UPDATED = "2024-05-01 12:00:00"

#: The 25 combinations of dimensions that the API allows, as settings: date may be left out.
GROUPINGS = [
    list(dimensions)
    for count in range(1, MAX_DIMENSIONS + 1)
    for dimensions in combinations(DIMENSIONS, count)
]


def expected(
    dimensions: Sequence[str], start: str, finish: str, **filters: Any
) -> list[dict[str, Any]]:
    """Return a report's rows that the sandbox has."""
    rows = expected_rows(DEMO, dimensions, day(start), day(finish), NOW, **filters)
    return [{**row, "db_last_update_time": UPDATED} for row in rows]


def test_all_entities_are_read(adsterra: Adsterra) -> None:
    run = adsterra.run(*LISTS)
    assert run.error is None
    for stream in LISTS:
        rows = getattr(DEMO, stream)
        assert rows
        assert run.rows(stream) == sorted(rows, key=lambda row: row["id"])
    assert [request.path for request in adsterra.sandbox.requests] == [
        "/publisher/domains.json",
        "/publisher/placements.json",
        "/publisher/smart-links.json",
    ]


@pytest.mark.parametrize(
    ("stream", "dimensions"), [(report.name, report.dimensions) for report in REPORTS]
)
def test_built_in_reports(adsterra: Adsterra, stream: str, dimensions: tuple[str, ...]) -> None:
    run = adsterra.run(stream)
    rows = expected(dimensions, "2024-04-01", "2024-05-01")
    # More than one per day.
    assert len(rows) > 31
    assert run.rows(stream) == rows
    assert run.of_type("SCHEMA")[0]["key_properties"] == list(dimensions)


def test_only_statistics_by_placement_are_selected_by_default(adsterra: Adsterra) -> None:
    run = adsterra.run()
    streams = [message["stream"] for message in run.of_type("SCHEMA")]
    assert streams == ["control_totals", *LISTS, "stats"]


def test_there_are_25_groupings() -> None:
    assert len(GROUPINGS) == 25


@pytest.mark.parametrize("group_by", GROUPINGS, ids="-".join)
def test_every_grouping(adsterra: Adsterra, group_by: list[str]) -> None:
    dimensions = ordered_dimensions(group_by)
    by_day = len(dimensions) > 3
    run = adsterra.run(
        "own",
        start_date="2024-04-21",
        window_days=5,
        reports=[{"name": "own", "group_by": group_by[::-1]}],
    )
    assert run.error is None

    schema = run.of_type("SCHEMA", "own")[0]
    assert schema["key_properties"] == list(dimensions)
    assert schema["bookmark_properties"] == ["date"]
    assert set(schema["schema"]["properties"]) == {
        *dimensions,
        *("impression", "clicks", "ctr", "cpm", "revenue", "db_last_update_time", "extracted_at"),
    }

    rows = run.rows("own")
    assert rows == expected(dimensions, "2024-04-21", "2024-05-01")
    assert len({tuple(row[name] for name in dimensions) for row in rows}) == len(rows) > 0
    as_json = json.loads(json.dumps(rows, default=float))
    validator = Draft202012Validator(schema["schema"])
    assert not [error for row in as_json for error in validator.iter_errors(row)]

    requested = [request.values("group_by[]") for request in adsterra.sandbox.requests]
    grouped_by = [name for name in dimensions if not (by_day and name == "date")]
    assert requested == [grouped_by] * (11 if by_day else 3)
    assert adsterra.windows()[:2] == (
        ["2024-04-21..2024-04-21", "2024-04-22..2024-04-22"]
        if by_day
        else ["2024-04-21..2024-04-25", "2024-04-26..2024-04-30"]
    )
    assert run.bookmark("own") == "2024-04-30"


def test_a_report_can_be_restricted(adsterra: Adsterra) -> None:
    placement = DEMO.placements[0]
    others = [row["id"] for row in DEMO.placements[1:3]]
    filters = {"domain": placement["domain_id"], "country": "US"}
    run = adsterra.run(
        "one",
        "several",
        reports=[
            {"name": "one", "group_by": ["country"], **filters},
            {"name": "several", "group_by": ["placement"], "placement_ids": others},
        ],
    )
    assert run.error is None
    assert run.rows("one") == expected(("date", "country"), "2024-04-01", "2024-05-01", **filters)
    assert run.rows("several") == expected(
        ("date", "placement"), "2024-04-01", "2024-05-01", placement_ids=others
    )
    requested = adsterra.sandbox.requests[-1]
    assert requested.values("placement_ids[]") == [str(number) for number in others]


def test_only_known_parameters_are_sent(adsterra: Adsterra) -> None:
    """Adsterra refuses a request with an unknown parameter."""
    adsterra.run()
    parameters = {name for request in adsterra.sandbox.requests for name, _ in request.query}
    assert parameters == {"start_date", "finish_date", "group_by[]"}


def test_the_documented_sample(adsterra: Adsterra) -> None:
    run = adsterra.run(
        "daily",
        api_token=DOCUMENTS_TOKEN,
        start_date="2018-10-04",
        end_date="2018-10-05",
        reports=[{"name": "daily", "group_by": ["date"]}],
    )
    updated = {"db_last_update_time": "2018-10-08 14:47:49"}
    assert run.rows("daily") == [
        {
            "date": "2018-10-04",
            "impression": 3014,
            "clicks": 175,
            "ctr": Decimal("5.806"),
            "cpm": Decimal("0.383"),
            "revenue": Decimal("1.154"),
            **updated,
        },
        {
            "date": "2018-10-05",
            "impression": 3485,
            "clicks": 155,
            "ctr": Decimal("4.448"),
            "cpm": Decimal("0.396"),
            "revenue": Decimal("1.379"),
            **updated,
        },
    ]


def test_two_runs_write_the_same_bytes_whatever_the_order_and_the_concurrency(
    adsterra: Adsterra,
) -> None:
    first = adsterra.run(start_date="2024-01-01", window_days=7, max_concurrency=8)
    adsterra.sandbox.faults.add(Fault("shuffled_rows"))
    second = adsterra.run(start_date="2024-01-01", window_days=7, max_concurrency=1)
    assert first.without_times() == second.without_times()


@pytest.mark.parametrize(
    ("field", "none"), [("country", "-"), ("placement_sub_id", "-"), ("placement", 0)]
)
def test_a_null_in_a_key_is_replaced_by_the_sentinel_of_the_api(
    adsterra: Adsterra, field: str, none: object
) -> None:
    adsterra.sandbox.faults.add(Fault("null_key", path="stats", field=field, row=1))
    run = adsterra.run(
        "own", reports=[{"name": "own", "group_by": ["placement", "country", "placement_sub_id"]}]
    )
    # Rows that differ only in this would be duplicates, which are refused.
    if run.error is None:
        assert none in {row[field] for row in run.rows("own")}
    assert None not in {row[field] for row in run.rows("own")}


def sub_ids(
    adsterra: Adsterra, value: object, *, twin: bool = False
) -> tuple[RunResult, dict[str, Any]]:
    """Read a day by sub id, in which a row without one comes with ``value`` for it.

    Returns:
        The run, and the row as it was.
    """
    changed: list[dict[str, Any]] = []

    def change(body: bytes, _: Fault) -> bytes:
        response = from_json(body)
        row = next(row for row in response["items"] if row["placement_sub_id"] == "-")
        changed.append(dict(row))
        if twin:
            row = dict(row)
            response["items"].append(row)
            response["itemCount"] += 1
        row["placement_sub_id"] = value
        return to_json(response)

    adsterra.sandbox.faults.add(Fault("set_field", path="stats"))
    with mock.patch("sandbox.transport_faults.apply_body_fault", change):
        run = adsterra.run("stats_by_sub_id", end_date="2024-04-01")
    return run, changed[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (4711, "4711"),
        (Decimal("1.50"), "1.50"),
        ("007", "007"),
        ("a\0b", "a\0b"),
        ("", "-"),
        (None, "-"),
    ],
)
def test_a_sub_id_is_a_text_however_it_comes(
    adsterra: Adsterra, value: object, expected: str
) -> None:
    run, row = sub_ids(adsterra, value)
    assert run.error is None
    (found,) = [
        record
        for record in run.rows("stats_by_sub_id")
        if record["placement"] == row["placement"] and record["placement_sub_id"] == expected
    ]
    assert {name: found[name] for name in row} == {**row, "placement_sub_id": expected}


@pytest.mark.parametrize(("value", "shown"), [(None, "null"), ("", '""')])
def test_the_sentinel_beside_a_null_is_explained(
    adsterra: Adsterra, value: str | None, shown: str
) -> None:
    """Both rows would have the same key, and nothing says which of them is right."""
    run, row = sub_ids(adsterra, value, twin=True)
    key = (row["date"], row["placement"], "-")
    assert (
        f"more than once: {key}, where placement_sub_id came once as {shown} and once as "
        in str(run.error)
    )
    assert run.rows("stats_by_sub_id") == []


@pytest.mark.parametrize(
    "body", [b'{"data":[]}', b'{"data":{"items":[]}}', b'{"data":{"items":{}}}']
)
def test_no_smart_links_in_any_of_their_forms(adsterra: Adsterra, body: bytes) -> None:
    with mock.patch("sandbox.transport_faults.apply_body_fault", return_value=body):
        adsterra.sandbox.faults.add(Fault("empty_object", path="smart-links"))
        run = adsterra.run("smart_links")
    assert run.error is None
    assert run.rows("smart_links") == []


@pytest.mark.parametrize("body", [b'{"data":{}}', b'{"data":null}', b'{"data":[{"id":1}]}', b"[]"])
def test_smart_links_without_a_list_are_refused(adsterra: Adsterra, body: bytes) -> None:
    with mock.patch("sandbox.transport_faults.apply_body_fault", return_value=body):
        adsterra.sandbox.faults.add(Fault("empty_object", path="smart-links"))
        run = adsterra.run("smart_links")
    assert "not what its documentation says" in str(run.error)


def test_quoted_numbers_are_numbers(adsterra: Adsterra) -> None:
    plain = adsterra.run("stats")
    adsterra.sandbox.faults.add(Fault("quoted_numbers"))
    assert adsterra.run("stats").rows("stats") == plain.rows("stats")
