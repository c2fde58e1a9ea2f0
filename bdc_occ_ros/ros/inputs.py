# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Receive the messages of the cameras, and leave the newest set of undecoded images in a slot."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from threading import Condition, Lock
import time
from typing import Generic, TypeVar

from rclpy.clock import Clock, ClockChange, ClockType, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.exceptions import InvalidTopicNameException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data, qos_profile_system_default, QoSProfile
from rclpy.validate_full_topic_name import validate_full_topic_name
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Empty

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.files import quoted
from bdc_occ_ros.ros.boundary import Boundary, described
from bdc_occ_ros.ros.calibration_source import CalibrationSource, cameras_from_file
from bdc_occ_ros.ros.compat import message_callback, SEQUENCE_NUMBER
from bdc_occ_ros.ros.conversions import to_nanoseconds
from bdc_occ_ros.ros.ego_motion import EgoMotion
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.subscriptions import qos_mismatches
from bdc_occ_ros.ros.synchronization import ApproximateTime, make_synchronizer
from bdc_occ_ros.ros.transforms import TransformListener
from bdc_occ_ros.sync.image_sets import ImageSet
from bdc_occ_ros.sync.synchronizer import Synchronizer

INPUT_QOS = {'sensor_data': qos_profile_sensor_data, 'reliable': QoSProfile(depth=10),
             'system_default': qos_profile_system_default}
TYPES = {'sensor_msgs/msg/CompressedImage': CompressedImage, 'sensor_msgs/msg/Image': Image}
TRANSPORTS = {'auto': (CompressedImage, Image), 'compressed': (CompressedImage,), 'raw': (Image,)}
UPDATE_PERIOD_S = 0.2
POLL_PERIOD_S = 0.02
TIME_JUMP = JumpThreshold(min_forward=Duration(seconds=5.0),
                          min_backward=Duration(nanoseconds=-1), on_clock_change=True)

Item = TypeVar('Item')
ImageMessage = Image | CompressedImage


class LatestSlot(Generic[Item]):
    """
    Hold the newest item for another thread, without ever waiting or growing.

    The sender never blocks; what the receiver could not fetch in time is replaced and counted.
    None cannot be an item: it is the answer when there is none.
    """

    def __init__(self) -> None:
        self.num_replaced = 0
        self.is_closed = False
        self._changed = Condition()
        self._item: Item | None = None

    def put(self, item: Item) -> None:
        """Leave an item in the place of the one before; a closed slot takes none."""
        with self._changed:
            if not self.is_closed:
                self.num_replaced += self._item is not None
                self._item = item
                self._changed.notify()

    def get(self, timeout_s: float | None = None) -> Item | None:
        """
        Fetch the newest item, waiting for one if there is none.

        :param timeout_s: Longest wait; None waits until an item comes or the slot closes.
        :return: The item, or None after the wait or when the slot is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.is_closed or self._item is not None, timeout_s)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Wake every receiver for good; what lies in the slot is dropped."""
        with self._changed:
            self.is_closed = True
            self._item = None
            self._changed.notify_all()


