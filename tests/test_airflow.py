"""Airflow runs the example's tasks: all accounts and days, each once, without showing a token."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from sandbox.adsterra import DEMO, DEMO_TOKEN, LARGE, LARGE_TOKEN, Account, expected_rows
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests import documents
from tests.paths import PROJECT
from tests.support import day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AIRFLOW = PROJECT / ".venv-airflow" / "bin" / "airflow"
MELTANO = PROJECT / ".venv-meltano" / "bin" / "meltano"
EXAMPLE = PROJECT / "examples" / "airflow" / "ads.py"

ACCOUNTS = {"north": DEMO, "south": LARGE}
NAMES = {account.token: name for name, account in ACCOUNTS.items()}
#: The days to load, as two ranges: one year, and the remaining days.
OLD_DAYS = (day("2024-12-27"), day("2025-12-31"))
RANGES = {("2024-12-27", "2025-12-26"), ("2025-12-27", "2025-12-31")}

Rows = list[tuple[Any, ...]]

needs_meltano = pytest.mark.skipif(
    not MELTANO.exists(), reason="Meltano is not installed; make test and make meltano do it"
)
needs_airflow = pytest.mark.skipif(
    not AIRFLOW.exists(), reason="Airflow is not installed; make airflow does it"
)


@pytest.fixture
def running() -> Iterator[Sandbox]:
    """The sandbox, whose clock stands still at the start of the test."""
    with Sandbox(datetime.datetime.now(datetime.UTC)) as sandbox:
        yield sandbox


@pytest.fixture
def environment(running: Sandbox, tmp_path: Path) -> dict[str, str]:
    """The environment of a worker, which writes into a folder."""
    # Meltano's plugins are shared with the project, but not the files of its runs.
    (tmp_path / "meltano").mkdir()
    for kind in ("extractors", "loaders"):
        (tmp_path / "meltano" / kind).symlink_to(PROJECT / ".meltano" / kind)
    inherited = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("AD_TAPS_", "AIRFLOW_", "MELTANO_", "TAP_", "TARGET_"))
    }
    return {
        **inherited,
        "PATH": os.pathsep.join([str(MELTANO.parent), inherited["PATH"]]),
        "XDG_STATE_HOME": str(tmp_path / "log"),
        "AD_TAPS_LOADER": "target-duckdb",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_VAR_ADSTERRA_ACCOUNTS": json.dumps(list(ACCOUNTS)),
        **{
            f"AIRFLOW_CONN_ADSTERRA_{name.upper()}": json.dumps(
                {"conn_type": "generic", "password": token}
            )
            for token, name in NAMES.items()
        },
        "MELTANO_PROJECT_ROOT": str(PROJECT),
        "MELTANO_SYS_DIR_ROOT": str(tmp_path / "meltano"),
        "MELTANO_ENVIRONMENT": "production",
        "MELTANO_DATABASE_URI": f"sqlite:///{tmp_path}/meltano.db",
        "MELTANO_STATE_BACKEND_URI": f"file://{tmp_path}/states",
        "MELTANO_CLI_LOG_FORMAT": "uncolored",
        "TAP_ADSTERRA_API_URL": running.adsterra_url,
        "TARGET_DUCKDB_PATH": str(tmp_path / "ads.duckdb"),
    }


@pytest.fixture
def airflow(environment: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """Airflow's command, with its own database and without waiting between retries."""

    def run(*arguments: str) -> str:
        result = subprocess.run(
            [AIRFLOW, *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=400,
            check=False,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout

    source = EXAMPLE.read_text()
    (tmp_path / "dags").mkdir()
    assert "timedelta(minutes=6)" in source
    (tmp_path / "dags" / "ads.py").write_text(
        source.replace("timedelta(minutes=6)", "timedelta(seconds=1)")
    )
    run("db", "migrate")
    return run


def requested_reports(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    """Return account, first and last day of the requests for statistics, sorted, and clear them."""
    requests = [
        (
            NAMES[request.headers["x-api-key"]],
            request.values("start_date")[0],
            request.values("finish_date")[0],
        )
        for request in sandbox.requests
        if request.path.endswith("/stats.json")
    ]
    sandbox.requests.clear()
    return sorted(requests)


def states(folder: Path) -> dict[str, str]:
    """Return the bookmark of the statistics, by state id."""
    found = {}
    for file in (folder / "states").rglob("state.json"):
        state = json.loads(file.read_text())["completed"]["singer_state"]
        found[file.parent.name] = state["bookmarks"]["stats"]["replication_key_value"]
    return found


def written(file: Path, schema: str) -> Rows:
    with duckdb.connect(str(file), read_only=True) as database:
        return database.sql(
            "select date, domain, placement, impression, clicks, revenue::decimal(38, 3)"  # noqa: S608
            f" from {schema}.stats order by all"
        ).fetchall()


def expected_account_rows(
    account: Account, first: datetime.date, last: datetime.date, now: datetime.datetime
) -> Rows:
    dimensions = ("date", "domain", "placement")
    fields = (*dimensions, "impression", "clicks", "revenue")
    rows = expected_rows(account, dimensions, first, last, now)
    return sorted(tuple(row[field] for field in fields) for row in rows)


@needs_airflow
@needs_meltano
@pytest.mark.timeout(1_200)
def test_every_account_and_range_is_read_completely_with_its_own_state(
    running: Sandbox, airflow: Callable[..., str], tmp_path: Path
) -> None:
    today = running.clock.now.date()
    ago = [str(today - datetime.timedelta(days)) for days in range(21)]
    daily = ("dags", "test", "adsterra_daily", "--conf", json.dumps({"first_day": ago[20]}))

    log = airflow(*daily)
    assert requested_reports(running) == [("north", ago[20], ago[0]), ("south", ago[20], ago[0])]
    bookmarks = {"adsterra:north": ago[1], "adsterra:south": ago[1]}
    assert states(tmp_path) == bookmarks

    first, last = map(str, OLD_DAYS)
    refused = Fault("status", "stats", {"start_date": min(RANGES)[0]}, times=1, status=403)
    running.faults.add(refused)
    conf = json.dumps({"first_day": first, "last_day": last})
    log += airflow("dags", "test", "adsterra_backfill", "--conf", conf)
    assert refused.triggered == 1
    requests = requested_reports(running)
    assert set(requests) == {(name, *days) for name in ACCOUNTS for days in RANGES}
    assert len(requests) == len(ACCOUNTS) * len(RANGES) + 1
    assert states(tmp_path) == bookmarks

    log += airflow(*daily)
    assert requested_reports(running) == [("north", ago[7], ago[0]), ("south", ago[7], ago[0])]
    assert states(tmp_path) == bookmarks

    for name, account in ACCOUNTS.items():
        expected = expected_account_rows(account, *OLD_DAYS, running.clock.now)
        expected += expected_account_rows(account, day(ago[20]), today, running.clock.now)
        assert written(tmp_path / "ads.duckdb", name) == expected

    left = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for token in (DEMO_TOKEN, LARGE_TOKEN):
        assert token not in log
        assert not any(token.encode() in content for content in left)


@needs_airflow
@pytest.mark.timeout(400)
def test_the_commands_of_the_page_give_airflow_the_accounts(
    airflow: Callable[..., str], environment: dict[str, str], tmp_path: Path
) -> None:
    for name in [
        name for name in environment if name.startswith(("AIRFLOW_VAR_", "AIRFLOW_CONN_"))
    ]:
        del environment[name]
    environment["PATH"] = os.pathsep.join([str(AIRFLOW.parent), environment["PATH"]])
    subprocess.run(
        ["bash", "-euc", documents.block(PROJECT / "docs" / "scale.md", "airflow variables")],  # noqa: S607
        cwd=tmp_path,
        env={**environment, "TOKEN_OF_NORTH": DEMO_TOKEN},
        check=True,
        capture_output=True,
        timeout=200,
    )
    assert '["north", "south"]' in airflow("variables", "get", "adsterra_accounts")
    connection = airflow("connections", "get", "adsterra_north", "--output", "json")
    assert DEMO_TOKEN in connection


@needs_meltano
@pytest.mark.timeout(600)
def test_commands_side_by_side_in_one_folder_do_not_mix_their_states(
    running: Sandbox, environment: dict[str, str], tmp_path: Path
) -> None:
    today = running.clock.now.date()
    start, lookback = (str(today - datetime.timedelta(days)) for days in (20, 7))

    def read(name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [MELTANO, "el", "tap-adsterra", "target-duckdb"],
            env={
                **environment,
                "MELTANO_STATE_ID": f"adsterra:{name}",
                "TAP_ADSTERRA_API_TOKEN": ACCOUNTS[name].token,
                "TAP_ADSTERRA_START_DATE": start,
                "TARGET_DUCKDB_PATH": str(tmp_path / f"{name}.duckdb"),
            },
            stdout=subprocess.DEVNULL,
        )

    # The first has a state, the second has none: if they were mixed up, days would be skipped.
    assert read("north").wait(200) == 0
    requested_reports(running)
    both = [read("north"), read("south")]
    assert [process.wait(200) for process in both] == [0, 0]
    assert requested_reports(running) == [
        ("north", lookback, str(today)),
        ("south", start, str(today)),
    ]
    for name, account in ACCOUNTS.items():
        expected = expected_account_rows(account, day(start), today, running.clock.now)
        assert written(tmp_path / f"{name}.duckdb", "main") == expected
