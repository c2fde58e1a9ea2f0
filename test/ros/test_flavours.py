# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bags of every public converter into the node: sets whole and unmixed, geometry right to a voxel.

The brightness of every image tells its trigger, so that a mixed set shows itself whatever its
stamps say.
"""

import json
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2

from bdc_occ_ros.bags.flavours import FLAVOURS
from bdc_occ_ros.bags.open_bag import open_bag
from bdc_occ_ros.bags.recorded_image import RecordedImage
from bdc_occ_ros.calibration_file import save_calibration
from bdc_occ_ros.camera_rig import CameraRig
from bdc_occ_ros.ros.bag_player import BagPlayer
from bdc_occ_ros.ros.demo import DiagnosticsWatch
from bdc_occ_ros.ros.spun_node import spun_node
from bdc_occ_ros.share import share_path
from bdc_occ_ros.synthetic_triggers import NUSCENES_STEP_MS
from bdc_occ_ros.synthetic_triggers import START_NS
from bdc_occ_ros.world.drive import Drive

PROGRAM = Path(__file__).with_name('frame_keeping_node.py')
SIZE = (160, 90)
NUM_TRIGGERS = 36
SEED = 1
DARKEST, STEP = 10, 6
VOXEL_M, FAR_M = 0.4, 40.0


class Expected(NamedTuple):
    """What a flavour allows: sets that go by while offsets are learned, or never get a pose."""

    motion: str
    learning: int = 0
    without_pose: int = 1


EXPECTED = {
    'nuscenes2bag': Expected('tf'),
    'nuscenes2bag_ros2': Expected('off'),
    'nuscenes_to_ros2bag': Expected('odom'),
    'mcap_style': Expected('tf', without_pose=12),  # poses twice a second, none behind the last
    'dataset_bridge': Expected('off'),
    'autoware': Expected('tf', learning=25),
}
NEEDS_FILE = {'nuscenes2bag', 'nuscenes2bag_ros2', 'nuscenes_to_ros2bag'}
TIMEOUT_S = 20.0


@pytest.fixture(scope='module')
def small_rig(nuscenes_rig):
    return CameraRig(tuple(c.resized(*SIZE) for c in nuscenes_rig.cameras),
                     nuscenes_rig.key_camera)


def write_bag(path, rig, flavour):
    """Write a drive whose images are as bright as their trigger's number says."""
    drive = Drive(rig, SEED)
    with open_bag(path, rig, START_NS, flavour=flavour) as bag:
        for trigger in range(NUM_TRIGGERS):
            pixels = np.full((SIZE[1], SIZE[0], 3), DARKEST + STEP * trigger, np.uint8)
            jpeg = cv2.imencode('.jpg', pixels)[1].tobytes()
            fired = sorted(drive.exposures(trigger).values(), key=lambda e: e.stamp_ns)
            bag.write_set([RecordedImage(e.camera, e.stamp_ns, jpeg, e.world_from_ego)
                           for e in fired], trigger % len(NUSCENES_STEP_MS) == 0)
        return bag.num_sets


def play(bag, flavour, folder, model, parameters):
    """Play a bag into a node of its own; return the frames it computed and its diagnostics."""
    arguments = ['--ros-args']
    for name in ('occ.yaml', f'dataset_{flavour.name}.yaml'):
        arguments += ['--params-file', str(share_path('config', name))]
    for name, value in parameters.items():
        arguments += ['-p', f'{name}:={value}']
    output = folder / 'frames.jsonl'
    with spun_node('replay') as node, (folder / 'log').open('w') as log:
        player = BagPlayer(node, bag, has_clock=True)
        watch = DiagnosticsWatch(node)
        node.create_subscription(PointCloud2, '/occupancy', lambda _: None, 10)
        process = subprocess.Popen([sys.executable, PROGRAM, output, model, *arguments],
                                   stdout=log, stderr=subprocess.STDOUT)
        try:
            topics = [player_topic for player_topic in player.num_subscribers()
                      if 'cam' in player_topic.lower() and 'info' not in player_topic]
            deadline_s = time.monotonic() + TIMEOUT_S
            while not all(player.num_subscribers()[topic] for topic in topics):
                player.linger(0.05)
                assert process.poll() is None, (folder / 'log').read_text()
                assert time.monotonic() < deadline_s, (folder / 'log').read_text()
            player.linger(0.8)
            player.play()
            player.linger(1.5)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(TIMEOUT_S) == 0
        return [json.loads(line) for line in output.read_text().splitlines()], watch.parts


def trigger_of(brightness):
    return round((brightness - DARKEST) / STEP)


def drops_of(parts):
    """Return what became of the sets that were not computed."""
    return {name: count for name, count in parts['output'].items()
            if name.startswith(('dropped', 'skipped', 'stale'))}


def farthest_error_m(got, true):
    """Return how far a point 40 m ahead of a camera is misplaced by a wrong mount."""
    point = np.array([0.0, 0.0, FAR_M, 1.0])
    return float(np.linalg.norm((np.array(got) - true) @ point))


def assert_geometry(frame, rig):
    """Compare calibration and motion with the truth."""
    triggers = {name: trigger_of(value) for name, value in frame['brightness'].items()}
    for camera in rig.cameras:
        assert np.allclose(frame['intrinsics'][camera.name], camera.intrinsics, atol=1e-6)
        assert farthest_error_m(frame['ego_from_camera'][camera.name],
                                camera.ego_from_camera) < VOXEL_M / 10
    if frame['key_ego_from_ego'] is None:
        return
    drive = Drive(rig, SEED)
    fired = {name: drive.exposures(trigger)[name] for name, trigger in triggers.items()}
    key_from_world = np.linalg.inv(fired[rig.key_camera].world_from_ego)
    for name, motion in zip(frame['order'], frame['key_ego_from_ego']):
        true = key_from_world @ fired[name].world_from_ego
        assert farthest_error_m(motion, true) < VOXEL_M / 4


@pytest.mark.parametrize('flavour', FLAVOURS, ids=lambda flavour: flavour.name)
def test_a_converter_s_bag_replays_unmixed_and_in_place(flavour, small_rig, tiny_model, tmp_path):
    num_sets = write_bag(tmp_path / 'bag', small_rig, flavour)
    parameters = {'use_sim_time': 'true', 'diagnostics_period_s': 0.2}
    if flavour.name in NEEDS_FILE:
        parameters['calibration_file'] = tmp_path / 'calibration.yaml'
        save_calibration(small_rig, tmp_path / 'calibration.yaml')
    frames, parts = play(tmp_path / 'bag', flavour, tmp_path, tiny_model, parameters)
    formed = int(parts['synchronizer']['complete'])
    sources = parts['calibration']['source'], parts['ego motion']['source']
    print(f'\n{flavour.name}: offered {num_sets}, formed {formed}, computed {len(frames)}, '
          f'calibration {sources[0]}, motion {sources[1]}, {drops_of(parts)}')
    for frame in frames:
        triggers = {trigger_of(value) for value in frame['brightness'].values()}
        assert len(frame['brightness']) == 6 and len(triggers) == 1, 'mixed or partial'
        assert_geometry(frame, small_rig)
    expected = EXPECTED[flavour.name]
    assert formed >= num_sets - expected.learning
    assert len(frames) >= formed - expected.without_pose
    assert sources == (str(tmp_path / 'calibration.yaml') if flavour.name in NEEDS_FILE
                       else 'camera_info and TF', expected.motion)
