"""Fixtures of the tests of the Adcloud tap."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from singer_reports.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def redactors_of_one_test() -> Iterator[None]:
    """Remove the filters that a test's taps have added to log handlers.

    Usually a process runs one tap. Here it is hundreds, and each would search for all their tokens.
    """
    yield
    for logger in [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]:
        for handler in getattr(logger, "handlers", ()):
            for found in [each for each in handler.filters if isinstance(each, Redactor)]:
                handler.removeFilter(found)
