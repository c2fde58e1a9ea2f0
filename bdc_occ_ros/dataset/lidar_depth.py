# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far away a LiDAR saw the nearest surface in every cell of a camera's features."""

import numpy as np


def depth_map_m(points_m: np.ndarray, camera_from_points: np.ndarray,
                input_from_camera: np.ndarray, shape: tuple[int, int], stride_px: int,
                limits_m: tuple[float, float]) -> np.ndarray:
    """
    Project points into one camera and keep the nearest per cell.

    :param points_m: Points of a sweep in a frame that does not move, (P, 3), metres.
    :param camera_from_points: Pose of that frame in the camera at the camera's own exposure,
        (4, 4), metres.
    :param input_from_camera: From directions in the camera's frame to pixels, (3, 3).
    :param shape: Rows and columns of cells.
    :param stride_px: Pixels per cell, both ways.
    :param limits_m: Points nearer than the first or not nearer than the second are left out.
    :return: Distance along the optical axis, (rows, columns) float32; 0 where no point is.
    """
    local_m = points_m @ camera_from_points[:3, :3].T + camera_from_points[:3, 3]
    ahead_m = local_m[(local_m[:, 2] >= limits_m[0]) & (local_m[:, 2] < limits_m[1])]
    homogeneous = ahead_m @ input_from_camera.T
    pixels = np.floor(homogeneous[:, :2] / homogeneous[:, 2:] + 0.5)
    column, row = (pixels // stride_px).astype(np.int64).T
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    nearest_m = np.full(shape, np.inf, np.float32)
    np.minimum.at(nearest_m, (row[inside], column[inside]), ahead_m[inside, 2].astype(np.float32))
    return np.where(np.isinf(nearest_m), np.float32(0), nearest_m)
