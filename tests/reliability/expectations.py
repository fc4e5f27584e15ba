"""How each fault must end: the table of expected results for the fault matrix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from singer_reports.http.retries import MAX_RETRY_AFTER
from tests.reliability.stream_cases import (
    CHUNKS,
    DERIVED,
    LISTS,
    PAGES,
    PLACES,
    REPORT,
    STATISTICS,
    STREAM_CASES,
    StreamCase,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.reliability.stream_cases import Place

#: The run ends well, and its rows are those of an undisturbed run.
WHOLE = "whole"
#: The run ends with a sentence, and the next one completes the rows.
REFUSED = "refused"
#: The run cannot notice that the API has changed or left out a row; it writes what was sent.
AS_SENT = "as sent"

ADSTERRA = (STATISTICS, LISTS)
ADCLOUD = (REPORT, PAGES, DERIVED, CHUNKS)
DATE_RANGES = (STATISTICS, REPORT)

#: An attribute of ``Place``, for a field that has another name in each kind of stream.
OfThePlace = Literal["key", "required", "text", "total", "envelope"]


@dataclass(frozen=True)
class Case:
    """A fault and its endings.

    Attributes:
        fault: The arguments of ``sandbox.Fault``, or a kind that ``Matrix.prepare`` implements.
        passing: The ending if the fault passes.
        lasting: The ending if the fault lasts.
        but: Other endings, passing and lasting, by kind, or by kind and place.
        times: How many requests trigger a passing fault.
        kinds: The kinds of streams that can trigger it.
        of_the_place: An attribute of ``Place`` that names the field.
        stored: What a field of a row holds where a run cannot notice that it was changed.
        token: Whether it is at the token endpoint; the token then expires at the place.
    """

    fault: Mapping[str, Any]
    passing: str = WHOLE
    lasting: str = REFUSED
    but: Mapping[StreamCase | tuple[StreamCase, str], tuple[str, str]] = field(default_factory=dict)
    times: int = 2
    kinds: tuple[StreamCase, ...] = STREAM_CASES
    of_the_place: OfThePlace | None = None
    stored: Any = None
    token: bool = False

    def expected(self, kind: StreamCase, place: str, *, lasting: bool) -> str:
        """Return the expected ending."""
        endings = (self.passing, self.lasting)
        endings = self.but.get((kind, place), self.but.get(kind, endings))
        return endings[lasting]

    def arguments(self, place: Place, *, lasting: bool) -> dict[str, Any]:
        """Return the arguments of the fault at a place."""
        arguments = {**self.fault, "times": None if lasting else self.times}
        if self.of_the_place:
            arguments["field"] = getattr(place, self.of_the_place)
        if self.token:
            return {**arguments, "path": "/oauth/access_token"}
        return {**arguments, "path": place.path, "query": place.query}

    @property
    def everywhere(self) -> bool:
        """Whether it affects all requests under way, because they share the token."""
        return self.token or self.fault["kind"] == "dead_token"


def always(ending: str, fault: Mapping[str, Any], **options: Any) -> Case:
    """Make a case with the same ending whether the fault passes or lasts."""
    return Case(fault, **{"passing": ending, "lasting": ending, "times": 1, **options})


def token(fault: Mapping[str, Any], **options: Any) -> Case:
    """Make a case of the token endpoint."""
    return Case(fault, **{"kinds": ADCLOUD, "token": True, **options})


#: An absurd total: refused immediately where the number of pages depends on it.
_TOO_MANY_PAGES: Mapping[Any, tuple[str, str]] = dict.fromkeys(ADCLOUD, (REFUSED, REFUSED))
#: Halves of a chunk of campaigns are other requests, which the fault does not affect.
_HALVED: Mapping[Any, tuple[str, str]] = dict.fromkeys(
    [(CHUNKS, "middle"), (CHUNKS, "last")], (WHOLE, WHOLE)
)
#: Smart links have no total, so a missing row cannot be noticed.
_NOT_COUNTED: Mapping[Any, tuple[str, str]] = {(LISTS, "last"): (WHOLE, WHOLE)}

CASES: dict[str, Case] = {
    # An error instead of a response
    "500": Case({"kind": "status", "status": 500}, but=_HALVED),
    "503": Case({"kind": "status", "status": 503}, but=_HALVED),
    "504 three times": Case({"kind": "status", "status": 504}, times=3, but=_HALVED),
    "502 with HTML": Case({"kind": "html", "status": 502}, but=_HALVED),
    "200 with HTML": Case({"kind": "html", "status": 200}),
    "200 without a body": Case({"kind": "empty"}),
    "200 with error 500 inside": Case(
        {"kind": "error_in_body", "status": 500}, but=dict.fromkeys(ADSTERRA, (REFUSED, REFUSED))
    ),
    "200 with error 400 inside": always(REFUSED, {"kind": "error_in_body", "status": 400}),
    "429": Case({"kind": "rate_limit"}),
    "429, Retry-After in seconds": Case({"kind": "rate_limit", "seconds": 7}),
    "429, Retry-After as a date": Case({"kind": "rate_limit", "seconds": 7, "as_date": True}),
    "503, Retry-After in seconds": Case(
        {"kind": "rate_limit", "seconds": 7, "status": 503}, but=_HALVED
    ),
    "429, Retry-After too long": always(
        REFUSED, {"kind": "rate_limit", "seconds": MAX_RETRY_AFTER + 1}
    ),
    "400": always(REFUSED, {"kind": "status", "status": 400}),
    "401": Case(
        {"kind": "status", "status": 401},
        but=dict.fromkeys(ADSTERRA, (REFUSED, REFUSED)),
    ),
    "403": always(REFUSED, {"kind": "status", "status": 403}),
    "404": always(REFUSED, {"kind": "status", "status": 404}),
    "422": always(REFUSED, {"kind": "status", "status": 422}),
    "redirect 302 to another host": always(REFUSED, {"kind": "redirect", "status": 302}),
    "redirect 308 to another host": always(REFUSED, {"kind": "redirect", "status": 308}),
    # A response badly delivered
    "nothing listens": Case({"kind": "nothing listens"}),
    "reset": Case({"kind": "reset"}),
    "reset in the body": Case({"kind": "reset_in_body"}),
    "closed in the body": Case({"kind": "cut"}),
    "closed in a chunked body": Case({"kind": "cut_chunked"}),
    "half a body": Case({"kind": "truncated"}),
    "no answer in time": Case({"kind": "hang"}, times=1, but=_HALVED),
    "drop by drop": always(WHOLE, {"kind": "slow", "seconds": 0.02}),
    "4 MiB of white space": always(WHOLE, {"kind": "gigantic", "size": 4 * 2**20}),
    "answer too large": always(
        REFUSED,
        {"kind": "too large"},
        # Fewer days make a smaller response.
        but={STATISTICS: (WHOLE, REFUSED), **_HALVED},
    ),
    # Rows and totals that are not right
    "quoted numbers": always(WHOLE, {"kind": "quoted_numbers"}),
    "unknown field": always(WHOLE, {"kind": "unknown_field"}),
    "rows in another order": always(WHOLE, {"kind": "shuffled_rows"}),
    "null in a key": always(
        REFUSED,
        {"kind": "null_key"},
        of_the_place="key",
        but=dict.fromkeys(DATE_RANGES, (AS_SENT, AS_SENT)),
        stored=0,
    ),
    "text for a number": always(REFUSED, {"kind": "wrong_type"}),
    "NaN": always(REFUSED, {"kind": "not_a_number"}),
    "a list for a number": always(
        REFUSED, {"kind": "set_field", "value": [1]}, of_the_place="required"
    ),
    "required field missing": always(REFUSED, {"kind": "drop_field"}, of_the_place="required"),
    "rows missing altogether": always(
        REFUSED, {"kind": "drop_envelope_field"}, of_the_place="envelope"
    ),
    "total missing": always(
        REFUSED,
        {"kind": "drop_envelope_field"},
        of_the_place="total",
        but=dict.fromkeys(ADSTERRA, (WHOLE, WHOLE)),
    ),
    "row twice": Case({"kind": "duplicate_row"}, times=1),
    "row lost": Case(
        {"kind": "lost_row"}, times=1, but={(LISTS, "last"): (AS_SENT, AS_SENT), **_HALVED}
    ),
    "row of another day": Case(
        {"kind": "foreign_row"}, times=1, kinds=DATE_RANGES, but={STATISTICS: (WHOLE, WHOLE)}
    ),
    "all rows of another day": Case(
        {"kind": "set_field_in_all", "field": "date", "value": "2000-01-01"},
        times=1,
        kinds=DATE_RANGES,
    ),
    "all rows of another campaign": Case(
        {"kind": "set_field_in_all", "field": "campaign_id", "value": 999_999_999},
        times=1,
        kinds=(CHUNKS,),
        # A list of campaigns has no such field.
        but={(CHUNKS, "first"): (WHOLE, WHOLE)},
    ),
    "total too high": Case(
        {"kind": "wrong_total", "by": 1}, times=1, but={**_NOT_COUNTED, **_HALVED}
    ),
    "total too low": Case({"kind": "wrong_total", "by": -1}, times=1, but=_NOT_COUNTED),
    "total beyond reason": Case(
        {"kind": "wrong_total", "by": 10**9}, times=1, but={**_NOT_COUNTED, **_TOO_MANY_PAGES}
    ),
    "page begins late": Case({"kind": "page_shift", "by": -1}, times=1, kinds=ADCLOUD, but=_HALVED),
    "page begins early": Case(
        {"kind": "page_shift", "by": 1},
        times=1,
        kinds=(REPORT, PAGES, DERIVED),
        # Nothing comes before the first row of the first page.
        but={(kind, "first"): (WHOLE, WHOLE) for kind in (REPORT, PAGES, DERIVED)},
    ),
    # The token
    "token dies": Case({"kind": "dead_token"}, times=1, kinds=ADCLOUD),
    "token endpoint 500": token({"kind": "status", "status": 500}),
    "token endpoint 429": token({"kind": "rate_limit", "seconds": 7}),
    "token endpoint 200 with HTML": token({"kind": "html", "status": 200}),
    "token endpoint 200 without a body": token({"kind": "empty"}),
    "token endpoint 200 with error 500 inside": token({"kind": "error_in_body", "status": 500}),
    "token endpoint resets": token({"kind": "reset"}),
    "token endpoint resets in the body": token({"kind": "reset_in_body"}),
    "token endpoint sends half a body": token({"kind": "truncated"}),
    "token endpoint gives no answer in time": token({"kind": "hang"}, times=1),
    "token endpoint, nothing listens": token({"kind": "nothing listens"}),
    "token endpoint redirects to another host": token(
        {"kind": "redirect", "status": 307}, passing=REFUSED
    ),
    "token endpoint refuses the client": token({"kind": "bad_credentials"}, passing=REFUSED),
    # The clock
    "clock jumps forwards": always(WHOLE, {"kind": "clock jumps", "seconds": 400 * 86_400}),
    "clock jumps backwards": always(WHOLE, {"kind": "clock jumps", "seconds": -400 * 86_400}),
}


def cell(endings: Mapping[tuple[bool, str], str]) -> str:
    """Summarize the endings of a fault for a kind of stream.

    Args:
        endings: The ending by whether the fault lasts, and by its place.
    """
    passing, lasting = (_over_places(endings, lasting=lasting) for lasting in (False, True))
    return passing if passing == lasting else f"{passing}; if it stays {lasting}"


def _over_places(endings: Mapping[tuple[bool, str], str], *, lasting: bool) -> str:
    found = {place: endings[lasting, place] for place in PLACES if (lasting, place) in endings}
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return ", ".join(f"{place} {ending}" for place, ending in found.items())
