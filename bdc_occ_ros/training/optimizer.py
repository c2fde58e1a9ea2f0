# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Build AdamW with its two groups of weight decay, and schedule its learning rate."""

import math

from torch import nn
from torch.optim import AdamW

from bdc_occ_ros.binary.layers import BinaryConv2d
from bdc_occ_ros.training.recipe import Recipe

WARMUP_START = 1e-3  # of the rate
PRETRAINED = 'img_backbone.pretrained.'


def build_optimizer(network: nn.Module, recipe: Recipe) -> AdamW:
    """
    Make the optimizer of a network; what is held gets no gradient any more.

    Every group notes as rate_factor what its learning rate is multiplied by.
    """
    real_weights = {
        f'{name}.weight' for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and not isinstance(module, BinaryConv2d)}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        is_decayed = recipe.decayed == 'all' or name in real_weights
        factor = recipe.pretrained_rate if name.startswith(PRETRAINED) else 1.0
        if factor:
            groups.setdefault((recipe.weight_decay if is_decayed else 0.0, factor),
                              []).append(parameter)
        else:
            parameter.requires_grad_(False)
    return AdamW([{'params': group, 'weight_decay': decay, 'rate_factor': factor}
                  for (decay, factor), group in groups.items()],
                 lr=recipe.learning_rate, fused=True)


def learning_rate(recipe: Recipe, step: int) -> float:
    """
    Return the rate of one step.

    :param step: From 0.
    """
    if step < recipe.warmup_steps:
        share = step / recipe.warmup_steps
        return recipe.learning_rate * (WARMUP_START + (1 - WARMUP_START) * share)
    if recipe.schedule == 'constant':
        return recipe.learning_rate
    progress = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
