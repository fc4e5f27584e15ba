"""Each fault has its documented effect on the HTTP client that the taps use."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Thread
from typing import TYPE_CHECKING, Any, get_args

import pytest
import requests

from sandbox import Fault, Sandbox
from sandbox.adcloud import CLIENT_ID, CLIENT_SECRET, expected_rows
from sandbox.adsterra import DEMO_TOKEN
from sandbox.faults import Kind
from sandbox.transport_faults import TRANSPORT_FAULTS
from tests.sandbox.clients import get_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from tests.sandbox.clients import AdcloudClient, AdsterraClient

    AnyClient: TypeAlias = Callable[..., requests.Response]
    Spoil: TypeAlias = Callable[[Fault], tuple[Any, Any]]

STATS = "start_date=2024-04-01&finish_date=2024-04-10&group_by[]=date&group_by[]=placement"
REPORT = "v1/reports/advertiser"
DAY = {"filter[date]": "2024-03-05"}


@pytest.fixture
def get(sandbox: Sandbox, session: requests.Session) -> AnyClient:
    def send(path: str = f"stats.json?{STATS}", **options: Any) -> requests.Response:
        return session.get(
            f"{sandbox.adsterra_url}/{path}",
            headers={"X-API-Key": DEMO_TOKEN},
            **{"timeout": 10, **options},
        )

    return send


class TestWhichRequests:
    def test_after_and_times(self, sandbox: Sandbox, get: AnyClient) -> None:
        fault = sandbox.faults.add(Fault("status", after=2, times=3))
        statuses = [get("domains.json").status_code for _ in range(7)]
        assert statuses == [200, 200, 500, 500, 500, 200, 200]
        assert (fault.matched, fault.triggered) == (7, 3)

    def test_path_and_query_and_method(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(
            Fault("status", path=r"stats\.json$", query={"start_date": "2024-04-01"}, method="GET")
        )
        sandbox.faults.add(Fault("empty", method="POST"))
        assert get("domains.json").status_code == 200
        assert get(f"stats.json?{STATS}").status_code == 500
        assert get(f"stats.json?{STATS.replace('04-01', '04-02')}").status_code == 200

    def test_the_first_added_is_triggered(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("status", status=503, times=1))
        sandbox.faults.add(Fault("status", status=500, times=1))
        assert [get().status_code for _ in range(3)] == [503, 500, 200]

    def test_cleared(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("status"))
        assert len(list(sandbox.faults)) == 1
        sandbox.faults.clear()
        assert get().status_code == 200

    def test_requests_are_recorded(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("status", status=503, times=1))
        get()
        get()
        first, second = sandbox.requests
        assert (first.method, first.path) == ("GET", "/publisher/stats.json")
        assert first.values("group_by[]") == ["date", "placement"]
        assert first.headers["x-api-key"] == DEMO_TOKEN
        assert (first.fault, first.status) == ("status", 503)
        assert (second.fault, second.status) == (None, 200)
        sandbox.requests.clear()
        assert sandbox.requests == []


class TestOtherResponses:
    @pytest.mark.parametrize(
        ("status", "message"),
        [
            (401, "Token not found"),
            (403, "Invalid token"),
            (404, "'Zone' entity does not exist"),
            (422, "Data validation error"),
            (500, "An error occurred"),
            (503, "An error occurred"),
        ],
    )
    def test_status_of_adsterra(
        self, sandbox: Sandbox, get: AnyClient, status: int, message: str
    ) -> None:
        sandbox.faults.add(Fault("status", status=status))
        response = get()
        assert response.status_code == response.json()["code"] == status
        assert response.json()["message"] == message

    def test_status_of_adcloud(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        sandbox.faults.add(Fault("status", status=500, message="Oh"))
        assert adcloud(REPORT, DAY) == (500, {"status": 500, "errors": [{"message": "Oh"}]})
        code, body = adcloud("v2/campaigns")
        assert code == body["_meta"]["status"] == 500
        assert body["_meta"]["message"] == "Oh"

    def test_error_in_body(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        sandbox.faults.add(Fault("error_in_body", status=400))
        code, body = adcloud(REPORT, DAY)
        assert (code, body["status"]) == (200, 400)
        code, body = adcloud("v2/campaigns")
        assert (code, body["_meta"]["status"]) == (200, 400)

    def test_rate_limit_in_seconds(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("rate_limit", seconds=3))
        response = get()
        assert response.status_code == 429
        assert response.headers["Retry-After"] == "3"

    def test_rate_limit_as_date(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("rate_limit", seconds=60, as_date=True))
        date = parsedate_to_datetime(get().headers["Retry-After"])
        assert timedelta(seconds=50) < date - datetime.now(UTC) <= timedelta(seconds=60)

    def test_rate_limit_without_a_hint(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("rate_limit", status=503))
        response = get()
        assert response.status_code == 503
        assert "Retry-After" not in response.headers

    @pytest.mark.parametrize(("requested", "status"), [(None, 502), (200, 200)])
    def test_html(
        self, sandbox: Sandbox, get: AnyClient, requested: int | None, status: int
    ) -> None:
        sandbox.faults.add(Fault("html", status=requested))
        response = get()
        assert response.status_code == status
        assert response.headers["Content-Type"].startswith("text/html")
        with pytest.raises(ValueError, match="Expecting value"):
            response.json()

    def test_empty(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("empty"))
        response = get()
        assert (response.status_code, response.content) == (200, b"")

    def test_redirect(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("redirect", location="http://other.invalid/x"))
        response = get(allow_redirects=False)
        assert response.status_code == 302
        assert response.headers["Location"] == "http://other.invalid/x"


class TestDelivery:
    @pytest.mark.parametrize("kind", ["cut", "cut_chunked", "reset", "reset_in_body"])
    def test_broken(self, sandbox: Sandbox, get: AnyClient, kind: Any) -> None:
        sandbox.faults.add(Fault(kind, times=1))
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            get()
        assert get().status_code == 200

    @pytest.mark.parametrize("kind", ["cut", "cut_chunked", "reset_in_body"])
    def test_broken_in_the_body(self, sandbox: Sandbox, get: AnyClient, kind: Any) -> None:
        whole = get().content
        sandbox.faults.add(Fault(kind, times=1))
        response = get(stream=True)
        assert response.status_code == 200
        assert ("Content-Length" in response.headers) == (kind != "cut_chunked")
        received = b""
        broken = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
        with contextlib.suppress(*broken):
            for piece in response.iter_content(64):
                received += piece
        assert received
        assert whole.startswith(received)
        assert len(received) <= len(whole) // 2
        response.close()

    def test_reset_is_a_reset(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("reset"))
        with pytest.raises(requests.ConnectionError, match="reset by peer"):
            get()
        assert sandbox.requests[-1].status is None

    def test_truncated(self, sandbox: Sandbox, get: AnyClient) -> None:
        whole = get().content
        sandbox.faults.add(Fault("truncated"))
        response = get()
        assert response.content == whole[: len(whole) // 2]
        assert int(response.headers["Content-Length"]) == len(response.content)

    def test_hang(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("hang", times=1))
        with pytest.raises(requests.ReadTimeout):
            get(timeout=0.2)
        sandbox.faults.add(Fault("hang", seconds=0.2))
        begin = time.perf_counter()
        assert get().json()["itemCount"]
        assert time.perf_counter() - begin > 0.2

    def test_hang_until_released(self, sandbox: Sandbox, get: AnyClient) -> None:
        fault = sandbox.faults.add(Fault("hang"))
        responses: list[requests.Response] = []
        sender = Thread(target=lambda: responses.append(get(timeout=60)))
        sender.start()
        while not fault.triggered:
            sender.join(0.01)
        assert responses == []
        fault.seconds = 0
        sender.join(60)
        assert responses[0].json()["itemCount"]

    def test_slow(self, sandbox: Sandbox, get: AnyClient) -> None:
        whole = get().content
        sandbox.faults.add(Fault("slow", seconds=0.3))
        begin = time.perf_counter()
        assert get().content == whole
        assert time.perf_counter() - begin > 0.3

    def test_gigantic(self, sandbox: Sandbox, get: AnyClient) -> None:
        whole = get().json()
        sandbox.faults.add(Fault("gigantic", size=3_000_000))
        response = get()
        assert len(response.content) > 3_000_000
        assert response.json() == whole

    def test_stops_immediately_while_a_request_hangs(self, session: requests.Session) -> None:
        with Sandbox() as sandbox:
            sandbox.faults.add(Fault("hang"))

            def send() -> None:
                with contextlib.suppress(requests.ConnectionError):
                    session.get(f"{sandbox.adsterra_url}/domains.json", timeout=30)

            sender = Thread(target=send)
            sender.start()
            while not sandbox.requests:
                sender.join(0.01)
        assert not sandbox._thread.is_alive()
        sender.join(20)
        assert not sender.is_alive()


class TestRows:
    @pytest.fixture
    def spoiled(self, sandbox: Sandbox, adsterra: AdsterraClient) -> Spoil:
        def both(fault: Fault) -> tuple[Any, Any]:
            good = adsterra(f"stats.json?{STATS}")[1]
            sandbox.faults.add(fault)
            return good, adsterra(f"stats.json?{STATS}")[1]

        return both

    def test_unknown_field(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("unknown_field", value={"a": [1]}))
        assert bad["items"] == [{**row, "surprise": {"a": [1]}} for row in good["items"]]

    def test_set_and_drop_field(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("set_field", row=-1, field="clicks", value=2.5))
        assert bad["items"][-1]["clicks"] == 2.5
        assert bad["items"][:-1] == good["items"][:-1]

    def test_drop_field(self, spoiled: Spoil) -> None:
        _, bad = spoiled(Fault("drop_field", row=3, field="clicks"))
        assert ["clicks" in row for row in bad["items"][:5]] == [True, True, True, False, True]

    def test_quoted_numbers(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("quoted_numbers"))
        assert bad["itemCount"] == good["itemCount"]
        assert bad["items"] == [
            {name: str(value) for name, value in row.items()} for row in good["items"]
        ]

    def test_null_key(self, spoiled: Spoil) -> None:
        _, bad = spoiled(Fault("null_key"))
        assert [row["placement"] for row in bad["items"]].count(None) == 1

    def test_wrong_type(self, spoiled: Spoil) -> None:
        _, bad = spoiled(Fault("wrong_type", row=2))
        assert bad["items"][2]["revenue"] == "many"

    def test_not_a_number(self, spoiled: Spoil) -> None:
        _, bad = spoiled(Fault("not_a_number", field="cpm"))
        assert bad["items"][0]["cpm"] == "NaN"

    def test_duplicate_row(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("duplicate_row", row=1))
        assert bad["items"][1] == bad["items"][2] == good["items"][1]
        assert bad["itemCount"] == len(bad["items"]) == good["itemCount"] + 1

    def test_empty_object(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("empty_object"))
        assert bad == {**good, "items": {}}

    def test_lost_row(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("lost_row", row=-1))
        assert bad["items"] == good["items"][:-1]
        assert bad["itemCount"] == good["itemCount"]

    def test_foreign_row(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("foreign_row"))
        assert bad["items"] == [*good["items"], {**good["items"][0], "date": "2000-01-01"}]
        assert bad["itemCount"] == good["itemCount"] + 1

    def test_shifted_days(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("shifted_days", by=-1))
        days = [date.fromisoformat(row["date"]) - timedelta(days=1) for row in good["items"]]
        assert [row["date"] for row in bad["items"]] == list(map(str, days))
        assert bad["itemCount"] == good["itemCount"]

    def test_shuffled_rows(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("shuffled_rows"))
        assert bad["items"] != good["items"]
        assert sorted(map(str, bad["items"])) == sorted(map(str, good["items"]))

    def test_wrong_total(self, spoiled: Spoil) -> None:
        good, bad = spoiled(Fault("wrong_total", by=-2))
        assert bad == {**good, "itemCount": good["itemCount"] - 2}

    def test_wrong_total_of_adcloud(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        total = len(expected_rows(datetime(2024, 3, 5, tzinfo=UTC).date()))
        sandbox.faults.add(Fault("wrong_total", by=7))
        assert adcloud(REPORT, DAY)[1]["collection"]["size"] == total + 7
        meta = adcloud("v2/reports/advertiser", DAY)[1]["_meta"]
        assert (meta["total_count"], meta["size"]) == (total + 7, 57)

    def test_drop_envelope_field(
        self, spoiled: Spoil, sandbox: Sandbox, adcloud: AdcloudClient
    ) -> None:
        _, bad = spoiled(Fault("drop_envelope_field", field="itemCount"))
        assert "itemCount" not in bad
        sandbox.faults.clear()
        sandbox.faults.add(Fault("drop_envelope_field", field="next_url"))
        assert "next_url" not in adcloud(REPORT, DAY)[1]["collection"]

    def test_rows_of_adcloud_and_smart_links(
        self, sandbox: Sandbox, adcloud: AdcloudClient, adsterra: AdsterraClient
    ) -> None:
        sandbox.faults.add(Fault("wrong_type"))
        assert adcloud(REPORT, DAY)[1]["result"][0]["costs"] == "many"
        assert adsterra("smart-links.json")[1]["data"]["items"][0]["id"] == "many"

    @pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - {"hang", "redirect"}))
    def test_responses_without_rows(self, sandbox: Sandbox, get: AnyClient, kind: Any) -> None:
        sandbox.faults.add(Fault(kind, field="clicks", size=10, seconds=0.01))
        query = STATS.replace("2024-04", "2025-04")
        broken = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
        with contextlib.suppress(*broken):
            get(f"stats.json?{query}")
        assert sandbox.requests[-1].fault == kind

    def test_errors_keep_their_shape(self, sandbox: Sandbox, get: AnyClient) -> None:
        sandbox.faults.add(Fault("unknown_field"))
        assert get("stats.json").status_code == 422


class TestAdcloudOnly:
    def test_page_shift(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        query = {**DAY, "per_page": 100}
        good = [
            row
            for page in (1, 2, 3)
            for row in adcloud(REPORT, {**query, "page": page})[1]["result"]
        ]
        sandbox.faults.add(Fault("page_shift", after=1))
        pages = [adcloud(REPORT, {**query, "page": page})[1] for page in (1, 2, 3)]
        rows = [row for page in pages for row in page["result"]]
        assert {page["collection"]["size"] for page in pages} == {len(good)}
        assert rows[99] == rows[100] == good[99]
        assert rows[100:] == good[99:-1] + ([good[-1]] if len(rows) > len(good) else [])

    def test_page_shift_forwards(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        query = {**DAY, "per_page": 100, "page": 2}
        good = adcloud(REPORT, query)[1]["result"]
        sandbox.faults.add(Fault("page_shift", by=-1))
        assert adcloud(REPORT, query)[1]["result"][:-1] == good[1:]

    def test_dead_token(
        self, sandbox: Sandbox, session: requests.Session, adcloud: AdcloudClient
    ) -> None:
        sandbox.faults.add(Fault("dead_token", after=1, times=1))
        assert [adcloud(REPORT, DAY)[0] for _ in range(3)] == [200, 401, 401]
        headers = {"Authorization": f"Bearer {get_token(sandbox, session)}"}
        url = f"{sandbox.adcloud_url}/{REPORT}"
        assert session.get(url, params=DAY, headers=headers, timeout=60).status_code == 200

    @pytest.mark.parametrize(("requested", "status"), [(None, 401), (200, 200)])
    def test_bad_credentials(
        self, sandbox: Sandbox, session: requests.Session, requested: int | None, status: int
    ) -> None:
        sandbox.faults.add(Fault("bad_credentials", status=requested))
        form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "none"}
        url = f"{sandbox.adcloud_url}/v1/oauth/access_token"
        response = session.post(url, data=form, timeout=60)
        assert response.status_code == status
        assert response.json()["error"] == "invalid_client"

    def test_token_endpoint_down(self, sandbox: Sandbox, session: requests.Session) -> None:
        sandbox.faults.add(Fault("status", path="oauth", status=503))
        url = f"{sandbox.adcloud_url}/v1/oauth/access_token"
        assert session.post(url, timeout=60).status_code == 503

    def test_every_kind_is_carried_out_somewhere(self) -> None:
        by_the_api = {"page_shift", "dead_token", "bad_credentials"}
        assert set(get_args(Kind)) == set(TRANSPORT_FAULTS) | by_the_api
