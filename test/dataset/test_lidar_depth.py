# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth maps hold the nearest point of every cell, as the devkit projects the points."""

import gc

import numpy as np
import pytest

from bdc_occ_ros.dataset.nuscenes_dataset import depth_map_m
from bdc_occ_ros.geometry.preprocessing import Preprocessor
from bdc_occ_ros.network.config import load_network_config

INPUT_FROM_CAMERA = np.array(((40.0, 0, 31.5), (0, 40.0, 15.5), (0, 0, 1)))


def map_of(points_m, **changes):
    arguments = {'camera_from_points': np.eye(4), 'input_from_camera': INPUT_FROM_CAMERA,
                 'shape': (4, 8), 'stride_px': 8, 'limits_m': (1.0, 45.0)} | changes
    return depth_map_m(np.array(points_m, float).reshape(-1, 3), **arguments)


def point_at(u_px, v_px, depth_m):
    return depth_m * (np.linalg.inv(INPUT_FROM_CAMERA) @ (u_px, v_px, 1.0))


def test_the_nearest_point_of_a_cell_counts():
    depths_m = map_of([point_at(20, 10, 30), point_at(17, 15, 12.5), point_at(23.4, 8.2, 20)])
    assert depths_m.dtype == np.float32 and depths_m.shape == (4, 8)
    assert depths_m[1, 2] == 12.5 and np.count_nonzero(depths_m) == 1


def test_a_cell_ends_half_a_pixel_beyond_its_last_pixel():
    depths_m = map_of([point_at(7.49, 0, 5), point_at(7.51, 8, 6), point_at(-0.49, 31.49, 7)])
    assert depths_m[0, 0] == 5 and depths_m[1, 1] == 6 and depths_m[3, 0] == 7
    assert not map_of([point_at(63.51, 0, 5), point_at(-0.51, 0, 5), point_at(0, 31.51, 5)]).any()


def test_what_is_behind_too_near_or_too_far_is_left_out():
    assert not map_of([point_at(20, 10, -5), point_at(20, 10, 0.99), point_at(20, 10, 45)]).any()
    assert map_of([point_at(20, 10, 0.99), point_at(20, 10, 44.9)])[1, 2] == np.float32(44.9)
    assert not map_of([]).any()


def test_the_pose_of_the_points_counts():
    moved = np.eye(4)
    moved[:3, 3] = 0.0, 0.0, 4.0
    assert map_of([point_at(31.5, 15.5, 6.0)], camera_from_points=moved)[2, 4] == 10.0


@pytest.mark.data
@pytest.mark.filterwarnings('ignore::ResourceWarning',  # the devkit leaves its images open
                            'ignore::pytest.PytestUnraisableExceptionWarning')
def test_real_depth_maps_are_those_of_the_devkit_s_projection(real_dataset):
    from nuscenes.nuscenes import NuScenesExplorer
    config = load_network_config('flashocc_r50')
    limits_m = config.depth.start_m, config.depth.stop_m
    key = real_dataset.keys[0]
    frame, points_m = real_dataset.frame(key), real_dataset.lidar_points_m(key)
    data = real_dataset.tables.get('sample', key.token)['data']
    explorer = NuScenesExplorer(real_dataset.tables)
    num_cells = 0
    for name in frame.rig.names:
        camera, size = frame.rig[name], config.image
        scaling = Preprocessor(camera, size).input_from_image
        pixels, depths_m, _ = explorer.map_pointcloud_to_image(data['LIDAR_TOP'], data[name])
        moved = np.rint((scaling @ np.vstack((pixels[:2], np.ones(len(depths_m)))))[:2])
        expected = np.zeros(config.feature_shape)
        for (u, v), depth_m in zip(moved.T.astype(int), depths_m):
            if 0 <= u < size.width_px and 0 <= v < size.height_px and (
                    limits_m[0] <= depth_m < limits_m[1]):
                cell = v // 16, u // 16
                expected[cell] = min(expected[cell] or np.inf, depth_m)
        found = depth_map_m(
            points_m, np.linalg.inv(frame.fixed_from_ego[name] @ camera.ego_from_camera),
            scaling @ camera.intrinsics, config.feature_shape, config.feature_stride, limits_m)
        # the devkit works in float32 and leaves out the outermost pixel
        same = np.isclose(found, expected, atol=0.01)
        assert same.mean() > 0.99
        num_cells += np.count_nonzero(found)
    assert num_cells > 2000  # of 4224
    gc.collect()
