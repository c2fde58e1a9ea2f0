# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Clouds against the grid they come from: place, class, colour, and nothing that is not there."""

import time

import numpy as np
from occupancies import GRID, LABEL, occupancy, random_occupancy
import pytest

from bdc_occ_ros.classes import OCCUPANCY_COLORS_RGB
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.ros.conversions import make_header
from bdc_occ_ros.ros.node_config import GridConfig
from bdc_occ_ros.ros.occupancy_to_messages import occupancy_to_cloud, occupancy_to_obstacles

HEADER = make_header(5, 'base_link')
SETTINGS = GridConfig()
NUMPY_TYPES = {6: '<u4', 7: '<f4'}


def read(cloud):
    """Read a cloud by its own description."""
    dtype = np.dtype({'names': [field.name for field in cloud.fields],
                      'formats': [NUMPY_TYPES[field.datatype] for field in cloud.fields],
                      'offsets': [field.offset for field in cloud.fields],
                      'itemsize': cloud.point_step})
    assert len(cloud.data) == cloud.row_step == cloud.width * cloud.point_step
    return np.frombuffer(cloud.data.tobytes(), dtype)


def positions(points):
    return np.stack([points[name] for name in 'xyz'], axis=-1)


def test_one_voxel_is_one_point_at_its_centre():
    cloud, num_dropped = occupancy_to_cloud(occupancy([((125, 80, 3), 'car')]), HEADER)
    point, = read(cloud)
    np.testing.assert_allclose(positions(point), (-40 + 125.5 * 0.4, -40 + 80.5 * 0.4, 0.4),
                               atol=1e-5)
    assert point['label'] == LABEL['car'] and num_dropped == 0
    assert cloud.header.frame_id == 'base_link' and cloud.header.stamp.nanosec == 5


def test_what_is_ahead_has_positive_x_and_what_is_left_positive_y():
    ahead, left = (199, 100, 5), (100, 199, 5)
    points = read(occupancy_to_cloud(
        occupancy([(ahead, 'car'), (left, 'bus')]), HEADER)[0])
    by_label = dict(zip(points['label'], positions(points)))
    np.testing.assert_allclose(by_label[LABEL['car']], (39.8, 0.2, 1.2), atol=1e-5)
    np.testing.assert_allclose(by_label[LABEL['bus']], (0.2, 39.8, 1.2), atol=1e-5)


def test_all_seen_voxels_and_no_other_are_in_the_cloud():
    given = random_occupancy(3)
    points = read(occupancy_to_cloud(given, HEADER)[0])
    indices, inside = GRID.indices_of(positions(points))
    assert inside.all()
    rebuilt = np.full(GRID.shape, given.free_label, np.uint8)
    rebuilt[tuple(indices.T)] = points['label']
    np.testing.assert_array_equal(rebuilt, np.where(given.observed, given.labels, 17))
    assert len(points) == given.occupied.sum()
    np.testing.assert_array_equal(points['confidence'],
                                  given.confidence[tuple(indices.T)].astype(np.float32))


def test_colour_is_that_of_the_class():
    points = read(occupancy_to_cloud(
        occupancy([((i, 0, 0), name) for i, name in enumerate(('car', 'vegetation'))]),
        HEADER)[0])
    for point in points:
        packed = int(point['rgb'].view(np.uint32))
        assert (packed >> 16, packed >> 8 & 255, packed & 255) == OCCUPANCY_COLORS_RGB[
            point['label']]


def test_confidence_is_a_field_only_where_it_is_known():
    cloud, _ = occupancy_to_cloud(occupancy([((0, 0, 0), 'car')]), HEADER)
    assert [field.name for field in cloud.fields] == ['x', 'y', 'z', 'rgb', 'label']


def test_nothing_gives_an_empty_cloud():
    for given in (occupancy(), occupancy([((5, 5, 5), 'car')], unseen=[np.s_[:]])):
        for cloud, num_dropped in (occupancy_to_cloud(given, HEADER),
                                   occupancy_to_obstacles(given, HEADER, SETTINGS)):
            assert cloud.width == 0 and len(cloud.data) == 0 and num_dropped == 0
            assert cloud.header.frame_id == 'base_link' and cloud.fields


