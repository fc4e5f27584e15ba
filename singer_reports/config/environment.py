"""Finds errors in the environment: in variables, proxies and certificates."""

from __future__ import annotations

import difflib
import os
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_reports.config.json_files import json_error
from singer_reports.config.messages import ConfigError, quote_value
from singer_reports.http.proxy import certificate_variable, find_proxy, is_valid_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: How similar, from 0 to 1, a variable must be to a setting's to be taken for a misspelling.
_SIMILARITY = 0.85
#: Per type of setting: what its variable must be, in words, and whether the SDK can parse it.
_ENV_PARSERS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("integer", "a whole number", lambda text: bool(re.fullmatch(r"\s*[+-]?\d+\s*", text))),
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
