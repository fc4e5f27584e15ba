"""The README: its tables are correct, and every command in it works."""

from __future__ import annotations

import csv
import datetime
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from benchmarks.summary import BEGIN, END
from sandbox.adsterra import DEMO, expected_rows
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tap_adcloud.streams import STREAMS as ADCLOUD_STREAMS
from tap_adcloud.tap import TapAdcloud
from tap_adsterra.streams import STREAMS as ADSTERRA_STREAMS
from tap_adsterra.tap import TapAdsterra
from tests import documents
from tests.documents import DOCUMENTS, Shell
from tests.meltano import needs_meltano
from tests.paths import BIN, PROJECT
from tests.support import NOW, day
from tests.warehouse import load, views_of_stats

if TYPE_CHECKING:
    from pathlib import Path

    from singer_reports.tap import ReportTap
    from tests.support import Adsterra

PAGE = PROJECT / "README.md"
README = PAGE.read_text()
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
BADGE = "https://img.shields.io/badge"
TAPS: list[type[ReportTap]] = [TapAdsterra, TapAdcloud]
STREAMS: dict[type[ReportTap], set[str]] = {
    TapAdsterra: {stream.name for stream in ADSTERRA_STREAMS},
    TapAdcloud: {stream.name for stream in ADCLOUD_STREAMS},
}

DIMENSIONS = ("date", "domain", "placement")

#: The test or script that runs a block of the documents, by the beginning of the block.
RUN_BY = {
    ("README.md", "make demo"): ".ci/run",
    ("README.md", "make meltano"): "tests/test_readme.py",
    ("README.md", "pipx install"): "tests/test_readme.py",
    ("README.md", "echo '{"): "tests/test_readme.py",
    ("README.md", "tap-adsterra --config config.json | "): "tests/test_readme.py",
    ("README.md", "tail -n 1 states.jsonl"): "tests/test_readme.py",
    ("README.md", "tap-adsterra --config config.json --discover"): "tests/test_readme.py",
    ("README.md", "make query"): "tests/test_readme.py",
    ("README.md", "make test\nmake lint"): ".ci/run",
    ("CONTRIBUTING.md", "make install\nmake lint\nmake test"): ".ci/run",
    ("CONTRIBUTING.md", "make plugins"): "tests/test_contributing.py",
    ("CONTRIBUTING.md", "AD_TAPS_WRITE_SNAPSHOTS=1"): "tests/test_contributing.py",
    ("add-a-tap.md", ".venv/bin/python -m tap_example"): "tests/test_contributing.py",
    ("airbyte.md", "pipx install"): "tests/test_docs_airbyte.py",
    ("airbyte.md", "echo '{"): "tests/test_docs_airbyte.py",
    ("dlt.md", "export TAP_ADSTERRA"): "tests/test_docs_dlt.py",
    ("dbt.md", "make models"): ".ci/run",
    ("dbt.md", "dbt deps"): "tests/dbt/test_docs_dbt.py",
    ("meltano.md", "meltano init"): "tests/test_docs_meltano.py",
    ("meltano.md", "meltano add"): "tests/test_docs_meltano.py",
    ("meltano.md", "meltano install"): "tests/test_docs_meltano.py",
    ("meltano.md", "echo "): "tests/test_docs_meltano.py",
    ("meltano.md", "meltano --environment=prod run"): "tests/test_docs_meltano.py",
    ("meltano.md", "meltano select tap-adsterra --rm"): "tests/test_docs_meltano.py",
    ("meltano.md", "meltano select tap-adsterra --exclude"): "tests/test_docs_meltano.py",
    ("meltano.md", "meltano job add"): "tests/test_docs_meltano.py",
    ("meltano.md", "meltano --environment=prod schedule"): "tests/test_docs_meltano.py",
    ("meltano.md", "meltano state"): "tests/test_docs_meltano.py",
    ("performance.md", "make bench"): "tests/test_readme.py",
    ("scale.md", "export MELTANO_ENVIRONMENT"): "tests/test_scale.py",
    ("scale.md", "export MELTANO_STATE_ID"): "tests/test_scale.py",
    ("scale.md", "airflow variables"): "tests/test_airflow.py",
}


