# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is told of odometry that cannot be used: its reason where it is asked, else nothing."""

from nav_msgs.msg import Odometry
import numpy as np
import pytest

from bdc_occ_ros.ros.conversions import make_header, StampedTransform
from bdc_occ_ros.ros.ego_motion import EgoMotion
from bdc_occ_ros.ros.parameters import config_from_values
from bdc_occ_ros.ros.transforms import TransformListener


@pytest.mark.parametrize('has_tf, expected', [
    (True, ''), (False, "odom: it is the pose of 'wheel', not of base_link; set base_frame")])
def test_odometry_of_another_frame(node, has_tf, expected):
    transforms = TransformListener(node)
    motion = EgoMotion(node, config_from_values({}), transforms)
    if has_tf:
        transforms.add(StampedTransform('odom', 'base_link', 10, np.eye(4)))
    odometry = Odometry(header=make_header(10, 'odom'), child_frame_id='wheel')
    odometry.pose.pose.orientation.w = 1.0
    for _ in range(2):
        motion._take_odometry(odometry)
        motion.poses({'FRONT': 10})
        assert motion.problem.startswith(expected) and bool(motion.problem) == bool(expected)
        motion._take_odometry(odometry)
        assert motion.problem.startswith(expected) and bool(motion.problem) == bool(expected)
    odometry.child_frame_id = ''
    motion._take_odometry(odometry)
    assert motion.poses({'FRONT': 10}).keys() == {'FRONT'} and motion.problem == ''
    motion.destroy()
    transforms.destroy()
