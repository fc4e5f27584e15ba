"""Every fault, at every kind of stream and place.

The rows are complete, or the run explains why not and the next one completes them. The expected
endings are in ``expectations``, the streams and the places in ``stream_cases``.
"""

from __future__ import annotations

import dataclasses
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adcloud import CLIENT_SECRET
from sandbox.adsterra import DEMO_TOKEN
from sandbox.faults import Fault
from sandbox.server import Sandbox
from singer_reports.http import session
from singer_reports.http.errors import RequestError
from tests.reliability.expectations import AS_SENT, CASES, REFUSED, WHOLE, Case, cell
from tests.reliability.network_faults import WallClock, give_up_soon, mount_fault, to_closed_port
from tests.reliability.odd_values import ODD_VALUES
from tests.reliability.stream_cases import (
    DATE_RANGE_STREAMS,
    PLACES,
    SETTINGS,
    STREAM_CASES,
    Place,
    StreamCase,
    by_key,
)
from tests.support import NOW, RunResult, sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_reports.tap import ReportTap
    from tests.support import CountCases

LARGE = "AD_TAPS_LARGE_TESTS" in os.environ
#: Technical terms, which a sentence for users must not have.
TECHNICAL = re.compile(
    r"\w(Error|Exception)\b|Traceback|urllib3|Connection(Pool|\()|0x[0-9a-f]{4}|Errno"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(now=NOW, adcloud=dataclasses.replace(SETTINGS)) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Sandbox]:
    """Another host, which must not receive any request."""
    with Sandbox(now=NOW) as other:
        yield other


