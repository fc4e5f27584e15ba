"""Parts of messages: what a value looks like, and which values are not shown."""

from __future__ import annotations

import base64

import pytest

from singer_reports.config.messages import quote_value

SECRET = bytes(range(240, 256))


@pytest.mark.parametrize(
    "secret",
    [
        "4f6a8c0e2b1d3957a6b8c0d2e4f6a8c0",
        "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
        base64.b64encode(SECRET).decode(),
        base64.urlsafe_b64encode(SECRET).decode(),
        "q1w2/e3r4+t5y6/u7i8o9==",
        "ab1/cd2/ef3/gh4/ij5/kl6",
    ],
)
def test_a_secret_in_the_wrong_setting_is_not_shown(secret: str) -> None:
    assert quote_value(secret) == '"***"'
    assert quote_value({"name": [secret]}) == '{"name": ["***"]}'


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "2024-01-31T00:00:00+01:00",
        "https://api3.adsterratools.com/publisher",
        "Europe/Berlin",
        "stats_by_country",
        15928739,
        ["date", "placement"],
    ],
)
def test_what_looks_like_no_secret_is_shown(value: object) -> None:
    assert "***" not in quote_value(value)
