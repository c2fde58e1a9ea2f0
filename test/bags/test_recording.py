# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Clouds and detections of the node back to grids and boxes."""

from dataclasses import replace

import numpy as np
import pytest

from bdc_occ_ros.bags.messages import message_types
from bdc_occ_ros.bags.recording import boxes_of, occupancy_of
from bdc_occ_ros.errors import InvalidBagError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

TYPES = message_types().types
POINT = np.dtype([('x', '<f4'), ('y', '<f4'), ('z', '<f4'), ('rgb', '<f4'), ('label', '<u4')])
CELLS = np.array([(0, 0, 0), (199, 199, 15), (120, 90, 3)])


def header():
    return TYPES['std_msgs/msg/Header'](TYPES['builtin_interfaces/msg/Time'](1, 2), 'base_link')


def cloud(**changes):
    points = np.zeros(len(CELLS), POINT)
    for axis, values in zip('xyz', VoxelGrid().centers_m(CELLS).T):
        points[axis] = values
    points['label'] = 4, 15, 16
    kinds = {'label': 6}
    fields = [TYPES['sensor_msgs/msg/PointField'](name, POINT.fields[name][1],
                                                  kinds.get(name, 7), 1) for name in POINT.names]
    message = TYPES['sensor_msgs/msg/PointCloud2'](
        header(), 1, len(points), fields, False, POINT.itemsize, POINT.itemsize * len(points),
        np.frombuffer(points.tobytes(), np.uint8), False)
    return replace(message, **changes)


def test_cloud_to_cells():
    occupancy = occupancy_of(cloud(), 7)
    assert occupancy.stamp_ns == 7
    assert np.array_equal(np.argwhere(occupancy.occupied), sorted(CELLS.tolist()))
    assert occupancy.labels[tuple(CELLS.T)].tolist() == [4, 15, 16]


@pytest.mark.parametrize('changes, reason', [
    ({'fields': []}, 'label'), ({'width': 9}, 'bytes'), ({'is_bigendian': True}, 'little-endian'),
    ({'point_step': 12, 'width': 5}, 'do not fit'),
    ({'data': np.full(60, 0x45, np.uint8)}, 'inside the grid'),
])
def test_clouds_that_are_not_of_the_node(changes, reason):
    with pytest.raises(InvalidBagError, match=reason):
        occupancy_of(cloud(**changes), 7)


def detection(class_id, yaw_rad):
    point, turn = TYPES['geometry_msgs/msg/Point'], TYPES['geometry_msgs/msg/Quaternion']
    pose = TYPES['geometry_msgs/msg/Pose'](
        point(1.0, 2.0, 3.0), turn(0.0, 0.0, np.sin(yaw_rad / 2), np.cos(yaw_rad / 2)))
    hypothesis = TYPES['vision_msgs/msg/ObjectHypothesis'](class_id, 0.5)
    result = TYPES['vision_msgs/msg/ObjectHypothesisWithPose'](
        hypothesis, TYPES['geometry_msgs/msg/PoseWithCovariance'](pose, np.zeros(36)))
    size = TYPES['geometry_msgs/msg/Vector3'](4.0, 2.0, 1.5)
    return TYPES['vision_msgs/msg/Detection3D'](
        header(), [result], TYPES['vision_msgs/msg/BoundingBox3D'](pose, size), '')


def test_detections_to_boxes():
    array = TYPES['vision_msgs/msg/Detection3DArray'](
        header(), [detection('car', 0.3), detection('pedestrian', -2.0)])
    boxes = boxes_of(array, 7)
    assert [boxes.class_names[label] for label in boxes.labels] == ['car', 'pedestrian']
    assert boxes.yaws_rad == pytest.approx([0.3, -2.0], abs=1e-6)
    assert boxes.centers_m.tolist() == [[1, 2, 3]] * 2
    assert boxes.sizes_m.tolist() == [[4, 2, 1.5]] * 2
    array.detections.append(detection('dragon', 0.0))
    with pytest.raises(InvalidBagError, match='dragon'):
        boxes_of(array, 7)
