# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that listens while the node is active, and the sets that come of it."""

from collections.abc import Callable
from dataclasses import replace
import time

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data, qos_profile_system_default, QoSProfile
from std_msgs.msg import Empty

from bdc_occ_ros.ros.calibration_source import CalibrationSource, cameras_from_file
from bdc_occ_ros.ros.camera_inputs import CameraInput, ImageMessage
from bdc_occ_ros.ros.ego_motion import EgoMotion
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.stamps import to_nanoseconds
from bdc_occ_ros.ros.synchronization import make_synchronizer
from bdc_occ_ros.ros.time_jumps import TimeJumps
from bdc_occ_ros.ros.transform_listener import TransformListener
from bdc_occ_ros.sync.image_set import ImageSet

INPUT_QOS = {'sensor_data': qos_profile_sensor_data, 'reliable': QoSProfile(depth=10),
             'system_default': qos_profile_system_default}
LOOK_PERIOD_S = 0.2
POLL_PERIOD_S = 0.02


def check_inputs(config: NodeConfig) -> None:
    """
    Find out before anything is subscribed to whether the parameters can be followed.

    :param config: Parameters of the node.
    :raises BdcOccError: if the synchronizer or the calibration file cannot be used.
    """
    make_synchronizer(config, lambda image_set: None, time.time_ns)
    if config.calibration_file:
        cameras_from_file(config)


class Reception:
    """
    Subscriptions of all kinds, alive from construction until destroy.

    :param config: Parameters of the node.
    :param consumer: Gets every set, undecoded, in the executor's thread.
    :raises BdcOccError: if check_inputs does.
    """

    def __init__(self, node: Node, config: NodeConfig,
                 consumer: Callable[[ImageSet], None]) -> None:
        self._node = node
        self._config = config
        self._consumer = consumer
        self._epoch = 0
        qos = INPUT_QOS[config.input_qos]
        self.synchronizer = make_synchronizer(
            config, self._hand_over, clock=lambda: node.get_clock().now().nanoseconds)
        self.transforms = TransformListener(node)
        self.ego_motion = EgoMotion(node, config, self.transforms)
        self.calibration = CalibrationSource(node, config, self.transforms, qos)
        transport = config.input_transport
        self.inputs = {
            name: CameraInput(node, name, (config.camera[name].compressed,
                                           config.camera[name].image), transport, qos, self._add)
            for name in config.cameras}
        self.time_jumps = TimeJumps(node, self._time_jumped)
        self._reset = node.create_subscription(
            Empty, 'reset', lambda _: self.reset('asked for on the topic reset'), 1)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timers = (node.create_timer(POLL_PERIOD_S, self.synchronizer.poll, clock=steady),
                        node.create_timer(LOOK_PERIOD_S, self._look, clock=steady))

    def destroy(self) -> None:
        """Stop listening."""
        for timer in self._timers:
            self._node.destroy_timer(timer)
        self._node.destroy_subscription(self._reset)
        for part in (*self.inputs.values(), self.time_jumps, self.calibration, self.ego_motion,
                     self.transforms):
            part.destroy()

    def reset(self, reason: str) -> None:
        """
        Forget all images that wait.

        :param reason: Why, for the log.
        """
        self.synchronizer.reset(reason)
        self._epoch = self.synchronizer.statistics().epoch

    def follow(self, config: NodeConfig) -> None:
        """
        Follow the parameters that may change while running.

        :param config: Parameters that hold now.
        """
        if config.sync.max_rate_hz != self.synchronizer.config.max_rate_hz:
            self.synchronizer.config = replace(
                self.synchronizer.config, max_rate_hz=config.sync.max_rate_hz)

    def is_current(self, image_set: ImageSet) -> bool:
        """Tell whether a set is from after the last jump in time."""
        return image_set.epoch == self._epoch

    def output_from_ego(self, stamp_ns: int) -> np.ndarray | None:
        """
        Return the pose of the ego frame in the output frame, or None where both are the same.

        :raises TransformUnavailableError: if TF has not the pose in time.
        """
        config = self._config
        if config.frame == config.base_frame:
            return None
        return self.transforms.lookup_until(
            time.monotonic() + config.ego_motion_wait_ms / 1e3, config.frame, config.base_frame,
            stamp_ns)

    def _hand_over(self, image_set: ImageSet) -> None:
        self._epoch = image_set.epoch
        self._consumer(image_set)

    def _look(self) -> None:
        for camera in self.inputs.values():
            camera.look()

    def _add(self, name: str, message: ImageMessage) -> None:
        self.synchronizer.add(name, to_nanoseconds(message.header.stamp), message,
                              len(message.data), time.monotonic_ns())

    def _time_jumped(self, reason: str) -> None:
        now_ns = self._node.get_clock().now().nanoseconds
        self.transforms.clear_unless_near(now_ns)
        self.ego_motion.time_jumped(now_ns)
        self.reset(reason)
