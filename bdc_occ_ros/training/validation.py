# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How good a network in training is: mIoU over the voxels that a camera sees, on other samples."""

from collections.abc import Sequence

import torch

from bdc_occ_ros.evaluation.voxel_iou import ConfusionMatrix
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.batch import TrainingSource
from bdc_occ_ros.training.forward import run_network


@torch.no_grad()
def count_voxels(network: OccupancyNetwork, source: TrainingSource, numbers: Sequence[int],
                 batch: int, device: torch.device, precision: str) -> ConfusionMatrix:
    """
    Compare a network's labels with the truth.

    :param network: In evaluation mode, with an occupancy head.
    :param source: Where samples come from.
    :param numbers: Which of them.
    :param batch: How many are in the network at once.
    :param device: Where the network is.
    :param precision: float32 or bfloat16.
    :return: Counts over all of them.
    """
    counts = ConfusionMatrix(network.config.occupancy.num_classes)
    for start in range(0, len(numbers), batch):
        samples = source.load(numbers[start:start + batch], device)
        logits = run_network(network, samples, precision).occupancy_logits
        observed = samples.observed
        labels = logits.max(dim=-1).indices[observed].cpu().numpy()
        truth = samples.semantics[observed].cpu().numpy()
        counts.add(labels, truth, truth < len(counts.counts))
    return counts
