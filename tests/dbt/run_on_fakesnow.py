"""Builds the models on a stand-in for Snowflake, twice: run by .venv-dbt.

    python run_on_fakesnow.py PROJECT FOLDER DUCKDB_FILE

The rows are those of a DuckDB file. The last line printed has the sums of each build.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.dbt.compile_for import arguments, write_profile

#: The types of the columns that target-duckdb makes.
TYPES = {"BIGINT": "bigint", "DOUBLE": "double", "BOOLEAN": "boolean"}
SUMS = """
    select network, currency, count(*), sum(impressions), sum(clicks), round(sum(amount), 6)
    from reporting.ad_reporting__daily_report
    group by network, currency
    order by network, currency
"""


def literal(value: Any) -> str:
    """Return a value as SQL."""
    if value is None or isinstance(value, bool | int | float):
        return "null" if value is None else str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def copy_tables(cursor: Any, file: str) -> None:
    """Copy the tables of a DuckDB file."""
    import duckdb  # noqa: PLC0415 - pytest looks for examples in this module.

    with duckdb.connect(file, read_only=True) as database:
        query = "select table_name from duckdb_tables() where schema_name = 'main'"
        for (table,) in database.sql(query).fetchall():
            rows = database.sql(f'select * from main."{table}"')  # noqa: S608
            types = [TYPES.get(str(kind), "varchar") for kind in rows.types]
            columns = ", ".join(map(" ".join, zip(rows.columns, types, strict=True)))
            cursor.execute(f"create table {table} ({columns})")
            values = [f"({', '.join(map(literal, row))})" for row in rows.fetchall()]
            for first in range(0, len(values), 500):
                some = ", ".join(values[first : first + 500])
                cursor.execute(f"insert into {table} values {some}")  # noqa: S608


def main() -> None:
    """Build, change a day and a name, build again, and print both sums."""
    import fakesnow  # noqa: PLC0415
    import snowflake.connector  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415
    from fakesnow.cursor import FakeSnowflakeCursor  # noqa: PLC0415

    project, folder, file = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    write_profile(folder, "snowflake")
    execute = FakeSnowflakeCursor.execute

    def without_temporary(self: Any, command: str, *options: Any, **named: Any) -> Any:
        """The stand-in cannot make temporary views; lasting ones do here."""
        pattern = re.compile(r"(create or replace\s+)temporary\s+", flags=re.IGNORECASE)
        return execute(self, pattern.sub(r"\1", command), *options, **named)

    FakeSnowflakeCursor.execute = without_temporary
    with fakesnow.patch():
        cursor = snowflake.connector.connect(database="ADS", schema="RAW").cursor()
        copy_tables(cursor, file)
        found = []
        for change in ("select 1", "update domains set title = 'renamed'"):
            cursor.execute(change)
            result = dbtRunner().invoke(arguments("build", project, folder))
            if not result.success:
                sys.exit(f"{result.exception}")
            found.append([list(map(str, row)) for row in cursor.execute(SUMS).fetchall()])
        names = "select distinct domain_name from reporting.adsterra__domain_report"
        names_found = [name for (name,) in cursor.execute(names).fetchall()]
    print(json.dumps({"sums": found, "names": names_found}))


if __name__ == "__main__":
    main()
