"""Any response ends in its rows or in a sentence, never in a traceback."""

from __future__ import annotations

import copy
import json
import os
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.numbers import to_json
from singer_reports.http.errors import RequestError
from tap_adcloud.tap import TapAdcloud
from tap_adsterra.tap import TapAdsterra
from tests.reliability.sample_responses import (
    DAY,
    GOOD_TOKEN,
    ROWS,
    STREAM_SAMPLES,
    Reader,
    Response,
    StreamSample,
    numbers,
)
from tests.support import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import DrawFn

    from tests.support import CountCases, RunResult

LARGE = "AD_TAPS_LARGE_TESTS" in os.environ
EXAMPLES = 400 if LARGE else 25


class Token(str):
    """A piece of text, JSON or not, that is written into a response as it is."""

    __slots__ = ()


TOKENS = [
    *("-0", "1e400", "1E99999999999999999999", "0.1e-300", "1.10", "9" * 30, "9" * 300),
    *("NaN", "-Infinity", "01", "1.", ".5", "+1", "0x10", "1_000", "undefined", "True", ""),
    *('"\\ud800"', '"\\ud83d\\ude42"', '"\\u0000"', '"\\x"', "'a'", '"a', "[1,]", '{"a"}'),
    *("[" * 300 + "]" * 300, "[" * 20_000 + "]" * 20_000, '{"a":' * 600 + "1.5" + "}" * 600),
    *("9007199254740993.0", "4.9999999999999999999", "9223372036854775808", "5.0", "[]", "{}"),
    *('"1_5"', '"\uff11\uff15"', '"\u0661"', '" 5"', '"20240429"', '"2024-W18-1"', '"0000-00-00"'),
]
TEXTS = st.text(max_size=4) | st.sampled_from(
    [
        "",
        "-",
        "0",
        "5",
        "1e3",
        "1,5",
        "1_5",
        "nan",
        "Infinity",
        "null",
        "true",
        DAY,
        "2024-04-31",
        "a\nb",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 500)
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=2)
    | TEXTS
    | st.sampled_from([Token(text) for text in TOKENS])
)
#: Names of fields in envelopes.
NAMES = st.sampled_from(
    [
        *("items", "itemCount", "data", "dbLastUpdateTime", "result", "collection", "_meta"),
        *("size", "per_page", "next_url", "total_count", "page", "total_pages", "status", "code"),
        *("message", "errors", "error_description", "details", "access_token", "id", "date"),
        *("discounts", "campaign_id", "booking_id", "revenue", "a.b", ""),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.lists(
    st.sampled_from(
        [
            *(("Content-Type", text) for text in ("text/html", "", "application/json; charset=x")),
            *(("Content-Encoding", text) for text in ("gzip", "deflate", "identity", "any")),
            *(("Location", text) for text in ("/elsewhere", "http://", "")),
            *(("Retry-After", text) for text in ("-1", "1e9", "9" * 400, "0", "soon", "")),
            ("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"),
            ("Retry-After", "Fri, 31 Dec 99999999999 23:59:59 GMT"),
            ("Retry-After", "Mon, 01 Jan 2024 00:00:00 +9999"),
        ]
    )
    | st.tuples(st.just("Retry-After"), st.text(st.characters(max_codepoint=255), max_size=5)),
    max_size=2,
)
STATUSES = st.sampled_from(
    [*[200] * 20, 201, 204, 206, 300, 302, 304, 400, 401, 403, 404, 422, 429, 500, 503, 599, 999]
)


def written(value: Any) -> str:
    """Write JSON; tokens are written as they are."""
    match value:
        case Token():
            return str(value)
        case dict():
            return f"{{{','.join(f'{json.dumps(key)}:{written(value[key])}' for key in value)}}}"
        case list():
            return f"[{','.join(map(written, value))}]"
        case Decimal():
            return str(value)
    return json.dumps(value)


@st.composite
def changed(draw: DrawFn, good: dict[str, Any]) -> Any:
    """Draw a good response in which something is changed, removed, added or duplicated."""
    body = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        inner: Any = body
        while True:
            if not inner:
                break
            key = draw(
                st.sampled_from(list(inner) if isinstance(inner, dict) else range(len(inner)))
            )
            if isinstance(inner[key], dict | list) and inner[key] and draw(st.booleans()):
                inner = inner[key]
                continue
            match draw(st.sampled_from(["other", "gone", "new"])):
                case "other":
                    inner[key] = draw(VALUES)
                case "gone":
                    del inner[key]
                case "new" if isinstance(inner, dict):
                    inner[draw(NAMES)] = draw(VALUES)
                case "new":
                    inner.insert(key, copy.deepcopy(inner[key]))
            break
    return body


@st.composite
def damaged(draw: DrawFn, text: bytes) -> bytes:
    """Draw the bytes of a response with some damage."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 3)))
    piece = draw(st.binary(max_size=3) | st.sampled_from([b'"', b",", b"}", b"]", b"\\", b"\xff"]))
    whole = text[:start] + piece + text[end:]
    return draw(
        st.sampled_from(
            [
                *(whole, whole, text[:start], text[start:], text + piece, text + text),
                *(b"\xef\xbb\xbf" + text, text.decode().encode("utf-16"), b" " * 9 + text, b""),
                *(text.replace(b'"', b"'"), b"callback(" + text + b")", b"// \n" + text),
                *(text.decode().encode("utf-32"), text + b"\0", text.replace(b"}", b",}")),
            ]
        )
    )


@st.composite
def responses(draw: DrawFn, good: dict[str, Any]) -> Response:
    """Draw a response: any JSON, any values in an envelope, or a good one with a change."""
    envelope = {name: st.just(value) | VALUES for name, value in good.items()}
    body = draw(
        VALUES
        | st.dictionaries(NAMES, VALUES, max_size=4)
        | st.fixed_dictionaries({}, optional=envelope)
        | changed(good)
        | changed(good)
    )
    text = written(body).encode()
    if draw(st.integers(0, 3)) == 0:
        text = draw(damaged(text))
    if draw(st.integers(0, 3)) == 0:
        return Response(text, draw(STATUSES), tuple(draw(HEADERS)))
    return Response(text)


@cache
def reader_of(sample: StreamSample) -> Reader:
    """Return the reader of a stream, cached: making it takes longer than reading."""
    return Reader(sample)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    for tap_class in (TapAdcloud, TapAdsterra):
        monkeypatch.setattr(tap_class, "clock", staticmethod(lambda: NOW))


def assert_is_explained(run: RunResult, sample: StreamSample) -> None:
    """Check that a run wrote no rows and failed with a sentence."""
    assert isinstance(run.error, RequestError), repr(run.error)
    message = str(run.error)
    assert message.startswith(sample.stream)
    assert "\n" not in message
    assert len(message) < 800
    assert run.records(sample.stream) == []
    secrets = (sample.settings.get("api_token"), sample.settings.get("client_secret"))
    assert not [secret for secret in secrets if secret and secret in message]


def assert_is_written(run: RunResult, sample: StreamSample, response: Response) -> None:
    """Check that the rows are those of the response, with their numbers."""
    assert 200 <= response.status < 300
    rows, sent = run.records(sample.stream), sample.sent(response.content)
    (schema,) = run.of_type("SCHEMA", sample.stream)
    assert len(rows) == len(sent)
    assert numbers(rows, schema["schema"]) == numbers(sent, schema["schema"])


def assert_ends_well(run: RunResult, sample: StreamSample, response: Response) -> None:
    """Check that a run ends in the rows of a response or in a sentence."""
    if run.error is None:
        assert_is_written(run, sample, response)
    else:
        assert_is_explained(run, sample)


@pytest.mark.parametrize("sample", STREAM_SAMPLES, ids=lambda sample: sample.name)
def test_a_good_response_ends_in_its_rows(sample: StreamSample) -> None:
    response = Response(to_json(sample.good))
    run = reader_of(sample).read(response)
    assert run.error is None
    assert run.records(sample.stream)
    assert_is_written(run, sample, response)


def with_token_in_each_place(good: dict[str, Any], token: Token) -> Iterator[dict[str, Any]]:
    """Put a token into each known field of the envelope and of a row, and into an unknown one."""
    for name in ("surprise", *good):
        yield {**good, name: token}
    body = copy.deepcopy(good)
    (row, *_) = next(
        rows for rows in (*body.values(), *body.get("data", {}).values()) if isinstance(rows, list)
    )
    for name in ("surprise", *row):
        kept = row.get(name, None)
        row[name] = token
        yield body
        row[name] = kept


@pytest.mark.parametrize("sample", STREAM_SAMPLES, ids=lambda sample: sample.name)
def test_any_value_in_any_place_ends_in_rows_or_in_a_sentence(
    sample: StreamSample, count_cases: CountCases
) -> None:
    turn = STREAM_SAMPLES.index(sample)
    for token in map(Token, TOKENS if LARGE else TOKENS[turn % 8 :: 8]):
        for body in with_token_in_each_place(sample.good, token):
            response = Response(written(body).encode())
            assert_ends_well(reader_of(sample).read(response), sample, response)
            count_cases("any_answer", 1)


@settings(max_examples=EXAMPLES)
@given(data=st.data())
@pytest.mark.parametrize("sample", STREAM_SAMPLES, ids=lambda sample: sample.name)
def test_any_response_ends_in_its_rows_or_in_a_sentence(
    sample: StreamSample, data: st.DataObject, count_cases: CountCases
) -> None:
    response = data.draw(responses(sample.good))
    assert_ends_well(reader_of(sample).read(response), sample, response)
    count_cases("any_answer", 1)


CUSTOMERS = next(sample for sample in STREAM_SAMPLES if sample.stream == "customers")


@settings(max_examples=5 * EXAMPLES)
@given(response=responses({**GOOD_TOKEN, "_meta": GOOD_TOKEN}))
def test_any_response_for_a_token_ends_in_a_token_or_in_a_sentence(
    response: Response, count_cases: CountCases
) -> None:
    run = reader_of(CUSTOMERS).read(Response(to_json(CUSTOMERS.good)), token=response)
    if run.error is None:
        assert len(run.records("customers")) == ROWS
    else:
        assert_is_explained(run, CUSTOMERS)
    count_cases("any_answer", 1)


@pytest.mark.parametrize("token", ["a\nb", "\u20ac", "\r\nHost: elsewhere", "", " ", [1], 5, True])
def test_a_token_that_no_header_can_carry_is_no_token(token: Any) -> None:
    for body in ({"access_token": token}, {"_meta": {"access_token": token}}):
        run = reader_of(CUSTOMERS).read(
            Response(to_json(CUSTOMERS.good)), token=Response(to_json(body))
        )
        assert_is_explained(run, CUSTOMERS)
