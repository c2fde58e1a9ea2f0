# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The layout follows from the seed, and the ground is where the map says."""

import numpy as np
import pytest

from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.scene.drive import Drive
from bdc_occ_ros.scene.drive import exposures
from bdc_occ_ros.scene.drive import num_triggers
from bdc_occ_ros.scene.ground import CROSSING_M
from bdc_occ_ros.scene.ground import ground_labels
from bdc_occ_ros.scene.street import EGO_SPEED_MPS
from bdc_occ_ros.scene.street import Street
from bdc_occ_ros.scene.street import world_from_ego


def test_equal_seeds_give_equal_images_and_other_seeds_others(drive, views, small_rig):
    again = Drive(small_rig, seed=3).views(20)
    other = Drive(small_rig, seed=4).views(20)
    for name, view in views.items():
        assert np.array_equal(view.image, again[name].image)
        assert not np.array_equal(view.image, other[name].image)


@pytest.mark.parametrize('x_m, y_m, name', [
    (40.0, 0.0, 'driveable_surface'), (40.0, 8.5, 'sidewalk'), (40.0, -8.5, 'sidewalk'),
    (40.0, 13.0, 'other_flat'), (40.0, -13.0, 'terrain'), (CROSSING_M, 30.0, 'driveable_surface'),
    (CROSSING_M + 6.0, 30.0, 'sidewalk'), (40.0, 30.0, 'terrain'),
])
def test_ground_has_the_class_of_the_map(x_m, y_m, name):
    assert OCCUPANCY_CLASS_NAMES[int(ground_labels(np.array(x_m), np.array(y_m)))] == name


def test_every_detection_class_stands_somewhere():
    found = {OCCUPANCY_CLASS_NAMES[item.label] for item in Street.from_seed(0).objects}
    assert found >= {'car', 'truck', 'bus', 'trailer', 'construction_vehicle', 'pedestrian',
                     'motorcycle', 'bicycle', 'barrier', 'traffic_cone', 'vegetation', 'manmade'}


def test_ego_moves_where_it_points():
    step_s = 1e-4
    for time_s in (0.0, 1.7, 6.3):
        moved = world_from_ego(time_s + step_s)[:3, 3] - world_from_ego(time_s)[:3, 3]
        forward = world_from_ego(time_s)[:3, 0]
        assert moved @ forward / step_s == pytest.approx(EGO_SPEED_MPS, rel=0.05)
        assert np.linalg.norm(np.cross(moved, forward)) < 1e-3 * np.linalg.norm(moved)


def test_cameras_fire_in_the_order_of_nuscenes(small_rig):
    fired = exposures(small_rig, 1)
    first = fired['CAM_FRONT_LEFT'].stamp_ns
    delays = {name: (exposure.stamp_ns - first) / 1e6 for name, exposure in fired.items()}
    assert delays == pytest.approx({
        'CAM_FRONT_LEFT': 0, 'CAM_FRONT': 7.6, 'CAM_FRONT_RIGHT': 15.5, 'CAM_BACK_RIGHT': 23.0,
        'CAM_BACK': 32.7, 'CAM_BACK_LEFT': 42.6})
    gaps = np.diff([exposures(small_rig, k)['CAM_FRONT_LEFT'].stamp_ns for k in range(7)]) / 1e6
    assert gaps.tolist() == [50, 100, 100, 50, 100, 100]


def test_a_drive_longer_than_the_street_is_refused():
    assert num_triggers(10.0) == 120
    for seconds in (0.0, -1.0, 21.0, float('nan')):
        with pytest.raises(UsageError, match='up to 20 s'):
            num_triggers(seconds)
