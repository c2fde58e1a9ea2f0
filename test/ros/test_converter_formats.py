# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bags of every public converter into the node: sets whole and unmixed, geometry right to a voxel.

The brightness of every image tells its trigger, so that a mixed set shows itself whatever its
stamps say.
"""

from typing import NamedTuple

import cv2
from made_scenes import brightness
import numpy as np
import pytest
from replay import misplaced_m, play, triggers_of, VOXEL_M

from bdc_occ_ros.bags.formats import CONVERTER_FORMATS
from bdc_occ_ros.bags.rig_bag import RecordedReading, RigBagWriter
from bdc_occ_ros.geometry.calibration_file import save_calibration
from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_STEP_MS, START_NS
from bdc_occ_ros.world.drive import Drive

SIZE = (160, 90)
NUM_TRIGGERS = 36


class Expected(NamedTuple):
    """What a converter allows: sets that go by while offsets are learned, or never get a pose."""

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
COLUMNS = {'converter': 19, 'offered': 7, 'formed': 6, 'computed': 8, 'mixed': 5,
           'calibration': 18, 'motion': 6, 'off at 40 m': 11, 'not computed': 12}


@pytest.fixture(scope='module')
def small_rig(nuscenes_rig):
    return nuscenes_rig.resized(*SIZE)


@pytest.fixture(scope='module')
def drive(small_rig, moving_seed):
    return Drive(small_rig, moving_seed)


def write_bag(path, drive, converter):
    """Write a drive whose images are as bright as their trigger's number says."""
    rig = drive.rig
    with RigBagWriter(path, rig, START_NS, converter=converter) as bag:
        for trigger in range(NUM_TRIGGERS):
            pixels = np.full((SIZE[1], SIZE[0], 3), brightness(trigger), np.uint8)
            jpeg = cv2.imencode('.jpg', pixels)[1].tobytes()
            fired = sorted(drive.exposures(trigger).values(), key=lambda e: e.stamp_ns)
            bag.write_set([RecordedReading(e.camera, e.stamp_ns, jpeg, e.world_from_ego)
                           for e in fired], trigger % len(NUSCENES_STEP_MS) == 0)
        return bag.summary.num_sets


def drops_of(parts, learning):
    """Say what became of the sets that were not computed."""
    found = {name: count for part in ('synchronizer', 'output')
             for name, count in parts[part].items()
             if name.startswith(('not formed', 'dropped', 'skipped', 'stale')) and count != '0'}
    if learning:
        found['before offsets were learned'] = learning
    return ', '.join(f'{count} {name}' for name, count in found.items())


def pose_at(drive, triggers):
    """Return a function from a camera to the pose of the vehicle at its exposure."""
    fired = drive.exposures(min(triggers))
    return lambda name: fired[name].world_from_ego


@pytest.fixture(scope='module')
def table():
    """Collect a row per converter and print them at the end; pytest -s shows them."""
    rows = []
    yield rows
    print('\n\n' + ' '.join(f'{title:{width}}' for title, width in COLUMNS.items()))
    for row in rows:
        print(' '.join(f'{value!s:{width}}' for value, width in zip(row, COLUMNS.values())))


@pytest.mark.parametrize('converter', CONVERTER_FORMATS.values(), ids=CONVERTER_FORMATS)
def test_a_converter_s_bag_replays_unmixed_and_in_place(
        converter, drive, small_rig, tiny_model, table, tmp_path):
    num_sets = write_bag(tmp_path / 'bag', drive, converter)
    parameters = {}
    if converter.name in NEEDS_FILE:
        parameters['calibration_file'] = tmp_path / 'calibration.yaml'
        save_calibration(small_rig, tmp_path / 'calibration.yaml')
    expected = EXPECTED[converter.name]
    frames, parts = play(tmp_path / 'bag', converter.name, tmp_path, tiny_model, parameters)
    triggers = [triggers_of(frame) for frame in frames]
    mixed = sum(len(each) != 1 for each in triggers)
    formed, partial = (int(parts['synchronizer'][name]) for name in ('complete', 'partial'))
    sources = parts['calibration']['source'], parts['ego motion']['source']
    misplaced = max(misplaced_m(frame, small_rig, pose_at(drive, each))
                    for frame, each in zip(frames, triggers))
    table.append((converter.name, num_sets, formed, len(frames), mixed,
                  'camera_info and TF' if converter.name not in NEEDS_FILE else 'file', sources[1],
                  f'{1000 * misplaced:.0f} mm',
                  drops_of(parts, num_sets - formed if expected.learning else 0)))
    assert mixed == partial == 0 and {len(frame['brightness']) for frame in frames} == {6}
    assert misplaced < VOXEL_M / 4
    assert formed >= num_sets - expected.learning
    assert len(frames) >= formed - expected.without_pose
    assert sources == (str(tmp_path / 'calibration.yaml') if converter.name in NEEDS_FILE
                       else 'camera_info and TF', expected.motion)
