"""Redaction of secrets: in every encoding, in every place."""

from __future__ import annotations

import base64
import io
import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from singer_sdk.logging import StructuredFormatter

from singer_reports.redaction import Redactor, printable

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "http://user:password@api.example.com/s3cr3t/stats.json"
ODD = "s3cr/3t+\"q\\uote'%41&=;#end-of-it"


@pytest.mark.parametrize(
    "written",
    [
        f"as it is: {ODD}",
        f"partly: {quote(ODD)}",
        quote(ODD, safe=""),
        f"in a form: {quote_plus(ODD)}",
        json.dumps(ODD),
        json.dumps({"secret": ODD}).replace("/", "\\/"),
        repr(ODD),
        repr([ODD]),
        f"twice {ODD}{ODD}",
    ],
)
def test_a_secret_is_found_however_it_is_written(written: str) -> None:
    redacted = Redactor([ODD]).redact(written)
    assert "***" in redacted
    assert not any(piece in redacted for piece in ("s3c", "uote", "41", "end-of-it"))


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("user", ["", "u", "us", "use", "user:"])
def test_a_secret_is_found_in_base64_wherever_it_begins(
    encode: Callable[[bytes], bytes], user: str
) -> None:
    redactor = Redactor([ODD])
    for secret in (ODD, ODD[:12]):
        written = encode(f"{user}{secret}".encode()).decode().rstrip("=")
        redacted = redactor.redact(f"Basic {written}, again")
        assert redacted.startswith("Basic ")
        assert redacted.endswith(", again")
        # What remains are the user, and the bits that secret and padding share.
        assert len(redacted) <= len("Basic ***, again") + len(encode(user.encode())) + 6


@pytest.mark.parametrize(
    "written",
    [
        ODD.upper(),
        ODD.lower(),
        quote(ODD).lower(),
        quote_plus(ODD).swapcase(),
        "".join(f"%{byte:02x}" for byte in ODD.encode()),
        "".join(f"%{byte:02X}" for byte in ODD.encode()),
        base64.b64encode(ODD.encode()).decode().upper(),
    ],
)
def test_a_secret_is_found_in_any_case_and_with_every_character_encoded(written: str) -> None:
    assert Redactor([ODD]).redact(f"İt says {written}.").startswith("İt says ***")
    assert len(Redactor([ODD]).redact(written)) <= len("***") + 6


@pytest.mark.parametrize("length", range(8, len(ODD)))
def test_a_secret_is_found_where_it_is_cut_off(length: int) -> None:
    assert Redactor([ODD]).redact(f"It says: {ODD[:length]}") == "It says: ***"
    assert Redactor([ODD]).redact(f"{ODD[:length]}…") == "***…"


def test_values_too_short_for_a_secret_are_not_redacted() -> None:
    assert Redactor(["", "a", "abc", "abcd"]).redact("a fabcabcde") == "a fabc***e"


def test_a_secret_with_the_end_of_its_line_is_found_without_it() -> None:
    assert Redactor(["s3cr3t\n"]).redact("s3cr3t, s3cr3t\n") == "***, ***"


def failing() -> ValueError:
    """Make an error without a secret whose cause shows one."""
    try:
        try:
            raise KeyError(URL)
        except KeyError:
            message = "It failed"
            raise ValueError(message) from None
    except ValueError as error:
        return error


@pytest.mark.parametrize("formatter", [logging.Formatter(), StructuredFormatter()])
def test_no_log_shows_the_causes_of_an_error(formatter: logging.Formatter) -> None:
    handler = logging.StreamHandler(lines := io.StringIO())
    handler.setFormatter(formatter)
    handler.addFilter(Redactor(["s3cr3t"]))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.error("It failed", exc_info=failing(), extra={"url": URL, "schema": {"url": [URL]}})
    assert "It failed" in lines.getvalue()
    assert "s3cr3t" not in lines.getvalue()


def test_an_error_and_its_causes_are_redacted() -> None:
    error = failing()
    Redactor(["s3cr3t"]).redact_error(error)
    assert error.__context__ is not None
    assert "s3cr3t" not in repr([error, error.args, error.__context__])
    assert error.args[0] == "It failed"


def test_no_log_line_shows_a_secret_in_message_arguments_or_traceback() -> None:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    redactor = Redactor(["s3cr3t", ""])
    handler.addFilter(redactor)
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.warning("GET %s", URL)
    logger.warning("%s", {"url": URL})
    redactor.add("t0k3n")
    try:
        raise ValueError(URL) from KeyError("t0k3n")
    except ValueError:
        logger.exception("It failed")
    written = lines.getvalue()
    assert "s3cr3t" not in written
    assert "t0k3n" not in written
    assert written.count("***") >= 4
    assert "Traceback" in written


def test_the_secrets_of_two_taps_in_one_process_are_kept() -> None:
    handler = logging.StreamHandler(lines := io.StringIO())
    logger = logging.getLogger("two taps")
    logger.addHandler(handler)
    for secret in ("f1rst-s3cr3t", "s3cond-s3cr3t"):
        Redactor([secret]).install()
    logger.error("f1rst-s3cr3t and s3cond-s3cr3t")
    assert lines.getvalue() == "*** and ***\n"
    assert len(handler.filters) == 1
    logger.removeHandler(handler)


#: What ends a line somewhere, what a terminal obeys, and half a character.
CONTROLS = "\r\n\v\f\x1c\x85\u2028\u2029\x1b\x9b\0\x7f\u202e\ud800"


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_no_control_character_reaches_a_log_line_raw(control: str) -> None:
    forged = f"no such day{control}2024-05-01 | CRITICAL"
    handler = logging.StreamHandler(lines := io.StringIO())
    handler.addFilter(Redactor([]))
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s %(field)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.warning("It says: %s", forged, extra={"field": forged})
    logger.warning(forged, extra={"field": 1})
    try:
        try:
            raise KeyError(forged)
        except KeyError as error:
            error.add_note(forged)
            raise ValueError(forged) from ExceptionGroup(forged, [OSError(forged)])
    except ValueError:
        logger.exception("It failed", extra={"field": 1})
    written = lines.getvalue()
    assert written.count("CRITICAL") >= 6
    assert control == "\n" or control not in written
    assert not [line for line in written.split("\n") if line.startswith("2024")]
    assert "Traceback (most recent call last):\n" in written


def test_an_error_has_no_control_characters() -> None:
    error = ValueError(f"no such day{CONTROLS}")
    Redactor([]).redact_error(error)
    assert str(error).isprintable()
    assert printable(f"no such day{CONTROLS}") == str(error)
    assert printable("Café, größer, 日本, العربية") == "Café, größer, 日本, العربية"


def test_a_line_without_secrets_is_not_changed() -> None:
    record = logging.makeLogRecord({"msg": "%d rows", "args": (5,)})
    assert Redactor(["s3cr3t"]).filter(record)
    assert (record.msg, record.args) == ("%d rows", (5,))