class Matrix:
    """Runs a kind of stream with a fault, and checks how that ends."""

    undisturbed: dict[str, RunResult] = {}  # noqa: RUF012 - the same for all tests

    def __init__(
        self,
        sandbox: Sandbox,
        elsewhere: Sandbox,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        self.sandbox = sandbox
        self.elsewhere = elsewhere
        self.monkeypatch = monkeypatch
        self.caplog = caplog

    def ending(self, case: Case, kind: StreamCase, place: str, *, lasting: bool) -> str:
        """Run a stream with a fault, check the result, and return the ending."""
        whole = self.whole(kind)
        self.calm()
        run = self.run_with_fault(case, kind, place, lasting=lasting)
        self.check_secrets(run)
        if run.error is None:
            return ending_of_rows(run, whole, case)
        self.check_refusal(run, kind.places[place], whole, everywhere=case.everywhere)
        self.calm()
        self.check_next(run, kind, whole)
        return REFUSED

    def whole(self, kind: StreamCase) -> RunResult:
        """Return the result of a run without faults."""
        if kind.name not in self.undisturbed:
            self.calm()
            run = sync(kind.tap(self.sandbox, self.monkeypatch))
            assert run.error is None
            assert {stream for stream, _ in by_key(run)} == set(kind.streams)
            self.undisturbed[kind.name] = run
        return self.undisturbed[kind.name]

    def calm(self) -> None:
        self.sandbox.faults.clear()
        self.sandbox.requests.clear()
        self.caplog.clear()

    def run_with_fault(
        self, case: Case, kind: StreamCase, place: str, *, lasting: bool
    ) -> RunResult:
        arguments = case.arguments(kind.places[place], lasting=lasting)
        with self.monkeypatch.context() as patches:
            tap = kind.tap(self.sandbox, patches)
            if case.token and place != "first":
                self.let_token_die(kind.places[place])
                arguments["after"] = 1
            fault = self.prepare(tap, arguments, patches)
            run = sync(tap)
        assert fault.triggered, "the fault was not triggered"
        assert lasting or fault.triggered <= case.times
        return run

    def prepare(
        self, tap: ReportTap, arguments: dict[str, Any], patches: pytest.MonkeyPatch
    ) -> Fault:
        """Prepare the fault."""
        match arguments.pop("kind"):
            case "nothing listens":
                mount_fault(tap, fault := Fault("status", **arguments), to_closed_port)
            case "clock jumps":
                jump = WallClock(patches).jumping(arguments.pop("seconds"))
                mount_fault(tap, fault := Fault("status", **arguments), jump)
            case "too large":
                patches.setattr(session, "MAX_RESPONSE_BYTES", 2**20)
                patches.setattr(session, "MAX_SPLITTABLE_BYTES", 2**20)
                fault = self.sandbox.faults.add(Fault("gigantic", **arguments, size=2**21))
            case kind:
                fault = self.sandbox.faults.add(Fault(kind, **arguments))
        if fault.kind == "hang":
            give_up_soon(tap, fault)
        fault.location = f"{self.elsewhere.url}{fault.path}"
        return fault

    def let_token_die(self, place: Place) -> None:
        self.sandbox.faults.add(Fault("dead_token", path=place.path, query=place.query, times=1))

    def check_secrets(self, run: RunResult) -> None:
        secrets = {DEMO_TOKEN, CLIENT_SECRET}
        for request in self.sandbox.requests:
            secrets.add(request.headers.get("authorization", "Bearer ?").removeprefix("Bearer "))
        shown = f"{run.error} {self.caplog.text} {run.output.decode()}"
        assert not [secret for secret in secrets - {"?"} if secret in shown]
        assert self.elsewhere.requests == []

    def check_refusal(
        self, run: RunResult, place: Place, whole: RunResult, *, everywhere: bool
    ) -> None:
        """Check the error message, the rows and the bookmark of a run that failed.

        All requests share the token. A fault of the token may therefore end the run at an earlier
        day than that of its request, because pages of several days are under way.
        """
        assert isinstance(run.error, RequestError), repr(run.error)
        message = str(run.error)
        assert re.match(rf"{place.named}( [^:]+)?: ", message)
        assert message.endswith(".")
        assert "\n" not in message
        assert len(message) < 500
        assert not TECHNICAL.search(message)
        rows, all_rows = by_key(run), by_key(whole)
        assert rows.items() <= all_rows.items()
        if place.named in DATE_RANGE_STREAMS:
            until, before = run.bookmark(place.named) or "", place.bookmark or ""
            assert until == before or (everywhere and until < before)
            assert rows.keys() == {key for key, row in all_rows.items() if row["date"] <= until}

    def check_next(self, run: RunResult, kind: StreamCase, whole: RunResult) -> None:
        """Check that the next run completes the rows, and reads no day again."""
        following = sync(kind.tap(self.sandbox, self.monkeypatch, state=run.state))
        assert following.error is None
        assert by_key(run, following) == by_key(whole)
        assert following.untimed_state == whole.untimed_state
        for stream in DATE_RANGE_STREAMS & set(kind.streams):
            assert len(run.rows(stream) + following.rows(stream)) == len(whole.rows(stream))


def ending_of_rows(run: RunResult, whole: RunResult, case: Case) -> str:
    """Compare the rows of a run without an error with those of an undisturbed run."""
    assert run.untimed_state == whole.untimed_state
    rows, all_rows = by_key(run), by_key(whole)
    if rows == all_rows:
        streams = {stream for stream, _ in rows}
        assert all(run.rows(stream) == whole.rows(stream) for stream in streams)
        return WHOLE
    lost = {key: row for key, row in all_rows.items() if rows.get(key) != row}
    added = [row for key, row in rows.items() if all_rows.get(key) != row]
    if case.fault["kind"] == "empty_object":
        # All rows of one stream, and nothing else.
        assert len({stream for stream, _ in lost}) == 1
        assert not added
        return AS_SENT
    (original,) = lost.values()
    assert len(added) <= 1
    for row in added:
        # Only the field that was changed differs.
        changed = [name for name in row if row[name] != original[name]]
        assert [row[name] for name in changed] == [case.stored]
    return AS_SENT


@pytest.fixture
def matrix(
    sandbox: Sandbox,
    elsewhere: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Matrix:
    return Matrix(sandbox, elsewhere, monkeypatch, caplog)


ALL_CASES = CASES | ODD_VALUES
PAIRS = [
    pytest.param(name, kind, id=f"{name} - {kind.name}")
    for name, case in ALL_CASES.items()
    for kind in STREAM_CASES
    if kind in case.kinds
]


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_rows_are_complete_or_the_run_explains_why_not(
    matrix: Matrix,
    name: str,
    kind: StreamCase,
    count_cases: CountCases,
    record_ending: Callable[[str, str, str], None],
) -> None:
    case = ALL_CASES[name]
    turn = (list(ALL_CASES).index(name) + STREAM_CASES.index(kind)) % len(PLACES)
    places = PLACES if LARGE else (PLACES[turn],)
    variants = [(lasting, place) for lasting in (False, True) for place in places]
    endings = {
        (lasting, place): matrix.ending(case, kind, place, lasting=lasting)
        for lasting, place in variants
    }
    assert endings == {
        (lasting, place): case.expected(kind, place, lasting=lasting) for lasting, place in variants
    }
    count_cases("faults", len(variants))
    record_ending(name, kind.name, cell(endings))
