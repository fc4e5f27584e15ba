"""What the environment says, as far as it is wrong: variables, proxies, certificates."""

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

#: How similar a variable must be to a setting's own to be taken for a typing error.
_SIMILARITY = 0.85
#: The variables that the SDK can read, by the type of their setting.
_ENV_PARSERS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("integer", "a whole number", lambda text: bool(re.fullmatch(r"\s*[+-]?\d+\s*", text))),
    (
        "boolean",
        "true or false",
        lambda text: text.lower() in {"true", "false", "1", "0", "yes", "no", "on", "off"},
    ),
)


def connection_setting_errors(url: str | None) -> Iterator[ConfigError]:
    """Say what is wrong with the setting api_url, the proxy and the trusted certificates.

    Args:
        url: The setting; ``None`` if it is known to be wrong.

    Yields:
        What is wrong, by the setting or the environment variable.
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
    """Say why a file or a folder of certificates cannot be used, as the end of a sentence."""
    if not path.exists():
        return "does not exist."
    if path.is_dir():
        # What OpenSSL looks for in a folder.
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
    """Say which environment variables are wrong: of another type, not JSON, or misspelt.

    Args:
        environment: The environment variables.
        prefix: What the variables of the settings begin with, such as ``TAP_ADSTERRA_``.
        schema: The schema of the whole configuration.

    Returns:
        One error per variable, by the setting or the variable. What a variable says is not shown
        where it is secret.
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
