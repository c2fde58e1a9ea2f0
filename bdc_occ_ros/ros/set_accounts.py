# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What became of every set and every image after the synchronizer, with reasons."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
import logging
import threading

from bdc_occ_ros.errors import BdcOccError

LATENCIES_KEPT = 100

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Accounts:
    """
    A copy of the books at one time.

    :param computed: Sets that gave an output.
    :param unwanted: Sets not computed because nobody subscribed.
    :param stale: Sets from before a jump in time.
    :param dropped: Sets that could not be computed, by reason.
    :param last_drop: The last reason in words.
    :param refused: Images that could not be used, by camera.
    :param last_refusal: The last reason, by camera.
    :param remarks: What had to be assumed about the last image, by camera.
    :param delayed_in_a_row: Newest outputs that took longer than the budget, without a break.
    :param latencies_ms: Exposure to output of the newest sets.
    """

    computed: int = 0
    unwanted: int = 0
    stale: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    last_drop: str = ''
    refused: Mapping[str, int] = field(default_factory=dict)
    last_refusal: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    delayed_in_a_row: int = 0
    latencies_ms: tuple[float, ...] = ()

    @property
    def num_dropped(self) -> int:
        """Sets that could not be computed, for any reason."""
        return sum(self.dropped.values())


class SetAccounts:
    """The books, written by the inference thread and read by the diagnostics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sets: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._last_drop = ''
        self._refused: Counter[str] = Counter()
        self._last_refusal: dict[str, str] = {}
        self._remarks: dict[str, str] = {}
        self._delayed_in_a_row = 0
        self._latencies_ms: deque[float] = deque(maxlen=LATENCIES_KEPT)

    def computed(self, latency_ms: float, budget_ms: float) -> None:
        """Book an output."""
        with self._lock:
            self._sets['computed'] += 1
            self._latencies_ms.append(latency_ms)
            self._delayed_in_a_row = (self._delayed_in_a_row + 1 if latency_ms > budget_ms else 0)

    def unwanted(self) -> None:
        """Book a set that nobody wanted."""
        with self._lock:
            self._sets['unwanted'] += 1

    def stale(self) -> None:
        """Book a set from before a jump in time."""
        with self._lock:
            self._sets['stale'] += 1

    def dropped(self, error: BdcOccError) -> None:
        """Book a set that could not be computed."""
        with self._lock:
            self._dropped[type(error).__name__] += 1
            self._last_drop = str(error)

    def refused(self, camera: str, error: BdcOccError) -> None:
        """Book an image that could not be used."""
        with self._lock:
            self._refused[camera] += 1
            self._last_refusal[camera] = str(error)

    def remarked(self, camera: str, remark: str) -> None:
        """
        Book what had to be assumed about an image, and warn when that is news.

        :param remark: In words; empty if nothing had to.
        """
        with self._lock:
            is_news = remark != self._remarks.get(camera, '')
            self._remarks[camera] = remark
        if is_news and remark:
            logger.warning('%s: %s', camera, remark)

    def read(self) -> Accounts:
        """Return a copy of the books."""
        with self._lock:
            return Accounts(
                self._sets['computed'], self._sets['unwanted'], self._sets['stale'],
                dict(self._dropped), self._last_drop, dict(self._refused),
                dict(self._last_refusal), dict(self._remarks),
                self._delayed_in_a_row, tuple(self._latencies_ms))
