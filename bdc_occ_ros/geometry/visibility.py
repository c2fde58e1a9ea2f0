# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Find the cells of a voxel grid and the points that lie in the picture of a camera.

A cell counts as seen if its centre falls on a pixel that the network was given. Whether something
stands in front of it is not asked: that is for the network to say.
"""

import numpy as np

from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.preprocessing import Preprocessor
from bdc_occ_ros.geometry.voxel_grid import cell_centers_m, VoxelGrid

NEAREST_M = 0.1
ALMOST_ZERO = 1e-12


class FieldOfView:
    """
    Describe the part of space that one camera shows to the network.

    It is a pyramid, cut off near the camera, hence five half-spaces; a camera with distortion
    also has pixels of its straight image that nothing fills.

    :param camera: At the size in which its images come.
    """

    def __init__(self, camera: Camera, preprocessor: Preprocessor) -> None:
        self.camera, self.preprocessor = camera, preprocessor
        last_column, last_row = camera.width_px - 1.0, camera.height_px - 1.0
        across, down, depth = np.eye(3)
        half_spaces = np.stack([
            across, last_column * depth - across,
            down - preprocessor.first_row_px * depth, last_row * depth - down, depth])
        self._camera_from_ego = np.linalg.inv(camera.ego_from_camera)
        self._intrinsics = camera.intrinsics
        self._half_spaces = np.zeros((5, 4))  # in the camera frame: inside where product >= 0
        self._half_spaces[:, :3] = half_spaces @ camera.intrinsics
        self._half_spaces[4, 3] = -NEAREST_M
        self._is_filled = preprocessor.undistortion.is_filled

    def cells(self, grid: VoxelGrid, ego_from_key_ego: np.ndarray | None = None) -> np.ndarray:
        """
        Return which cells of a grid the camera sees.

        :param grid: Grid in the ego frame of the key camera's exposure.
        :param ego_from_key_ego: Into the ego frame of this camera's exposure, (4, 4); None if the
            vehicle stood still in between.
        :return: (X, Y, Z) bool.
        """
        camera_from_key_ego = self._camera_from_key_ego(ego_from_key_ego)
        seen = _between(*self._visible_heights_m(grid, camera_from_key_ego), grid)
        if self._is_filled is not None:
            cells = np.flatnonzero(seen)
            centers_m = np.take(cell_centers_m(grid), cells, axis=0)
            seen.reshape(-1)[cells] = self._shown(centers_m, camera_from_key_ego)
        return seen

    def points(self, points_m: np.ndarray, ego_from_key_ego: np.ndarray | None = None
               ) -> np.ndarray:
        """Return which points the camera sees, (N,) bool, as `cells` does of (N, 3) metres."""
        camera_from_key_ego = self._camera_from_key_ego(ego_from_key_ego)
        seen = (_mapped(points_m, self._half_spaces @ camera_from_key_ego) >= 0).all(axis=1)
        if self._is_filled is not None:
            seen[seen] = self._shown(points_m[seen], camera_from_key_ego)
        return seen

    def _camera_from_key_ego(self, ego_from_key_ego: np.ndarray | None) -> np.ndarray:
        return self._camera_from_ego @ (
            np.eye(4) if ego_from_key_ego is None else ego_from_key_ego)

    def _shown(self, points_m: np.ndarray, camera_from_key_ego: np.ndarray) -> np.ndarray:
        """Return which points of the pyramid, (N, 3), lie on pixels that are filled."""
        homogeneous = _mapped(points_m, self._intrinsics @ camera_from_key_ego[:3])
        columns, rows = np.rint(homogeneous[:, :2] / homogeneous[:, 2:]).astype(np.intp).T
        return self._is_filled[rows, columns]

    def _visible_heights_m(self, grid: VoxelGrid, camera_from_key_ego: np.ndarray
                           ) -> tuple[np.ndarray, np.ndarray]:
        """Return between which heights the column of each x and y is in view, (X, Y) each."""
        x_m, y_m = (low + size * (np.arange(count) + 0.5) for low, size, count
                    in zip(grid.lower_m[:2], grid.cell_size_m, grid.shape))
        lowest_m = np.full((len(x_m), len(y_m)), -np.inf)
        highest_m = np.full((len(x_m), len(y_m)), np.inf)
        for a, b, c, d in self._half_spaces @ camera_from_key_ego:
            c = c if abs(c) > ALMOST_ZERO else ALMOST_ZERO
            border_m = (-a / c * x_m)[:, None] - (b * y_m + d) / c  # a x + b y + c z + d = 0
            if c > 0:
                np.maximum(lowest_m, border_m, out=lowest_m)
            else:
                np.minimum(highest_m, border_m, out=highest_m)
        return lowest_m, highest_m


def _mapped(points_m: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points_m @ matrix[:, :3].T + matrix[:, 3]


def _between(lowest_m: np.ndarray, highest_m: np.ndarray, grid: VoxelGrid) -> np.ndarray:
    """Return which cells have a centre between two heights per column, (X, Y, Z) bool."""
    num_z = grid.shape[2]
    first, last = ((height_m - grid.lower_m[2]) / grid.cell_size_m[2] - 0.5
                   for height_m in (lowest_m, highest_m))
    start = np.clip(np.ceil(first), 0, num_z).astype(np.intp)
    stop = np.clip(np.floor(last) + 1, 0, num_z).astype(np.intp)
    heights, bounds = np.arange(num_z), np.arange(num_z + 1)
    columns = (heights >= bounds[:, None, None]) & (heights < bounds[:, None])  # start, stop, z
    return columns[start, stop]
