"""How many units a slice may have, such as days, so that its response takes little memory."""

from __future__ import annotations

import math

from singer_reports.http.session import MAX_SPLITTABLE_BYTES

#: Slices are made for responses of this size, in bytes: some have more rows than those before.
TARGET_BYTES = MAX_SPLITTABLE_BYTES // 2
#: What a slice is divided by whose response was given up; how large it would be is not known.
_DIVISOR = 4


class SliceSize:
    """The largest size of the next slice, from the responses so far."""

    def __init__(self) -> None:
        """Start without a bound."""
        self.most: float = math.inf

    def fit(self, units: int, content_bytes: int) -> None:
        """Fit the next slice to a response; after a small one, it is at most twice as large.

        Args:
            units: The size of the response's slice.
            content_bytes: The size of the response.
        """
        fitting = max(1, units * TARGET_BYTES // max(1, content_bytes))
        # Not more than twice as large, because there are days with few rows between others.
        self.most = min(fitting, max(self.most, 2 * units))

    def reduce(self, units: int) -> None:
        """Make the next slice smaller than one whose response was given up.

        Args:
            units: The size of that slice.
        """
        self.most = max(1, min(self.most, units // _DIVISOR))
