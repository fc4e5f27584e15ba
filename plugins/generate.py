"""Write the definitions of both taps for Meltano and its hub: ``make plugins``.

All that a tap says of itself comes from its own command, so that a definition cannot say otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent
HEAD = "# Made by `make plugins` from what the tap says of itself: change the tap, not this file.\n"
#: What no command says.
ABOUT = {
    "tap-adsterra": {
        "label": "Adsterra Publishers API",
        "domain_url": "https://adsterra.com",
        "keywords": ["advertising", "adsterra", "api", "meltano_sdk", "publisher"],
    },
    "tap-adcloud": {
        "label": "Adcloud API",
        "keywords": ["adcloud", "advertiser", "advertising", "api", "meltano_sdk"],
    },
}
#: What a setting may be, by the names that JSON Schema and Meltano have for it.
KINDS = ("array", "object", "string", "integer", "boolean")


def definitions() -> dict[Path, str]:
    """Make the definition of each tap, by the path of its file."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return {
        PROJECT / "plugins" / "extractors" / f"{tap}--{project['name']}.yml": HEAD
        + yaml.safe_dump(definition(tap, project), sort_keys=False, allow_unicode=True, width=100)
        for tap in ABOUT
    }


def definition(tap: str, project: dict[str, Any]) -> dict[str, Any]:
    """Make the definition of a tap.

    Args:
        tap: The name of its command.
        project: The table ``project`` of ``pyproject.toml``.
    """
    said = output(tap, "--about", "--format=json")
    streams = output(tap, "--discover")["streams"]
    # As long as the project has no address, a definition names none.
    address = project.get("urls", {}).get("Repository")
    return {
        "name": tap,
        "variant": project["name"],
        "namespace": tap.replace("-", "_"),
        **ABOUT[tap],
        "description": " ".join(said["description"].split()),
        **({"repo": address} if address else {}),
        "pip_url": project["name"],
        "executable": tap,
        "maintenance_status": "beta",
        "quality": "unknown",
        "supported_python_versions": said["supported_python_versions"],
        "capabilities": sorted(said["capabilities"]),
        "settings_group_validation": [said["settings"]["required"]],
        "settings": list(settings(said["settings"])),
        # Meltano would select every stream.
        "select": ["*.*", *(f"!{name}.*" for name in map(deselected, streams) if name)],
    }


def output(tap: str, *arguments: str) -> Any:
    """Run the command of a tap, and return the JSON it prints."""
    command = [sys.executable, "-m", tap.replace("-", "_"), *arguments]
    environment = {**os.environ, "LOGLEVEL": "WARNING"}
    result = subprocess.run(
        command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.PIPE
    )
    return json.loads(result.stdout)


def settings(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Turn a schema's properties into Meltano's settings.

    An object stays one setting, so that Meltano reads the same variables as the tap.
    """
    for name, field in schema["properties"].items():
        setting = {
            "name": name,
            "label": field["title"],
            "kind": kind(name, field),
            "description": field["description"],
        }
        if "enum" in field:
            setting["options"] = [
                {"label": value.capitalize(), "value": value} for value in field["enum"]
            ]
        if field.get("secret"):
            setting["sensitive"] = True
        # A date that stands in a definition would soon be taken for a recommendation.
        if "default" in field and setting["kind"] != "date_iso8601":
            setting["value"] = field["default"]
        yield setting


def kind(name: str, field: dict[str, Any]) -> str:
    """Say which of Meltano's kinds of setting a field of a schema is."""
    if "enum" in field:
        return "options"
    if name.endswith("_date"):
        return "date_iso8601"
    return next(known for known in KINDS if known in field["type"])


def deselected(stream: dict[str, Any]) -> str | None:
    """Return the name of a stream of a catalog if it is not selected by default."""
    (metadata,) = (item["metadata"] for item in stream["metadata"] if not item["breadcrumb"])
    return None if metadata["selected-by-default"] else stream["tap_stream_id"]


if __name__ == "__main__":
    for path, text in definitions().items():
        path.write_text(text)
        print(path.relative_to(PROJECT))
