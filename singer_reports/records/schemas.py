"""Finds and reads the JSON Schemas of the streams."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from singer_sdk import SchemaDirectory

from singer_reports.records.row_types import MAX_INTEGER


class Schemas(SchemaDirectory):
    """The schemas of a tap's streams, in one file per stream, with the stream's name."""

    def fetch_schema(self, key: str) -> dict[str, Any]:
        """Read a schema, and add ``maximum`` to integers, so that targets choose BIGINT.

        ``$schema`` is removed: it is for editors, and targets that only know older versions of JSON
        Schema refuse it.
        """
        schema: dict[str, Any] = super().fetch_schema(key)
        schema.pop("$schema", None)
        for field in schema["properties"].values():
            if field["type"] in ("integer", ["integer", "null"]):
                field.setdefault("maximum", MAX_INTEGER)
        return schema


def schemas_of(package: str) -> Schemas:
    """Return a tap's schemas, from inside the tap if it is installed, else from the checkout.

    Args:
        package: The tap's package, such as ``tap_adsterra``.
    """
    installed = Path(str(files(package))) / "schemas"
    if installed.is_dir():
        return Schemas(installed)
    checkout = Path(__file__).resolve().parent.parent.parent
    return Schemas(checkout / "schemas" / package.removeprefix("tap_"))
