"""docs/dlt.md: the dlt source loads every row once, exactly, and reads on from its state."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest

from sandbox.adsterra import DEMO, expected_rows
from tests import documents
from tests.documents import Shell
from tests.paths import PROJECT
from tests.support import NOW, day

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

PAGE = PROJECT / "docs" / "dlt.md"
FOUND = list(PROJECT.glob(".venv-airbyte/lib/python3*/site-packages"))
#: Python with dlt, which is installed elsewhere, and with the clock of the sandbox.
PYTHON = f"""#!{sys.executable}
import datetime
import runpy
import sys

sys.path += {[str(path) for path in FOUND]!r}
from tap_adsterra import TapAdsterra

now = datetime.datetime.fromisoformat("{NOW.isoformat()}")
TapAdsterra.clock = staticmethod(lambda: now)
runpy.run_path(sys.argv[1], run_name="__main__")
"""

pytestmark = pytest.mark.skipif(not FOUND, reason="dlt is not installed; make airbyte does it")


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    folder = tmp_path / "project"
    (folder / "examples").mkdir(parents=True)
    (folder / "examples" / "dlt").symlink_to(PROJECT / "examples" / "dlt")
    # For root, dlt keeps its pipelines elsewhere than in the home directory.
    data = {"DLT_DATA_DIR": str(folder / "dlt"), "HOME": str(folder)}
    shell = Shell(folder, sandbox, RUNTIME__DLTHUB_TELEMETRY="false", **data)
    (shell.programs / "python").write_text(PYTHON)
    (shell.programs / "python").chmod(0o755)
    return shell


def test_two_runs_have_every_row_once(shell: Shell) -> None:
    command = documents.block(PAGE, "export TAP_ADSTERRA")
    shell.run(command)
    shell.sandbox.requests.clear()
    shell.run(command)
    first_days = [
        value for request in shell.sandbox.requests for value in request.values("start_date")
    ]
    # A week is read again, the default of lookback_days.
    assert first_days == ["2024-04-24"]
    dimensions = ("date", "domain", "placement")
    expected = expected_rows(DEMO, dimensions, day("2024-04-01"), day("2024-05-01"), NOW)
    with duckdb.connect(shell.folder / "ads.duckdb", read_only=True) as connection:
        rows = connection.execute(
            "select date, domain, placement, revenue from ads_dataset.stats order by all"
        ).fetchall()
        totals = connection.execute(
            "select count(*), count(distinct date), arg_max(amount, extracted_at)"
            " from ads_dataset.control_totals where date = '2024-04-25'"
        ).fetchall()
        kinds = connection.execute(
            "select distinct data_type from information_schema.columns"
            " where column_name in ('revenue', 'amount')"
        ).fetchall()
    assert rows == sorted(
        (day(row["date"]), row["domain"], row["placement"], Decimal(row["revenue"]))
        for row in expected
    )
    of_day = [Decimal(row["revenue"]) for row in expected if row["date"] == "2024-04-25"]
    # Two readings of that day, of the same amount: the sandbox's clock stands still.
    assert totals == [(2, 1, sum(of_day))]
    assert kinds == [("DECIMAL(38,9)",)]
