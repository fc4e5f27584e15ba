"""Find secrets of the sandbox in texts, which must not show them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from sandbox.adcloud import CLIENT_SECRET
from sandbox.adsterra import ADVERTISER_TOKEN, DEMO_TOKEN, LARGE_TOKEN, REVOKED_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from sandbox.server import Sandbox

KNOWN = (ADVERTISER_TOKEN, CLIENT_SECRET, DEMO_TOKEN, LARGE_TOKEN, REVOKED_TOKEN)
#: A text may show fewer than this many characters of a secret's beginning or end.
_MAX_SHOWN = 12


def secrets_of(sandbox: Sandbox) -> set[str]:
    """Return the secrets of the sandbox, including the access tokens it has issued."""
    return {*KNOWN, *sandbox.tokens.issued}


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """Return the secrets that a text shows, also in part and in any encoding."""
    found = []
    for secret in secrets:
        in_json = json.dumps(secret)[1:-1]
        forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), in_json}
        forms |= {in_json.replace("/", "\\/"), repr(secret)[1:-1], json.dumps(in_json)[1:-1]}
        pieces = {piece for form in forms for piece in (form[:_MAX_SHOWN], form[-_MAX_SHOWN:])}
        if any(piece in text for piece in pieces):
            found.append(secret)
    return found


def look_through(item: pytest.Item, report: pytest.TestReport) -> None:
    """Fail a test with the sandbox whose output or log shows a secret."""
    sandbox = getattr(item, "funcargs", {}).get("sandbox")
    if report.when == "call" and report.passed and sandbox is not None:
        text = "\n".join(content for _, content in report.sections)
        if found := leaks(text, secrets_of(sandbox)):
            report.outcome = "failed"
            report.longrepr = f"Secrets are shown in what was printed or logged: {found}"
