"""What the tests of the Adcloud tap share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from singer_reports.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def redactors_of_one_test() -> Iterator[None]:
    """Take away what every tap has put before every log handler.

    A process runs one tap; here it is hundreds, and each would look for the tokens of all others.
    """
    yield
    for logger in [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]:
        for handler in getattr(logger, "handlers", ()):
            for found in [each for each in handler.filters if isinstance(each, Redactor)]:
                handler.removeFilter(found)
