# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The voxels of a box are those whose centres are in it, wherever it lies and however turned."""

import numpy as np
import pytest

from bdc_occ_ros.dataset.check.agreement import voxels_inside
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid


@pytest.mark.parametrize('center_m, size_m, yaw_rad', [
    ((3.1, -7.4, 0.9), (4.5, 1.9, 1.6), 0.0), ((-12.0, 5.5, 1.5), (11.0, 2.6, 3.4), 0.7),
    ((39.0, 39.5, 5.0), (6.0, 3.0, 3.0), -2.5), ((0.0, 0.0, 0.0), (0.3, 0.3, 0.3), 1.0)])
def test_they_are_those_of_every_centre_tried(center_m, size_m, yaw_rad):
    grid = VoxelGrid()
    axes = [np.arange(count) for count in grid.shape]
    voxels = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    turn = np.array([[np.cos(yaw_rad), -np.sin(yaw_rad), 0], [np.sin(yaw_rad), np.cos(yaw_rad), 0],
                     [0, 0, 1]])
    local_m = (grid.centers_m(voxels) - np.array(center_m)) @ turn
    expected = voxels[(np.abs(local_m) <= np.array(size_m) / 2).all(axis=1)]
    found = voxels_inside(grid, np.array(center_m), np.array(size_m), yaw_rad)
    assert sorted(map(tuple, found)) == sorted(map(tuple, expected))


def test_a_box_outside_the_grid_has_none():
    found = voxels_inside(VoxelGrid(), np.array((60.0, 0, 0)), np.array((4.0, 2, 2)), 0.3)
    assert found.shape == (0, 3)
