"""Generate the definitions of both taps for Meltano and its hub: ``make plugins``.

A tap's own commands provide the contents, so that a definition cannot contradict the tap.
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
#: Contents that no command provides.
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
#: The types that have the same name in JSON Schema and in Meltano.
KINDS = ("array", "object", "string", "integer", "boolean")


def definitions() -> dict[Path, str]:
    """Return the definition of each tap, by the path of its file."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return {
        PROJECT / "plugins" / "extractors" / f"{tap}--{project['name']}.yml": HEAD
        + yaml.safe_dump(definition(tap, project), sort_keys=False, allow_unicode=True, width=100)
        for tap in ABOUT
    }


def definition(tap: str, project: dict[str, Any]) -> dict[str, Any]:
    """Return the definition of a tap.

    Args:
        tap: The name of its command.
        project: The table ``project`` of ``pyproject.toml``.
    """
    said = output(tap, "--about", "--format=json")
    streams = output(tap, "--discover")["streams"]
    # Without a repository URL in pyproject.toml, the definition has none either.
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
    """Run the command of a tap and return the JSON that it prints."""
    command = [sys.executable, "-m", tap.replace("-", "_"), *arguments]
    environment = {**os.environ, "LOGLEVEL": "WARNING"}
    result = subprocess.run(
        command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.PIPE
    )
    return json.loads(result.stdout)


def settings(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield Meltano's settings for the properties of a schema.

    An object stays one setting, so that Meltano reads the same environment variables as the tap.
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
        # A date in a definition would soon be read as a recommendation.
        if "default" in field and setting["kind"] != "date_iso8601":
            setting["value"] = field["default"]
        yield setting


def kind(name: str, field: dict[str, Any]) -> str:
    """Return Meltano's kind of setting for a field of a schema."""
    if "enum" in field:
        return "options"
    if name.endswith("_date"):
        return "date_iso8601"
    return next(known for known in KINDS if known in field["type"])


def deselected(stream: dict[str, Any]) -> str | None:
    """Return the name of a stream of a catalog; ``None`` if it is selected by default."""
    (metadata,) = (item["metadata"] for item in stream["metadata"] if not item["breadcrumb"])
    return None if metadata["selected-by-default"] else stream["tap_stream_id"]


if __name__ == "__main__":
    for path, text in definitions().items():
        path.write_text(text)
        print(path.relative_to(PROJECT))
