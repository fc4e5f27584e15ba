"""Pages: fetched concurrently, handed out in order, and checked before a row is written."""

from __future__ import annotations

import datetime
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.faults import Fault
from tests.support import sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.faults import Kind
    from tests.support import Adcloud, RunResult

REPORT = "advertiser_report"
#: A day with six pages of 50 rows, in the middle of the days that are read.
DAY = "2024-04-27"
PAGES = {"first": "1", "middle": "3", "last": "6"}
#: Faults that make the pages of a day inconsistent, and the page of each.
MISFITS: dict[str, tuple[Kind, int]] = {
    "lost row": ("lost_row", 0),
    "row too many": ("duplicate_row", 0),
    "total too high": ("wrong_total", 1),
    "total too low": ("wrong_total", -1),
    "page starts late": ("page_shift", -1),
    "page starts early": ("page_shift", 1),
}


class Watched:
    """A run in another thread, and its requests that wait for a response."""

    def __init__(self, adcloud: Adcloud, **settings: Any) -> None:
        self.adcloud = adcloud
        self.runs: list[RunResult] = []
        #: The number of requests under way, and its maximum.
        self.under_way = self.most = 0
        self.lock = threading.Lock()
        tap = adcloud.tap(REPORT, **settings)
        report: Any = tap.streams[REPORT]
        report.send_request = self.counting(report.send_request)
        self.thread = threading.Thread(target=lambda: self.runs.append(sync(tap)), daemon=True)
        self.thread.start()

    def counting(self, send: Callable[..., Any]) -> Callable[..., Any]:
        """Count the requests that are under way."""

        def counted(*arguments: Any, **options: Any) -> Any:
            with self.lock:
                self.under_way += 1
                self.most = max(self.most, self.under_way)
            try:
                return send(*arguments, **options)
            finally:
                with self.lock:
                    self.under_way -= 1

        return counted

    def waiting(self) -> list[str]:
        """Return the days and pages without a response yet."""
        return [
            f"{request.values('filter[date]')[0]} {request.values('page')[0]}"
            for request in self.adcloud.requests_to()
            if request.status is None
        ]

    def until(self, condition: Callable[[], bool]) -> bool:
        """Wait until a condition holds, or fail when the run has ended."""
        for _ in range(3_000):
            if condition():
                return True
            self.thread.join(0.01)
        return False

    @property
    def run(self) -> RunResult:
        self.thread.join(60)
        return self.runs[0]


