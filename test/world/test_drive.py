# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Drives at the full rate: timing of nuScenes, images from a seed, truth of the same moment."""

import numpy as np
import pytest

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.world.drive import Drive, num_triggers, TRIGGERS_NS


@pytest.fixture(scope='module')
def rig(nuscenes_rig):
    return nuscenes_rig.resized(96, 54)


@pytest.fixture(scope='module')
def drive(rig, moving_seed):
    return Drive(rig, moving_seed)


def speed_mps(drive, trigger):
    start_m, end_m = (drive.exposures(number)['CAM_FRONT_LEFT'].world_from_ego[:3, 3]
                      for number in (trigger, trigger + 1))
    return np.linalg.norm(end_m - start_m) * 1e9 / (TRIGGERS_NS[trigger + 1]
                                                    - TRIGGERS_NS[trigger])


def test_cameras_fire_in_the_order_of_nuscenes(drive):
    fired = drive.exposures(1)
    first = fired['CAM_FRONT_LEFT'].stamp_ns
    delays = {name: (exposure.stamp_ns - first) / 1e6 for name, exposure in fired.items()}
    assert delays == pytest.approx({
        'CAM_FRONT_LEFT': 0, 'CAM_FRONT': 7.6, 'CAM_FRONT_RIGHT': 15.5, 'CAM_BACK_RIGHT': 23.0,
        'CAM_BACK': 32.7, 'CAM_BACK_LEFT': 42.6})
    gaps = np.diff([drive.exposures(k)['CAM_FRONT_LEFT'].stamp_ns for k in range(7)]) / 1e6
    assert gaps.tolist() == [50, 100, 100, 50, 100, 100]


def test_every_exposure_has_the_pose_of_its_own_time(drive):
    poses = {name: exposure.world_from_ego for name, exposure in drive.exposures(12).items()}
    start_m, end_m = poses['CAM_FRONT_LEFT'][:3, 3], poses['CAM_BACK_LEFT'][:3, 3]
    assert np.linalg.norm(end_m - start_m) == pytest.approx(0.0426 * speed_mps(drive, 12),
                                                            rel=0.05)


def test_a_drive_longer_than_a_scene_is_refused():
    assert num_triggers(10.0) == 120
    for seconds in (0.0, -1.0, 21.0, float('nan')):
        with pytest.raises(UsageError, match='up to 20 s'):
            num_triggers(seconds)


def test_equal_seeds_give_equal_images_and_other_seeds_others(drive, rig, moving_seed):
    images, again, other = (d.images(20)
                            for d in (drive, Drive(rig, moving_seed), Drive(rig, moving_seed + 1)))
    for name, image in images.items():
        assert image.shape == (54, 96, 3) and image.dtype == np.uint8
        assert np.array_equal(image, again[name])
        assert not np.array_equal(image, other[name])
    assert not np.array_equal(images['CAM_FRONT'], drive.images(21)['CAM_FRONT'])


def test_truth_is_stamped_and_boxes_hold_cells_of_their_class(drive):
    occupancy, boxes = drive.truth(20)
    assert occupancy.stamp_ns == boxes.stamp_ns == TRIGGERS_NS[20]
    assert 0.02 < occupancy.observed.mean() < 0.3 and len(boxes) >= 5
    centers = occupancy.grid.centers_m(np.argwhere(occupancy.labels != occupancy.free_label))
    labels = occupancy.labels[occupancy.labels != occupancy.free_label]
    holding = []
    for index in range(len(boxes)):
        offset = centers - boxes.centers_m[index]
        cos, sin = np.cos(boxes.yaws_rad[index]), np.sin(boxes.yaws_rad[index])
        local = np.stack((cos * offset[:, 0] + sin * offset[:, 1],
                          -sin * offset[:, 0] + cos * offset[:, 1], offset[:, 2]), axis=-1)
        inside = (np.abs(local) <= boxes.sizes_m[index] / 2 + 0.2).all(axis=1)
        name = DETECTION_CLASS_NAMES[boxes.labels[index]]
        holding.append((labels[inside] == OCCUPANCY_CLASS_NAMES.index(name)).any())
    assert np.mean(holding) > 0.9


def test_velocity_is_how_boxes_move_over_ground(drive):
    """Boxes of one trigger, moved on by their velocity, lie on those of the next."""
    first, second = (drive.truth(trigger)[1] for trigger in (18, 19))
    elapsed_s = (TRIGGERS_NS[19] - TRIGGERS_NS[18]) / 1e9
    poses = [drive.exposures(trigger)['CAM_FRONT_LEFT'].world_from_ego for trigger in (18, 19)]
    places = [boxes.centers_m @ pose[:3, :3].T + pose[:3, 3]
              for boxes, pose in zip((first, second), poses)]
    rests = []
    for place, velocity in zip(places[0], first.velocities_mps):
        if np.linalg.norm(velocity) > 2:
            moved = place[:2] + poses[0][:2, :2] @ velocity * elapsed_s
            rests.append(np.linalg.norm(places[1][:, :2] - moved, axis=1).min())
    assert len(rests) >= 2 and np.median(rests) < 0.05
