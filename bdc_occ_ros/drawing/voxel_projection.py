# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Occupied cells over a camera's image, where the camera should see them."""

import cv2
import numpy as np

from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.drawing.voxel_faces import cube_faces, paint_faces

OPACITY = 0.5
MIN_RIM_PX = 7.0


def draw_voxels(image: np.ndarray, occupancy: Occupancy, intrinsics: np.ndarray,
                camera_from_ego: np.ndarray, opacity: float = OPACITY) -> np.ndarray:
    """
    Draw the occupied cells that a camera sees over an image, half transparent.

    Nearer cells hide farther ones; what shines through is the image only.

    :param image: RGB, (H, W, 3) uint8; left as it is.
    :param intrinsics: Camera matrix of the image, (3, 3), pixels.
    :param camera_from_ego: Pose of the grid's ego frame in the camera, (4, 4).
    :param opacity: Share of the cells' colour, 0 to 1.
    :return: A new picture of the same size.
    """
    eye_m = np.linalg.inv(camera_from_ego)[:3, 3]
    painted = image.copy()
    paint_faces(painted, cube_faces(occupancy, eye_m), intrinsics, camera_from_ego, MIN_RIM_PX)
    return cv2.addWeighted(painted, opacity, image, 1.0 - opacity, 0.0)
