# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Detections and markers against the boxes they come from."""

import math

import numpy as np
import pytest
from visualization_msgs.msg import Marker

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.geometry.rotations import matrix_from_quaternion
from bdc_occ_ros.ros.boxes_to_messages import boxes_to_detections, boxes_to_markers, label_info
from bdc_occ_ros.ros.conversions import make_header

HEADER = make_header(1_000_000_002, 'base_link')
QUARTER_TURN = np.array([[0.0, -1.0, 0.0, 10.0], [1.0, 0.0, 0.0, 20.0],
                         [0.0, 0.0, 1.0, 0.5], [0.0, 0.0, 0.0, 1.0]])


def boxes():
    return Boxes(
        centers_m=[(10, 2, 0.9), (5, -3, 0.8), (-8, 1, 1.5)],
        sizes_m=[(4.5, 1.9, 1.6), (0.6, 0.7, 1.7), (10, 2.5, 3)],
        yaws_rad=[0.3, 0.0, math.pi / 2],
        velocities_mps=[(5.0, 1.0), (0.05, 0.0), (np.nan, np.nan)],
        scores=[0.9, 0.4, 0.6], labels=[0, 8, 3], class_names=DETECTION_CLASS_NAMES, stamp_ns=7)


def yaw_of(orientation):
    rotation = matrix_from_quaternion(
        np.array((orientation.x, orientation.y, orientation.z, orientation.w)))
    return math.atan2(rotation[1, 0], rotation[0, 0])


def test_detection_is_the_box():
    detection = boxes_to_detections(boxes(), HEADER).detections[0]
    center = detection.bbox.center
    np.testing.assert_allclose((center.position.x, center.position.y, center.position.z),
                               (10, 2, 0.9), rtol=1e-6)
    size = detection.bbox.size
    np.testing.assert_allclose((size.x, size.y, size.z), (4.5, 1.9, 1.6), rtol=1e-6)
    assert yaw_of(center.orientation) == pytest.approx(0.3, abs=1e-6)
    result, = detection.results
    assert result.hypothesis.class_id == 'car'
    assert result.hypothesis.score == pytest.approx(0.9)
    assert result.pose.pose == center
    assert detection.id == ''


def test_every_header_is_that_of_the_array():
    message = boxes_to_detections(boxes(), HEADER)
    assert message.header == HEADER
    assert all(detection.header == HEADER for detection in message.detections)
    assert len(message.detections) == 3


def test_threshold_leaves_out():
    names = [detection.results[0].hypothesis.class_id
             for detection in boxes_to_detections(boxes(), HEADER, 0.5).detections]
    assert names == ['car', 'bus']
    assert {marker.ns for marker in boxes_to_markers(boxes(), HEADER, 0.5).markers} == {
        '', 'car', 'car/text', 'car/velocity', 'bus', 'bus/text'}


def test_output_frame_turns_place_and_yaw():
    center = boxes_to_detections(boxes(), HEADER, 0.0, QUARTER_TURN).detections[0].bbox.center
    np.testing.assert_allclose((center.position.x, center.position.y, center.position.z),
                               (8, 30, 1.4), rtol=1e-6)
    assert yaw_of(center.orientation) == pytest.approx(0.3 + math.pi / 2, abs=1e-6)


def test_markers_delete_first_and_then_show_cube_text_and_arrow():
    first, *others = boxes_to_markers(boxes(), HEADER).markers
    assert first.action == Marker.DELETEALL
    shown = {(marker.ns, marker.id): marker for marker in others}
    assert len(shown) == len(others) == 7
    cube, text, arrow = (shown[ns, 0] for ns in ('car', 'car/text', 'car/velocity'))
    assert (cube.type, text.type, arrow.type) == (
        Marker.CUBE, Marker.TEXT_VIEW_FACING, Marker.ARROW)
    assert yaw_of(cube.pose.orientation) == pytest.approx(0.3, abs=1e-6)
    assert text.text == 'car 0.90' and text.pose.position.z == pytest.approx(0.9 + 0.8 + 0.8)
    start, end = arrow.points
    np.testing.assert_allclose((end.x - start.x, end.y - start.y, end.z - start.z), (5, 1, 0),
                               atol=1e-6)
    assert all(marker.header == HEADER and marker.lifetime.sec == 1 for marker in others)
    assert all(marker.color.a > 0 and marker.scale.z > 0 for marker in others)


def test_arrows_only_for_what_is_known_to_move():
    namespaces = {marker.ns for marker in boxes_to_markers(boxes(), HEADER).markers}
    assert {ns for ns in namespaces if ns.endswith('velocity')} == {'car/velocity'}


def test_no_boxes_give_an_empty_array_and_a_delete():
    none = Boxes(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros((0, 2)), np.zeros(0),
                 np.zeros(0, int), DETECTION_CLASS_NAMES, 7)
    message = boxes_to_detections(none, HEADER)
    assert len(message.detections) == 0 and message.header == HEADER
    assert [m.action for m in boxes_to_markers(none, HEADER).markers] == [Marker.DELETEALL]


def test_label_info_numbers_the_names():
    info = label_info(DETECTION_CLASS_NAMES, HEADER, 0.25)
    assert {entry.class_id: entry.class_name for entry in info.class_map} == dict(
        enumerate(DETECTION_CLASS_NAMES))
    assert info.threshold == pytest.approx(0.25) and info.header == HEADER
