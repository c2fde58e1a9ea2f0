# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure how often two versions of one network agree."""

from typing import NamedTuple

import torch
from torch import nn, Tensor

from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.ray_geometry import RayGeometry
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.share import share_path


class Agreement(NamedTuple):
    """
    Hold shares of equal answers, from 0 to 1; None where the network does not answer.

    :param voxels: Voxels with the same class.
    :param occupied: The same among those that either network calls occupied; 1 if none is.
    :param boxes: Cells of the box map with the same most likely class.
    """

    voxels: float | None
    occupied: float | None
    boxes: float | None

    def __str__(self) -> str:
        """Return the shares as percentages."""
        words = {'voxels': 'of all voxels', 'occupied': 'of those that either calls occupied',
                 'boxes': 'of the cells of the box map'}
        return ', '.join(f'{100 * share:.2f} % {words[name]}'
                         for name, share in self._asdict().items() if share is not None)


@torch.inference_mode()
def compare_networks(first: nn.Module, second: nn.Module, seed: int = 0) -> Agreement:
    """
    Run two versions of a network on the same made-up images of a real rig.

    :param first: OccupancyNetwork or the packed form of one.
    :param seed: Of the images, normally distributed as normalized ones are.
    """
    images, ray_points_m = made_up_input(first.config, seed)
    outputs = [network(images, ray_points_m) for network in (first, second)]
    shares: list[Tensor | None] = [None, None, None]
    if first.config.occupancy is not None:
        one, other = (output.occupancy_logits.argmax(dim=-1) for output in outputs)
        free = first.config.occupancy.free_label
        shares[:2] = one == other, (one == other)[(one != free) | (other != free)]
    if first.config.boxes is not None:
        one, other = (output.box_maps.heatmap.argmax(dim=1) for output in outputs)
        shares[2] = one == other
    return Agreement(*(None if is_equal is None else
                       float(is_equal.float().mean()) if is_equal.numel() else 1.0
                       for is_equal in shares))


def made_up_input(config: NetworkConfig, seed: int) -> tuple[Tensor, Tensor]:
    """
    Return noise as images, and the ray points of the six nuScenes cameras.

    :return: (1, 6, 3, H, W) float32 and (1, 6, D, h, w, 3) float32, metres.
    """
    image = config.image
    rig = load_calibration(share_path('config', 'calibration_nuscenes_n015.yaml'))
    cameras = rig.resized(image.width_px, image.height_px).cameras
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(1, len(cameras), 3, image.height_px, image.width_px, generator=generator)
    return images, RayGeometry(cameras, config.frustum).in_key_ego()[None]
