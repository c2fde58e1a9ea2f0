# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cubes per class, after everything old was deleted."""

import numpy as np
from occupancies import GRID, LABEL, occupancy, random_occupancy
from visualization_msgs.msg import Marker

from bdc_occ_ros.ros.conversions import make_header
from bdc_occ_ros.ros.occupancy_to_messages import occupancy_to_markers

HEADER = make_header(5, 'base_link')


def test_one_list_of_cubes_per_class_after_delete_all():
    given = occupancy([((10, 20, 3), 'car'), ((11, 20, 3), 'car'), ((0, 0, 0), 'bus')])
    message, num_dropped = occupancy_to_markers(given, HEADER)
    first, *lists = message.markers
    assert first.action == Marker.DELETEALL and num_dropped == 0
    assert {marker.ns: len(marker.points) for marker in lists} == {'bus': 1, 'car': 2}
    car = next(marker for marker in lists if marker.ns == 'car')
    assert car.type == Marker.CUBE_LIST and car.id == LABEL['car']
    np.testing.assert_allclose([(p.x, p.y, p.z) for p in car.points],
                               GRID.centers_m([(10, 20, 3), (11, 20, 3)]))
    assert (car.scale.x, car.scale.y, car.scale.z) == GRID.cell_size_m
    assert (car.color.r, round(car.color.g * 255), car.color.b, car.color.a) == (0, 140, 1, 1)
    assert {marker.header.frame_id for marker in message.markers} == {'base_link'}


def test_cubes_are_limited_and_counted():
    given = random_occupancy(9)
    message, num_dropped = occupancy_to_markers(given, HEADER, 500)
    assert sum(len(marker.points) for marker in message.markers) == 500
    assert num_dropped == given.occupied.sum() - 500


def test_nothing_still_deletes():
    message, _ = occupancy_to_markers(occupancy(), HEADER)
    assert [marker.action for marker in message.markers] == [Marker.DELETEALL]


def test_pose_carries_the_output_frame():
    output_from_ego = np.eye(4)
    output_from_ego[:3, 3] = 1.0, 2.0, 3.0
    message, _ = occupancy_to_markers(occupancy([((0, 0, 0), 'bus')]), HEADER, 0,
                                      output_from_ego)
    position = message.markers[1].pose.position
    assert (position.x, position.y, position.z) == (1.0, 2.0, 3.0)
