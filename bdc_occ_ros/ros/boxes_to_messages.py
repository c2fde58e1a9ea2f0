# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Convert boxes to vision_msgs detections and to markers.

Headers bring the stamp and the frame that output_from_ego, (4, 4) metres, maps the ego frame
into; it is None where both are the same.
"""

from collections.abc import Iterator

from geometry_msgs.msg import Pose, PoseWithCovariance, Vector3
import numpy as np
from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox3D,
    Detection3D,
    Detection3DArray,
    LabelInfo,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    VisionClass,
)
from visualization_msgs.msg import Marker, MarkerArray

from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.ros.conversions import point_message, pose_message
from bdc_occ_ros.ros.occupancy_to_messages import class_colors_rgb, color_message, LIFETIME

LEAST_SPEED_MPS = 0.2
TEXT_HEIGHT_M = 0.8


def _output_from_box(boxes: Boxes, index: int, output_from_ego: np.ndarray | None) -> np.ndarray:
    """Return the pose of one box, (4, 4)."""
    cosine, sine = np.cos(boxes.yaws_rad[index]), np.sin(boxes.yaws_rad[index])
    ego_from_box = np.eye(4)
    ego_from_box[:2, :2] = ((cosine, -sine), (sine, cosine))
    ego_from_box[:3, 3] = boxes.centers_m[index]
    return ego_from_box if output_from_ego is None else output_from_ego @ ego_from_box


def _size(boxes: Boxes, index: int) -> Vector3:
    x, y, z = map(float, boxes.sizes_m[index])
    return Vector3(x=x, y=y, z=z)


def _kept(boxes: Boxes, score_threshold: float) -> Iterator[int]:
    """List the boxes to show, in their order."""
    return map(int, np.flatnonzero(boxes.scores >= score_threshold))


def boxes_to_detections(boxes: Boxes, header: Header, score_threshold: float = 0.0,
                        output_from_ego: np.ndarray | None = None) -> Detection3DArray:
    """
    Return detections; the message has no room for velocities, which the markers show.

    :param score_threshold: Boxes below are left out.
    :return: Centre of the box, size x length, y width, z height, class name and score.
    """
    detections = []
    for index in _kept(boxes, score_threshold):
        pose = pose_message(_output_from_box(boxes, index, output_from_ego))
        hypothesis = ObjectHypothesis(class_id=boxes.class_names[boxes.labels[index]],
                                      score=float(boxes.scores[index]))
        detections.append(Detection3D(
            header=header, bbox=BoundingBox3D(center=pose, size=_size(boxes, index)),
            results=[ObjectHypothesisWithPose(
                hypothesis=hypothesis, pose=PoseWithCovariance(pose=pose))]))
    return Detection3DArray(header=header, detections=detections)


def boxes_to_markers(boxes: Boxes, header: Header, score_threshold: float = 0.0,
                     output_from_ego: np.ndarray | None = None) -> MarkerArray:
    """
    Return a cube, a text and, for what moves, an arrow per box, in a namespace per class.

    :param score_threshold: Boxes below are left out.
    :return: A DELETEALL first, then the markers; an arrow is as long as a second's way.
    """
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for index in _kept(boxes, score_threshold):
        markers += _markers_of(boxes, index, output_from_ego)
    for marker in markers[1:]:
        marker.header, marker.lifetime = header, LIFETIME
    return MarkerArray(markers=markers)


def _markers_of(boxes: Boxes, index: int, output_from_ego: np.ndarray | None) -> Iterator[Marker]:
    """Show one box, still without header."""
    name = boxes.class_names[boxes.labels[index]]
    color_rgb = class_colors_rgb((name,))[0]
    output_from_box = _output_from_box(boxes, index, output_from_ego)
    yield Marker(ns=name, id=index, type=Marker.CUBE, pose=pose_message(output_from_box),
                 scale=_size(boxes, index), color=color_message(color_rgb, 0.5))
    above = output_from_box @ (0.0, 0.0, boxes.sizes_m[index, 2] / 2 + TEXT_HEIGHT_M, 1.0)
    yield Marker(ns=f'{name}/text', id=index, type=Marker.TEXT_VIEW_FACING,
                 pose=Pose(position=point_message(above[:3])), scale=Vector3(z=TEXT_HEIGHT_M),
                 color=color_message(color_rgb, 1.0), text=f'{name} {boxes.scores[index]:.2f}')
    if np.linalg.norm(boxes.velocities_mps[index]) >= LEAST_SPEED_MPS:  # false for nan
        start = boxes.centers_m[index].astype(np.float64)
        end = start + (*boxes.velocities_mps[index], 0.0)
        yield Marker(ns=f'{name}/velocity', id=index, type=Marker.ARROW,
                     pose=pose_message(output_from_ego), scale=Vector3(x=0.15, y=0.4, z=0.4),
                     color=color_message(color_rgb, 1.0),
                     points=[point_message(start), point_message(end)])


def label_info(class_names: tuple[str, ...], header: Header, threshold: float) -> LabelInfo:
    """
    Return the message that maps numbers to class names.

    :param threshold: Least score of a published detection.
    """
    classes = [VisionClass(class_id=label, class_name=name)
               for label, name in enumerate(class_names)]
    return LabelInfo(header=header, class_map=classes, threshold=threshold)
