"""The settings that all taps share; each tap sets its own defaults."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from singer_reports.config.messages import ConfigError

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Mapping

Property = th.Property[Any]

# Patterns for texts. They end in `$(?!\n)` because `$` also matches before a final newline. No two
# repetitions in a row match the same character, so that matching is linear in the text's length.
URL_PATTERN = r"^https?://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(:[0-9]{1,5})?(/[^\s?#@]*)?$(?!\n)"
COUNTRY_PATTERN = r"^[A-Z]{2}$(?!\n)"
HEADER_PATTERN = r"^ *[!-~][ -~]*$(?!\n)"
NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*$(?!\n)"
NO_SPACE_PATTERN = r"^[!-~]+$(?!\n)"
TOKEN_PATTERN = r"^[A-Za-z0-9_-]+$(?!\n)"  # noqa: S105 - a pattern
#: The patterns in words, as the end of a sentence.
PATTERN_HINTS = {
    URL_PATTERN: (
        "an address such as https://example.com/path, with no user, password, ? or # in it"
    ),
    COUNTRY_PATTERN: "a country's two capital letters, such as DE",
    HEADER_PATTERN: "a line of ASCII letters, digits and signs",
    NAME_PATTERN: "made of letters, digits and _ only, with a letter first",
    NO_SPACE_PATTERN: (
        "made of ASCII letters, digits and signs only, without spaces and line breaks"
    ),
    TOKEN_PATTERN: "made of letters, digits, - and _ only, without spaces and line breaks",
}


def date_settings(
    zone: str, *, start_date: str | None, start_hint: str, lookback_days: int, include_today: bool
) -> list[Property]:
    """Return the settings for the days to read.

    Args:
        zone: The time zone of the API's days, in words.
        start_date: The default first day; with ``None``, the setting is required.
        start_hint: A sentence to add to the description of the first day.
        lookback_days: The default lookback, in days.
        include_today: Whether the current day is read by default.
    """
    return [
        th.Property(
            "start_date",
            th.StringType,
            required=start_date is None,
            default=start_date,
            title="Start date",
            description=f"The first day to read, {zone}: a date or a date-time.{start_hint}",
        ),
        th.Property(
            "end_date",
            th.StringType,
            title="End date",
            description="The last day to read, inclusive; the present unless set.",
        ),
        th.Property(
            "lookback_days",
            th.IntegerType(minimum=0, maximum=365),
            default=lookback_days,
            title="Lookback",
            description=(
                "Finished days that every run after the first reads again, for late corrections: 0 "
                "to 365."
            ),
        ),
        th.Property(
            "include_today",
            th.BooleanType,
            default=include_today,
            title="Include today",
            description="Whether to read today's unfinished day, which the next run reads again.",
        ),
    ]


def date_errors(
    days: Mapping[str, datetime.date | None], earliest: datetime.date, today: datetime.date
) -> Iterator[ConfigError]:
    """Find errors in the first and the last day to read.

    Args:
        days: ``start_date`` and ``end_date``, unless they are invalid.
        earliest: The first day for which the API may have data.
        today: The API's current day.

    Yields:
        Errors, each with its setting.
    """
    start, end = days.get("start_date"), days.get("end_date")
    if start and start < earliest:
        yield ConfigError(
            "start_date",
            f"start_date must be {earliest} or later, not {start}: there is nothing before that.",
        )
    if start and start > today:
        yield ConfigError(
            "start_date",
            f"start_date {start} is in the future, so there would be nothing to read: by the clock "
            f"of this machine it is {today}.",
        )
    if start and end and start > end:
        yield ConfigError(
            "start_date",
            f"start_date {start} is after end_date {end}, so there would be nothing to read.",
        )


def concurrency_setting() -> Property:
    """Return the setting for the maximum number of concurrent requests."""
    return th.Property(
        "max_concurrency",
        th.IntegerType(minimum=1, maximum=32),
        default=4,
        title="Concurrency",
        description="The most requests under way at a time: 1 to 32.",
    )


def request_settings(tap: str, *, request_timeout: int) -> list[Property]:
    """Return the settings for a single request: timeout and user agent.

    Args:
        tap: The tap's name.
        request_timeout: The default timeout, in seconds.
    """
    return [
        th.Property(
            "request_timeout",
            th.IntegerType(minimum=1, maximum=3600),
            default=request_timeout,
            title="Request timeout",
            description="Seconds to wait for an answer before the request is tried again.",
        ),
        th.Property(
            "user_agent",
            th.StringType(pattern=HEADER_PATTERN),
            title="User agent",
            description=f"What the tap calls itself; `{tap}/<version>` unless set.",
        ),
    ]


def sdk_setting_errors(config: Mapping[str, Any]) -> Iterator[ConfigError]:
    """Find errors in the SDK's own settings that their schema cannot express.

    Args:
        config: The settings; values of a wrong type are skipped.

    Yields:
        Errors, each with its setting.
    """
    if config.get("flattening_enabled") is True and "flattening_max_depth" not in config:
        yield ConfigError(
            "flattening_max_depth",
            "flattening_max_depth is missing: flattening_enabled needs it.",
        )
    batches = config.get("batch_config")
    if not batches or not isinstance(batches, dict):
        return
    for name in ("stream_maps", "flattening_enabled"):
        if config.get(name):
            yield ConfigError(
                "batch_config",
                f"batch_config writes files of unchanged rows, so {name} would have no effect: "
                "remove one of the two settings.",
            )
    for part, name in (("encoding", "format"), ("storage", "root")):
        value = batches.get(part)
        if value is None or (isinstance(value, dict) and value.get(name) is None):
            yield ConfigError(
                "batch_config",
                f"batch_config.{part}.{name} is missing: batch_config needs it.",
            )
    encoding = batches.get("encoding")
    if (
        isinstance(encoding, dict)
        and encoding.get("format") == "parquet"
        and find_spec("pyarrow") is None
    ):
        yield ConfigError(
            "batch_config",
            "batch_config.encoding.format parquet needs the Python package pyarrow: install it "
            "beside the tap, or use jsonl.",
        )
