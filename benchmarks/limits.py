"""Lower limits of the time on this machine: the same rows with as little work as possible.

``python -m benchmarks.limits bare|raw|fetch SETTINGS``
"""

from __future__ import annotations

import datetime
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGES = re.compile(rb'"pages":(\d+)')


def contents(settings: dict[str, Any]) -> Iterator[bytes]:
    """Yield the bodies of all responses, fetched one after the other over one connection."""
    with requests.Session() as session:
        if settings["api"] == "adsterra":
            yield _get(session, f"{settings['api_url']}/stats.json", _statistics(settings))
            return
        session.headers["Authorization"] = f"Bearer {settings['token']}"
        url = f"{settings['api_url']}/v1/reports/advertiser"
        for day in settings["days"]:
            page = pages = 1
            while page <= pages:
                params = {"filter[date]": day, "page": page, "per_page": 200}
                content = _get(session, url, params)
                found = _PAGES.search(content, 0, 1000)
                pages = int(found[1]) if found else 1
                yield content
                page += 1


def _statistics(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "start_date": settings["days"][0],
        "finish_date": settings["days"][-1],
        "group_by[]": ["date", "placement", "country"],
    }


def _get(session: requests.Session, url: str, params: dict[str, Any]) -> bytes:
    response = session.get(url, params=params, timeout=60)
    response.raise_for_status()
    return response.content


def _around() -> tuple[bytes, bytes]:
    """Return the parts of a RECORD message before and after the record."""
    now = datetime.datetime.now(datetime.UTC).isoformat()
    return (
        b'{"type":"RECORD","stream":"rows","record":',
        b',"time_extracted":"%s"}\n' % now.encode(),
    )


def bare(settings: dict[str, Any]) -> None:
    """Decode every response with exact decimals, then encode and write every row."""
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    encode = msgspec.json.Encoder(decimal_format="number").encode
    write = sys.stdout.buffer.write
    rows = "items" if settings["api"] == "adsterra" else "result"
    for content in contents(settings):
        before, behind = _around()
        for row in decode(content)[rows]:
            write(before + encode(row) + behind)


def raw(settings: dict[str, Any]) -> None:
    """Cut every response into rows without decoding them."""
    for content in contents(settings):
        if b"[{" not in content:
            continue
        before, behind = _around()
        rows = content[content.index(b"[{") + 1 : content.rindex(b"}]") + 1]
        lines = rows.replace(b"},{", b"}" + behind + before + b"{")
        sys.stdout.buffer.write(before + lines + behind)


def fetch(settings: dict[str, Any]) -> None:
    """Fetch all responses and write nothing."""
    for _ in contents(settings):
        pass


if __name__ == "__main__":
    kind, path = sys.argv[1:]
    {"bare": bare, "raw": raw, "fetch": fetch}[kind](json.loads(Path(path).read_text("utf-8")))
