# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The labels say what rays hit, and boxes are where the objects are."""

import numpy as np
from ray_oracle import distances_along

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.classes import FREE_LABEL
from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.scene.drive import exposures
from bdc_occ_ros.scene.drive import TRIGGERS_NS
from bdc_occ_ros.scene.street import Street

TRIGGER = 20
CELL_DIAGONAL_M = 0.4 * 3**0.5


def test_most_boxes_hold_cells_of_their_class(truth):
    occupancy, boxes = truth
    centers = occupancy.grid.centers_m(np.argwhere(occupancy.labels != FREE_LABEL))
    labels = occupancy.labels[occupancy.labels != FREE_LABEL]
    for index in range(len(boxes)):
        offset = centers - boxes.centers_m[index]
        cos, sin = np.cos(boxes.yaws_rad[index]), np.sin(boxes.yaws_rad[index])
        local = np.stack((cos * offset[:, 0] + sin * offset[:, 1],
                          -sin * offset[:, 0] + cos * offset[:, 1], offset[:, 2]), axis=-1)
        inside = (np.abs(local) <= boxes.sizes_m[index] / 2 + 0.2).all(axis=1)
        name = DETECTION_CLASS_NAMES[boxes.labels[index]]
        assert (labels[inside] == OCCUPANCY_CLASS_NAMES.index(name)).any(), name


def test_ground_lies_in_the_layer_of_the_road(truth):
    occupancy, _ = truth
    road = occupancy.labels == OCCUPANCY_CLASS_NAMES.index('driveable_surface')
    assert set(np.argwhere(road)[:, 2]) == {2}
    assert road[100:, 100, 2].mean() > 0.8  # ahead, in the own lane
    assert (occupancy.labels[:, :, 0] == FREE_LABEL).all()


def test_seen_cells_are_not_behind_what_a_ray_hits(truth, small_rig):
    occupancy, _ = truth
    objects = Street.from_seed(3).objects
    fired = exposures(small_rig, TRIGGER)
    key = fired[small_rig.key_camera]
    random = np.random.default_rng(1)
    for is_seen in (True, False):
        cells = np.argwhere(occupancy.observed == is_seen)
        cells = cells[random.choice(len(cells), 150, replace=False)]
        world = (np.concatenate((occupancy.grid.centers_m(cells), np.ones((150, 1))), axis=1)
                 @ key.world_from_ego.T)[:, :3]
        visible = np.zeros(150, bool)
        for camera in small_rig.cameras:
            exposure = fired[camera.name]
            world_from_camera = exposure.world_from_ego @ camera.ego_from_camera
            rays = world - world_from_camera[:3, 3]
            local = rays @ world_from_camera[:3, :3]
            reach = distances_along(world_from_camera[:3, 3], rays, objects, exposure.time_s)
            with np.errstate(divide='ignore', invalid='ignore'):
                u, v, w = (local @ camera.intrinsics.T).T
                inside = (w > 0.3) & (0 <= u / w) & (u / w < 160) & (0 <= v / w) & (v / w < 90)
            slack = 2 * CELL_DIAGONAL_M / np.linalg.norm(rays, axis=1)
            visible |= inside & (reach * (1 + slack if is_seen else 1 - slack) >= 1)
        assert visible.mean() > 0.97 if is_seen else visible.mean() < 0.03


def test_velocity_is_how_boxes_move_over_ground(drive, small_rig):
    first, second = (drive.truth(trigger, drive.views(trigger))[1] for trigger in (0, 1))
    elapsed_s = (TRIGGERS_NS[1] - TRIGGERS_NS[0]) / 1e9
    poses = [exposures(small_rig, trigger)[small_rig.key_camera].world_from_ego
             for trigger in (0, 1)]
    places = [boxes.centers_m @ pose[:3, :3].T + pose[:3, 3]
              for boxes, pose in zip((first, second), poses)]
    checked = 0
    for index, place in enumerate(places[0]):
        moved = (poses[0][:2, :2] @ first.velocities_mps[index]) * elapsed_s
        rest = np.linalg.norm(places[1][:, :2] - place[:2] - moved, axis=1)
        if np.linalg.norm(first.velocities_mps[index]) > 3 and len(rest):
            checked += rest.min() < 0.02
    assert checked >= 4