@pytest.fixture
def six_pages(adcloud: Adcloud) -> Iterator[Adcloud]:
    """Days with six pages of 50 rows."""
    assert -(-len(adcloud.expected_rows(DAY, DAY)) // 50) == 6
    yield adcloud
    adcloud.sandbox.faults.clear()


def hold(adcloud: Adcloud, **query: str) -> Fault:
    """Hold back the responses to some requests until they are released."""
    query = {"filter[date]" if name == "date" else name: value for name, value in query.items()}
    return adcloud.sandbox.faults.add(Fault("hang", path="reports", query=query))


def let_go(*held: Fault) -> None:
    for fault in held:
        fault.seconds = 0


def test_pages_of_the_next_days_are_requested_ahead(six_pages: Adcloud) -> None:
    first = hold(six_pages, date="2024-04-24", page="1")
    watched = Watched(six_pages, max_concurrency=4, page_size=50)
    ahead = {f"2024-04-{number} 1" for number in range(24, 28)} | {"2024-04-26 2"}
    assert watched.until(lambda: ahead <= set(six_pages.pages()))
    # These have their response, and none is handed out before its turn.
    assert watched.until(lambda: watched.waiting() == ["2024-04-24 1"])
    # Reading goes on beside it, as far as memory allows.
    assert watched.until(lambda: len(six_pages.pages()) > 1 + 2 * 4)
    let_go(first)
    assert watched.run.rows(REPORT) == six_pages.expected_rows()


def test_the_further_pages_of_a_day_are_requested_concurrently(six_pages: Adcloud) -> None:
    """Prefetched pages of later days do not take their threads."""
    first, *further = [hold(six_pages, date=DAY, page=str(page)) for page in range(1, 7)]
    watched = Watched(six_pages, max_concurrency=4, page_size=50, start_date=DAY)
    # The later days have their responses, with their further pages.
    assert watched.until(lambda: len(six_pages.pages()) >= 1 + 2 * 4)
    assert watched.until(lambda: watched.waiting() == [f"{DAY} 1"])
    let_go(first)
    together = [f"{DAY} {page}" for page in range(2, 6)]
    assert watched.until(lambda: sorted(watched.waiting()) == together)
    let_go(*further)
    assert watched.run.rows(REPORT) == six_pages.expected_rows(DAY)
    assert all(fault.triggered for fault in further)


@pytest.mark.parametrize("concurrency", [1, 2, 4])
def test_no_more_requests_are_under_way_than_the_concurrency(
    six_pages: Adcloud, concurrency: int
) -> None:
    held = hold(six_pages)
    watched = Watched(six_pages, max_concurrency=concurrency, page_size=50)
    assert watched.until(lambda: len(watched.waiting()) == concurrency)
    let_go(held)
    assert watched.run.rows(REPORT) == six_pages.expected_rows()
    assert watched.most == concurrency


@pytest.mark.parametrize("page", ["1", "2", "6"])
def test_rows_come_in_order_whichever_page_is_late(six_pages: Adcloud, page: str) -> None:
    late = hold(six_pages, date="2024-04-26", page=page)
    watched = Watched(six_pages, max_concurrency=8, page_size=50)
    # All other pages of the day, and the first pages of later days, have their response.
    assert watched.until(lambda: "2024-04-30 1" in six_pages.pages())
    assert watched.until(lambda: watched.waiting() == [f"2024-04-26 {page}"])
    let_go(late)
    assert watched.run.rows(REPORT) == six_pages.expected_rows()
    dates = [row["date"] for row in watched.run.rows(REPORT)]
    assert dates == sorted(dates)


def add_fault(adcloud: Adcloud, kind: Kind, by: int, page: str, times: int | None) -> Fault:
    query = {"filter[date]": DAY, "page": page}
    return adcloud.sandbox.faults.add(
        Fault(kind, path="reports", query=query, by=by, row=-1, times=times)
    )


CASES = [
    pytest.param(kind, by, page, id=f"{name} on the {place} page")
    for place, page in PAGES.items()
    for name, (kind, by) in MISFITS.items()
    # Nothing comes before the first row of the first page.
    if (place, name) != ("first", "page starts early")
]


@pytest.mark.parametrize(("kind", "by", "page"), CASES)
def test_an_inconsistent_day_is_read_once_more(
    six_pages: Adcloud, kind: Kind, by: int, page: str
) -> None:
    fault = add_fault(six_pages, kind, by, page, times=1)
    run = six_pages.report(
        page_size=50, report_api_version="v2", start_date="2024-04-26", end_date="2024-04-28"
    )
    assert fault.triggered == 1
    assert run.error is None
    assert run.rows(REPORT) == six_pages.expected_rows("2024-04-26", "2024-04-28")
    again = [requested for requested in six_pages.pages() if requested == f"{DAY} 2"]
    assert len(again) == 2
    assert (
        len([requested for requested in six_pages.pages() if requested.startswith("2024-04-26")])
        == 6
    )


@pytest.mark.parametrize(("kind", "by", "page"), CASES)
def test_a_day_that_stays_inconsistent_ends_the_run_without_its_rows(
    six_pages: Adcloud, kind: Kind, by: int, page: str
) -> None:
    fault = add_fault(six_pages, kind, by, page, times=None)
    run = six_pages.report(page_size=50, start_date="2024-04-26", end_date="2024-04-28")
    assert fault.triggered == 2
    announced = len(six_pages.expected_rows(DAY, DAY))
    message = str(run.error)
    assert message.startswith(f"{REPORT} {DAY}: the API ")
    if kind in ("duplicate_row", "wrong_total"):
        other = announced + (by or 1)
        low, high = sorted([announced, other])
        assert f"announced {low:,} rows on one page and {high:,} on another" in message
    elif kind == "lost_row" or page == PAGES["last"]:
        got = announced + (by or -1)
        assert f"announced {announced:,} rows and sent {got:,}" in message
    else:
        doubled = "sent 1 keys (date, ad_placement_id, topic_id, booking_id, ad_id, ad_count, "
        assert doubled in message
        assert f"more than once: ('{DAY}', " in message
    assert "at the second reading too. None of these rows was written" in message
    assert run.bookmark(REPORT) == "2024-04-26"
    assert run.rows(REPORT) == six_pages.expected_rows("2024-04-26", "2024-04-26")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_total_too_low_on_every_page_does_not_hide_the_pages_behind(
    six_pages: Adcloud, version: str
) -> None:
    """All pages announce 100 rows, two full pages: only the link to a next page shows the error."""
    by = 100 - len(six_pages.expected_rows(DAY, DAY))
    query = {"filter[date]": DAY}
    six_pages.sandbox.faults.add(Fault("wrong_total", path="reports", query=query, by=by))
    run = six_pages.report(page_size=50, report_api_version=version)
    assert f"{REPORT} {DAY}: the API sent 100 rows as announced, and says there are more" in str(
        run.error
    )
    assert run.bookmark(REPORT) == "2024-04-26"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_rows_announced_for_an_empty_day_are_missed(adcloud: Adcloud, version: str) -> None:
    query = {"filter[date]": "2024-04-25"}
    adcloud.sandbox.faults.add(Fault("wrong_total", path="reports", query=query, by=5))
    run = adcloud.report(report_api_version=version)
    assert f"{REPORT} 2024-04-25: the API announced 5 rows and sent 0" in str(run.error)


def test_an_absurd_total_is_refused(adcloud: Adcloud) -> None:
    query = {"filter[date]": DAY}
    adcloud.sandbox.faults.add(Fault("wrong_total", path="reports", query=query, by=10**9))
    run = adcloud.report()
    assert "it announces 5,000,002 pages" in str(run.error)
    assert len(adcloud.pages()) < 50


def test_days_that_change_while_they_are_read_are_read_once_more(
    six_pages: Adcloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two of its pages, the day is restated and has one row fewer."""
    clock = six_pages.sandbox.clock
    tap = six_pages.tap(REPORT, page_size=50, start_date=DAY, max_concurrency=1)
    report: Any = tap.streams[REPORT]
    fetch = report.fetch_page

    def fetch_and_restate(page: Any) -> Any:
        response = fetch(page)
        if (str(page.slice), page.number) == (DAY, 3):
            clock.now = max(clock.now, later)
        return response

    later = clock.now + datetime.timedelta(days=10)
    before = len(six_pages.expected_rows(DAY, DAY))
    monkeypatch.setattr(report, "fetch_page", fetch_and_restate)
    run = sync(tap)
    assert run.error is None
    assert len(six_pages.expected_rows(DAY, DAY)) == before - 1
    assert run.rows(REPORT) == six_pages.expected_rows(DAY)


def test_a_signal_while_a_request_is_being_started_is_still_a_signal(
    adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def start_or_end(thread: threading.Thread) -> None:
        started.append(thread)
        if len(started) == 3:
            raise SystemExit(143)
        start(thread)

    tap = adcloud.tap(REPORT)
    monkeypatch.setattr(threading.Thread, "start", start_or_end)
    with pytest.raises(SystemExit, match="143"):
        sync(tap)
