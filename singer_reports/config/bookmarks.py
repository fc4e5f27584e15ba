"""A stream's bookmark in the state: the days that are covered, and the report's definition.

A bookmark contains the SDK's ``replication_key`` and ``replication_key_value``, which is the last
covered day, and three keys of this project: ``first_day``, the first covered day; ``extracted_at``,
the time of the last reading; and ``definition``, which consists of the report's dimensions, its
filters and the time zone of its days. The definition contains lists and strings, because some
orchestrators merge objects key by key. Bookmarks written by older versions lack these keys and are
used as they are.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_reports import dates
from singer_reports.config.messages import quote_value, shorten
from singer_reports.reading_times import EXTRACTED_AT, parse_time

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from singer_reports.dates import Window

    Definition = Mapping[str, Any]

LAST_DAY = "replication_key_value"
FIRST_DAY = "first_day"
DEFINITION = "definition"
#: Time zones differ by up to 26 hours, so their current dates may be two days apart.
_DAYS_BETWEEN_ZONES = 2
_MAX_NAMES = 8


class Coverage(NamedTuple):
    """The days that need not be read again, and what to warn of."""

    #: The complete days that need not be read again; ``None`` if there are no such days.
    days: Window | None
    #: Warnings for the user, each of one or more sentences.
    warnings: Sequence[str] = ()
    #: Whether the clock was wrong; then the days to read again are not covered until that is done.
    is_doubtful: bool = False


class Settings(NamedTuple):
    """What a bookmark is compared with."""

    start: datetime.date
    #: The last complete day.
    yesterday: datetime.date
    zone: ZoneInfo | datetime.timezone
    #: The first day for which the API may have data.
    earliest: datetime.date
    #: The stream's definition by the current settings.
    definition: Definition


def coverage(bookmark: Mapping[str, Any], settings: Settings) -> Coverage:
    """Return the days that are covered, after the clock and the settings may have changed.

    Args:
        bookmark: The stream's bookmark, free of errors.
        settings: What it is compared with.
    """
    if (last := bookmark.get(LAST_DAY)) is None:
        return Coverage(None)
    start, yesterday = settings.start, settings.yesterday
    last_day = dates.parse_day(last, settings.zone)
    first = bookmark.get(FIRST_DAY)
    # Older versions read from start_date on and did not save it.
    first_day = start if first is None else dates.parse_day(first, settings.zone)
    days = dates.Window(min(first_day, last_day), last_day)
    before = bookmark.get(DEFINITION) or settings.definition
    old_zone, zone = (each.get("timezone") for each in (before, settings.definition))
    warnings = []
    is_doubtful = days.last > yesterday
    if is_doubtful:
        ahead = (days.last - yesterday).days
        if old_zone == zone or ahead > _DAYS_BETWEEN_ZONES:
            warnings.append(
                f"the state says that all was read up to {days.last}, which is not over yet: the "
                f"clock of this machine was ahead then, or is behind now. It counts as read up to "
                f"{yesterday}. If the clock was ahead, days since then may be incomplete: to read "
                f"everything again, remove all of this stream but {EXTRACTED_AT} from the state."
            )
        if days.first > yesterday:
            return Coverage(None, warnings)
        days = days._replace(last=yesterday)
    if start - dates.ONE_DAY > days.last:
        gap_first = max(days.last + dates.ONE_DAY, settings.earliest)
        warnings.append(
            f"start_date {start} is past what has been read, so "
            f"{dates.Window(gap_first, start - dates.ONE_DAY)} is left out. To read it, set "
            f"start_date to {gap_first} or earlier."
        )
    old, new = (each.get("filters", []) for each in (before, settings.definition))
    if old != new:
        warnings.append(
            f"its filters were {_filters(old)} and are {_filters(new)} now, so it is read again "
            "from start_date on. Rows that the new filters leave out stay in your table, and so do "
            "rows before start_date: delete them, or give the report another name."
        )
        return Coverage(None, warnings)
    if old_zone != zone:
        warnings.append(
            f"timezone was {old_zone} and is {zone} now. Days may have been read before they were "
            "over, so the last two are read again, and more with a larger lookback_days."
        )
        # Not before the day on which the run begins: the days between would be a gap.
        last_day = max(days.last - dates.ONE_DAY * _DAYS_BETWEEN_ZONES, start - dates.ONE_DAY)
        last_day = min(days.last, last_day)
        if last_day < days.first:
            return Coverage(None, warnings)
        days = days._replace(last=last_day)
    return Coverage(days, warnings, is_doubtful)


def written(days: Window, replication_key: str, definition: Definition) -> dict[str, Any]:
    """Return the bookmark for the covered days."""
    return {
        "replication_key": replication_key,
        LAST_DAY: str(days.last),
        FIRST_DAY: str(days.first),
        DEFINITION: definition,
    }


def day_errors(
    stream: str, bookmark: Mapping[str, Any], zone: ZoneInfo | datetime.timezone
) -> Iterator[str]:
    """Find values in a bookmark that should be days and are not.

    Yields:
        One sentence per error.
    """
    for key, meaning in ((LAST_DAY, "up to"), (FIRST_DAY, "from")):
        value = bookmark.get(key)
        try:
            _ = value is None or dates.parse_day(value, zone)
        except (TypeError, ValueError, OverflowError):
            yield (
                f"The state says that {stream} was read {meaning} {quote_value(value)}, "
                "which is not a day. Correct the state, or remove this stream from it to read "
                "everything again."
            )


def reading_time_errors(stream: str, bookmark: Mapping[str, Any]) -> Iterator[str]:
    """Check the time of the last reading in a bookmark.

    Yields:
        One sentence if it is no time.
    """
    value = bookmark.get(EXTRACTED_AT)
    try:
        _ = value is None or parse_time(value)
    except (TypeError, ValueError, OverflowError):
        yield (
            f"The state says that {stream} was last read at {quote_value(value)}, which is no time "
            f"that another reading could follow. Correct bookmarks.{stream}.{EXTRACTED_AT} in the "
            f"state, to the latest {EXTRACTED_AT} in your table."
        )


def definition_errors(
    stream: str, bookmark: Mapping[str, Any], definition: Definition
) -> Iterator[str]:
    """Check that a stream's current definition can continue its bookmark.

    Args:
        stream: The stream's name.
        bookmark: The stream's bookmark.
        definition: The stream's definition by the current settings.

    Yields:
        One sentence per error.
    """
    before = bookmark.get(DEFINITION)
    if before is None:
        return
    path = f"bookmarks.{stream}.{DEFINITION}"
    if not isinstance(before, dict):
        yield f"The state: {path} must be an object, not {quote_value(before)}."
        return
    for name, value in definition.items():
        known = before.get(name, value)
        if not isinstance(known, type(value)):
            must_be = "a list" if isinstance(value, list) else "a text"
            yield f"The state: {path}.{name} must be {must_be}, not {quote_value(known)}."
        elif name == "dimensions" and sorted(map(str, known)) != sorted(value):
            yield (
                f"The state says that {stream} was read by {_listed(known)}, and now "
                f"it is grouped by {', '.join(value)}: its rows have another key. Give the report "
                f"another name, or remove {stream} from the state and drop its table."
            )


def _listed(names: Iterable[object]) -> str:
    return ", ".join(shorten(str(name)) for name in islice(names, _MAX_NAMES))


def _filters(filters: object) -> str:
    """Return filters as readable text, long ones shortened."""
    if not isinstance(filters, list) or not filters:
        return "none"
    return " and ".join(shorten(str(each)) for each in filters)
