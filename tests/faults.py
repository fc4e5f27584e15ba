"""Faults that several tests use."""

from __future__ import annotations

from sandbox.faults import Fault

#: Faults after which a request is sent again, by a name for the test.
RETRIABLE_FAULTS = {
    "500": Fault("status", status=500),
    "503": Fault("status", status=503),
    "429 in seconds": Fault("rate_limit", seconds=7),
    "502 with HTML": Fault("html", status=502),
    "200 with HTML": Fault("html", status=200),
    "empty body": Fault("empty"),
    "reset": Fault("reset"),
    "reset in the body": Fault("reset_in_body"),
    "cut": Fault("cut"),
    "cut chunked": Fault("cut_chunked"),
    "truncated": Fault("truncated"),
}
