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
        try:
            return _parse(text)
        except ValueError as error:
            if not text.strip():
                return Empty(f"{path} cannot be read: it {error}.")
            reason = f"it {error}"
    return Unreadable(f"{path} cannot be read: {reason}.")


def json_error(text: str) -> str | None:
    """Return why a text is not JSON, as the end of a sentence that does not quote it."""
    try:
        _parse(text)
    except ValueError as error:
        return str(error)
    return None


def _parse(text: str) -> Any:  # noqa: ANN401
    """Parse JSON; numbers with a decimal point keep every digit.

    Raises:
        ValueError: With what ``json_error`` says.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError:
        message = "is nested too deeply"
    except json.JSONDecodeError as error:
        message = f"is not JSON; look at line {error.lineno}, column {error.colno}"
        if not text.strip():
            message = "is empty"
    except _NotJsonError as error:
        message = str(error)
    except (ValueError, ArithmeticError):
        message = "holds a number with too many digits"
    raise ValueError(message) from None


class _NotJsonError(ValueError):
    """Python's parser takes more than JSON."""


def _refuse_constant(name: str) -> None:
    message = f"is not JSON: it holds {name}"
    raise _NotJsonError(message)
