# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A transform tree on which a working thread can wait for what is still on its way."""

import threading
import time

import numpy as np

from bdc_occ_ros.errors import TransformUnavailableError
from bdc_occ_ros.geometry.transforms import TransformTree
from bdc_occ_ros.ros.transforms_from_messages import StampedTransform

HISTORY_S = 10.0
JUMP_NS = 1_000_000_000


class AwaitedTransforms:
    """
    A transform tree, the news that something was added to it, and its sense of time.

    Poses from before and after a jump in time must not be interpolated, so a frame whose stamps
    go back by more than a second makes the tree forget all moving frames.
    """

    def __init__(self) -> None:
        self.tree = TransformTree(HISTORY_S)
        self._newest_ns: dict[str, int] = {}
        self._news = threading.Condition()

    def add(self, stamped: StampedTransform, is_static: bool = False) -> None:
        """
        Add one transform and wake whoever waits.

        :param is_static: Whether it holds at all times.
        :raises InvalidTransformError: if the tree would become a loop.
        """
        if not is_static:
            newest_ns = self._newest_ns.get(stamped.child, stamped.stamp_ns)
            if stamped.stamp_ns < newest_ns - JUMP_NS:
                self.clear()
                newest_ns = stamped.stamp_ns
            self._newest_ns[stamped.child] = max(newest_ns, stamped.stamp_ns)
        self.tree.set_transform(stamped.parent, stamped.child, stamped.stamp_ns,
                                stamped.parent_from_child, static=is_static)
        with self._news:
            self._news.notify_all()

    def clear(self) -> None:
        """Forget the moving frames."""
        self.tree.clear()
        self._newest_ns.clear()

    def clear_unless_near(self, now_ns: int) -> None:
        """
        Forget the moving frames after a jump in time, unless they have jumped already.

        :param now_ns: Time after the jump.
        """
        if any(abs(newest_ns - now_ns) > JUMP_NS for newest_ns in self._newest_ns.values()):
            self.clear()

    def lookup_until(self, deadline: float, target: str, source: str,
                     stamp_ns: int) -> np.ndarray:
        """
        Return a stamped transform, waiting for it until a deadline.

        Never called by the thread that spins, which would wait for itself.

        :param deadline: Reading of time.monotonic at which to give up.
        :param target: Frame to map into.
        :param source: Frame to map from.
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