def test_unseen_voxels_are_absent():
    given = occupancy([(np.s_[:, :, 4], 'car')], unseen=[np.s_[:, 100:]])
    points = read(occupancy_to_cloud(given, HEADER)[0])
    assert len(points) == 200 * 100 and points['y'].max() < 0


def test_another_frame_moves_and_turns_the_points():
    output_from_ego = np.array([[0.0, -1.0, 0.0, 10.0], [1.0, 0.0, 0.0, 20.0],
                                [0.0, 0.0, 1.0, 0.5], [0.0, 0.0, 0.0, 1.0]])
    given = occupancy([((125, 80, 3), 'car')])
    for cloud, _ in (occupancy_to_cloud(given, HEADER, 0, output_from_ego),
                     occupancy_to_obstacles(given, HEADER, SETTINGS, 0, output_from_ego)):
        np.testing.assert_allclose(positions(read(cloud)[0]), (10 + 7.8, 20 + 10.2, 0.9),
                                   atol=1e-5)


def test_limit_keeps_the_nearest_and_tells_how_many_are_gone():
    given = random_occupancy(4)
    everything = read(occupancy_to_cloud(given, HEADER)[0])
    cloud, num_dropped = occupancy_to_cloud(given, HEADER, 1000)
    kept = read(cloud)
    assert len(kept) == 1000 and num_dropped == len(everything) - 1000
    distances = np.sort(np.hypot(everything['x'], everything['y']))
    assert np.hypot(kept['x'], kept['y']).max() <= distances[999] + 1e-5
    again = read(occupancy_to_cloud(given, HEADER, 1000)[0])
    np.testing.assert_array_equal(kept, again)
    assert occupancy_to_cloud(given, HEADER, len(everything))[1] == 0


def test_obstacles_are_neither_ground_nor_outside_the_band():
    cells = [((150, 100, 2), 'driveable_surface'),  # -0.2 to 0.2 m, ground
             ((151, 100, 4), 'terrain'),  # in the band, but ground
             ((152, 100, 2), 'pedestrian'),  # below the band, which begins at 0.2 m
             ((153, 100, 3), 'pedestrian'),  # 0.2 to 0.6 m
             ((154, 100, 7), 'manmade'),  # 1.8 to 2.2 m
             ((155, 100, 8), 'manmade'),  # 2.2 m and up: above
             ((156, 100, 5), 'others')]
    cloud, _ = occupancy_to_obstacles(occupancy(cells), HEADER, SETTINGS)
    points = read(cloud)
    assert [field.name for field in cloud.fields] == ['x', 'y', 'z', 'label']
    np.testing.assert_allclose(points['x'], (21.4, 21.8, 22.6), atol=1e-5)
    assert points['label'].tolist() == [LABEL['pedestrian'], LABEL['manmade'], LABEL['others']]


def test_settings_that_do_not_fit_are_named():
    with pytest.raises(InvalidConfigError, match=r"ground_classes: \['road'\] are no classes"):
        occupancy_to_obstacles(occupancy(), HEADER, GridConfig(ground_classes=('road',)))
    with pytest.raises(InvalidConfigError, match='band 6.0 to 9.0 m misses .* -1.00 to 5.40 m'):
        occupancy_to_obstacles(occupancy(), HEADER,
                               GridConfig(min_height_m=6.0, max_height_m=9.0))


def test_other_grids_work():
    grid = VoxelGrid((0.0, -3.0, 0.0), (0.5, 0.25, 1.0), (10, 24, 3))
    given = occupancy([((9, 0, 2), 'bus')], grid=grid)
    np.testing.assert_allclose(positions(read(occupancy_to_cloud(given, HEADER)[0])[0]),
                               (4.75, -2.875, 2.5))


def test_full_grid_is_fast_enough():
    given = random_occupancy(6, share=1.1)
    occupancy_to_cloud(given, HEADER)  # fills the tables of the grid
    start_s = time.thread_time()  # of this thread, whatever else the machine does
    occupancy_to_cloud(given, HEADER)
    assert time.thread_time() - start_s < 1.0, '640 000 voxels take 20 ms on an idle core'
