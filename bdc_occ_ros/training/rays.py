# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ray points of a whole batch, on its device, whatever augmentation did to its cameras."""

import torch
from torch import Tensor

from bdc_occ_ros.geometry.ray_geometry import frustum_pixels, points_on_rays
from bdc_occ_ros.network.config import NetworkConfig


def ray_points(input_from_camera: Tensor, key_ego_from_camera: Tensor, config: NetworkConfig
               ) -> Tensor:
    """
    Return where in space every feature cell may have looked.

    Letters: B samples, N cameras, D depth bins, h w feature rows and columns.

    :param input_from_camera: From directions in the camera's frame to pixels of the network
        input, (B, N, 3, 3) float64.
    :param key_ego_from_camera: Pose of every camera in the ego frame of the key camera's
        exposure, (B, N, 4, 4) float64, metres; may mirror, as augmentation does.
    :param config: Input size, feature stride and depth bins.
    :return: (B, N, D, h, w, 3) float32, metres, on the device of the matrices: the points that
        network/ray_geometry.py gives for the same cameras.
    """
    pixels = torch.from_numpy(frustum_pixels(config.frustum)).to(input_from_camera.device)
    key_ego_from_input = key_ego_from_camera[..., :3, :3] @ torch.linalg.inv(input_from_camera)
    directions = torch.einsum('hwj,bnij->bnhwi', pixels, key_ego_from_input)
    return points_on_rays(key_ego_from_camera[..., :3, 3], directions, config.frustum)
