"""The JSON Schemas of the streams, wherever they stand."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from singer_sdk import SchemaDirectory

from singer_reports.records.row_types import MAX_INTEGER


class Schemas(SchemaDirectory):
    """The schemas of a tap's streams, one file each, named after its stream."""

    def fetch_schema(self, key: str) -> dict[str, Any]:
        """Read a schema, and say of its whole numbers how large they may be.

        The schemas name a dialect of JSON Schema, for editors. Older targets know an older one and
        refuse it, and none needs it.
        """
        schema: dict[str, Any] = super().fetch_schema(key)
        schema.pop("$schema", None)
        for field in schema["properties"].values():
            if field["type"] in ("integer", ["integer", "null"]):
                field.setdefault("maximum", MAX_INTEGER)
        return schema


def schemas_of(package: str) -> Schemas:
    """Find a tap's schemas: inside it where it is installed, at the top of a checkout otherwise.

    Args:
        package: The tap's package, such as ``tap_adsterra``.
    """
    installed = Path(str(files(package))) / "schemas"
    if installed.is_dir():
        return Schemas(installed)
    checkout = Path(__file__).resolve().parent.parent.parent
    return Schemas(checkout / "schemas" / package.removeprefix("tap_"))
