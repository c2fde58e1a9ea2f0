# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Match the quality of service of subscriptions with what publishers offer, and say where not."""

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, qos_check_compatible, QoSCompatibility, QoSProfile


class StoredSubscription:
    """
    Subscribe to messages that may be sent once and be stored by their publisher.

    Only a subscription that asks for stored messages gets them, and one that asks gets nothing
    from a publisher that stores none. So it asks exactly where a publisher offers them.

    :param qos: What is asked for until a publisher is there.
    """

    def __init__(self, node: Node, kind: type, topic: str, callback: Callable[[Any], None],
                 qos: QoSProfile) -> None:
        self._node, self._arguments = node, (kind, topic, callback)
        self._subscription = node.create_subscription(kind, topic, callback, qos)

    def update(self) -> None:
        """Follow what is offered now."""
        asked = self._subscription.qos_profile
        offers = [offer.qos_profile for offer in
                  self._node.get_publishers_info_by_topic(self._subscription.topic_name)]
        stored = [each for each in offers if each.durability == DurabilityPolicy.TRANSIENT_LOCAL]
        wanted = DurabilityPolicy.TRANSIENT_LOCAL if stored else DurabilityPolicy.VOLATILE
        if offers and asked.durability != wanted:
            self.renew(QoSProfile(  # a best-effort subscription would not get what is stored
                depth=asked.depth, durability=wanted,
                reliability=stored[0].reliability if stored else asked.reliability))

    def renew(self, qos: QoSProfile | None = None) -> None:
        """Subscribe anew, which brings what is stored once more."""
        qos = qos or self._subscription.qos_profile
        self.destroy()
        self._subscription = self._node.create_subscription(*self._arguments, qos)

    def destroy(self) -> None:
        """Stop receiving."""
        self._node.destroy_subscription(self._subscription)


def qos_mismatches(node: Node) -> dict[str, str]:
    """Return why publishers cannot reach a subscription of a node, by full name of its topic."""
    found = {}
    for subscription in node.subscriptions:
        topic = subscription.topic_name
        for offer in node.get_publishers_info_by_topic(topic):
            level, reason = qos_check_compatible(offer.qos_profile, subscription.qos_profile)
            if level == QoSCompatibility.ERROR:
                found[topic] = (
                    f'QoS incompatible: {topic}, published by {offer.node_name}: '
                    f'{reason.removeprefix("ERROR: ").rstrip(";").lower()}; nothing of it comes. '
                    'Let it be published otherwise; input_qos is that of images and camera_info')
    return found
