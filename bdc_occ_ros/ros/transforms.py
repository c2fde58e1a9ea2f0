# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keep the transforms of /tf, and let a working thread wait for those that are not yet there."""

from functools import partial
import threading
import time

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from bdc_occ_ros.errors import TransformUnavailableError
from bdc_occ_ros.geometry.transforms import frame_name, MAX_NAME_LENGTH, TransformTree
from bdc_occ_ros.ros.boundary import Boundary, described
from bdc_occ_ros.ros.conversions import StampedTransform, transform_from_message
from bdc_occ_ros.ros.subscriptions import StoredSubscription

HISTORY_S = 10.0
JUMP_NS = 1_000_000_000
MAX_REFUSALS_KEPT = 5


class AwaitedTransforms:
    """
    Hold a transform tree, notify waiting threads of additions, and detect jumps in time.

    Poses from before and after a jump in time must not be interpolated, so a frame whose stamps
    go back by more than a second makes the tree forget all moving frames.
    """

    def __init__(self) -> None:
        self.tree = TransformTree(HISTORY_S)
        self._newest_ns: dict[str, int] = {}
        self._news = threading.Condition()

    def add(self, stamped: StampedTransform, is_static: bool = False) -> None:
        """
        Add one transform and wake all waiting threads.

        :raises InvalidTransformError: if the tree would become a loop.
        """
        if not is_static:
            newest_ns = self._newest_ns.get(stamped.child, stamped.stamp_ns)
            if stamped.stamp_ns < newest_ns - JUMP_NS:
                self.clear()
                newest_ns = stamped.stamp_ns
        self.tree.set_transform(stamped.parent, stamped.child, stamped.stamp_ns,
                                stamped.parent_from_child, static=is_static)
        if not is_static:
            self._newest_ns[stamped.child] = max(newest_ns, stamped.stamp_ns)
        with self._news:
            self._news.notify_all()

    def clear(self) -> None:
        """Forget the moving frames."""
        self.tree.clear()
        self._newest_ns.clear()

    def clear_unless_near(self, now_ns: int) -> None:
        """Forget the moving frames after a jump in time, unless they have jumped already."""
        if any(abs(newest_ns - now_ns) > JUMP_NS for newest_ns in self._newest_ns.values()):
            self.clear()

    def lookup_until(self, deadline: float, target: str, source: str,
                     stamp_ns: int) -> np.ndarray:
        """
        Return a stamped transform, waiting for it until a deadline.

        Never called by the thread that spins, which would wait for itself.

        :param deadline: Reading of time.monotonic at which to give up.
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


class TransformListener(AwaitedTransforms):
    """
    Fill the transform tree of this node from /tf and /tf_static.

    A refused transform changes nothing: the one before it stays. `refusals` says why the last one
    was refused, for the newest few child frames.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.num_refused = 0
        self.refusals: dict[str, str] = {}
        self._node = node
        self._boundary = Boundary(node)
        stored = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.static = StoredSubscription(
            node, TFMessage, '/tf_static', partial(self._take, is_static=True), stored)
        self._moving = node.create_subscription(
            TFMessage, '/tf', partial(self._take, is_static=False), QoSProfile(depth=100))

    def destroy(self) -> None:
        """Stop listening."""
        self.static.destroy()
        self._node.destroy_subscription(self._moving)

    def _take(self, message: TFMessage, is_static: bool) -> None:
        """Add every transform of a message to the tree; a bad one affects its own frame only."""
        for transform in message.transforms:
            child = frame_name(transform.child_frame_id)[:MAX_NAME_LENGTH]
            with self._boundary.around('transforms', partial(self._refuse, child)):
                self.add(transform_from_message(transform), is_static)
                self.refusals.pop(child, None)

    def _refuse(self, child: str, error: Exception) -> None:
        self.num_refused += 1
        kept = {**self.refusals, child: described(error)}
        self.refusals = dict(list(kept.items())[-MAX_REFUSALS_KEPT:])
