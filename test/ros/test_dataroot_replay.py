# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A scene of a data set, written as a converter's bag, into the running node."""

from made_scenes import VERSION, world_from_ego
import pytest
from replay import misplaced_m, play, VOXEL_M

from bdc_occ_ros.cli.__main__ import main

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
NUM_SETS = 36


def test_every_trigger_of_a_scene_reaches_the_network_in_place(swept_dataroot, small_rig,
                                                               tiny_model, tmp_path):
    bag = tmp_path / 'bag'
    assert main(['bag', 'write', '--dataroot', str(swept_dataroot), '--version', VERSION,
                 '--scene', 'scene-0103', '--flavour', 'nuscenes_to_ros2bag', '--calibration',
                 'file', '-o', str(bag), '--json']) == 0
    frames, parts = play(bag, 'nuscenes_to_ros2bag', tmp_path, tiny_model,
                         {'calibration_file': bag / 'calibration.yaml'})
    assert int(parts['synchronizer']['complete']) == NUM_SETS
    assert len(frames) >= NUM_SETS - 1
    for frame in frames:
        assert len(frame['brightness']) == 6
        assert misplaced_m(frame, small_rig, lambda name, stamps_ns=frame['stamps_ns']:
                           world_from_ego(stamps_ns[name] // 1000)) < VOXEL_M / 4
