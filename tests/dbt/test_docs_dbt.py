"""docs/dbt.md: a project of one's own builds the models with the lines of the page."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests import documents
from tests.dbt.projects import PACKAGE, DuckDBModels, needs_dbt
from tests.meltano import meltano, needs_meltano
from tests.paths import PROJECT
from tests.warehouse import filled_duckdb

if TYPE_CHECKING:
    from pathlib import Path

FILE = PROJECT / "docs" / "dbt.md"
PAGE = FILE.read_text()


@pytest.fixture
def database(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path / "ads.duckdb"
    shutil.copy(filled_duckdb(tmp_path_factory)[0], file)
    return file


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607


@needs_dbt
@pytest.mark.timeout(400)
def test_a_project_of_ones_own_builds_the_models(database: Path, tmp_path: Path) -> None:
    packages, settings = documents.blocks(FILE, "yaml")
    address = "https://github.com/OWNER/ad-taps.git"
    assert address in packages
    repository = tmp_path / "ad-taps"
    shutil.copytree(PACKAGE, repository / "dbt")
    git(repository, "init", "--initial-branch", "main")
    git(repository, "add", ".")
    git(repository, "commit", "--message", "the package")
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "packages.yml").write_text(packages.replace(address, str(repository)))
    (project / "dbt_project.yml").write_text(f"name: mine\nprofile: ad_taps\n{settings}")
    own = (
        "select date, sum(amount) as amount from {{ ref('ad_reporting__daily_report') }} group by 1"
    )
    assert "{{ ref('ad_reporting__daily_report') }}" in PAGE
    (project / "models" / "mine.sql").write_text(own)
    models = DuckDBModels(tmp_path, database)
    models.project = project
    # The variables are those of the page.
    models.variables = {}
    for command in documents.block(FILE, "dbt deps").splitlines():
        said = models.dbt(*command.split()[1:])
    assert "Completed successfully" in said
    assert len(models.rows("mine")) == len(models.rows("adsterra__account_report")) > 20
    assert "adcloud__account_report" not in models.reports()


def test_what_the_page_names_is_there() -> None:
    jobs = {job["name"] for job in yaml.safe_load((PROJECT / "meltano.yml").read_text())["jobs"]}
    assert {"adsterra-to-models", "all-to-models"} <= jobs
    models = {path.stem for path in PACKAGE.rglob("models/**/*.sql")}
    diagram = PAGE.split("```mermaid\n")[1].split("```")[0]
    names = r"int_ad_reporting__\w+|ad_reporting__\w+|restat\w+|readings(?=\"\])"
    for name in re.findall(names, diagram):
        assert name in models, name
    rows = re.findall(r"^\| (`[^|]*`) \|", PAGE.split("## Which days")[0], flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    files = [*PACKAGE.rglob("*.yml"), *PACKAGE.rglob("*.sql")]
    text = "".join(path.read_text() for path in files)
    assert named == set(re.findall(r"\bvar\('(\w+)'", text))
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert link.startswith("https://") or (FILE.parent / link).exists(), link


@needs_dbt
@pytest.mark.timeout(400)
def test_make_shows_the_warnings(database: Path, tmp_path: Path) -> None:
    DuckDBModels(tmp_path, database).execute("delete from stats where date = '2024-04-25'")
    settings = (f"DATABASE={database}", f"CURDIR={tmp_path}")
    done = subprocess.run(
        ["make", "--assume-old=.venv-dbt/.installed", "models", *settings],  # noqa: S607
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"stats_by_sub_id" does not exist' in done.stdout
    assert "WARN 1 days_that_differ" in done.stdout
    assert "PASS" not in done.stdout


@needs_dbt
@needs_meltano
@pytest.mark.timeout(400)
def test_meltano_builds_the_models(database: Path, tmp_path: Path) -> None:
    said = meltano(
        tmp_path,
        *("--environment=production", "run", "dbt:build"),
        DBT_DUCKDB=str(database),
        DBT_TARGET_PATH=str(tmp_path / "target"),
        DBT_LOG_PATH=str(tmp_path),
        MELTANO_SYS_DIR_ROOT=str(tmp_path / "meltano"),
    )
    assert "Completed successfully" in said
    assert DuckDBModels(tmp_path, database).rows("ad_reporting__daily_report")
