"""Where the JSON Schemas of the streams are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from singer_sdk import SchemaDirectory


def schemas_of(package: str) -> SchemaDirectory:
    """Find a tap's schemas: inside it where it is installed, at the top of a checkout otherwise.

    Args:
        package: The tap's package, such as ``tap_adsterra``.
    """
    installed = Path(str(files(package))) / "schemas"
    if installed.is_dir():
        return SchemaDirectory(installed)
    checkout = Path(__file__).resolve().parent.parent
    return SchemaDirectory(checkout / "schemas" / package.removeprefix("tap_"))
