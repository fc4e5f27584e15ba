"""The SDK's public hooks work in a stream of these taps, or the class is refused."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk import typing as th

from singer_reports.sdk_internals import SdkStream
from singer_reports.streams.unused_hooks import UNUSED_HOOKS
from tap_adsterra.streams import Domains, Placements
from tap_adsterra.tap import TapAdsterra
from tests.support import sync

if TYPE_CHECKING:
    from singer_reports.run import Run
    from tests.support import Adsterra

PLAIN = {"stream_maps": None}
MAPPED = {"stream_maps": {"domains": {"__alias__": "domains"}}}


def read(adsterra: Adsterra, *streams: Any, **settings: Any) -> dict[str, list[dict[str, Any]]]:
    """Run these stream classes as the tap's own, and return the records by stream."""

    class Changed(TapAdsterra):
        def discover_streams(self) -> list[Any]:
            return [stream(self.run) for stream in streams]

    tap = Changed(config=adsterra.settings(**settings))
    run = sync(tap)
    assert run.error is None, run.error
    records: dict[str, list[dict[str, Any]]] = {}
    for message in map(json.loads, run.output.splitlines()):
        if message["type"] == "RECORD":
            records.setdefault(message["stream"], []).append(message["record"])
    return records


@pytest.mark.parametrize("settings", [PLAIN, MAPPED], ids=["plain", "with stream maps"])
def test_post_process_is_called_with_every_record(
    adsterra: Adsterra, settings: dict[str, Any]
) -> None:
    class Shouting(Domains):
        def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any] | None:
            del context
            return None if row["title"].startswith("a") else {**row, "title": row["title"].upper()}

    everything = read(adsterra, Domains)["domains"]
    changed = read(adsterra, Shouting, **settings)["domains"]
    wanted = [row for row in everything if not row["title"].startswith("a")]
    assert changed == [{**row, "title": row["title"].upper()} for row in wanted]
    assert wanted


@pytest.mark.parametrize("settings", [PLAIN, MAPPED], ids=["plain", "with stream maps"])
def test_a_child_stream_is_read_for_every_record_of_its_parent(
    adsterra: Adsterra, settings: dict[str, Any]
) -> None:
    class Parents(Domains):
        def get_child_context(self, record: dict[str, Any], context: Any) -> dict[str, Any]:
            del context
            return {"domain": record["id"]}

    class Children(Placements):
        name = "children"
        parent_stream_type = Parents
        schema = th.PropertiesList(
            th.Property("id", th.IntegerType, required=True),
            th.Property("domain", th.IntegerType),
        ).to_dict()
        computed_fields = ("domain",)
        ignored_fields = frozenset({"title", "alias"})

    records = read(adsterra, Parents, Children, **settings)
    domains = [row["id"] for row in records["domains"]]
    every = [row["id"] for row in read(adsterra, Placements)["placements"]]
    assert [row["domain"] for row in records["children"]] == [
        domain for domain in domains for _ in every
    ]
    assert domains
    assert every


def test_a_request_has_its_body(adsterra: Adsterra) -> None:
    class Posted(Domains):
        http_method = "POST"

        def prepare_request_payload(self, context: Any, next_page_token: Any) -> Any:
            del context, next_page_token
            return {"fields": ["id"]}

    tap = adsterra.tap("domains")
    with pytest.raises(Exception, match="405"):
        Posted(tap.run).send_request(None)
    (request,) = adsterra.sandbox.requests
    assert request.method == "POST"
    assert json.loads(request.body) == {"fields": ["id"]}


def test_further_statuses_are_retried_with_the_number_of_attempts_and_the_handler(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    handled = []

    class Patient(Domains):
        path = "/nothing.json"
        extra_retry_statuses = (404,)

        def backoff_max_tries(self) -> int:
            return 3

        def backoff_handler(self, details: Any) -> None:
            handled.append(details["tries"])

    tap = adsterra.tap("domains")
    with pytest.raises(Exception, match="try 3 of 3"):
        Patient(tap.run).send_request(None)
    assert handled == [1, 2]
    assert len(adsterra.sandbox.requests) == 3


def test_an_error_is_told_in_the_words_of_response_error_message(adsterra: Adsterra) -> None:
    class Explained(Domains):
        path = "/nothing.json"

        def response_error_message(self, response: Any) -> str:
            return f"nothing there ({response.status_code})"

    with pytest.raises(Exception, match=r"domains: nothing there \(404\)"):
        Explained(adsterra.tap("domains").run).send_request(None)


@pytest.mark.parametrize("hook", UNUSED_HOOKS)
def test_a_hook_that_would_never_be_called_is_refused(hook: str) -> None:
    with pytest.raises(TypeError, match=rf"Other\.{hook} has no effect: use .+ instead"):
        type("Other", (Domains,), {hook: lambda *_: None})


def test_every_refused_hook_is_one_of_the_sdk() -> None:
    # The SDK looks for get_next_page_token by name; it is nowhere defined.
    assert all(hasattr(SdkStream, hook) for hook in set(UNUSED_HOOKS) - {"get_next_page_token"})


def test_what_the_next_sdk_makes_of_a_logger_is_enough(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Domains, "logger", property(lambda self: logging.LoggerAdapter(self._logger, {}))
    )

    def fail(run: Run, *_: Any) -> None:
        raise RuntimeError(run)

    assert sync(adsterra.tap("domains")).error is None
