# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Statistics of batch normalization for weights that were averaged: seen anew, not averaged."""

from collections.abc import Iterable

import torch
from torch import nn

from bdc_occ_ros.dataset.batch import TrainingBatch
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.forward import run_network


@torch.no_grad()
def estimate_statistics(network: OccupancyNetwork, batches: Iterable[TrainingBatch],
                        precision: str) -> None:
    """
    Replace the statistics of all normalizations by their mean over some batches.

    :param network: With the weights that are to be used; it is left in evaluation mode.
    :param batches: At least one; as large as those of the training.
    :param precision: As for the training.
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
