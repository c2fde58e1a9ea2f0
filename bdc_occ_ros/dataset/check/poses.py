# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that the vehicle moves as vehicles do."""

from collections.abc import Iterator
from itertools import groupby, pairwise

import numpy as np

from bdc_occ_ros.dataset.check.issues import Finding
from bdc_occ_ros.dataset.nuscenes_dataset import CAMERAS, NuscenesDataset
from bdc_occ_ros.dataset.scene_records import LIDAR
from bdc_occ_ros.errors import InvalidPoseError

FASTEST_MPS = 60.0
FASTEST_TURN_RADPS = 2.0
SLACK_M = 0.1
SLACK_RAD = 0.02
CURE = ('every reading needs the ego pose of its own time, world_from_ego, metres and w x y z; '
        'see whether poses were exchanged, or timestamps are not microseconds')


def check_poses(dataset: NuscenesDataset) -> Iterator[Finding]:
    """
    Look for jumps between the poses of consecutive readings.

    :param dataset: The key readings of all its samples are looked at.
    """
    for scene_name, keys in groupby(dataset.keys, lambda key: key.scene_name):
        readings = []
        for key in keys:
            data = dataset.rows.row('sample', key.token)['data']
            readings += [dataset.rows.row('sample_data', data[channel])
                         for channel in (*CAMERAS, LIDAR) if channel in data]
        readings.sort(key=lambda reading: reading['timestamp'])
        try:
            poses = [dataset.rows.ego_pose(reading) for reading in readings]
        except InvalidPoseError as error:
            yield Finding('poses', f'ego_pose.json, {scene_name}', str(error), CURE)
            continue
        for (before, start), (after, stop) in pairwise(zip(readings, poses)):
            elapsed_s = (after['timestamp'] - before['timestamp']) * 1e-6
            moved = np.linalg.inv(start) @ stop
            distance_m = np.linalg.norm(moved[:3, 3])
            angle_rad = np.arccos(np.clip((np.trace(moved[:3, :3]) - 1) / 2, -1, 1))
            if distance_m > SLACK_M + FASTEST_MPS * elapsed_s or (
                    angle_rad > SLACK_RAD + FASTEST_TURN_RADPS * elapsed_s):
                yield Finding(
                    'poses', f'ego_pose.json, row {after["ego_pose_token"]} ({scene_name}, '
                    f'{after["channel"]})', f'is {distance_m:.2f} m and '
                    f'{np.degrees(angle_rad):.1f} degrees from that {elapsed_s * 1e3:.0f} ms '
                    'before', CURE)
