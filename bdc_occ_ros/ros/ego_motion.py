# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Look up where the vehicle was at every exposure of a set, from TF or odometry.

At 15 m/s the vehicle moves 0.6 m while the cameras of a nuScenes rig fire one after another, so a
set without these poses gives a slightly bent grid. Diagnostics count such sets.
"""

from collections.abc import Mapping
from dataclasses import replace
import time

from nav_msgs.msg import Odometry
import numpy as np
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data

from bdc_occ_ros.errors import InvalidPoseError, TransformUnavailableError
from bdc_occ_ros.files import quoted
from bdc_occ_ros.ros.boundary import Boundary, described
from bdc_occ_ros.ros.conversions import transform_from_odometry
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.transforms import AwaitedTransforms, TransformListener


class EgoMotion:
    """Look up the ego poses of a set, or return None where the motion is to be ignored."""

    def __init__(self, node: Node, config: NodeConfig, transforms: TransformListener) -> None:
        self.source = 'off'
        self.problem = ''
        self.num_compensated = 0
        self.num_ignored = 0
        self.num_waited = 0
        self._node = node
        self._config = config
        self._transforms = transforms
        self._odometry = AwaitedTransforms()
        self._odometry_frame = self._odometry_problem = ''
        self._boundary = Boundary(node)
        self._subscription = None
        if config.ego_motion in ('auto', 'odom'):
            self._subscription = node.create_subscription(
                Odometry, config.odom_topic, self._take_odometry, qos_profile_sensor_data)

    def destroy(self) -> None:
        """Stop listening."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)

    def clear_unless_near(self, now_ns: int) -> None:
        """Forget the odometry from before a jump in time."""
        self._odometry.clear_unless_near(now_ns)

    def poses(self, stamps_ns: Mapping[str, int]) -> Mapping[str, np.ndarray] | None:
        """
        Return the ego pose at every stamp, waiting a bounded time for the newest one.

        :param stamps_ns: Exposure time by camera name.
        :return: fixed_from_ego by camera name, (4, 4) metres; None if ego_motion is off, or is
            auto and no source has the poses, which the diagnostics then say.
        :raises TransformUnavailableError: if ego_motion names a source that lacks the poses.
        """
        self.source = self._choose()
        if self.source == 'off':
            self.problem = '' if self._config.ego_motion == 'off' else self._odometry_problem or (
                f'neither TF from {self._config.odom_frame} to {self._config.base_frame} nor '
                'odometry has come; motion between exposures is ignored')
            self.num_ignored += 1
            return None
        try:
            poses = self._stamped_poses(stamps_ns)
        except TransformUnavailableError as error:
            self.problem = (self._odometry_problem if self.source == 'odom' else '') or (
                f'{self.source}: {error}')
            if self._config.ego_motion != 'auto':
                raise
            self.num_ignored += 1
            return None
        self.problem = ''
        self.num_compensated += 1
        return poses

    def _choose(self) -> str:
        """Return which source to ask: the one of the parameter, or the best that has delivered."""
        if self._config.ego_motion != 'auto':
            return self._config.ego_motion
        try:
            self._transforms.tree.lookup(self._config.odom_frame, self._config.base_frame)
            return 'tf'
        except TransformUnavailableError:
            return 'odom' if self._odometry_frame else 'off'

    def _stamped_poses(self, stamps_ns: Mapping[str, int]) -> dict[str, np.ndarray]:
        transforms, fixed_frame = self._transforms, self._config.odom_frame
        if self.source == 'odom':
            if not self._odometry_frame:
                raise TransformUnavailableError(
                    f'no odometry has come on {self._subscription.topic_name}; set odom_topic')
            transforms, fixed_frame = self._odometry, self._odometry_frame
        start = time.monotonic()
        deadline = start + self._config.ego_motion_wait_ms / 1e3
        newest_first = sorted(stamps_ns, key=stamps_ns.get, reverse=True)
        poses = {name: transforms.lookup_until(deadline, fixed_frame, self._config.base_frame,
                                               stamps_ns[name]) for name in newest_first}
        self.num_waited += time.monotonic() - start > 1e-3
        return poses

    def _take_odometry(self, message: Odometry) -> None:
        with self._boundary.around('odometry', self._refuse):
            pose = transform_from_odometry(message)
            if pose.child not in ('', self._config.base_frame):
                raise InvalidPoseError(f'it is the pose of {quoted(pose.child)}, not of '
                                       f'{self._config.base_frame}; set base_frame or odom_topic')
            self._odometry.add(replace(pose, child=self._config.base_frame))
            self._odometry_frame, self._odometry_problem = pose.parent, ''

    def _refuse(self, error: Exception) -> None:
        self._odometry_problem = f'odom: {described(error)}'
