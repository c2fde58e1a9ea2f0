# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A batch through a network: what prediction does with a frame, for samples on their device."""

import torch

from bdc_occ_ros.dataset.batch import TrainingBatch
from bdc_occ_ros.geometry.preprocessing import normalize_images
from bdc_occ_ros.network.network import NetworkOutput, OccupancyNetwork
from bdc_occ_ros.training.rays import ray_points


def run_network(network: OccupancyNetwork, batch: TrainingBatch, precision: str, *,
                with_depth: bool = False) -> NetworkOutput:
    """
    Return what a network says of a batch.

    :param network: The network; it takes its own colours and depth bins.
    :param batch: Samples on its device.
    :param precision: float32, or bfloat16 where layers bear it.
    :param with_depth: Whether the depth distributions are wanted too.
    """
    config = network.config
    images = normalize_images(batch.images, config.image)
    points_m = ray_points(batch.input_from_camera, batch.key_ego_from_camera, config)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == 'bfloat16'):
        return network(images, points_m, with_depth=with_depth)