def test_each_door_has_a_command_that_a_test_runs() -> None:
    run = [text for page in DOCUMENTS for text in documents.blocks(page)]
    doors = table("## Which door")
    assert len(doors) == 4
    for _, command, _ in doors:
        assert any(command.strip("`") in text for text in run), command


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its header row."""
    rows = README.split(heading)[1].split("\n\n|")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


@pytest.mark.parametrize("tap", TAPS)
def test_the_settings_are_those_of_about(tap: type[ReportTap]) -> None:
    begin = f"<!-- settings of {tap.name}: from {tap.name} --about --format=markdown -->\n"
    written = README.split(begin)[1].split("<!-- end of settings -->")[0]
    output = subprocess.run(
        [BIN / tap.name, "--about", "--format=markdown"], capture_output=True, check=True, text=True
    ).stdout
    lines = [line for line in output.splitlines() if line.startswith("|")]
    ours = ("faker", "stream_map", "flattening", "batch", "emit_activate")
    expected = "\n".join(line for line in lines if not line[2:].startswith(ours))
    assert written.strip() == expected


@pytest.mark.parametrize("tap", TAPS)
def test_the_streams_are_those_of_discovery(tap: type[ReportTap]) -> None:
    streams = tap(config={}, validate_config=False).streams
    rows = {row[0].strip("`"): row for row in table(f"## Streams of {tap.name}")}
    listed = {name for name in rows if name != "your own reports"}
    assert listed == set(streams) == STREAMS[tap]
    for name, stream in streams.items():
        _, endpoint, key, replication, *selected = rows[name]
        assert names(key) == list(stream.primary_keys)
        path = getattr(stream, "path", "none: made from the reports")
        assert endpoint.strip("`").endswith(str(path))
        assert ("incremental" in replication) == (stream.replication_key is not None)
        if selected:
            assert selected == ["yes" if stream.selected_by_default else "no"]


def test_the_example_of_own_reports_is_valid() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", README, flags=re.DOTALL)
    tap = TapAdsterra(config={"api_token": "t0ken", **json.loads(example)})
    assert {"countries", "one_site", "in_full"} <= set(tap.streams)


def test_the_messages_in_the_readme_are_those_of_the_taps() -> None:
    packages = [PROJECT / name for name in ("singer_reports", "tap_adsterra", "tap_adcloud")]
    source = "".join(path.read_text() for folder in packages for path in folder.rglob("*.py"))
    source = re.sub(r'"\s*\n\s*f?"', "", source)
    for said, _ in table("## When something goes wrong"):
        for piece in re.split("…|try 6 of 6|SIGTERM", said.strip("`")):
            assert piece.strip(" `,") in source, piece


def test_every_link_leads_somewhere_and_works_on_the_package_registry() -> None:
    """Links to files of the repository are defined in one place, with its URL once it has one."""
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert link.startswith("https://"), link
    files = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", README, flags=re.MULTILINE))
    assert set(re.findall(r"\]\[([^\]]+)\]", README)) == set(files)
    repository = PYPROJECT["project"].get("urls", {}).get("Repository")
    for target in files.values():
        path = target.partition("#")[0]
        if repository:
            folder = "raw" if path.endswith(".png") else "blob"
            begin = f"{repository}/{folder}/main/"
            assert path.startswith(begin), "see Release in CONTRIBUTING.md"
            path = path.removeprefix(begin)
        assert (PROJECT / path).exists(), path


def test_a_release_has_an_address() -> None:
    released = re.search(r"^## \[\d", (PROJECT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert not released or "Repository" in PYPROJECT["project"].get("urls", {})


def test_the_speed_is_that_of_the_page_on_it() -> None:
    page = (PROJECT / "docs" / "performance.md").read_text()
    speed = README.split("## Speed")[1].split("\n## ")[0]
    figures = re.findall(r"\d+\.\d s|\d+ MB|\d+,\d{3}(?:,\d{3})?", speed)
    assert len(figures) == 7
    assert all(figure in page for figure in figures)


def test_the_badges_are_correct() -> None:
    project = PYPROJECT["project"]
    pythons = [item.split()[-1] for item in project["classifiers"] if "Python :: 3." in item]
    supported = f"{pythons[0]} to {pythons[-1]}"
    assert f"![Python {supported}]({BADGE}/python-{supported.replace(' ', '%20')}-blue)" in README
    licence = project["license"]
    badge = f"{BADGE}/licence-{licence.replace('-', '--')}-blue"
    assert f"[![{licence}]({badge})][licence]" in README


def test_every_block_of_the_documents_is_run() -> None:
    """Each is run by the test or the script in RUN_BY, which finds it by the same beginning."""
    blocks = [(page.name, text) for page in DOCUMENTS for text in documents.blocks(page)]
    claimed = [
        key for key in RUN_BY for name, text in blocks if name == key[0] and text.startswith(key[1])
    ]
    assert len(blocks) == len(claimed) == len(set(claimed)) == len(RUN_BY)
    for (_, begin), where in RUN_BY.items():
        source = (PROJECT / where).read_text()
        if where == ".ci/run":
            assert all(line.removeprefix("make ") in source for line in begin.splitlines())
        else:
            assert f'"{begin}"' in source.split("RUN_BY = {")[-1].split("\n}\n", 1)[-1]


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    """A shell after the README's steps up to the settings of tap and target."""
    (tmp_path / "user").mkdir()
    shell = Shell(tmp_path / "user", sandbox)
    shell.run(documents.block(PAGE, "pipx install"))
    shell.run(documents.block(PAGE, "echo '{"))
    return shell


