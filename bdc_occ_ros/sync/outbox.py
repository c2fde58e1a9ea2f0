# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hands sets to their consumer in order, one at a time, whichever threads form them."""

from collections import deque
from collections.abc import Callable
import logging
from threading import Lock

from bdc_occ_ros.sync.image_set import ImageSet, UnformedSet

logger = logging.getLogger(__name__)


class Outbox:
    """
    A queue between the lock of the synchronizer and foreign code.

    :param consumer: Gets every set. What it raises is logged with its traceback and counted.
    :param on_unformed: Gets every trigger without a set, or None.
    :param capacity: Longest queue; beyond it the oldest entry is lost and counted.
    """

    def __init__(self, consumer: Callable[[ImageSet], None],
                 on_unformed: Callable[[UnformedSet], None] | None, capacity: int) -> None:
        self._consumer = consumer
        self._on_unformed = on_unformed
        self._capacity = capacity
        self._items: deque[ImageSet | UnformedSet] = deque()
        self._guard = Lock()
        self._delivering = Lock()
        self.num_errors = 0
        self.num_lost = 0
        self.last_error = ''

    def post(self, item: ImageSet | UnformedSet) -> None:
        """
        Queue an item.

        :param item: A set, or a trigger without one.
        """
        with self._guard:
            if len(self._items) >= self._capacity:
                self._items.popleft()
                self.num_lost += 1
            self._items.append(item)

    def _take(self) -> ImageSet | UnformedSet | None:
        with self._guard:
            return self._items.popleft() if self._items else None

    def deliver(self) -> None:
        """
        Hand out what is queued; the caller holds no lock.

        While one thread hands out, others return at once and leave their items to it, so the
        order is kept and a consumer may add images itself.
        """
        while self._items and self._delivering.acquire(blocking=False):
            try:
                while (item := self._take()) is not None:
                    self._hand_out(item)
            finally:
                self._delivering.release()

    def explain(self) -> list[str]:
        """Say what is wrong with the consumer."""
        reasons = []
        if self.num_errors:
            reasons.append(f'the consumer failed at {self.num_errors} sets, last with '
                           f'{self.last_error}')
        if self.num_lost:
            reasons.append(f'the consumer was too slow to take {self.num_lost} sets')
        return reasons

    def _hand_out(self, item: ImageSet | UnformedSet) -> None:
        receiver = self._consumer if isinstance(item, ImageSet) else self._on_unformed
        if receiver is None:
            return
        try:
            receiver(item)
        except Exception as error:  # whatever foreign code raises must not stop reception
            logger.exception('the consumer failed at a set; the next one is handed out')
            self.num_errors += 1
            self.last_error = f'{type(error).__name__}: {error}'
