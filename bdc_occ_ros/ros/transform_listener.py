# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Feed /tf and /tf_static to a transform tree."""

from collections.abc import Mapping
from functools import partial

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from bdc_occ_ros.errors import BdcOccError
from bdc_occ_ros.ros.awaited_transforms import AwaitedTransforms
from bdc_occ_ros.ros.transforms_from_messages import transform_from_message


class TransformListener(AwaitedTransforms):
    """The transform tree of this node."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node
        self._refusals: dict[str, str] = {}
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

    @property
    def refusals(self) -> Mapping[str, str]:
        """Why the last transform of a frame was refused, by child frame."""
        return dict(self._refusals)

    def _take(self, message: TFMessage, is_static: bool) -> None:
        """Put every transform of a message into the tree; a bad one harms its own frame only."""
        for transform in message.transforms:
            child = transform.child_frame_id.removeprefix('/')
            try:
                self.add(transform_from_message(transform), is_static)
                self._refusals.pop(child, None)
            except BdcOccError as error:
                self._refusals[child] = str(error)
