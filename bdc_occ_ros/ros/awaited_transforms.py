# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A transform tree on which a working thread can wait for what is still on its way."""

import threading
import time

import numpy as np

from bdc_occ_ros.errors import TransformUnavailableError
from bdc_occ_ros.transforms import TransformTree

HISTORY_S = 10.0


class AwaitedTransforms:
    """A transform tree and the news that something was added to it."""

    def __init__(self) -> None:
        self.tree = TransformTree(HISTORY_S)
        self._news = threading.Condition()

    def announce(self) -> None:
        """Wake whoever waits, after transforms were added."""
        with self._news:
            self._news.notify_all()

    def lookup_until(self, deadline: float, target: str, source: str,
                     stamp_ns: int) -> np.ndarray:
        """
        Return a stamped transform, waiting for it until a deadline.

        Never called by the thread that spins, which would wait for itself.

        :param deadline: Reading of time.monotonic at which to give up.
        :param target: Frame to map into.
        :param source: Frame to map from.
        :param stamp_ns: When.
        :return: target_from_source, (4, 4), metres.
        :raises TransformUnavailableError: if it did not come in time.
        """
        with self._news:
            while True:
                try:
                    return self.tree.lookup(target, source, stamp_ns)
                except TransformUnavailableError:
                    left_s = deadline - time.monotonic()
                    if left_s <= 0.0:
                        raise
                    self._news.wait(left_s)
