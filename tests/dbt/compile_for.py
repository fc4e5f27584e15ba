"""Compiles the package for a warehouse that is not here, and parses its SQL: run by .venv-dbt.

    python compile_for.py {snowflake,bigquery} PROJECT FOLDER [OPTION ...]

The adapter is told that all tables exist, so that incremental models compile as in a later run, or
with the option ``--full-refresh`` as in the first one.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PROFILES = {
    "snowflake": "{type: snowflake, account: none, user: none, password: none, database: ADS,"
    " warehouse: none, schema: REPORTING, threads: 1}",
    "bigquery": "{type: bigquery, method: oauth-secrets, token: none, project: ads,"
    " dataset: reporting, threads: 1}",
}
ADAPTERS = {"snowflake": "SnowflakeAdapter", "bigquery": "BigQueryAdapter"}


def write_profile(folder: Path, target: str) -> None:
    """Write a profile without an account."""
    text = f"ad_taps: {{target: {target}, outputs: {{{target}: {PROFILES[target]}}}}}\n"
    (folder / "profiles.yml").write_text(text)


def arguments(command: str, project: Path, folder: Path) -> list[str]:
    """Return the arguments of a command of dbt."""
    return [
        *("--no-use-colors", "--quiet", command),
        *("--project-dir", str(project / "dbt"), "--profiles-dir", str(folder)),
        *("--target-path", str(folder / "target"), "--log-path", str(folder)),
        *("--vars", "{adsterra_schema: raw, adcloud_schema: raw}"),
    ]


def pretend_that_tables_exist(target: str, project: Path) -> None:
    """Replace what the adapter would ask the warehouse."""
    from dbt.adapters.contracts.relation import RelationType  # noqa: PLC0415

    adapter: Any = getattr(import_module(f"dbt.adapters.{target}.impl"), ADAPTERS[target])
    names = {
        name
        for file in (project / "schemas").glob("*/*.json")
        for name in json.loads(file.read_text())["properties"]
    }
    adapter.get_columns_in_relation = lambda _, __: [SimpleNamespace(name=name) for name in names]
    adapter.get_relation = lambda self, database, schema, identifier: self.Relation.create(
        database=database, schema=schema, identifier=identifier, type=RelationType.Table
    )


def main() -> None:
    """Compile, and print how many files were parsed, and how many of them are incremental."""
    import sqlglot  # noqa: PLC0415 - pytest looks for examples in this module.
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    target, project, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    write_profile(folder, target)
    pretend_that_tables_exist(target, project)
    options = ["--no-populate-cache", "--no-introspect", *sys.argv[4:]]
    result = dbtRunner().invoke([*arguments("compile", project, folder), *options])
    if not result.success:
        sys.exit(f"{result.exception}")
    texts = [path.read_text() for path in (folder / "target" / "compiled").rglob("*.sql")]
    for text in texts:
        sqlglot.parse_one(text, dialect=target)
    later = sum("not in (select distinct reading from" in text for text in texts)
    print(json.dumps({"parsed": len(texts), "incremental": later}))


if __name__ == "__main__":
    main()
