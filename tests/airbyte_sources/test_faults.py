"""Faults of the API end through this door as they do through the tap's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.faults import Fault
from singer_reports.http.errors import RequestError
from tests.reliability.expectations import CASES, REFUSED, WHOLE
from tests.reliability.stream_cases import PLACES, REPORT, STATISTICS, StreamCase

if TYPE_CHECKING:
    from tests.airbyte_sources.support import SourceRunner

#: Those that need more than a sandbox, or a clock of their own.
LEFT_OUT = {"nothing listens", "clock jumps", "too large", "hang"}
KINDS = {"adsterra": STATISTICS, "adcloud": REPORT}
PAIRS = [
    pytest.param(name, source, id=f"{name} - {source}")
    for name, case in CASES.items()
    for source, kind in KINDS.items()
    if kind in case.kinds and case.fault["kind"] not in LEFT_OUT and not case.token
]


class Door:
    """A kind of stream, read as a source."""

    def __init__(self, source: SourceRunner, kind: StreamCase) -> None:
        self.source = source
        self.kind = kind
        (self.stream,) = kind.streams
        self.settings = {"lookback_days": 0, **kind.settings}
        self.catalog: Any = None

    def read(self, state: Any = None) -> Any:
        return self.source.read(self.stream, state=state, **self.settings)

    def ending(self, name: str, place: str, *, lasting: bool) -> str:
        """Read with a fault; check what was written, and that the next sync completes it."""
        case = CASES[name]
        self.source.sandbox.faults.clear()
        whole = self.read()
        assert whole.whole
        arguments = case.arguments(self.kind.places[place], lasting=lasting)
        arguments["location"] = "http://127.0.0.1:9/"
        fault = self.source.sandbox.faults.add(Fault(**arguments))
        run = self.read()
        assert fault.triggered
        if run.whole:
            assert run.bookmark(self.stream) == whole.bookmark(self.stream)
            return WHOLE if run.rows(self.stream) == whole.rows(self.stream) else "as sent"
        (error,) = run.traces("ERROR")
        assert error["stream_descriptor"] == {"name": self.stream}
        assert re.match(rf"{self.stream}( [^:]+)?: .*\.$", error["message"])
        assert run.statuses(self.stream)[-1] == "INCOMPLETE"
        self.source.sandbox.faults.clear()
        rest = self.read(run.state)
        assert rest.whole
        rows = run.rows(self.stream) + rest.rows(self.stream)
        assert rows == whole.rows(self.stream)
        return REFUSED


@pytest.mark.parametrize(("name", "source"), PAIRS, indirect=["source"])
def test_rows_are_complete_or_the_sync_explains_why_not(source: SourceRunner, name: str) -> None:
    source.sandbox.adcloud.rows_per_day = 30
    kind = KINDS[source.source.name.removeprefix("source-")]
    place = PLACES[len(name) % len(PLACES)]
    for lasting in (False, True):
        expected = CASES[name].expected(kind, place, lasting=lasting)
        assert Door(source, kind).ending(name, place, lasting=lasting) == expected


def test_errors_of_requests_are_the_only_ones(source_adsterra: SourceRunner) -> None:
    """An error of the code itself is told as one, too, and its stream is not complete."""
    tap = source_adsterra.source.tap
    failing = {"read_streams": lambda *_: (_ for _ in ()).throw(RequestError("It broke."))}
    source_adsterra.source.tap = type(tap.__name__, (tap,), failing)
    run = source_adsterra.read("stats")
    assert run.whole is False
    (error,) = run.traces("ERROR")
    assert error == {"message": "It broke.", "failure_type": "system_error"}
