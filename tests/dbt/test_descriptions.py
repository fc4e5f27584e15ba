"""What the package says of its columns comes from the schemas, and the page shows it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
import yaml

from dbt.scripts.describe import MODELS, PAGE, STREAMS, blocks_of_package, files, page, schema
from tests.dbt.projects import DuckDBModels, needs_dbt
from tests.paths import PROJECT


def described() -> dict[str, dict[str, Any]]:
    """Return the models of the package as its files describe them."""
    documents = [yaml.safe_load(path.read_text()) for path in MODELS.rglob("*.yml")]
    return {model["name"]: model for document in documents for model in document.get("models", ())}


def test_the_files_are_what_the_script_makes() -> None:
    for path, text in files().items():
        assert path.read_text() == text, "make descriptions"
    assert PAGE.read_text() == page(), "make descriptions"


def test_every_model_but_those_between_is_described() -> None:
    models = {path.stem for path in MODELS.rglob("*.sql")}
    between = {name for name in models if name.startswith("int_")}
    assert described().keys() == models - between


def test_every_block_is_one_of_a_field_or_used() -> None:
    fields = {
        f"{network}_{'stats' if stream.startswith('stats') else stream}_{field}"
        for network, (_, streams) in STREAMS.items()
        for stream in streams
        for field in schema(network, stream)["properties"]
    }
    text = "".join(path.read_text() for path in MODELS.rglob("*.yml"))
    for name in blocks_of_package().keys() - fields:
        assert f"doc('{name}')" in text, name


@needs_dbt
@pytest.mark.timeout(400)
def test_every_column_is_described_and_every_description_has_its_column(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("empty")
    models = DuckDBModels(folder, folder / "ads.duckdb")
    said = models.dbt("run")
    assert said.count("does not exist") == 11
    models.dbt("docs", "generate", "--no-compile")
    catalog = json.loads((folder / "target" / "catalog.json").read_text())["nodes"]
    columns = {node["metadata"]["name"]: list(node["columns"]) for node in catalog.values()}
    for name, model in described().items():
        assert [column["name"] for column in model["columns"]] == columns[name], name
        assert model["description"]
        assert all(column["description"] for column in model["columns"])


def test_the_package_has_the_version_of_the_taps() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    package = yaml.safe_load((MODELS.parent / "dbt_project.yml").read_text())
    assert package["version"] == project["version"]


def test_files_stay_small() -> None:
    for path in MODELS.parent.rglob("*"):
        if path.suffix in (".md", ".py", ".sql", ".yml"):
            assert len(path.read_text().splitlines()) <= 250, path
