"""Reads settings from the environment, and finds errors in variables, proxies, certificates."""

from __future__ import annotations

import difflib
import os
import re
import ssl
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values

from singer_reports.config.json_files import json_error
from singer_reports.config.messages import ConfigError, quote_value
from singer_reports.http.proxy import certificate_variable, find_proxy, is_valid_url
from singer_reports.sdk_internals import parse_environment_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: How similar, from 0 to 1, a variable must be to a setting's to be taken for a misspelling.
_SIMILARITY = 0.85
#: Per type of setting: what its variable must be, in words, and whether the SDK can parse it.
_ENV_PARSERS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    # No setting is larger, and Python reads no number of more than 4,300 digits.
    ("integer", "a whole number", lambda text: bool(re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text))),
    (
        "boolean",
        "true or false",
        lambda text: text.lower() in {"true", "false", "1", "0", "yes", "no", "on", "off"},
    ),
)


def connection_setting_errors(url: str | None) -> Iterator[ConfigError]:
    """Find errors in the setting api_url, the proxy and the trusted certificates.

    Args:
        url: The setting; ``None`` if it is known to be invalid.

    Yields:
        Errors, each with its setting or environment variable.
    """
    if url and not is_valid_url(url):
        yield ConfigError(
            "api_url",
            "api_url must name a valid host and, if it names a port, one from 0 to 65535, "
            f"not {quote_value(url)}.",
        )
        url = None
    proxy = find_proxy(url) if url else None
    if proxy and (error := proxy.find_error()):
        yield ConfigError(proxy.source, error)
    variable = certificate_variable()
    if variable and not (url or "").startswith("http://"):
        path = Path(os.environ[variable])
        if error := _certificates_error(path):
            yield ConfigError(variable, f"The variable {variable} names {path}, which {error}")


def _certificates_error(path: Path) -> str | None:
    """Return why a file or folder of certificates cannot be used, as the end of a sentence."""
    if not path.exists():
        return "does not exist."
    if path.is_dir():
        # OpenSSL reads only files with such names from a folder.
        if any(re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", file.name) for file in path.iterdir()):
            return None
        return "is a folder without certificates that `openssl rehash` has prepared."
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "holds no certificate in PEM format."
    except OSError as error:
        return f"cannot be read: {str(error.strerror).lower()}."
    return None


def read_environment(
    prefix: str, schema: Mapping[str, Any]
) -> tuple[dict[str, Any], list[ConfigError]]:
    """Read settings from environment variables; the file ``.env`` may set those that are not set.

    Args:
        prefix: What the variables of the settings begin with, such as ``TAP_ADSTERRA_``.
        schema: The schema of the whole configuration.

    Returns:
        The settings that can be read, and one error per variable or file that cannot.
    """
    errors = []
    if error := load_env_file(Path(".env")):
        errors.append(ConfigError(".env", error))
    errors += describe_environment(os.environ, prefix, schema)
    unreadable = {error.setting for error in errors}
    readable = {
        name: setting for name, setting in schema["properties"].items() if name not in unreadable
    }
    # With a path, because the SDK looks for .env in the folders above its own modules otherwise.
    return parse_environment_config({"properties": readable}, prefix, os.devnull), errors


def load_env_file(path: Path) -> str | None:
    """Set the environment variables in a file, except for those that are set already.

    Returns:
        Why the file cannot be read, in a sentence; ``None`` if it can be, or is not there.
    """
    if path.is_dir():  # A virtual environment of this name.
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
        for name, value in dotenv_values(stream=StringIO(text)).items():
            if value is not None:
                os.environ.setdefault(name, value)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = str(error.strerror).lower()
    except UnicodeDecodeError:
        reason = "it is not text in UTF-8; save it as such"
    except ValueError:
        reason = "it holds a name or a value that no variable can have"
    else:
        return None
    return f"The file {path} cannot be read: {reason}."


def describe_environment(
    environment: Mapping[str, str], prefix: str, schema: Mapping[str, Any]
) -> list[ConfigError]:
    """Find environment variables that have the wrong type, are not JSON, or are misspelt.

    Args:
        environment: The environment variables.
        prefix: The prefix of the tap's variables, such as ``TAP_ADSTERRA_``.
        schema: The schema of the whole configuration.

    Returns:
        One error per variable, with its setting or the variable. Secret values are not shown.
    """
    settings = schema["properties"]
    found = []
    for name, setting in settings.items():
        variable = prefix + name.upper()
        text = environment.get(variable)
        kinds = setting.get("type", ())
        if text is None:
            continue
        if {"array", "object"} & set(kinds):
            if error := json_error(text):
                found.append(ConfigError(name, f"{variable} {error}."))
            continue
        for kind, must_be, is_it in _ENV_PARSERS:
            if kind in kinds and not is_it(text):
                value = "" if setting.get("secret") else f", not {quote_value(text)}"
                found.append(ConfigError(name, f"{variable} must be {must_be}{value}."))
    known = {prefix + name.upper() for name in settings}
    for variable in sorted(set(environment) - known):
        if variable.startswith(prefix):
            close = difflib.get_close_matches(variable, known, n=1, cutoff=_SIMILARITY)
            if close:
                message = f"{variable} is not read; did you mean {close[0]}?"
                found.append(ConfigError(variable, message))
    return found
