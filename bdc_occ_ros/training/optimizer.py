# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""AdamW with the parameters that decay and those that do not, and the course of its rate."""

from collections.abc import Iterator
import math

from torch import nn
from torch.optim import AdamW, Optimizer

from bdc_occ_ros.binary.layers import BinaryConv2d
from bdc_occ_ros.training.recipe import Recipe

WARMUP_START = 1e-3  # of the rate


def build_optimizer(network: nn.Module, recipe: Recipe) -> AdamW:
    """
    Make the optimizer of a network.

    :param network: All of its parameters are trained.
    """
    decayed = set(_real_weights(network)) if recipe.decayed == 'real_weights' else None
    names = [name for name, _ in network.named_parameters()]
    spared = [] if decayed is None else [name for name in names if name not in decayed]
    groups = [[name for name in names if name not in set(spared)], spared]
    parameters = dict(network.named_parameters())
    return AdamW([{'params': [parameters[name] for name in group], 'weight_decay': decay}
                  for group, decay in zip(groups, (recipe.weight_decay, 0.0)) if group],
                 lr=recipe.learning_rate, fused=True)


def _real_weights(network: nn.Module) -> Iterator[str]:
    """Yield the names of the weights of full-precision layers."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and not isinstance(module, BinaryConv2d):
            yield f'{name}.weight'


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


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Give all parameters a rate."""
    for group in optimizer.param_groups:
        group['lr'] = rate
