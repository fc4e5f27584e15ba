"""What ``make demo`` has brought: the rows in DuckDB, the files, and where to look at them."""

from __future__ import annotations

from pathlib import Path

import duckdb

OUTPUT = Path("output")


def main() -> None:
    """Print a line a table, and what to do next."""
    database = duckdb.connect(str(OUTPUT / "ads.duckdb"), read_only=True)
    print("Rows in output/ads.duckdb, and files with what each run has read in output/csv:")
    for (table,) in database.sql("select table_name from duckdb_tables() order by 1").fetchall():
        dated = "date" in database.table(table).columns
        days = "min(date) || ' to ' || max(date)" if dated else "''"
        (rows, span) = database.table(table).aggregate(f"count(*), {days}").fetchall()[0]
        files = len(list((OUTPUT / "csv" / table).glob("*.csv")))
        print(f"  {table:20} {rows:>8,} rows  {f'{files} files' if files else '':8}  {span}")
    print(
        '\nLook at them:      .venv/bin/python -c "import duckdb; '
        "duckdb.connect('output/ads.duckdb').table('stats').show()\""
        "\nRead what is new:  make demo"
        "\nBegin again:       make clean demo"
    )


if __name__ == "__main__":
    main()
