# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every rule of the columns of the map, and its place on the ground."""

import array
import itertools

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


def test_origin_follows_the_output_frame():
    output_from_ego = np.array([[0.0, -1.0, 0.0, 10.0], [1.0, 0.0, 0.0, 20.0],
                                [0.0, 0.0, 1.0, 0.5], [0.0, 0.0, 0.0, 1.0]])
    origin = occupancy_to_grid(occupancy(), HEADER, SETTINGS, output_from_ego).info.origin
    assert (origin.position.x, origin.position.y, origin.position.z) == (50.0, -20.0, 0.5)
    assert origin.orientation.z == pytest.approx(np.sqrt(0.5))
    assert origin.orientation.w == pytest.approx(np.sqrt(0.5))


def test_cells_that_are_not_square_are_refused():
    grid = VoxelGrid((0.0, 0.0, -1.0), (0.5, 0.4, 0.4), (4, 4, 16))
    with pytest.raises(InvalidGridError, match='square cells; got .0.5, 0.4.'):
        occupancy_to_grid(occupancy(grid=grid), HEADER, SETTINGS)
