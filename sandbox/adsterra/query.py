"""Parameters of the Adsterra API: parsed as PHP does, validated as the documents say."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

from sandbox.adsterra.cells import FIRST_DAY
from sandbox.adsterra.reports import DIMENSIONS, Report

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A query string as PHP parses it.
Parameters: TypeAlias = dict[str, str | list[str]]

MAX_DAYS = 366
MAX_DIMENSIONS = 3
MAX_PLACEMENTS = 499
MAX_ID = 2_147_483_647

_STATISTICS = (
    "start_date",
    "finish_date",
    "group_by",
    "domain",
    "placement",
    "placement_ids",
    "country",
)
_SMART_LINKS = {
    "status": {"3": "Active", "4": "Inactive"},
    "traffic_type": {"1": "Mainstream", "2": "Adult"},
}
_DIGITS = re.compile(r"[0-9]{1,10}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNTRY = re.compile(r"[A-Z]{2}")


class InvalidParametersError(Exception):
    """Parameters that the API refuses with 422."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        """Keep the messages, by parameter."""
        super().__init__(errors)
        self.errors = errors


def parameters(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """Parse a query string as PHP does: only names with brackets may have several values.

    Returns:
        A list for each name with brackets, the last value for each other name.
    """
    result: Parameters = {}
    for full_name, value in pairs:
        name, bracket, _ = full_name.partition("[")
        values = result.get(name)
        if not bracket:
            result[name] = value
        elif isinstance(values, list):
            values.append(value)
        else:
            result[name] = [value]
    return result


def report(params: Parameters) -> Report:
    """Parse the parameters of `/stats`. Source: Adsterra Publishers API 3.0.0, Statistics.

    Raises:
        InvalidParametersError: The API would refuse them. The messages about dates and domains are
            documented; the others are made up.
    """
    errors: dict[str, list[str]] = {
        name: ["This parameter is not known"] for name in params if name not in _STATISTICS
    }
    start = _date(params, "start_date", "Start date", errors)
    finish = _date(params, "finish_date", "Finish date", errors)
    if start and finish and start > finish:
        errors["start_date"] = ["Start date must be before or equal to finish date"]
    elif start and finish and (finish - start).days >= MAX_DAYS:
        errors["start_date"] = [f"Date range cannot exceed {MAX_DAYS} days"]
    group_by = _group_by(params, errors)
    domain = _id(params, "domain", "Invalid domain ID value", errors)
    placements = _placements(params, errors)
    country = params.get("country")
    if country is not None and not (isinstance(country, str) and _COUNTRY.fullmatch(country)):
        errors["country"] = ["Country must be a two-letter ISO code"]
    if errors or start is None or finish is None or isinstance(country, list):
        raise InvalidParametersError(errors)
    return Report(start, finish, group_by, domain, placements, country)


def smart_links(params: Parameters) -> dict[str, str]:
    """Parse the parameters of `/smart-links`. Source: Adsterra Publishers API 3.0.0, SmartLinks.

    Returns:
        The values that the rows must have, by field.

    Raises:
        InvalidParametersError: A name or a value is not documented.
    """
    wanted: dict[str, str] = {}
    errors: dict[str, list[str]] = {}
    for name, value in params.items():
        if name not in _SMART_LINKS:
            errors[name] = ["This parameter is not known"]
        elif isinstance(value, str) and value in _SMART_LINKS[name]:
            wanted[name] = _SMART_LINKS[name][value]
        else:
            errors[name] = [f"Value must be one of {', '.join(_SMART_LINKS[name])}"]
    if errors:
        raise InvalidParametersError(errors)
    return wanted


def _date(params: Parameters, name: str, title: str, errors: dict[str, list[str]]) -> date | None:
    """Return a date; `None`, with a message in `errors`, if there is no valid one."""
    value = params.get(name)
    if value is None or value == "":
        errors[name] = [f"{title} is required"]
        return None
    try:
        day = (
            date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else None
        )
    except ValueError:
        day = None
    if day is None:
        errors[name] = ["Invalid date format"]
    elif day < FIRST_DAY:
        errors[name] = [f"{title} must be on or after {FIRST_DAY}"]
        return None
    return day


def _group_by(params: Parameters, errors: dict[str, list[str]]) -> tuple[str, ...]:
    """Return the dimensions; a single one may come without brackets.

    Without any, rows are grouped by date. Source: Adsterra Publishers API 3.0.0, Statistics.
    """
    value = params.get("group_by", "date")
    names = [value] if isinstance(value, str) else value
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown:
        errors["group_by"] = [f"Group by must be of {', '.join(DIMENSIONS)}"]
    elif len(set(names)) < len(names):
        errors["group_by"] = ["Group by values must be unique"]
    elif len(names) > MAX_DIMENSIONS:
        errors["group_by"] = [f"Group by cannot exceed {MAX_DIMENSIONS} values"]
    return tuple(names)


def _id(params: Parameters, name: str, message: str, errors: dict[str, list[str]]) -> int | None:
    """Return a single id; `None` if it is absent or invalid."""
    value = params.get(name)
    if value is None:
        return None
    number = _natural(value)
    if number is None:
        errors[name] = [message]
    return number


def _placements(params: Parameters, errors: dict[str, list[str]]) -> frozenset[int] | None:
    """Return the ids of `placement_ids` or of the older `placement`; `None` for all placements."""
    single = _id(params, "placement", "Invalid placement ID value", errors)
    values = params.get("placement_ids")
    if values is None:
        return None if single is None else frozenset([single])
    if "placement" in params:
        errors["placement"] = ["Placement and placement_ids cannot be used together"]
    if isinstance(values, str):
        errors["placement_ids"] = ["Placement ids must be a list, placement_ids[]=1"]
        return None
    if len(values) > MAX_PLACEMENTS:
        errors["placement_ids"] = [f"Placement ids count should be less than {MAX_PLACEMENTS + 1}"]
    numbers = [_natural(value) for value in values]
    if None in numbers:
        errors["placement_ids"] = ["Invalid placement ID value"]
    return frozenset(number for number in numbers if number is not None)


def _natural(value: str | list[str]) -> int | None:
    """Return a positive integer in the range of the API's ids, or `None`."""
    if isinstance(value, str) and _DIGITS.fullmatch(value) and 0 < int(value) <= MAX_ID:
        return int(value)
    return None
