# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The averaged weights, which are used at the end: an exponential average over the steps."""

from copy import deepcopy
import math

import torch
from torch import nn

DECAY = 0.999
TIME_CONSTANT_STEPS = 2000


class AveragedNetwork:
    """
    A copy of a network whose tensors follow the original's (arXiv:2405.17037, code).

    :param network: The original; statistics are averaged like weights.
    :param start: Where the count of steps starts: the copy follows more slowly as it grows.
    """

    def __init__(self, network: nn.Module, start: int) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._start = start

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """
        Take one step towards the original.

        :param network: The original after its step.
        :param step: How many it has taken, from 1.
        """
        decay = DECAY * (1 - math.exp(-(self._start + step) / TIME_CONSTANT_STEPS))
        for mine, its in zip(self.network.state_dict().values(), network.state_dict().values()):
            if mine.is_floating_point():
                mine.lerp_(its, 1 - decay)
            else:
                mine.copy_(its)
