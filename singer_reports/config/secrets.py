"""Finds the secret settings and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def secret_settings(schema: Mapping[str, Any]) -> set[str]:
    """Return the names of the settings that a schema marks as secret."""
    return {name for name, setting in schema["properties"].items() if setting.get("secret")}


def secret_values(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text in the secret settings, also from values of the wrong type."""
    found = [config.get(name) for name in secret_settings(schema)]
    while found:
        value = found.pop()
        if isinstance(value, dict):
            found += [*value, *value.values()]
        elif isinstance(value, list):
            found += value
        elif value is not None and not isinstance(value, bool):
            yield str(value)
