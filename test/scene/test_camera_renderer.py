# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth and pictures against rays cast one by one."""

import numpy as np
import pytest
from ray_oracle import distances_along

from bdc_occ_ros.scene.drive import exposures
from bdc_occ_ros.scene.street import Street
from bdc_occ_ros.scene.visible_faces import FAR_M

TRIGGER = 20


@pytest.mark.parametrize('name', ['CAM_FRONT', 'CAM_BACK_LEFT', 'CAM_BACK'])
def test_depth_is_that_of_a_cast_ray(name, views, small_rig):
    exposure, camera = exposures(small_rig, TRIGGER)[name], small_rig[name]
    world_from_camera = exposure.world_from_ego @ camera.ego_from_camera
    random = np.random.default_rng(0)
    pixels = np.stack((random.integers(0, 160, 600), random.integers(0, 90, 600),
                       np.ones(600, int)), axis=-1)
    rays = pixels @ np.linalg.inv(camera.intrinsics).T @ world_from_camera[:3, :3].T
    depths = distances_along(world_from_camera[:3, 3], rays, Street.from_seed(3).objects,
                             exposure.time_s)
    drawn = views[name].inverse_depth[pixels[:, 1], pixels[:, 0]]
    near = depths < 0.8 * FAR_M
    error = np.abs(drawn[near] * depths[near] - 1)
    assert near.sum() > 300
    assert (error < 1e-3).mean() > 0.85  # the rest are pixels on the outline of something
    assert (error < 0.1).mean() > 0.94


def test_sky_has_no_depth_and_the_road_has(views):
    inverse_depth = views['CAM_FRONT'].inverse_depth
    assert (inverse_depth[0] == 0).any()
    assert (inverse_depth[-1] > 0).all()


def test_the_middle_of_the_road_is_marked_yellow(views, small_rig):
    exposure, camera = exposures(small_rig, TRIGGER)['CAM_FRONT'], small_rig['CAM_FRONT']
    camera_from_world = np.linalg.inv(exposure.world_from_ego @ camera.ego_from_camera)
    x_m = exposure.world_from_ego[0, 3] + 9.0
    line, lane = (camera_from_world @ (x_m, y_m, 0.0, 1.0) for y_m in (0.0, -1.0))
    excess = []
    for point in (line, lane):
        u, v, w = camera.intrinsics @ point[:3]
        pixel = views['CAM_FRONT'].image[round(v / w), round(u / w)].astype(int)
        excess.append(pixel[0] - pixel[2])  # red over blue
    assert excess[0] > 20 > abs(excess[1]) + 10
