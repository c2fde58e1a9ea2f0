# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which samples a step takes: every sample once per epoch, in an order that the seed decides."""

from functools import lru_cache

import torch

EPOCH_SEEDS = 1_000_003  # seeds of two trainings and epochs rarely meet


def sample_numbers(start: int, count: int, length: int, seed: int) -> list[int]:
    """
    Return the numbers of some samples; the same for the same place in a training.

    :param start: Samples that the training has taken before.
    :param count: How many are wanted.
    :param length: How many there are.
    :param seed: Decides the order of every epoch.
    """
    places = (divmod(position, length) for position in range(start, start + count))
    return [_epoch_order(length, seed, epoch)[place] for epoch, place in places]


@lru_cache(maxsize=4)
def _epoch_order(length: int, seed: int, epoch: int) -> list[int]:
    """Return the order of one epoch."""
    generator = torch.Generator().manual_seed(seed * EPOCH_SEEDS + epoch)
    return torch.randperm(length, generator=generator).tolist()
