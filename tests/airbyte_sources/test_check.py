"""``check``: one request per stream, and the tap's own sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.faults import Fault

if TYPE_CHECKING:
    from tests.airbyte_sources.support import SourceRunner


def test_a_good_token_reads_all_streams(source: SourceRunner) -> None:
    status = source.check()
    assert status["status"] == "SUCCEEDED"
    streams = [each["name"] for each in source.streams() if each["name"] != "control_totals"]
    assert all(name in status["message"] for name in streams)
    asked = [request for request in source.sandbox.requests if "oauth" not in request.path]
    # The campaigns are also what their performance is asked for.
    assert len(asked) <= len(streams) + 1


def test_a_wrong_token_is_told_in_the_sentence_of_the_tap(source_adsterra: SourceRunner) -> None:
    status = source_adsterra.check(api_token="wrong")  # noqa: S106 - that is the point
    assert status["status"] == "FAILED"
    assert "api_token" in status["message"]
    assert len(source_adsterra.sandbox.requests) == 1


def test_wrong_credentials_are_told_in_the_sentence_of_the_tap(
    source_adcloud: SourceRunner,
) -> None:
    status = source_adcloud.check(client_secret="wrong")  # noqa: S106
    assert status["status"] == "FAILED"
    assert "client_secret" in status["message"]


def test_a_stream_that_cannot_be_read_is_named(source_adsterra: SourceRunner) -> None:
    source_adsterra.sandbox.faults.add(Fault("status", status=404, path="smart-links"))
    status = source_adsterra.check()
    # The others can be: the connection may leave this one out.
    assert status["status"] == "SUCCEEDED"
    assert "does not read smart_links. smart_links: " in status["message"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"surplus": 1}, "surplus is not a setting"),
        ({"stream_maps": {}}, "stream_maps is not a setting"),
        ({"start_date": "yesterday"}, "start_date must be a day"),
        ({"window_days": 1000}, "window_days must be"),
    ],
)
def test_wrong_settings_are_told(
    source_adsterra: SourceRunner, settings: dict[str, Any], told: str
) -> None:
    status = source_adsterra.check(**settings)
    assert status["status"] == "FAILED"
    assert told in status["message"]
    assert source_adsterra.sandbox.requests == []
