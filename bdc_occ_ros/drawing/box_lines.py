# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes as lines in a camera's image."""

from collections.abc import Iterator

import cv2
import numpy as np

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, DETECTION_COLORS_RGB
from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.drawing.projection import (
    cut_at_camera,
    fixed_point,
    moved,
    pixels_of,
    SUBPIXEL_BITS,
)

FAR_M = 25.0
_SIGNS = np.array([(x, y, z) for x in (1, -1) for y in (1, -1) for z in (-1, 1)]) / 2
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8)
          if np.count_nonzero(_SIGNS[a] != _SIGNS[b]) == 1]
_FRONT_CROSS = [(0, 3), (1, 2)]


def box_corners_m(boxes: Boxes) -> np.ndarray:
    """
    Return the corners of boxes; the first four are the front.

    :return: Corners in the ego frame, (N, 8, 3).
    """
    local = _SIGNS[None] * boxes.sizes_m[:, None]
    cos, sin = np.cos(boxes.yaws_rad)[:, None], np.sin(boxes.yaws_rad)[:, None]
    x, y, z = np.moveaxis(local, -1, 0)
    turned = np.stack((cos * x - sin * y, sin * x + cos * y, z), axis=-1)
    return turned + boxes.centers_m[:, None]


def box_color(boxes: Boxes, index: int) -> tuple[int, int, int]:
    """Return the display colour of a box."""
    name = boxes.class_names[boxes.labels[index]]
    if name not in DETECTION_CLASS_NAMES:
        return (255, 255, 255)
    return DETECTION_COLORS_RGB[DETECTION_CLASS_NAMES.index(name)]


def draw_boxes(image: np.ndarray, boxes: Boxes, intrinsics: np.ndarray,
               camera_from_ego: np.ndarray, thickness_px: int = 2) -> np.ndarray:
    """
    Draw boxes over an image, the front crossed out.

    :param image: RGB, (H, W, 3) uint8; left as it is.
    :param boxes: Objects in the ego frame.
    :param intrinsics: Camera matrix of the image, (3, 3), pixels.
    :param camera_from_ego: Pose of the ego frame in the camera, (4, 4).
    :param thickness_px: Width of the lines; half beyond 25 m.
    :return: A new picture of the same size.
    """
    picture = image.copy()
    corners = moved(box_corners_m(boxes), camera_from_ego)
    distances_m = np.linalg.norm(corners.mean(axis=1), axis=1)
    for index in np.argsort(-distances_m):
        width_px = thickness_px if distances_m[index] < FAR_M else max(1, thickness_px // 2)
        for start, stop in _segments_px(corners[index], intrinsics):
            cv2.line(picture, start, stop, box_color(boxes, index), width_px, cv2.LINE_AA,
                     SUBPIXEL_BITS)
    return picture


def _segments_px(corners_m: np.ndarray, intrinsics: np.ndarray
                 ) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the edges in front of the camera in fixed-point pixels."""
    for ends in (*_EDGES, *_FRONT_CROSS):
        line = cut_at_camera(corners_m[list(ends)])[:2]
        if len(line):
            yield tuple(map(tuple, fixed_point(pixels_of(line, intrinsics)).tolist()))
