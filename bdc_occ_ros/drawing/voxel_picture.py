# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The grid in three dimensions, seen from above and behind the vehicle."""

from typing import NamedTuple

import cv2
import numpy as np

from bdc_occ_ros.classes import OCCUPANCY_COLORS_RGB
from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.drawing.box_lines import draw_boxes

EYE_M = np.array((-31.0, 7.0, 25.0))
TARGET_M = np.array((7.0, 0.0, -1.0))
FOCAL = 1.15
BACKGROUND_TOP_RGB = (24, 27, 34)
BACKGROUND_BOTTOM_RGB = (48, 53, 64)
EGO_RGB = (255, 255, 255)
EGO_LOWER_M = (-1.0, -0.95, 0.2)
EGO_UPPER_M = (3.7, 0.95, 1.7)
SUPERSAMPLING = 2
SUBPIXEL_BITS = 4
_NORMALS = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)])
_SHADES = np.array((0.72, 0.8, 0.66, 0.88, 1.0, 0.5))


class _Faces(NamedTuple):
    """Squares in the ego frame: corners (N, 4, 3), colours (N, 3) of 0 to 255."""

    corners_m: np.ndarray
    colors: np.ndarray


def voxel_picture(occupancy: Occupancy, boxes: Boxes | None, width_px: int, height_px: int
                  ) -> np.ndarray:
    """
    Draw the occupied cells that a camera sees as cubes, and boxes as lines.

    :param occupancy: The grid.
    :param boxes: Objects in the ego frame, or None.
    :param width_px: Width of the picture.
    :param height_px: Height of the picture.
    :return: RGB, (H, W, 3) uint8.
    """
    width, height = SUPERSAMPLING * width_px, SUPERSAMPLING * height_px
    picture = np.linspace(BACKGROUND_TOP_RGB, BACKGROUND_BOTTOM_RGB, height)[:, None]
    picture = np.repeat(picture, width, axis=1).astype(np.uint8)
    focal = FOCAL * min(width, 1.4 * height)
    intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    camera_from_ego = _camera_from_ego()
    _paint(picture, _cube_faces(occupancy), intrinsics, camera_from_ego)
    if boxes is not None:
        picture = draw_boxes(picture, boxes, intrinsics, camera_from_ego, 4)
    return cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA)


def _camera_from_ego() -> np.ndarray:
    """Return the pose of the picture's camera, (4, 4)."""
    forward = (TARGET_M - EYE_M) / np.linalg.norm(TARGET_M - EYE_M)
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    camera_from_ego = np.eye(4)
    camera_from_ego[:3, :3] = right, np.cross(forward, right), forward
    camera_from_ego[:3, 3] = -camera_from_ego[:3, :3] @ EYE_M
    return camera_from_ego


def _cube_faces(occupancy: Occupancy) -> _Faces:
    """Return the faces between an occupied cell and one that is not, and those of the rig."""
    occupied = np.pad(occupancy.occupied, 1)
    size = np.array(occupancy.grid.cell_size_m)
    palette = np.array(OCCUPANCY_COLORS_RGB, np.float64)
    corners, colors = [], []
    for normal, shade in zip(_NORMALS, _SHADES):
        neighbour = np.roll(occupied, -normal, axis=(0, 1, 2))
        indices = np.argwhere((occupied & ~neighbour)[1:-1, 1:-1, 1:-1])
        centers = occupancy.grid.centers_m(indices).astype(np.float64)
        facing = ((EYE_M - centers - normal * size / 2) @ normal) > 0
        indices, centers = indices[facing], centers[facing]
        corners.append(centers[:, None] + _square(normal) * size / 2)
        height = 0.88 + 0.16 * indices[:, 2:] / occupancy.grid.shape[2]
        colors.append(palette[occupancy.labels[tuple(indices.T)]] * shade * height)
    lower, upper = np.array(EGO_LOWER_M), np.array(EGO_UPPER_M)
    for normal, shade in zip(_NORMALS, _SHADES):
        corners.append(((lower + upper) / 2 + _square(normal) * (upper - lower) / 2)[None])
        colors.append(np.array(EGO_RGB)[None] * shade)
    return _Faces(np.concatenate(corners), np.clip(np.concatenate(colors), 0, 255))


def _square(normal: np.ndarray) -> np.ndarray:
    """Return the corners of a cube's face in units of half its edge, (4, 3)."""
    first = np.roll(np.abs(normal), 1)
    second = np.roll(np.abs(normal), 2)
    return normal + np.array([first + second, first - second, -first - second, second - first])


def _paint(picture: np.ndarray, faces: _Faces, intrinsics: np.ndarray,
           camera_from_ego: np.ndarray) -> None:
    """Paint faces from the farthest to the nearest, each with a darker rim."""
    points = faces.corners_m @ camera_from_ego[:3, :3].T + camera_from_ego[:3, 3]
    pixels = points @ intrinsics.T
    pixels = pixels[..., :2] / pixels[..., 2:] * 2**SUBPIXEL_BITS
    order = np.argsort(-np.linalg.norm(points.mean(axis=1), axis=1))
    order = order[(points[order, :, 2] > 1.0).all(axis=1)]
    outlines = np.clip(pixels, -1e6, 1e6).round().astype(np.int32)
    fills, rims = faces.colors.tolist(), (0.72 * faces.colors).tolist()
    for index in order.tolist():
        cv2.fillConvexPoly(picture, outlines[index], fills[index], cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.polylines(picture, outlines[index:index + 1], True, rims[index], 1, cv2.LINE_AA,
                      SUBPIXEL_BITS)
