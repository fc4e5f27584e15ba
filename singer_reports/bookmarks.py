"""A stream's bookmark in the state: which days are covered, and of which report it speaks.

A bookmark holds the SDK's ``replication_key`` and ``replication_key_value``, which is the last day
covered, and three keys of this project: ``first_day``, the first day covered, and ``definition``,
what the report was: its dimensions, its filters, the time zone of its days. The definition holds
lists and texts, because some orchestrators merge objects key by key. Bookmarks written by older
versions have neither and are taken as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_reports import dates, problems

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from singer_reports.dates import Window

    Definition = Mapping[str, Any]

LAST_DAY = "replication_key_value"
FIRST_DAY = "first_day"
DEFINITION = "definition"
#: Zones differ by up to 26 hours: a day that was over in one may end two days later in another.
_DAYS_BETWEEN_ZONES = 2


def covered_days(
    bookmark: Mapping[str, Any], start: datetime.date, zone: ZoneInfo | datetime.timezone
) -> Window | None:
    """Read from a bookmark which days are covered.

    Args:
        bookmark: The stream's bookmark; its problems have been told.
        start: The setting ``start_date``: an older version read from there on.
        zone: The time zone of the API's days.

    Returns:
        The days from the first one covered to the last; None without a bookmark.
    """
    if (last := bookmark.get(LAST_DAY)) is None:
        return None
    last_day = dates.parse_day(last, zone)
    first = bookmark.get(FIRST_DAY)
    first_day = start if first is None else dates.parse_day(first, zone)
    return dates.Window(min(first_day, last_day), last_day)


def bookmark_problems(
    stream: str,
    bookmark: Mapping[str, Any],
    definition: Definition,
    zone: ZoneInfo | datetime.timezone,
) -> Iterator[str]:
    """Say what is wrong with a bookmark.

    Args:
        stream: The stream's name.
        bookmark: The stream's bookmark.
        definition: What the stream is by the settings.
        zone: The time zone of the API's days.

    Yields:
        One sentence per problem.
    """
    for key, meaning in ((LAST_DAY, "up to"), (FIRST_DAY, "from")):
        value = bookmark.get(key)
        try:
            _ = value is None or dates.parse_day(value, zone)
        except (TypeError, ValueError, OverflowError):
            yield (
                f"The state says that {stream} was read {meaning} {problems.shown(value)}, which "
                "is not a day. Correct the state, or remove this stream from it to read everything "
                "again."
            )
    before = bookmark.get(DEFINITION)
    if before is None:
        return
    if not isinstance(before, dict):
        shown = problems.shown(before)
        yield f"The state: bookmarks.{stream}.{DEFINITION} must be an object, not {shown}."
    elif before.get("dimensions", definition.get("dimensions")) != definition.get("dimensions"):
        yield (
            f"The state says that {stream} was read by {_listed(before['dimensions'])}, and now it "
            f"is grouped by {_listed(definition.get('dimensions'))}: its rows have another key. "
            f"Give the report another name, or remove {stream} from the state and drop its table."
        )


def _listed(names: object) -> str:
    return ", ".join(map(str, names)) if isinstance(names, list) else problems.shown(names)


def still_covered(
    covered: Window, before: Definition | None, definition: Definition
) -> tuple[Window | None, str]:
    """Say what is still covered after the settings of a stream were edited.

    Args:
        covered: The days that earlier runs have read.
        before: What the stream was then; None if the state was written by an older version.
        definition: What the stream is now.

    Returns:
        The days that need not be read again, None if all must be, and what to tell the user:
        nothing if nothing has changed.
    """
    if before is None:
        return covered, ""
    old, new = (each.get("filters", []) for each in (before, definition))
    if old != new:
        return None, (
            f"its filters were {_filters(old)} and are {_filters(new)} now, so it is read again "
            "from start_date on. Rows that the new filters leave out stay in your table: delete "
            "them, or give the report another name."
        )
    old, new = (each.get("timezone") for each in (before, definition))
    if old != new:
        days = min(_DAYS_BETWEEN_ZONES, covered.days)
        rest = None
        if covered.days > days:
            rest = covered._replace(last=covered.last - dates.ONE_DAY * days)
        return rest, (
            f"timezone was {old} and is {new} now. Days may have been read before they were over, "
            "so the last two are read again."
        )
    return covered, ""


def _filters(filters: object) -> str:
    """Name filters for people, the long ones cut."""
    if not isinstance(filters, list) or not filters:
        return "none"
    return " and ".join(problems.shortened(str(each)) for each in filters)
