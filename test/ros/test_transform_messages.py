# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A thread waits for a pose until it comes or time is up; a jump in time mixes no poses."""

import threading
import time

import numpy as np
import pytest

from bdc_occ_ros.errors import TransformUnavailableError
from bdc_occ_ros.ros.conversions import StampedTransform
from bdc_occ_ros.ros.transforms import AwaitedTransforms

SECOND_NS = 1_000_000_000
START_NS = 100 * SECOND_NS


def pose(stamp_ns, x_m=0.0, child='base_link'):
    matrix = np.eye(4)
    matrix[0, 3] = x_m
    return StampedTransform('odom', child, stamp_ns, matrix)


def lookup(transforms, stamp_ns, wait_s=0.0):
    return transforms.lookup_until(time.monotonic() + wait_s, 'odom', 'base_link', stamp_ns)


def test_waiting_ends_when_the_pose_comes():
    transforms = AwaitedTransforms()
    transforms.add(pose(START_NS))
    threading.Timer(0.05, transforms.add, (pose(START_NS + SECOND_NS, 10.0),)).start()
    start_s = time.monotonic()
    got = lookup(transforms, START_NS + SECOND_NS // 2, wait_s=60.0)
    assert got[0, 3] == pytest.approx(5.0)
    assert time.monotonic() - start_s < 20.0  # not all of the time that it may wait


def test_waiting_ends_when_time_is_up():
    transforms = AwaitedTransforms()
    transforms.add(pose(START_NS))
    start_s = time.monotonic()
    with pytest.raises(TransformUnavailableError, match='is known from'):
        lookup(transforms, START_NS + 1, wait_s=0.05)
    assert 0.04 < time.monotonic() - start_s < 20.0


def test_stamps_that_go_back_forget_the_moving_frames():
    transforms = AwaitedTransforms()
    transforms.add(pose(0, 1.0, child='camera'), is_static=True)
    transforms.add(pose(START_NS, 7.0))
    transforms.add(pose(START_NS - 2 * SECOND_NS, 3.0))
    assert lookup(transforms, START_NS - 2 * SECOND_NS)[0, 3] == 3.0
    with pytest.raises(TransformUnavailableError):
        lookup(transforms, START_NS)
    assert transforms.tree.lookup('odom', 'camera')[0, 3] == 1.0


@pytest.mark.parametrize('now_s, is_kept', [(100.5, True), (105.0, False), (90.0, False)])
def test_jump_of_the_clock_forgets_poses_of_another_time(now_s, is_kept):
    transforms = AwaitedTransforms()
    transforms.add(pose(START_NS))
    transforms.clear_unless_near(int(now_s * SECOND_NS))
    assert bool(transforms.tree.frames()) == is_kept
