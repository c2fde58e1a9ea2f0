# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Occupied cells as shaded squares that hide each other as cubes do.

A ray from the eye goes from cell to cell, every step away from the eye along one axis, so the
number of steps from the eye's cell grows along every ray: painting by falling number of steps
is exact, whatever the view.
"""

from typing import NamedTuple

import cv2
import numpy as np

from bdc_occ_ros.classes import OCCUPANCY_COLORS_RGB
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.drawing.projection import (
    cut_at_camera,
    fixed_point,
    moved,
    NEAR_M,
    pixels_of,
    SUBPIXEL_BITS,
)
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

RIM_SHADE = 0.72
NORMALS = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)])
SHADES = (0.72, 0.8, 0.66, 0.88, 1.0, 0.5)


class Faces(NamedTuple):
    """
    Squares in an ego frame.

    :param corners_m: (N, 4, 3).
    :param colors: RGB, (N, 3), 0 to 255.
    :param steps: Cells between each and the eye, (N,).
    """

    corners_m: np.ndarray
    colors: np.ndarray
    steps: np.ndarray


def cube_faces(occupancy: Occupancy, eye_m: np.ndarray) -> Faces:
    """
    Return the faces between an occupied cell that a camera sees and any other cell.

    :param eye_m: Where they are looked at from, in its ego frame, (3,); faces that turn away from
        there are left out.
    """
    occupied = np.pad(occupancy.occupied, 1)
    half_m = np.array(occupancy.grid.cell_size_m) / 2
    palette = np.array(OCCUPANCY_COLORS_RGB, np.float64)
    found = []
    for normal, shade in zip(NORMALS, SHADES):
        neighbour = np.roll(occupied, -normal, axis=(0, 1, 2))
        indices = np.argwhere((occupied & ~neighbour)[1:-1, 1:-1, 1:-1])
        centers = occupancy.grid.centers_m(indices).astype(np.float64)
        facing = (eye_m - centers - normal * half_m) @ normal > 0
        indices, centers = indices[facing], centers[facing]
        height = 0.88 + 0.16 * indices[:, 2:] / occupancy.grid.shape[2]
        colors = palette[occupancy.labels[tuple(indices.T)]] * shade * height
        found.append(Faces(centers[:, None] + square(normal) * half_m, np.clip(colors, 0, 255),
                           steps_from(eye_m, centers, occupancy.grid)))
    return joined(found)


def square(normal: np.ndarray) -> np.ndarray:
    """Return the corners of a cube's face in units of half its edge, in order, (4, 3)."""
    first = np.roll(np.abs(normal), 1)
    second = np.roll(np.abs(normal), 2)
    return normal + np.array([first + second, first - second, -first - second, second - first])


def steps_from(eye_m: np.ndarray, points_m: np.ndarray, grid: VoxelGrid) -> np.ndarray:
    """
    Return how many cells a ray passes from the eye to each point.

    :param eye_m: (3,), inside the grid or not.
    :param points_m: (..., 3).
    :param grid: Size and place of the cells.
    """
    return np.abs(grid.indices_of(points_m)[0] - grid.indices_of(eye_m)[0]).sum(axis=-1)


def joined(parts: list[Faces]) -> Faces:
    """Return several lots of faces as one."""
    return Faces(*(np.concatenate(arrays) for arrays in zip(*parts)))


def paint_faces(picture: np.ndarray, faces: Faces, intrinsics: np.ndarray,
                camera_from_ego: np.ndarray, min_rim_px: float = 0.0) -> None:
    """
    Paint faces from the farthest to the nearest, each with a darker rim.

    :param picture: RGB, (H, W, 3) uint8; painted over.
    :param intrinsics: Camera matrix of the picture, (3, 3), pixels.
    :param camera_from_ego: Pose of the faces' frame in the camera, (4, 4).
    :param min_rim_px: Faces that are shorter and narrower than this have no rim.
    """
    corners = moved(faces.corners_m, camera_from_ego)
    is_ahead = (corners[..., 2] >= NEAR_M).all(axis=1)
    pixels = pixels_of(np.where(is_ahead[:, None, None], corners, 1.0), intrinsics)
    lower, upper = pixels.min(axis=1), pixels.max(axis=1)
    inside = ((upper >= 0) & (lower <= (picture.shape[1], picture.shape[0]))).all(axis=1)
    chosen = np.where(is_ahead, inside, (corners[..., 2] >= NEAR_M).any(axis=1))
    has_rim = ((upper - lower).max(axis=1) >= min_rim_px) & is_ahead
    outlines = fixed_point(pixels)
    fills, rims = faces.colors.tolist(), (RIM_SHADE * faces.colors).tolist()
    order = np.argsort(-faces.steps, kind='stable')
    for index in order[chosen[order]].tolist():
        outline = outlines[index]
        if not is_ahead[index]:
            outline = fixed_point(pixels_of(cut_at_camera(corners[index]), intrinsics))
        cv2.fillConvexPoly(picture, outline, fills[index], cv2.LINE_AA, SUBPIXEL_BITS)
        if has_rim[index]:
            cv2.polylines(picture, [outline], True, rims[index], 1, cv2.LINE_AA, SUBPIXEL_BITS)
