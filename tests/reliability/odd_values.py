"""How values that are not written as documented must end, for the fault matrix.

What can be read in one way only is read; anything else is refused, with its place. The rules are
those of ``tests/singer_reports/records/test_odd_values.py``; here they hold for every kind of
stream.
"""

from __future__ import annotations

from decimal import Decimal

from tests.reliability.expectations import (
    AS_SENT,
    DATE_RANGES,
    REFUSED,
    WHOLE,
    Case,
    always,
    token,
)
from tests.reliability.stream_cases import CHUNKS, LISTS, PAGES, REPORT, STATISTICS

#: Beyond 2^53, where a float would be read as another whole number.
LARGE_FLOAT = Decimal("9007199254740993.0")
_TEXTS = (LISTS, REPORT, PAGES)
_DATE = {"kind": "set_field", "field": "date"}
_START = {"kind": "set_field", "field": "start_date"}

ODD_VALUES: dict[str, Case] = {
    # Dates
    # By one, a window whose last day has no rows would not show it.
    "all days two late": Case({"kind": "shifted_days", "by": 2}, times=1, kinds=DATE_RANGES),
    "day as 20240411": always(REFUSED, {**_DATE, "value": "20240411"}, kinds=DATE_RANGES),
    "day by week": always(REFUSED, {**_DATE, "value": "2024-W15-4"}, kinds=DATE_RANGES),
    "day empty": always(REFUSED, {**_DATE, "value": ""}, kinds=DATE_RANGES),
    "day 0000-00-00": always(REFUSED, {**_DATE, "value": "0000-00-00"}, kinds=DATE_RANGES),
    "date 0000-00-00": always(AS_SENT, {**_START, "value": "0000-00-00"}, kinds=(PAGES,)),
    "date-time 0000-00-00 00:00:00": always(
        AS_SENT, {**_START, "value": "0000-00-00 00:00:00"}, kinds=(PAGES,)
    ),
    "date empty": always(AS_SENT, {**_START, "value": ""}, kinds=(PAGES,)),
    "date-time for a date": always(
        REFUSED, {**_START, "value": "2024-04-11 00:00:00"}, kinds=(PAGES,)
    ),
    # Numbers
    "1_5 for a number": always(
        REFUSED, {"kind": "set_field", "value": "1_5"}, of_the_place="required"
    ),
    "full-width digits for a number": always(
        REFUSED, {"kind": "set_field", "value": "\uff11\uff15"}, of_the_place="required"
    ),
    "Arabic digits for a number": always(
        REFUSED, {"kind": "set_field", "value": "\u0661\u0665"}, of_the_place="required"
    ),
    "id of 2^63": always(REFUSED, {"kind": "set_field", "value": 2**63}, of_the_place="key"),
    "id as a large float": always(
        AS_SENT,
        {"kind": "set_field", "value": LARGE_FLOAT},
        of_the_place="key",
        # The other kinds request or derive more by the id.
        kinds=(STATISTICS, LISTS, REPORT, PAGES),
        stored=int(LARGE_FLOAT),
    ),
    # Texts
    "number for a text": always(
        AS_SENT,
        {"kind": "set_field", "value": 4711},
        of_the_place="text",
        kinds=_TEXTS,
        stored="4711",
    ),
    "NUL in a text": always(
        AS_SENT,
        {"kind": "set_field", "value": "a\0b"},
        of_the_place="text",
        kinds=_TEXTS,
        stored="a\0b",
    ),
    # As PHP writes JSON
    "byte order mark": always(WHOLE, {"kind": "byte_order_mark"}),
    "token endpoint sends a byte order mark": token({"kind": "byte_order_mark"}, lasting=WHOLE),
    "empty object for the rows": Case(
        {"kind": "empty_object"},
        times=1,
        but={
            # Smart links have no total, so their lack cannot be noticed.
            (LISTS, "last"): (AS_SENT, AS_SENT),
            # Half of the campaigns make another request.
            (CHUNKS, "middle"): (WHOLE, WHOLE),
            (CHUNKS, "last"): (WHOLE, WHOLE),
        },
    ),
    "empty list for an object": always(
        AS_SENT,
        {"kind": "set_field", "field": "options", "value": []},
        kinds=(PAGES,),
        stored={},
    ),
    "empty object for a list": always(
        AS_SENT,
        {"kind": "set_field", "field": "keywords", "value": {}},
        kinds=(PAGES,),
        stored=[],
    ),
}
