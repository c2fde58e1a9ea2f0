# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every rule of the columns of the map, and its place on the ground."""

import array
import itertools

import cv2
import numpy as np
from occupancies import GRID, occupancy, random_occupancy
import pytest

from bdc_occ_ros.errors import InvalidConfigError, InvalidGridError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.ros.conversions import make_header
from bdc_occ_ros.ros.node_config import GridConfig
from bdc_occ_ros.ros.occupancy_to_messages import column_costs, occupancy_to_grid

HEADER = make_header(5, 'base_link')
SETTINGS = GridConfig()  # 0.2 to 2.2 m: layers 3 to 7 of the grid
COLUMN = (120, 90)


def column(cells, unseen=(), settings=SETTINGS):
    """Return the cost of one column with classes at heights."""
    given = occupancy([((*COLUMN, z), name) for z, name in cells],
                      [(*COLUMN, z) for z in unseen])
    return column_costs(given, settings)[COLUMN]


@pytest.mark.parametrize('cells, unseen, expected', [
    ([], (), -1),  # seen and empty: no ground, so unknown
    ([(2, 'driveable_surface')], (), 0),
    ([(2, 'sidewalk'), (4, 'pedestrian')], (), 100),
    ([(4, 'pedestrian')], (), 100),
    ([(2, 'driveable_surface'), (8, 'vegetation')], (), 0),  # a branch above the band
    ([(2, 'driveable_surface'), (7, 'vegetation')], (), 100),  # one within
    ([(0, 'manmade'), (2, 'driveable_surface')], (), 0),  # something under the road
    ([(4, 'terrain')], (), 0),  # ground is ground at any height
    ([(2, 'driveable_surface')], (5,), -1),  # something unseen could stand there
    ([(2, 'driveable_surface')], (0, 1, 8, 15), 0),  # unseen outside the band
    ([(2, 'driveable_surface')], (2,), -1),  # unseen ground is none
    ([(4, 'car')], (4,), -1),  # an unseen label means nothing
    ([(4, 'car'), (5, 'car')], (4,), 100),
    ([(4, 'others')], (), 100),
])
def test_rules_of_a_column(cells, unseen, expected):
    assert column(cells, unseen) == expected


def test_random_grid_against_loops():
    grid = VoxelGrid((-2.0, -2.0, -1.0), (0.4, 0.4, 0.4), (10, 10, 16))
    given = random_occupancy(8, grid, share=0.2)
    costs = column_costs(given, SETTINGS)
    ground = {given.class_names.index(name) for name in SETTINGS.ground_classes}
    for x, y in itertools.product(range(10), range(10)):
        seen = [(z, given.labels[x, y, z]) for z in range(16) if given.observed[x, y, z]]
        band = [label for z, label in seen if 3 <= z <= 7]
        if any(label != 17 and label not in ground for label in band):
            expected = 100
        elif len(band) == 5 and any(label in ground for _, label in seen):
            expected = 0
        else:
            expected = -1
        assert costs[x, y] == expected, (x, y)
    assert set(np.unique(costs)) == {-1, 0, 100}


def test_a_dead_sector_is_never_free():
    given = occupancy([(np.s_[:, :, 2], 'driveable_surface')], unseen=[np.s_[:, 120:]])
    costs = column_costs(given, SETTINGS)
    assert (costs[:, 120:] == -1).all() and (costs[:, :120] == 0).all()


def test_costs_per_class_and_the_dearest_counts():
    settings = GridConfig(class_cost=('terrain:50', 'vegetation:30', 'car:0'))
    assert column([(2, 'terrain')], settings=settings) == 50
    assert column([(2, 'driveable_surface'), (4, 'vegetation')], settings=settings) == 30
    assert column([(2, 'terrain'), (4, 'vegetation')], settings=settings) == 50
    assert column([(4, 'vegetation'), (5, 'bus')], settings=settings) == 100
    assert column([(4, 'car')], settings=settings) == 0
    with pytest.raises(InvalidConfigError, match=r"class_cost: \['road'\] are no classes"):
        column([], settings=GridConfig(class_cost=('road:5',)))


