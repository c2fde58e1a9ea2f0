# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The grid in three dimensions, seen from above and behind the vehicle."""

import cv2
import numpy as np

from bdc_occ_ros.datatypes import Boxes, Occupancy
from bdc_occ_ros.drawing.box_lines import draw_boxes
from bdc_occ_ros.drawing.voxel_faces import (
    cube_faces,
    Faces,
    joined,
    NORMALS,
    paint_faces,
    SHADES,
    square,
    steps_from,
)
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

EYE_M = np.array((-31.0, 7.0, 25.0))
TARGET_M = np.array((7.0, 0.0, -1.0))
FOCAL = 1.15
BACKGROUND_TOP_RGB = (24, 27, 34)
BACKGROUND_BOTTOM_RGB = (48, 53, 64)
EGO_RGB = (255, 255, 255)
EGO_LOWER_M = (-1.0, -0.95, 0.2)
EGO_UPPER_M = (3.7, 0.95, 1.7)
SUPERSAMPLING = 2


def voxel_picture(occupancy: Occupancy, boxes: Boxes | None, width_px: int, height_px: int
                  ) -> np.ndarray:
    """
    Draw the occupied cells that a camera sees as cubes, and boxes as lines.

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
    faces = joined([cube_faces(occupancy, EYE_M), _vehicle_faces(occupancy.grid)])
    paint_faces(picture, faces, intrinsics, camera_from_ego)
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


def _vehicle_faces(grid: VoxelGrid) -> Faces:
    """Return the box that stands for the vehicle with the cameras."""
    lower, upper = np.array(EGO_LOWER_M), np.array(EGO_UPPER_M)
    corners = np.stack([(lower + upper) / 2 + square(normal) * (upper - lower) / 2
                        for normal in NORMALS])
    colors = np.array(EGO_RGB) * np.array(SHADES)[:, None]
    return Faces(corners, colors, steps_from(EYE_M, corners, grid).min(axis=1))
