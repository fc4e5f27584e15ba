"""Settings: which are valid, and that wrong ones are reported before the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from singer_reports.config.settings import (
    HEADER_PATTERN,
    NO_SPACE_PATTERN,
    PATTERN_HINTS,
    URL_PATTERN,
)
from tap_adcloud.streams import STREAMS
from tap_adcloud.tap import TapAdcloud

if TYPE_CHECKING:
    from tests.support import Adcloud

NEEDED = {"client_id": "the-client", "client_secret": "s3cr3t", "start_date": "2024-01-01"}


def problems(**settings: Any) -> list[str]:
    with pytest.raises(ConfigValidationError) as caught:
        TapAdcloud(config={**NEEDED, **settings})
    return caught.value.errors


def test_the_settings_are_these_with_these_defaults() -> None:
    config = TapAdcloud(config=dict(NEEDED)).config
    known = TapAdcloud.config_jsonschema["properties"]
    of_the_sdk = {"stream", "faker", "flattening", "batch", "emit"}
    assert {name: config.get(name) for name in known if name.split("_")[0] not in of_the_sdk} == {
        **NEEDED,
        "api_url": "https://api.adcloud.com",
        "report_api_version": "v1",
        "end_date": None,
        "lookback_days": 30,
        "include_today": False,
        "timezone": "Europe/Berlin",
        "page_size": 200,
        "max_concurrency": 4,
        "request_timeout": 300,
        "user_agent": None,
    }


def test_every_setting_is_described_and_only_the_secret_is_secret() -> None:
    settings = TapAdcloud.config_jsonschema["properties"]
    assert all(setting.get("description") for setting in settings.values())
    assert [name for name, setting in settings.items() if setting.get("secret")] == [
        "client_secret"
    ]
    assert set(TapAdcloud.config_jsonschema["required"]) == set(NEEDED)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("client_id", "client_id is missing: The id of your client, which Adcloud gave you."),
        (
            "client_secret",
            "client_secret is missing: The secret of your client, which Adcloud gave you.",
        ),
        (
            "start_date",
            "start_date is missing: The first day to read, in the setting timezone: a date or a "
            "date-time.",
        ),
    ],
)
@pytest.mark.parametrize("as_null", [False, True])
def test_missing_settings_are_named(missing: str, expected: str, *, as_null: bool) -> None:
    settings: dict[str, Any] = {**NEEDED, missing: None}
    if not as_null:
        del settings[missing]
    with pytest.raises(ConfigValidationError) as caught:
        TapAdcloud(config=settings)
    assert caught.value.errors == [expected]


DAY = "must be a day such as 2024-01-31, or a date-time, not"
ZONE = "timezone must be an IANA name such as Europe/Berlin, not"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"client_id": ""},
            f'client_id must be {PATTERN_HINTS[NO_SPACE_PATTERN]}, not "".',
        ),
        (
            {"client_id": "a b"},
            f'client_id must be {PATTERN_HINTS[NO_SPACE_PATTERN]}, not "a b".',
        ),
        ({"client_id": 12}, "client_id must be a text, not 12."),
        (
            {"client_secret": ""},
            f"client_secret must be {PATTERN_HINTS[NO_SPACE_PATTERN]}.",
        ),
        (
            {"client_secret": "s3 cr3t"},
            f"client_secret must be {PATTERN_HINTS[NO_SPACE_PATTERN]}.",
        ),
        ({"client_secret": 12}, "client_secret must be a text."),
        (
            {"api_url": "adcloud"},
            f'api_url must be {PATTERN_HINTS[URL_PATTERN]}, not "adcloud".',
        ),
        (
            {"report_api_version": "v3"},
            'report_api_version must be one of v1, v2, not "v3".',
        ),
        ({"start_date": "2024-02-30"}, f'start_date {DAY} "2024-02-30".'),
        ({"start_date": "a month ago"}, f'start_date {DAY} "a month ago".'),
        ({"end_date": "soon"}, f'end_date {DAY} "soon".'),
        (
            {"end_date": "2023-12-31"},
            "start_date 2024-01-01 is after end_date 2023-12-31, so there would be nothing to "
            "read.",
        ),
        ({"lookback_days": -1}, "lookback_days must be at least 0, not -1."),
        ({"lookback_days": 366}, "lookback_days must be at most 365, not 366."),
        ({"include_today": "no"}, 'include_today must be true or false, not "no".'),
        ({"timezone": "Berlin"}, f'{ZONE} "Berlin".'),
        ({"timezone": "Mars/Olympus"}, f'{ZONE} "Mars/Olympus".'),
        ({"timezone": ""}, f'{ZONE} "".'),
        ({"timezone": "../../etc/passwd"}, f'{ZONE} "../../etc/passwd".'),
        ({"timezone": "/etc/localtime"}, f'{ZONE} "/etc/localtime".'),
        ({"timezone": "Europe"}, f'{ZONE} "Europe".'),
        ({"timezone": "Europe/Berlin\0"}, f'{ZONE} "Europe/Berlin\\u0000".'),
        ({"timezone": 2}, "timezone must be a text, not 2."),
        ({"page_size": 0}, "page_size must be at least 1, not 0."),
        ({"page_size": 201}, "page_size must be at most 200, not 201."),
        ({"page_size": 1.5}, "page_size must be a whole number, not 1.5."),
        ({"max_concurrency": 0}, "max_concurrency must be at least 1, not 0."),
        ({"max_concurrency": 33}, "max_concurrency must be at most 32, not 33."),
        ({"request_timeout": 0}, "request_timeout must be at least 1, not 0."),
        ({"request_timeout": 3601}, "request_timeout must be at most 3600, not 3601."),
        (
            {"user_agent": "a\nb"},
            f'user_agent must be {PATTERN_HINTS[HEADER_PATTERN]}, not "a\\nb".',
        ),
        ({"client_secrt": "x"}, "client_secrt is not a setting; did you mean client_secret?"),
        ({"window_days": 3}, "window_days is not a setting; "),
        ({"requests_per_minute": 3}, "requests_per_minute is not a setting; "),
    ],
)
def test_a_wrong_setting_is_explained(settings: dict[str, Any], expected: str) -> None:
    (problem,) = problems(**settings)
    assert problem.startswith(expected)
    assert problem == expected or expected.endswith("; ")


@pytest.mark.parametrize(
    "settings",
    [
        {"lookback_days": 0, "page_size": 1, "max_concurrency": 1, "request_timeout": 1},
        {"lookback_days": 365, "page_size": 200, "max_concurrency": 32, "request_timeout": 3600},
        {"timezone": "UTC", "report_api_version": "v2", "include_today": True},
        {"timezone": "America/Argentina/Buenos_Aires", "end_date": "2024-01-01"},
        {"start_date": "2024-01-01T00:00:00Z", "api_url": "http://localhost:8000/"},
        {"end_date": None, "user_agent": None, "page_size": None, "timezone": None},
    ],
)
def test_values_within_bounds_are_accepted(settings: dict[str, Any]) -> None:
    TapAdcloud(config={**NEEDED, **settings})


def test_all_problems_are_reported_together_and_none_shows_the_secret(adcloud: Adcloud) -> None:
    settings = {
        "client_secret": "s3 cr3t",
        "api_url": adcloud.sandbox.url,
        "start_date": "soon",
        "timezone": "Berlin",
        "page_size": 500,
        "colour": "red",
    }
    with pytest.raises(ConfigValidationError) as caught:
        TapAdcloud(config=settings)
    found = caught.value.errors
    assert len(found) == 6
    for name in ("client_id", "client_secret", "start_date", "timezone", "page_size", "colour"):
        assert sum(problem.startswith(f"{name} ") for problem in found) == 1
    assert "s3 cr3t" not in " ".join(found)
    assert adcloud.sandbox.requests == []


@pytest.mark.parametrize("secret", ["s3 cr3t", 31337, ["s3 cr3t"], {"s3 cr3t": 1}, True])
def test_no_problem_shows_the_secret(secret: Any) -> None:
    text = " ".join(problems(client_secret=secret))
    assert "s3 cr3t" not in text
    assert "31337" not in text


def test_the_settings_of_the_caller_are_not_changed() -> None:
    settings = {**NEEDED, "end_date": None}
    TapAdcloud(config=settings)
    assert settings == {**NEEDED, "end_date": None}


def test_discovery_needs_no_settings() -> None:
    tap = TapAdcloud(config={}, validate_config=False)
    assert len(tap.streams) == len(STREAMS)
