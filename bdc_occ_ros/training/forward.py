# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run networks on training batches, on the batch's device."""

from collections.abc import Iterable

import torch
from torch import nn, Tensor

from bdc_occ_ros.dataset.batch import TrainingBatch
from bdc_occ_ros.geometry.frustum import Frustum
from bdc_occ_ros.geometry.preprocessing import normalize_images
from bdc_occ_ros.geometry.ray_geometry import frustum_pixels, points_on_rays
from bdc_occ_ros.kernels.selection import has_bfloat16
from bdc_occ_ros.network.network import NetworkOutput, OccupancyNetwork

AMPERE = (8, 0)  # the first with tensor cores for bfloat16


def uses_bfloat16(precision: str, device: torch.device) -> bool:
    """
    Return whether layers that bear it compute in bfloat16.

    :param precision: float32, bfloat16, or auto, which is for what the device computes in.
    """
    if precision != 'auto':
        return precision == 'bfloat16'
    if device.type == 'cuda':
        return torch.cuda.get_device_capability(device) >= AMPERE  # PyTorch emulates it on others
    return has_bfloat16()


def run_network(network: OccupancyNetwork, batch: TrainingBatch, precision: str, *,
                with_depth: bool = False, columns: Tensor | None = None) -> NetworkOutput:
    """
    Return the output of a network for a batch.

    :param precision: auto, float32, or bfloat16 where layers bear it.
    :param columns: As for the network.
    """
    config = network.config
    images = normalize_images(batch.images, config.image)
    points_m = ray_points(batch.input_from_camera, batch.key_ego_from_camera,
                          config.frustum.with_rows(batch.images.shape[2]))
    with torch.autocast(images.device.type, torch.bfloat16,
                        enabled=uses_bfloat16(precision, images.device)):
        return network(images, points_m, with_depth=with_depth, columns=columns)


def ray_points(input_from_camera: Tensor, key_ego_from_camera: Tensor, frustum: Frustum
               ) -> Tensor:
    """
    Return where in space every feature cell may have looked, as geometry.ray_geometry has it.

    Letters: B samples, N cameras, D depth bins, h w feature rows and columns.

    :param input_from_camera: From directions in the camera's frame to pixels of the network
        input, (B, N, 3, 3) float64.
    :param key_ego_from_camera: Pose of every camera in the ego frame of the key camera's
        exposure, (B, N, 4, 4) float64, metres; may mirror, as augmentation does.
    :return: (B, N, D, h, w, 3) float32, metres, on the device of the matrices.
    """
    pixels = torch.from_numpy(frustum_pixels(frustum)).to(input_from_camera.device)
    key_ego_from_input = key_ego_from_camera[..., :3, :3] @ torch.linalg.inv(input_from_camera)
    directions = torch.einsum('hwj,bnij->bnhwi', pixels, key_ego_from_input)
    return points_on_rays(key_ego_from_camera[..., :3, 3], directions, frustum)


@torch.no_grad()
def estimate_statistics(network: OccupancyNetwork, batches: Iterable[TrainingBatch],
                        precision: str) -> None:
    """
    Replace the statistics of all batch normalizations by their mean over some batches.

    :param network: With the weights that are to be used; it is left in evaluation mode.
    :param batches: At least one; as large as those of the training.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
        norm.train()
    for batch in batches:
        run_network(network, batch, precision)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    network.eval()