def test_message_is_row_major_with_x_fastest():
    message = occupancy_to_grid(occupancy([((199, 0, 4), 'car'), ((0, 150, 4), 'bus')]),
                                HEADER, SETTINGS)
    assert (message.info.width, message.info.height) == (200, 200)
    assert message.info.resolution == pytest.approx(0.4)
    occupied = [i for i, value in enumerate(message.data) if value == 100]
    assert occupied == [199, 150 * 200]  # right end of the first row, left end of row 150
    origin = message.info.origin
    assert (origin.position.x, origin.position.y) == (GRID.lower_m[0], GRID.lower_m[1])
    assert origin.orientation.w == 1.0
    assert isinstance(message.data, array.array) and message.header.frame_id == 'base_link'


def test_shape_follows_the_grid():
    grid = VoxelGrid((0.0, -3.0, -1.0), (0.5, 0.5, 0.4), (20, 12, 16))
    message = occupancy_to_grid(occupancy([((19, 0, 4), 'car')], grid=grid), HEADER, SETTINGS)
    assert (message.info.width, message.info.height) == (20, 12)
    assert message.data[19] == 100 and list(message.data).count(100) == 1


def turned(yaw, x, y, pitch=0.0):
    """Return a pose of the vehicle in the output frame, 0.5 m above its plane."""
    pose = np.eye(4)
    pose[:3, :3] = cv2.Rodrigues(np.array((0.0, 0.0, yaw)))[0] @ cv2.Rodrigues(
        np.array((0.0, pitch, 0.0)))[0]
    pose[:3, 3] = x, y, 0.5
    return pose


@pytest.mark.parametrize('pose', [
    turned(0.0, 0.0, 0.0), turned(0.0, 12.0, -8.4), turned(np.pi / 2, 10.0, 20.0),
    turned(0.7, -3.3, 51.7), turned(-2.1, 500_003.1, 4_649_776.9), turned(0.4, 1.0, 2.0, 0.2)])
def test_in_another_frame_the_grid_lies_along_its_axes(pose):
    """Every cell says what the column below its centre says; no obstacle falls between cells."""
    grid = VoxelGrid((-4.0, -8.0, -1.0), (0.4, 0.4, 0.4), (30, 40, 16))
    given = random_occupancy(3, grid, share=0.1)
    costs = column_costs(given, SETTINGS)
    message = occupancy_to_grid(given, HEADER, SETTINGS, pose)
    info, size_m = message.info, 0.4
    assert (info.origin.orientation.x, info.origin.orientation.y, info.origin.orientation.z,
            info.origin.orientation.w) == (0.0, 0.0, 0.0, 1.0)
    corner = np.array((info.origin.position.x, info.origin.position.y))
    np.testing.assert_allclose(corner / size_m, np.rint(corner / size_m), atol=1e-4)
    assert info.origin.position.z == 0.5
    obstacles = {}
    for x, y in itertools.product(range(30), range(40)):
        if costs[x, y] > 0:
            center = pose[:2, :2] @ (-4 + (x + 0.5) * 0.4, -8 + (y + 0.5) * 0.4) + pose[:2, 3]
            cell = tuple(np.floor((center - corner) / size_m).astype(int))
            obstacles[cell] = max(obstacles.get(cell, -1), costs[x, y])
    assert len(obstacles) > 50
    back = np.linalg.inv(pose[:2, :2])
    for row, column in itertools.product(range(info.height), range(info.width)):
        center = corner + (np.array((column, row)) + 0.5) * size_m
        x, y = np.floor((back @ (center - pose[:2, 3]) - (-4, -8)) / size_m).astype(int)
        is_inside = 0 <= x < 30 and 0 <= y < 40
        expected = max(costs[x, y] if is_inside else -1, obstacles.get((column, row), -1))
        assert message.data[row * info.width + column] == expected, (row, column)
    if abs(pose[0, 1]) in (0.0, 1.0):
        assert sorted(message.data) == sorted(costs.ravel())  # the same cells, moved
    else:
        assert info.width > 30 and info.height > 30


def test_cells_that_are_not_square_are_refused():
    grid = VoxelGrid((0.0, 0.0, -1.0), (0.5, 0.4, 0.4), (4, 4, 16))
    with pytest.raises(InvalidGridError, match='square cells; got .0.5, 0.4.'):
        occupancy_to_grid(occupancy(grid=grid), HEADER, SETTINGS)
