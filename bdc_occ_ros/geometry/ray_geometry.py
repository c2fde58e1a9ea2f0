# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compute where in space feature cells may have looked: one point per cell and depth bin.

A feature cell stands for a pixel of the network input, a depth bin for a distance along the
optical axis (lift and splat: Philion and Fidler, arXiv:2008.05711). Along one ray a point moves
linearly with depth, so a ray is kept as its direction per metre of depth and its origin.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.frustum import Frustum
from bdc_occ_ros.geometry.preprocessing import input_from_image


def frustum_pixels(frustum: Frustum) -> np.ndarray:
    """
    Return the input pixels that the feature cells stand for.

    Both axes run from the first to the last pixel with equal steps, ends included, as FlashOcc
    and BDC have it; the step is therefore slightly less than the feature stride.

    :return: u, v and 1 per cell, (h, w, 3) float64.
    """
    rows, columns = frustum.feature_shape
    u, v = np.meshgrid(np.linspace(0, frustum.image.width_px - 1, columns),
                       np.linspace(0, frustum.image.height_px - 1, rows))
    return np.stack([u, v, np.ones_like(u)], axis=-1)


def points_on_rays(origins_m: Tensor, directions: Tensor, frustum: Frustum) -> Tensor:
    """
    Walk along rays to every depth bin.

    :param origins_m: Where the rays of a camera begin, (..., 3), metres.
    :param directions: The way per metre of depth, (..., h, w, 3).
    :return: Points, (..., D, h, w, 3) float32, on the same device.
    """
    depths_m = torch.tensor(frustum.depth.bins_m(), dtype=torch.float32, device=origins_m.device)
    return (origins_m.float()[..., None, None, None, :]
            + depths_m[:, None, None, None] * directions.float()[..., None, :, :, :])


class RayGeometry:
    """
    Hold the rays of all feature cells of several cameras, for one calibration.

    Letters: N cameras, D depth bins, h w feature rows and columns.

    :param cameras: At the size in which their images come.
    """

    def __init__(self, cameras: Sequence[Camera], frustum: Frustum) -> None:
        pixels = frustum_pixels(frustum)
        self.frustum = frustum
        self._origins_m = np.stack([c.ego_from_camera[:3, 3] for c in cameras])
        self._directions = np.stack([
            pixels @ (camera.ego_from_camera[:3, :3]
                      @ np.linalg.inv(input_from_image(camera, frustum.image)
                                      @ camera.intrinsics)).T
            for camera in cameras])  # (N, h, w, 3)

    def in_key_ego(self, key_ego_from_ego: np.ndarray | None = None) -> Tensor:
        """
        Return the ray points in the ego frame of the key camera's exposure.

        :param key_ego_from_ego: Per camera the motion of the vehicle between its own exposure
            and that of the key camera, (N, 4, 4); None if it stood still.
        :return: Points, (N, D, h, w, 3) float32, metres, x forward, y left, z up.
        """
        origins_m, directions = self._origins_m, self._directions
        if key_ego_from_ego is not None:
            rotations, shifts_m = key_ego_from_ego[:, :3, :3], key_ego_from_ego[:, :3, 3]
            origins_m = np.einsum('nij,nj->ni', rotations, origins_m) + shifts_m
            directions = np.einsum('nij,nhwj->nhwi', rotations, directions)
        return points_on_rays(torch.from_numpy(origins_m), torch.from_numpy(directions),
                              self.frustum)
