"""The kinds of errors that the protocol knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.exceptions import ConfigValidationError

from singer_reports.http.errors import RETRIABLE_ERRORS, CredentialsError, RequestError

if TYPE_CHECKING:
    from airbyte_sources.messages import FailureType


def failure_type(error: Exception) -> FailureType:
    """Return who can do something about an error: the user, time, or the makers of the source."""
    cause = error.__cause__
    if isinstance(error, ConfigValidationError) or isinstance(cause, CredentialsError):
        return "config_error"
    is_transient = isinstance(error, RequestError) and isinstance(cause, RETRIABLE_ERRORS)
    return "transient_error" if is_transient else "system_error"
