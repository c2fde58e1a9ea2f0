# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Check that the vehicle moves as vehicles do."""

from collections.abc import Iterator
from itertools import groupby, pairwise

import numpy as np

from bdc_occ_ros.dataset.check.issues import DatasetIssue
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.errors import InvalidPoseError

FASTEST_MPS = 60.0
FASTEST_TURN_RADPS = 2.0
SLACK_M = 0.1
SLACK_RAD = 0.02
CURE = ('every reading needs the ego pose of its own time, world_from_ego, metres and w x y z; '
        'see whether poses were exchanged, or timestamps are not microseconds')


def check_poses(dataset: NuscenesDataset) -> Iterator[DatasetIssue]:
    """Look for jumps between the poses of consecutive key readings."""
    for scene_name, keys in groupby(dataset.keys, lambda key: key.scene_name):
        readings = sorted(
            (reading for key in keys for reading in dataset.key_readings(key).values()),
            key=lambda reading: reading['timestamp'])
        try:
            poses = [dataset.rows.ego_pose(reading) for reading in readings]
        except InvalidPoseError as error:
            yield DatasetIssue('poses', f'ego_pose.json, {scene_name}', str(error), CURE)
            continue
        for (before, start), (after, stop) in pairwise(zip(readings, poses)):
            elapsed_s = (after['timestamp'] - before['timestamp']) * 1e-6
            moved = np.linalg.inv(start) @ stop
            distance_m = np.linalg.norm(moved[:3, 3])
            angle_rad = np.arccos(np.clip((np.trace(moved[:3, :3]) - 1) / 2, -1, 1))
            if distance_m > SLACK_M + FASTEST_MPS * elapsed_s or (
                    angle_rad > SLACK_RAD + FASTEST_TURN_RADPS * elapsed_s):
                yield DatasetIssue(
                    'poses', f'ego_pose.json, row {after["ego_pose_token"]} ({scene_name}, '
                    f'{after["channel"]})', f'is {distance_m:.2f} m and '
                    f'{np.degrees(angle_rad):.1f} degrees from that {elapsed_s * 1e3:.0f} ms '
                    'before', CURE)