class CameraInput:
    """
    Pass the images of one camera from the subscription to the synchronizer.

    Compressed images are preferred where both are offered: they cost a hundredth of the
    transport.

    :param synchronizer: Gets every image, undecoded.
    :param slot: Gets every set that one of these images completes.
    """

    def __init__(self, node: Node, config: NodeConfig, name: str,
                 synchronizer: Synchronizer | ApproximateTime,
                 slot: LatestSlot[ImageSet]) -> None:
        self.name = name
        self.received = 0
        self.lost = 0
        self.subscribed_to = ''
        self.problem = ''
        self.refused = 0
        self.last_refusal = ''
        self._node = node
        self._boundary, self._lock = Boundary(node), Lock()
        self._topics = (config.camera[name].compressed, config.camera[name].image)
        self._types = TRANSPORTS[config.input_transport]
        self._qos = INPUT_QOS[config.input_qos]
        self._synchronizer = synchronizer
        self._slot = slot
        self._subscription = None
        self._last_sequence_number: int | None = None
        self._is_numbered = True

    def update_subscription(self, mismatches: Mapping[str, str]) -> None:
        """
        Subscribe to the best topic that is published now; stay where it is if none is.

        :param mismatches: What cannot come, by topic.
        """
        offers = [(TYPES[offer.topic_type], topic) for topic in self._topics
                  for offer in self._node.get_publishers_info_by_topic(
                      self._node.resolve_topic_name(topic))
                  if TYPES.get(offer.topic_type) in self._types]
        if not offers:
            wanted = ' or '.join(kind.__name__ for kind in self._types)
            self.problem = f'nobody publishes {wanted} on {" or ".join(self._topics)}'
            return
        message_type, topic = min(offers, key=lambda offer: self._types.index(offer[0]))
        num_publishers = [offer[1] for offer in offers].count(topic)
        self._is_numbered = num_publishers == 1
        self.problem = mismatches.get(self._node.resolve_topic_name(topic), '')
        if num_publishers > 1:
            self.problem = f'{num_publishers} publishers on {topic}; a camera has one'
        if topic != self.subscribed_to:
            self.destroy()
            self.subscribed_to = topic
            self._last_sequence_number = None
            self._subscription = self._node.create_subscription(
                message_type, topic, message_callback(self._take), self._qos)
            self._node.get_logger().info(f'{self.name}: subscribed to {topic}')

    def destroy(self) -> None:
        """Stop receiving."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
            self.subscribed_to = ''

    def refuse(self, error: Exception) -> None:
        """Count an image that could not be used; may be called from several threads."""
        with self._lock:
            self.refused += 1
            self.last_refusal = described(error)

    def _take(self, message: ImageMessage, info: Mapping[str, int | None]) -> None:
        """Pass one image on to the synchronizer, and the sets that it completes to the slot."""
        self.received += 1
        with self._boundary.around(self.name, self.refuse):
            self._count_lost(info.get(SEQUENCE_NUMBER))
            progress = self._synchronizer.add(
                self.name, to_nanoseconds(message.header.stamp), message, len(message.data),
                time.monotonic_ns())
            for image_set in progress.sets:
                self._slot.put(image_set)

    def _count_lost(self, number: int | None) -> None:
        """Count the gaps in the sequence numbers of a single publisher."""
        last, self._last_sequence_number = self._last_sequence_number, number
        if self._is_numbered and None not in (number, last) and number > last:
            self.lost += number - last - 1


def check_inputs(config: NodeConfig) -> None:
    """
    Check before subscribing whether the parameters can be followed.

    :raises BdcOccError: if the synchronizer, the name of a topic or the calibration file cannot
        be used.
    """
    topics = {f'camera.{name}.{key}': getattr(config.camera[name], key)
              for name in config.cameras for key in ('image', 'compressed', 'info')}
    for parameter, topic in (topics | {'odom_topic': config.odom_topic}).items():
        try:
            validate_full_topic_name(expand_topic_name(topic, 'node', '/'))
        except (InvalidTopicNameException, ValueError) as error:
            raise InvalidConfigError(f'{parameter}: {quoted(topic)} is no name of a topic: '
                                     f'{str(error).splitlines()[0]}') from error
    make_synchronizer(config, time.time_ns)
    if config.calibration_file:
        cameras_from_file(config)


class Inputs:
    """
    Own all subscriptions of the node, from construction until destroy.

    The executor calls back from one thread at a time, so sets reach the slot in order.

    :raises BdcOccError: if check_inputs does.
    """

    def __init__(self, node: Node, config: NodeConfig) -> None:
        self._node = node
        self._boundary = Boundary(node)
        self.qos_mismatches: dict[str, str] = {}
        self.slot: LatestSlot[ImageSet] = LatestSlot()
        self.synchronizer = make_synchronizer(
            config, clock=lambda: node.get_clock().now().nanoseconds)
        with ExitStack() as parts:  # where one cannot be made the others are destroyed
            self.transforms = TransformListener(node)
            parts.callback(self.transforms.destroy)
            self.ego_motion = EgoMotion(node, config, self.transforms)
            parts.callback(self.ego_motion.destroy)
            self.calibration = CalibrationSource(node, config, self.transforms,
                                                 INPUT_QOS[config.input_qos])
            parts.callback(self.calibration.destroy)
            self.cameras: dict[str, CameraInput] = {}
            for name in config.cameras:
                self.cameras[name] = CameraInput(node, config, name, self.synchronizer, self.slot)
                parts.callback(self.cameras[name].destroy)
            time_jumps = node.get_clock().create_jump_callback(
                TIME_JUMP, post_callback=self._follow_time_jump)
            parts.callback(time_jumps.unregister)
            reset = node.create_subscription(
                Empty, 'reset',
                lambda _: self.synchronizer.reset('asked for on the topic reset'), 1)
            parts.callback(node.destroy_subscription, reset)
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            for period_s, step in ((POLL_PERIOD_S, self._poll),
                                   (UPDATE_PERIOD_S, self._update_subscriptions)):
                parts.callback(node.destroy_timer,
                               node.create_timer(period_s, step, clock=steady))
            self._parts = parts.pop_all()

    def destroy(self) -> None:
        """Stop listening."""
        self._parts.close()

    def follow(self, config: NodeConfig) -> None:
        """Follow the parameters that may change while running."""
        if config.sync.max_rate_hz != self.synchronizer.config.max_rate_hz:
            self.synchronizer.config = replace(
                self.synchronizer.config, max_rate_hz=config.sync.max_rate_hz)

    def _poll(self) -> None:
        with self._boundary.around('synchronizer', lambda error: self.synchronizer.reset(
                described(error))):
            for image_set in self.synchronizer.poll().sets:
                self.slot.put(image_set)

    def _update_subscriptions(self) -> None:
        """Follow what is published, and tell what cannot come."""
        found, before = qos_mismatches(self._node), self.qos_mismatches
        for topic in found.keys() - before.keys():
            self._node.get_logger().warning(found[topic])
        self.qos_mismatches = found
        for camera in self.cameras.values():
            with self._boundary.around(camera.name, camera.refuse):
                camera.update_subscription(found)
        self.calibration.follow_publishers()

    def _follow_time_jump(self, jump: TimeJump) -> None:
        """Reset where a bag starts over, its player seeks, or simulated time is switched."""
        now_ns = self._node.get_clock().now().nanoseconds
        self.transforms.clear_unless_near(now_ns)
        self.ego_motion.clear_unless_near(now_ns)
        is_switch = jump.clock_change in (ClockChange.ROS_TIME_ACTIVATED,
                                          ClockChange.ROS_TIME_DEACTIVATED)
        self.synchronizer.reset(
            'the clock changed between system time and /clock' if is_switch
            else f'the clock jumped by {jump.delta.nanoseconds / 1e9:+.3f} s')
