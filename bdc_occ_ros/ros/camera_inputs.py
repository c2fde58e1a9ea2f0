# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One image subscription per camera: which topic it takes, what arrived and what was lost."""

from collections.abc import Callable

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from bdc_occ_ros.ros.compat import message_callback

TYPES = {'sensor_msgs/msg/CompressedImage': CompressedImage, 'sensor_msgs/msg/Image': Image}
TRANSPORTS = {'auto': (CompressedImage, Image), 'compressed': (CompressedImage,), 'raw': (Image,)}

ImageMessage = Image | CompressedImage
OnImage = Callable[[str, ImageMessage], None]


class CameraInput:
    """
    The images of one camera.

    Compressed images are preferred where both are offered: they cost a hundredth of the
    transport. The choice is looked at again whenever `look` is called, so that a publisher may
    come late or change.

    :param topics: Topics on which the images may be, of either type.
    :param transport: auto, raw or compressed.
    :param qos: Quality of service of the subscription.
    :param on_image: Called with camera name and message.
    """

    def __init__(self, node: Node, name: str, topics: tuple[str, ...], transport: str,
                 qos: QoSProfile, on_image: OnImage) -> None:
        self.name = name
        self.received = 0
        self.lost = 0
        self.subscribed_to = ''
        self.problem = ''
        self._node = node
        self._topics = topics
        self._types = TRANSPORTS[transport]
        self._qos = qos
        self._on_image = on_image
        self._subscription = None
        self._last_sequence_number: int | None = None
        self._is_numbered = True

    def look(self) -> None:
        """Subscribe to the best topic that is published now; stay where it is if none is."""
        offers = [(TYPES[offer.topic_type], topic, offer.qos_profile) for topic in self._topics
                  for offer in self._node.get_publishers_info_by_topic(topic)
                  if TYPES.get(offer.topic_type) in self._types]
        if not offers:
            wanted = ' or '.join(kind.__name__ for kind in self._types)
            self.problem = f'nobody publishes {wanted} on {" or ".join(self._topics)}'
            return
        message_type, topic, qos = min(offers, key=lambda offer: self._types.index(offer[0]))
        self.problem = self._mismatch(topic, qos, [offer[1] for offer in offers].count(topic))
        if topic != self.subscribed_to:
            self._subscribe(message_type, topic)

    def destroy(self) -> None:
        """Stop receiving."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
            self.subscribed_to = ''

    def _mismatch(self, topic: str, offered: QoSProfile, num_publishers: int) -> str:
        """Return what is wrong with those who publish, or nothing."""
        self._is_numbered = num_publishers == 1
        if (self._qos.reliability == ReliabilityPolicy.RELIABLE
                and offered.reliability == ReliabilityPolicy.BEST_EFFORT):
            return (f'QoS incompatible: {topic} is published best_effort, but input_qos asks for '
                    'reliable; set input_qos to sensor_data')
        if num_publishers > 1:
            return f'{num_publishers} publishers on {topic}; a camera has one'
        return ''

    def _subscribe(self, message_type: type, topic: str) -> None:
        self.destroy()
        self.subscribed_to = topic
        self._last_sequence_number = None
        self._subscription = self._node.create_subscription(
            message_type, topic, message_callback(self._take), self._qos)
        self._node.get_logger().info(f'{self.name}: subscribed to {topic}')

    def _take(self, message: ImageMessage, sequence_number: int | None) -> None:
        self.received += 1
        self._count_lost(sequence_number)
        self._on_image(self.name, message)

    def _count_lost(self, number: int | None) -> None:
        """Count the gaps in a publisher's own numbering; two at a time make no sequence."""
        last, self._last_sequence_number = self._last_sequence_number, number
        if self._is_numbered and None not in (number, last) and number > last:
            self.lost += number - last - 1
