"""Finds errors in the variables that configure logging, and in the file that they name."""

from __future__ import annotations

import os
from pathlib import Path

#: The variable that names a file for ``logging.config.dictConfig``, in YAML.
LOG_CONFIG = "SINGER_SDK_LOG_CONFIG"


def drop_empty_log_variables() -> None:
    """Unset empty variables, which the SDK takes for a level or a file."""
    for name in ("LOGLEVEL", LOG_CONFIG):
        if os.environ.get(name) == "":
            del os.environ[name]


def missing_log_config() -> str | None:
    """Describe a missing file, without a final period; the SDK would go on without it."""
    name = os.environ.get(LOG_CONFIG)
    return f"{name} does not exist" if name and not Path(name).exists() else None


def describe_log_error(error: Exception) -> str:
    """Describe in one line, without a final period, why logging cannot be configured.

    Args:
        error: An error of the SDK, PyYAML or ``logging.config``.
    """
    name = os.environ.get(LOG_CONFIG)
    # An error of PyYAML, whose text has several lines.
    if mark := getattr(error, "problem_mark", None):
        return f"{name} is not YAML; look at line {mark.line + 1}, column {mark.column + 1}"
    if isinstance(error, UnicodeDecodeError):
        return f"{name} is not text in UTF-8"
    if isinstance(error, OSError):
        return f"{name} cannot be read: {str(error.strerror).lower()}"
    if isinstance(error, ValueError):
        cause = f": {error.__cause__}" if error.__cause__ else ""
        return " ".join(f"{error}{cause}".split()).rstrip(".")
    return f"{name} does not hold what Python's logging.config.dictConfig takes"
