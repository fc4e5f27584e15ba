"""Reads the JSON files that the command line names: settings, catalog and state."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any

import click


class Unreadable(str):
    """Why a file cannot be read, in a sentence."""

    __slots__ = ()


class Empty(Unreadable):
    """Why an empty file cannot be read."""

    __slots__ = ()


class JsonFile(click.ParamType[Any]):
    """The type of an option that names a JSON file; the value is the file's content."""

    name = "filename"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401, ARG002
        """Read the file; return an error instead of raising it, to report it with all others."""
        return read_json(value)


class StateFile(JsonFile):
    """The type of the option --state; the file may be empty, as a failed first run leaves it."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Read the file; return ``None`` if it is empty."""
        content = super().convert(value, param, ctx)
        if content is None or isinstance(content, Empty):
            logging.getLogger(__name__).warning(
                "The state in %s is empty, so this run reads from start_date on, as a first one.",
                value,
            )
            return None
        return content


def read_json(path: str) -> Any:  # noqa: ANN401
    """Read a JSON file, or return why it cannot be read, without quoting its content.

    Args:
        path: The file; ``-`` for standard input.

    Returns:
        The parsed JSON, or an ``Unreadable``.
    """
    try:
        with click.open_file(path, encoding="utf-8-sig") as file:
            text = file.read()
    except UnicodeDecodeError:
        reason = "it is not text in UTF-8; save it as such"
    except OSError as error:
        reason = str(error.strerror).lower()
    else:
        problem = json_error(text)
        if problem is None:
            return json.loads(text, parse_float=Decimal)
        if not text.strip():
            return Empty(f"{path} cannot be read: it {problem}.")
        reason = f"it {problem}"
    return Unreadable(f"{path} cannot be read: {reason}.")


def json_error(text: str) -> str | None:
    """Return why a text is not JSON, as the end of a sentence that does not quote it."""
    try:
        json.loads(text)
    except RecursionError:
        return "is nested too deeply"
    except json.JSONDecodeError as error:
        if not text.strip():
            return "is empty"
        return f"is not JSON; look at line {error.lineno}, column {error.colno}"
    except ValueError:
        return "holds a number with too many digits"
    return None