FIRST_RUN = documents.block(PAGE, "tap-adsterra --config config.json | ")
LATER_RUN = documents.block(PAGE, "tail -n 1 states.jsonl")


def test_the_history_of_a_day_is_the_answer_of_its_query(
    adsterra: Adsterra, tmp_path: Path
) -> None:
    section = README.split("## What the network said, and when")[1].split("\n## ")[0]
    answer = table("## What the network said, and when")
    state = None
    for read_at, *_ in answer:
        adsterra.sandbox.clock.freeze(datetime.datetime.fromisoformat(f"{read_at}+00:00"))
        run = adsterra.run("stats", "control_totals", state=state, start_date="2024-04-20")
        state = run.state
        load("target-duckdb", tmp_path, run.output, path="ads.duckdb", default_target_schema="main")
    with duckdb.connect(str(tmp_path / "ads.duckdb"), read_only=True) as database:
        query = documents.block(PAGE, "select substr", "sql")
        relation = database.sql(query)
        columns, found = relation.columns, [list(map(str, row)) for row in relation.fetchall()]
    heading = section.split("\n\n|")[1].splitlines()[0]
    assert [name.strip() for name in heading.strip("|").split("|")] == columns
    words = {"yes": "True", "no": "False"}
    assert found == [[words.get(cell, cell) for cell in row] for row in answer]
    amounts = [Decimal(row[3]) for row in found if row[4] == "True"]
    assert f"{amounts[-1] - amounts[0]:.2f} USD too little" in section
    assert amounts[-1] == amounts[-2] != amounts[-3]


def newest_rows(folder: Path) -> dict[tuple[str, ...], dict[str, str]]:
    """Return the newest row of each key in the CSV files of a folder."""
    rows = {}
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                rows[tuple(row[name] for name in DIMENSIONS)] = row
    return rows


