"""The SDK's features for messages: selection, stream maps, flattening, batches, versions."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft7Validator

from tests.support import RunResult, select

if TYPE_CHECKING:
    from tests.support import Adsterra


def deselect(catalog: dict[str, Any], stream: str, *fields: str) -> dict[str, Any]:
    """Deselect fields of a stream."""
    entry = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream)
    for metadata in entry["metadata"]:
        if metadata["breadcrumb"] and metadata["breadcrumb"][-1] in fields:
            metadata["metadata"]["selected"] = False
    return catalog


def without_time(line: bytes) -> dict[str, Any]:
    """Parse a row of a batch, and leave out the time of the reading."""
    row: dict[str, Any] = json.loads(line, parse_float=Decimal)
    del row["extracted_at"]
    return row


def fields(run: RunResult, stream: str) -> set[str]:
    return {name for record in run.records(stream) for name in record}


def test_fields_that_are_not_selected_are_not_written(adsterra: Adsterra) -> None:
    catalog = select(adsterra.tap().catalog_dict, ["stats"])
    run = adsterra.run(catalog=deselect(catalog, "stats", "clicks", "ctr", "db_last_update_time"))
    kept = {"date", "domain", "placement", "impression", "cpm", "revenue", "extracted_at"}
    assert fields(run, "stats") == kept
    schema = run.of_type("SCHEMA", "stats")[0]["schema"]
    assert set(schema["properties"]) == kept
    assert set(schema["required"]) <= kept
    assert run.bookmark("stats") == "2024-04-30"


def test_keys_cannot_be_taken_out(adsterra: Adsterra) -> None:
    catalog = select(adsterra.tap().catalog_dict, ["stats"])
    run = adsterra.run(catalog=deselect(catalog, "stats", "date", "placement", "domain"))
    assert {"date", "domain", "placement"} <= fields(run, "stats")


def test_a_catalog_without_keys_does_not_make_the_stream_keyless(adsterra: Adsterra) -> None:
    catalog = select(adsterra.tap().catalog_dict, ["stats"])
    for entry in catalog["streams"]:
        for name in ("key_properties", "replication_key", "replication_method"):
            entry.pop(name, None)
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"] = {"selected": metadata["metadata"]["selected"]}
    run = adsterra.run(catalog=catalog)
    schema = run.of_type("SCHEMA", "stats")[0]
    assert schema["key_properties"] == ["date", "domain", "placement"]
    assert run.bookmark("stats") == "2024-04-30"


def test_the_catalog_of_an_older_version_still_selects(adsterra: Adsterra) -> None:
    """A field that is new since then is written as well, and is in the schema."""
    catalog = select(adsterra.tap().catalog_dict, ["stats"])
    entry = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == "stats")
    new = "db_last_update_time"
    del entry["schema"]["properties"][new]
    entry["metadata"] = [item for item in entry["metadata"] if new not in item["breadcrumb"]]
    run = adsterra.run(catalog=catalog)
    assert run.without_times()[1:] == adsterra.run("stats").without_times()[1:]
    assert set(run.of_type("SCHEMA", "stats")[0]["schema"]["properties"]) == fields(run, "stats")
    assert new in fields(run, "stats")


def test_records_fit_their_schema(adsterra: Adsterra) -> None:
    run = adsterra.run()
    for message in run.of_type("SCHEMA"):
        validator = Draft7Validator(message["schema"])
        for record in run.records(message["stream"]):
            validator.validate(json.loads(json.dumps(record, default=float)))
        described = message["schema"]["properties"].values()
        assert all(len(field["description"]) > 10 for field in described)


def test_money_is_a_number_with_the_apis_digits(adsterra: Adsterra) -> None:
    run = adsterra.run("stats")
    revenues = [record["revenue"] for record in run.rows("stats")]
    assert any(isinstance(revenue, Decimal) for revenue in revenues)
    assert all(isinstance(revenue, int | Decimal) for revenue in revenues)
    assert b'"revenue":"' not in run.output


def test_stream_maps_rename_compute_and_filter(adsterra: Adsterra) -> None:
    plain = adsterra.run("stats")
    mapped = adsterra.run(
        "stats",
        stream_maps={
            "stats": {
                "__alias__": "earnings",
                "__filter__": "impression > 20000",
                "cents": "float(revenue) * 100",
                "ctr": None,
            }
        },
    )
    rows = [row for row in plain.rows("stats") if row["impression"] > 20000]
    assert 0 < len(rows) < len(plain.rows("stats"))
    assert [row["revenue"] for row in mapped.rows("earnings")] == [row["revenue"] for row in rows]
    assert "cents" in fields(mapped, "earnings")
    assert "ctr" not in fields(mapped, "earnings")
    assert mapped.bookmark("stats") == "2024-04-30"


def test_a_stream_map_can_leave_a_stream_out(adsterra: Adsterra) -> None:
    run = adsterra.run("domains", "stats", stream_maps={"domains": "__NULL__"})
    assert {message["stream"] for message in run.of_type("SCHEMA")} == {"stats"}
    assert run.rows("stats")


def test_flattening_changes_nothing_where_nothing_is_nested(adsterra: Adsterra) -> None:
    plain = adsterra.run("stats")
    flattened = adsterra.run("stats", flattening_enabled=True, flattening_max_depth=2)
    assert flattened.rows("stats") == plain.rows("stats")


def test_versions_are_written_for_full_tables_if_enabled(adsterra: Adsterra) -> None:
    run = adsterra.run("domains", "stats", emit_activate_version_messages=True)
    (version,) = run.of_type("ACTIVATE_VERSION")
    assert version["stream"] == "domains"
    assert all(message["version"] for message in run.of_type("RECORD", "domains"))


def test_batches_are_complete_before_their_state(adsterra: Adsterra, tmp_path: Path) -> None:
    plain = adsterra.run("stats", window_days=3)
    run = adsterra.run(
        "stats",
        window_days=3,
        batch_config={
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": tmp_path.as_uri()},
            "batch_size": 100,
        },
    )
    assert run.error is None
    written: list[dict[str, Any]] = []
    for message in run.messages:
        if message["type"] == "BATCH":
            for manifest in message["manifest"]:
                lines = gzip.decompress(Path(urlsplit(manifest).path).read_bytes()).splitlines()
                written += [without_time(line) for line in lines]
        if message["type"] == "STATE":
            mark = message["value"]["bookmarks"].get("stats", {}).get("replication_key_value", "")
            done = [row for row in plain.rows("stats") if row["date"] <= mark]
            assert written[: len(done)] == done
    assert written == plain.rows("stats")
    assert run.bookmark("stats") == "2024-04-30"
