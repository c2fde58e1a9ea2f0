# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Skips sets so that at most so many per second of stamp time remain."""


class RateLimit:
    """
    A limit that meets its rate on average, also when triggers are unevenly spaced.

    A set that comes late leaves up to one interval of credit to the next.

    :param max_rate_hz: The rate; 0 is no limit.
    """

    def __init__(self, max_rate_hz: float) -> None:
        self._interval_ns = round(1e9 / max_rate_hz) if max_rate_hz else 0
        self._due_ns: int | None = None

    def is_exceeded(self, ref_ns: int) -> bool:
        """Tell whether a set must be skipped; one that need not be is counted."""
        due_ns = ref_ns if self._due_ns is None else self._due_ns
        if ref_ns < due_ns:
            return True
        self._due_ns = max(due_ns, ref_ns - self._interval_ns) + self._interval_ns
        return False
