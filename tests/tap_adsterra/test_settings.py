"""Settings: which are valid, and that wrong ones are reported before the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from singer_sdk.exceptions import ConfigValidationError

from singer_reports.config.settings import (
    COUNTRY_PATTERN,
    HEADER_PATTERN,
    NAME_PATTERN,
    PATTERN_HINTS,
    TOKEN_PATTERN,
    URL_PATTERN,
)
from tap_adsterra.streams import STREAMS
from tap_adsterra.tap import MAX_PLACEMENTS, TapAdsterra

if TYPE_CHECKING:
    from tests.support import Adsterra

REPORT = {"name": "own", "group_by": ["country"]}


def problems(**settings: Any) -> list[str]:
    with pytest.raises(ConfigValidationError) as caught:
        TapAdsterra(config={"api_token": "t0ken", **settings})
    return caught.value.errors


def test_a_token_is_the_only_required_setting() -> None:
    config = TapAdsterra(config={"api_token": "t0ken"}).config
    assert {name: config.get(name) for name in TapAdsterra.config_jsonschema["properties"]} == {
        "api_token": "t0ken",
        "auth_method": "header",
        "api_url": "https://api3.adsterratools.com/publisher",
        "start_date": "2016-12-17",
        "end_date": None,
        "lookback_days": 7,
        "include_today": True,
        "window_days": 30,
        "reports": None,
        "max_concurrency": 4,
        "requests_per_minute": 1000,
        "request_timeout": 120,
        "user_agent": None,
        "emit_activate_version_messages": False,
        **{
            name: config.get(name)
            for name in TapAdsterra.config_jsonschema["properties"]
            if name.split("_")[0] in {"stream", "faker", "flattening", "batch"}
        },
    }


def test_every_setting_is_described_and_only_the_token_is_secret() -> None:
    settings = TapAdsterra.config_jsonschema["properties"]
    assert all(setting.get("description") for setting in settings.values())
    assert [name for name, setting in settings.items() if setting.get("secret")] == ["api_token"]


def test_the_settings_of_the_caller_are_not_changed() -> None:
    settings = {"api_token": "t0ken", "end_date": None}
    TapAdsterra(config=settings)
    assert settings == {"api_token": "t0ken", "end_date": None}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"api_token": ""}, f"api_token must be {PATTERN_HINTS[TOKEN_PATTERN]}."),
        ({"api_token": "with space"}, f"api_token must be {PATTERN_HINTS[TOKEN_PATTERN]}."),
        ({"api_token": 12345}, "api_token must be a text."),
        (
            {"auth_method": "cookie"},
            'auth_method must be one of header, path, not "cookie".',
        ),
        ({"api_url": "ftp://x"}, f'api_url must be {PATTERN_HINTS[URL_PATTERN]}, not "ftp://x".'),
        (
            {"start_date": "2026-13-77"},
            'start_date must be a day such as 2024-01-31, or a date-time, not "2026-13-77".',
        ),
        (
            {"end_date": "30 days ago"},
            'end_date must be a day such as 2024-01-31, or a date-time, not "30 days ago".',
        ),
        (
            {"start_date": "2016-12-16"},
            "start_date must be 2016-12-17 or later, not 2016-12-16: there is nothing before that.",
        ),
        (
            {"start_date": "2024-02-01", "end_date": "2024-01-01"},
            "start_date 2024-02-01 is after end_date 2024-01-01, so there would be nothing to "
            "read.",
        ),
        ({"start_date": 20240101}, "start_date must be a text, not 20240101."),
        ({"lookback_days": -1}, "lookback_days must be at least 0, not -1."),
        ({"lookback_days": 366}, "lookback_days must be at most 365, not 366."),
        ({"lookback_days": "7"}, 'lookback_days must be a whole number, not the text "7".'),
        ({"include_today": "yes"}, 'include_today must be true or false, not "yes".'),
        ({"window_days": 0}, "window_days must be at least 1, not 0."),
        ({"window_days": 366}, "window_days must be at most 365, not 366."),
        ({"max_concurrency": 33}, "max_concurrency must be at most 32, not 33."),
        ({"requests_per_minute": 1201}, "requests_per_minute must be at most 1200, not 1201."),
        ({"request_timeout": 0}, "request_timeout must be at least 1, not 0."),
        (
            {"user_agent": "a\nb"},
            f'user_agent must be {PATTERN_HINTS[HEADER_PATTERN]}, not "a\\nb".',
        ),
        ({"api_tokn": "x"}, "api_tokn is not a setting; did you mean api_token?"),
        ({"reports": {}}, "reports must be a list, written […], not {}."),
        ({"reports": [{}]}, "reports[0].name is missing: The stream's name."),
        (
            {"reports": [{**REPORT, "name": "by country"}]},
            f'reports[0].name must be {PATTERN_HINTS[NAME_PATTERN]}, not "by country".',
        ),
        (
            {"reports": [{**REPORT, "group_by": []}]},
            "reports[0].group_by must be a list of at least 1 item, not [].",
        ),
        (
            {"reports": [{**REPORT, "group_by": ["date", "date"]}]},
            'reports[0].group_by must be a list without repeated items, not ["date", "date"].',
        ),
        (
            {"reports": [{**REPORT, "group_by": ["city"]}]},
            "reports[0].group_by[0] must be one of date, domain, placement, country, "
            'placement_sub_id, not "city".',
        ),
        (
            {
                "reports": [
                    {
                        "name": "all",
                        "group_by": ["domain", "placement", "country", "placement_sub_id"],
                    }
                ]
            },
            "reports[0].group_by must name at most 3 dimensions beside the date, not 4: the API "
            "groups by at most three, and the date can be had by asking day by day.",
        ),
        ({"reports": [{**REPORT, "domain": 0}]}, "reports[0].domain must be at least 1, not 0."),
        (
            {"reports": [{**REPORT, "country": "us"}]},
            f'reports[0].country must be {PATTERN_HINTS[COUNTRY_PATTERN]}, not "us".',
        ),
        (
            {"reports": [{**REPORT, "placement_ids": []}]},
            "reports[0].placement_ids must be a list of at least 1 item, not [].",
        ),
        (
            {"reports": [{**REPORT, "days": 3}]},
            "reports[0].days is not a setting; there are: country, domain, group_by, name, "
            "placement_ids.",
        ),
        (
            {"reports": [{**REPORT, "name": "Stats"}]},
            "reports[0].name must be another one: 'Stats' is already the name of a stream of the "
            "tap.",
        ),
        (
            {"reports": [REPORT, {**REPORT, "name": "OWN"}]},
            "reports[1].name must be another one: 'OWN' is already the name of reports[0].",
        ),
    ],
)
def test_a_wrong_setting_is_explained(settings: dict[str, Any], expected: str) -> None:
    found = problems(**settings)
    assert expected in found


def test_180_placements_are_the_most() -> None:
    most = {**REPORT, "placement_ids": list(range(1, 181))}
    TapAdsterra(config={"api_token": "t0ken", "reports": [most]})
    (problem,) = problems(reports=[{**REPORT, "placement_ids": list(range(1, 182))}])
    assert problem.startswith(
        "reports[0].placement_ids must be a list of at most 180 items, not [1, 2,"
    )
    assert len(problem) < 200


def test_no_address_is_longer_than_servers_accept(adsterra: Adsterra) -> None:
    longest = 2**63 - 1
    report = {
        "name": "own",
        "group_by": ["domain", "country", "placement_sub_id"],
        "domain": longest,
        "country": "US",
        "placement_ids": list(range(longest, longest - MAX_PLACEMENTS, -1)),
    }
    token = "t0ken-of-64-characters" * 3
    day = {"start_date": "2024-04-30", "end_date": "2024-04-30"}
    adsterra.run("own", reports=[report], auth_method="path", api_token=token, **day)
    (seen,) = adsterra.sandbox.requests
    url = f"https://api3.adsterratools.com{seen.path}?{urlencode(seen.query)}"
    assert seen.values("placement_ids[]")[0] == str(longest)
    assert 7_000 < len(url) < 8_000


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(ConfigValidationError) as caught:
        TapAdsterra(
            config={
                "window_days": 0,
                "start_date": "soon",
                "end_date": "2024-01-01",
                "reports": [{**REPORT, "name": "stats"}, REPORT],
                "colour": "red",
            }
        )
    found = caught.value.errors
    assert len(found) == 5
    assert "api_token is missing: A token of a publisher's account, from Settings, API." in found
    assert any(problem == "colour is not a setting; see --about." for problem in found)


def test_no_problem_shows_the_token(adsterra: Adsterra) -> None:
    for token in ("s3cr3t t0k3n", 31337313373, ["s3cr3t"], {"s3cr3t": 1}):
        assert not any("s3cr3t" in text or "31337" in text for text in problems(api_token=token))
    assert adsterra.sandbox.requests == []


def test_discovery_needs_no_settings_but_names_impossible_reports() -> None:
    names = set(TapAdsterra(config={}, validate_config=False).streams)
    assert names == {stream.name for stream in STREAMS}
    settings = {"reports": [REPORT]}
    assert "own" in TapAdsterra(config=settings, validate_config=False).streams
    unusable: list[Any] = [[{}], {"own": 1}, "own", [{**REPORT, "name": "stats"}]]
    for reports in unusable:
        with pytest.raises(ConfigValidationError):
            _ = TapAdsterra(config={"reports": reports}, validate_config=False).streams
