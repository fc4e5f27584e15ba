"""A target for SQLite, made with the SDK, which updates rows by key.

The published ``target-sqlite`` cannot be imported by this project's versions of Python. Numbers are
stored as text, because SQLite has no exact decimals and would round them to a double.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy
from singer_sdk import typing as th
from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from singer_sdk.sql.connector import FullyQualifiedName


class SQLiteConnector(SQLConnector):
    """Connects to a file."""

    allow_column_alter = False

    def get_sqlalchemy_url(self, config: dict[str, Any]) -> str:
        return f"sqlite:///{config['path']}"

    def to_sql_type(self, jsonschema_type: dict[str, Any]) -> Any:
        whole = {"boolean", "integer"} & set(jsonschema_type["type"])
        return sqlalchemy.types.INTEGER() if whole else sqlalchemy.types.TEXT()


class SQLiteSink(SQLSink[SQLiteConnector]):
    """Writes a stream into a table."""

    connector_class = SQLiteConnector

    def conform_record(self, record: dict[str, Any]) -> dict[str, Any]:
        return {name: stored(value) for name, value in super().conform_record(record).items()}

    def generate_insert_statement(
        self,
        full_table_name: str | FullyQualifiedName,
        schema: dict[str, Any],
    ) -> Any:
        table = self.connector.get_table(full_table_name, list(schema["properties"]))
        insert = sqlite.insert(table)
        keys = list(self.key_properties)
        changes = {name: new for name, new in insert.excluded.items() if name not in keys}
        return insert.on_conflict_do_update(index_elements=keys, set_=changes)


class SQLiteTarget(SQLTarget):
    """Writes streams as tables of an SQLite file."""

    name = "target-sqlite"
    default_sink_class = SQLiteSink
    config_jsonschema = th.PropertiesList(
        th.Property("path", th.StringType, required=True, description="The file."),
    ).to_dict()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # SQLite allows one writer at a time.
        self.max_parallelism = 1


def stored(value: Any) -> str | int | None:
    """Convert a value to one that SQLite stores exactly."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, default=str, sort_keys=True)
    return str(value)


if __name__ == "__main__":
    SQLiteTarget.cli()
