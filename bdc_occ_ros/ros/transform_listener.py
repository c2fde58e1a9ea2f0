# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Feed /tf and /tf_static to a transform tree."""

from collections.abc import Callable
from functools import partial

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from tf2_msgs.msg import TFMessage

from bdc_occ_ros.errors import BdcOccError
from bdc_occ_ros.ros.awaited_transforms import AwaitedTransforms
from bdc_occ_ros.ros.transforms_from_messages import transform_from_message

JUMP_BACK_NS = 1_000_000_000


class TransformListener(AwaitedTransforms):
    """
    The transform tree of this node.

    :param node: Node that subscribes.
    :param on_jump_back: Called with a sentence when the stamps of a frame go back by more than
        a second, after the moving frames were forgotten.
    """

    def __init__(self, node: Node, on_jump_back: Callable[[str], None]) -> None:
        super().__init__()
        self._node = node
        self._on_jump_back = on_jump_back
        self._newest_ns: dict[str, int] = {}
        self._invalid: dict[str, str] = {}
        static = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._subscriptions = (
            node.create_subscription(
                TFMessage, '/tf_static', partial(self._take, is_static=True), static),
            node.create_subscription(
                TFMessage, '/tf', partial(self._take, is_static=False), QoSProfile(depth=100)))

    def destroy(self) -> None:
        """Stop listening."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def clear(self) -> None:
        """Forget the moving frames, for their stamps mean nothing after a jump in time."""
        self.tree.clear()
        self._newest_ns.clear()

    def invalid(self, frame: str) -> str | None:
        """
        Return why the last transform of a frame was refused, or None if it was not.

        :param frame: Child frame of the transform.
        """
        return self._invalid.get(frame)

    def _take(self, message: TFMessage, is_static: bool) -> None:
        """Put every transform of a message into the tree; a bad one harms its own frame only."""
        for transform in message.transforms:
            child = transform.child_frame_id.removeprefix('/')
            try:
                stamped = transform_from_message(transform)
                if not is_static:
                    self._notice_jump_back(child, stamped.stamp_ns)
                self.tree.set_transform(stamped.parent, stamped.child, stamped.stamp_ns,
                                        stamped.parent_from_child, static=is_static)
                self._invalid.pop(child, None)
            except BdcOccError as error:
                self._invalid[child] = str(error)
        self.announce()

    def _notice_jump_back(self, child: str, stamp_ns: int) -> None:
        """Forget the moving frames when a recording starts over."""
        newest_ns = self._newest_ns.get(child, stamp_ns)
        if stamp_ns < newest_ns - JUMP_BACK_NS:
            self.clear()
            self._on_jump_back(f'the transforms of {child} went back by '
                               f'{(newest_ns - stamp_ns) / 1e9:.1f} s')
        self._newest_ns[child] = max(stamp_ns, self._newest_ns.get(child, stamp_ns))
