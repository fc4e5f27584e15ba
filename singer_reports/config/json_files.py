"""Reads the files a user hands over: settings, catalogs and states, all of them JSON."""

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
    """A command line option that names a JSON file; its value is the content of the file."""

    name = "filename"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401, ARG002
        """Read the file; what is wrong with it is told together with all other problems."""
        return read_json(value)


class StateFile(JsonFile):
    """The option of the state, which may be an empty file: a first run that failed wrote none."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Read the file; an empty one is no state."""
        content = super().convert(value, param, ctx)
        if content is None or isinstance(content, Empty):
            logging.getLogger(__name__).warning(
                "The state in %s is empty, so this run reads from start_date on, as a first one.",
                value,
            )
            return None
        return content


def read_json(path: str) -> Any:  # noqa: ANN401
    """Read a file, or say why it cannot be read, without showing anything it holds.

    Args:
        path: The file; ``-`` for what is piped in.

    Returns:
        What the file holds, or an ``Unreadable``.
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
    """Say why a text is not JSON, as the end of a sentence that shows nothing of it."""
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
