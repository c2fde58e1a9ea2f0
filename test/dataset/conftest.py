# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is stored of a real keyframe, and a data set made of it."""

import json

import numpy as np
import pytest

from bdc_occ_ros.bags.keyframe import load_keyframe
from bdc_occ_ros.dataset.dataroot import assemble_dataroot
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.scene_writer import (
    Annotation,
    SampleRecord,
    SceneDescription,
    SceneWriter,
    SensorReading,
)
from bdc_occ_ros.geometry.rotations import pose_from_wxyz


@pytest.fixture(scope='session')
def real_keyframe(data_folder):
    """Return the stored calibration and boxes of a real keyframe, and its folder."""
    folder = data_folder / 'nuscenes_full_scene0003'
    return (folder, json.loads((folder / 'calibration.json').read_text()),
            json.loads((folder / 'boxes.json').read_text())['boxes'])


@pytest.fixture(scope='session')
def real_dataset(data_folder, real_keyframe, tmp_path_factory):
    """Write a real keyframe as a data set of its own and open it."""
    folder, calibration, stored = real_keyframe
    keyframe, lidar = load_keyframe(folder), calibration['lidar']
    world_from_lidar_ego = pose_from_wxyz(lidar['ego_translation_global'],
                                     lidar['ego_rotation_global_wxyz'])
    dataroot = tmp_path_factory.mktemp('real')
    writer = SceneWriter(dataroot, 'v1.0-mini', SceneDescription(
        'scene-0103', '', keyframe.rig, pose_from_wxyz(
            lidar['translation_ego_lidar'], lidar['rotation_ego_lidar_wxyz']), 'n015', 'here'))
    annotations = []
    for number, entry in enumerate(stored):
        x, y, z, length, width, height, yaw = entry['box'][:7]
        ego_from_box = pose_from_wxyz((x, y, z), (np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)))
        annotations.append(Annotation(
            str(number), entry['class'], world_from_lidar_ego @ ego_from_box,
            (length, width, height), 0.0, entry['num_lidar_pts']))
    points = np.fromfile(folder / 'lidar_top.bin', np.float32).reshape(-1, 5)
    writer.write_sample(SampleRecord(
        lidar['timestamp_us'],
        {name: SensorReading(keyframe.stamps_ns[name] // 1000, keyframe.jpegs[name],
                             keyframe.fixed_from_ego[name]) for name in keyframe.rig.names},
        SensorReading(lidar['timestamp_us'], points, world_from_lidar_ego), annotations))
    writer.close()
    assemble_dataroot(dataroot, 'v1.0-mini', {})
    return NuscenesDataset(dataroot, 'v1.0-mini', 'mini_val')
