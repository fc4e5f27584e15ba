"""docs/scale.md: its commands and its stream maps work as written."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING

import duckdb
import pytest

from sandbox.adsterra import DEMO, DEMO_TOKEN, expected_rows
from sandbox.server import Sandbox
from tests import documents
from tests.documents import Shell
from tests.meltano import needs_meltano
from tests.paths import PROJECT
from tests.support import day

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Adsterra

FILE = PROJECT / "docs" / "scale.md"
#: What the tests replace in the page's commands.
HERE = {
    "target-postgres": "target-duckdb",
    "TARGET_POSTGRES_": "TARGET_DUCKDB_",
    "the-token-of-north": DEMO_TOKEN,
}


@needs_meltano
@pytest.mark.timeout(300)
def test_a_range_of_the_past_leaves_the_state_of_the_daily_run(tmp_path: Path) -> None:
    """Both commands run in one shell; the states are checked after them."""
    commands = documents.block(FILE, "export MELTANO_ENVIRONMENT")
    commands += documents.block(FILE, "export MELTANO_STATE_ID")
    for written, here in HERE.items():
        assert written in commands
        commands = commands.replace(written, here)
    clone = documents.copy_project(tmp_path / "clone")
    with Sandbox(datetime.datetime.now(datetime.UTC)) as sandbox:
        today = sandbox.clock.now.date()
        start = today - datetime.timedelta(days=20)
        shell = Shell(clone, sandbox, TAP_ADSTERRA_START_DATE=str(start))
        shell.run(commands)
        states = shell.run("meltano --environment=production state list")
        now = sandbox.clock.now
    assert "adsterra:north" in states
    assert ".." not in states
    rows = [
        row
        for first, last in ((day("2024-01-01"), day("2024-12-30")), (start, today))
        for row in expected_rows(DEMO, ("date", "domain", "placement"), first, last, now)
    ]
    with duckdb.connect(str(clone / "output" / "ads.duckdb"), read_only=True) as database:
        query = "select count(*), sum(revenue::decimal(38, 9)) from north.stats"
        found = database.sql(query).fetchall()
    assert found == [(len(rows), sum(row["revenue"] for row in rows))]


def test_the_maps_add_the_account_to_every_stream_and_its_key(adsterra: Adsterra) -> None:
    (text,) = documents.blocks(FILE, "json")
    run = adsterra.run(**json.loads(text), end_date="2024-04-03")
    assert run.error is None
    schemas = run.of_type("SCHEMA")
    assert {message["stream"] for message in schemas} >= {"domains", "stats"}
    assert all("account" in message["key_properties"] for message in schemas)
    records = run.of_type("RECORD")
    assert records
    assert {message["record"]["account"] for message in records} == {"north"}