def facts(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return the key, impressions, clicks and revenue of a row, with exact numbers."""
    numbers = (Decimal(str(row[name])) for name in ("impression", "clicks", "revenue"))
    return (*(str(row[name]) for name in DIMENSIONS), *numbers)


def test_runs_into_csv_keep_every_day(shell: Shell, sandbox: Sandbox) -> None:
    """The README's loop, over restated days and vanished rows."""
    first = day("2024-01-01")
    shell.run(FIRST_RUN)
    # The second of these runs has the same time as the first, so its rows look no newer.
    for days in (0, 6, 3):
        sandbox.clock.advance(datetime.timedelta(days=days))
        shell.run(LATER_RUN)
        now = sandbox.clock.now
        expected = sorted(map(facts, expected_rows(DEMO, DIMENSIONS, first, now.date(), now)))
        assert expected[0][0] == "2024-01-01"
        stored = set(map(facts, newest_rows(shell.folder / "csv" / "stats").values()))
        assert stored >= set(expected)
        # The other rows have vanished since; the README's queries and the views leave them out.
        view, query = (
            documents.block(PAGE, "create view", "sql"),
            documents.block(PAGE, "select stats", "sql"),
        )
        with duckdb.connect() as database:
            database.sql(f"set file_search_path = '{shell.folder}'")
            database.sql(view)
            database.sql(views_of_stats())
            for text in (query, "from counted_stats"):
                relation = database.sql(text)
                columns = relation.columns
                rows = [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]
                assert sorted(map(facts, rows)) == expected
            assert database.sql("from day_proofs where not is_proven").fetchall() == []
    assert len(list((shell.folder / "csv" / "stats").glob("*.csv"))) == 4
    state = json.loads((shell.folder / "state.json").read_text())
    assert state["bookmarks"]["stats"]["replication_key_value"] == "2024-05-06"


def test_the_loop_continues_after_a_first_run_that_failed(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", status=403, times=None))
    shell.run(FIRST_RUN, succeeds=False)
    assert (shell.folder / "states.jsonl").read_text() == ""
    sandbox.faults.clear()
    for _ in range(2):
        shell.run(LATER_RUN)
    expected = expected_rows(DEMO, DIMENSIONS, day("2024-01-01"), NOW.date(), NOW)
    stored = newest_rows(shell.folder / "csv" / "stats").values()
    assert sorted(map(facts, stored)) == sorted(map(facts, expected))


def test_a_catalog_has_own_reports_and_what_is_selected_is_read(shell: Shell) -> None:
    shell.run(FIRST_RUN)
    shell.run("tail -n 1 states.jsonl > state.json")
    (example,) = documents.blocks(PAGE, "json")
    config = json.loads((shell.folder / "config.json").read_text())
    (shell.folder / "config.json").write_text(json.dumps(config | json.loads(example)))
    write, read = documents.block(PAGE, "tap-adsterra --config config.json --discover").splitlines()
    shell.run(write)
    catalog = json.loads((shell.folder / "catalog.json").read_text())
    streams = {stream["tap_stream_id"]: stream for stream in catalog["streams"]}
    assert {"countries", "one_site", "in_full"} <= set(streams)
    for name, metadata in (
        (name, item["metadata"])
        for name, stream in streams.items()
        for item in stream["metadata"]
        if not item["breadcrumb"]
    ):
        assert "selected-by-default" in metadata
        if name in ("stats_by_country", "stats"):
            metadata["selected"] = name == "stats_by_country"
    (shell.folder / "catalog.json").write_text(json.dumps(catalog))
    shutil.rmtree(shell.folder / "csv")
    shell.run(read)
    read_streams = {path.name for path in (shell.folder / "csv").iterdir()}
    assert {"stats_by_country", "countries", "in_full"} <= read_streams
    assert not {"stats", "stats_by_sub_id"} & read_streams
    said = shell.run("tap-adsterra --config config.json --test")
    assert "`tap-adsterra --config config.json --test`" in README
    assert "Traceback" not in said


@needs_meltano
@pytest.mark.timeout(300)
def test_a_clone_reads_the_account_of_a_user_into_a_database_and_a_page(tmp_path: Path) -> None:
    clone = documents.copy_project(tmp_path / "clone")
    with Sandbox() as sandbox:
        today = sandbox.clock.now.date()
        start = today - datetime.timedelta(days=40)
        shell = Shell(clone, sandbox, TAP_ADSTERRA_START_DATE=str(start))
        shell.run(documents.block(PAGE, "make meltano"))
        said = shell.run(documents.block(PAGE, "make query"))
        now = sandbox.clock.now
    last = str(today - datetime.timedelta(days=10))
    with duckdb.connect(str(clone / "output" / "ads.duckdb"), read_only=True) as database:
        query = f"select sum(revenue::decimal(38, 9)) from stats where date <= '{last}'"  # noqa: S608
        ((revenue,),) = database.sql(query).fetchall()
    rows = expected_rows(DEMO, DIMENSIONS, start, day(last), now)
    assert revenue == sum(row["revenue"] for row in rows)
    assert (clone / "output" / "ads.html").exists()
    assert last in said


@pytest.mark.timeout(400)
def test_the_benchmark_of_the_page_on_speed_can_be_run(tmp_path: Path) -> None:
    """As on the page, but with few rows read once, and without tools that are not installed."""
    command = documents.block(PROJECT / "docs" / "performance.md", "make bench")
    _, target, variable = shlex.split(command)
    assert target == "bench"
    arguments = variable.removeprefix("ARGUMENTS=").split()
    page = tmp_path / "page.md"
    page.write_text(f"Before\n{BEGIN}old\n{END}\nBehind\n")
    arguments[arguments.index("--page") + 1] = str(page)
    arguments[arguments.index("--rounds") + 1] = "1"
    only = arguments[arguments.index("--only") + 1]
    arguments[arguments.index("--only") + 1] = only.replace(",postgres", "").replace(",dlt", "")
    subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments, "--quick"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    before, *table, behind = page.read_text().splitlines()
    assert (before, behind) == ("Before", "Behind")
    assert any("into CSV files" in line for line in table)


def test_commands_for_continuous_integration_are_in_it() -> None:
    script = (PROJECT / ".ci" / "run").read_text()
    steps = script.split("for step in ")[1].split(";")[0].split()
    assert {"lint", "test", "demo"} <= set(steps)
