# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Train a network step by step: samples, loss, gradients, weights and their average."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
import math
from typing import Any

import torch
from torch import nn, Tensor

from bdc_occ_ros.dataset.batch import TrainingBatch, TrainingSource
from bdc_occ_ros.errors import InvalidConfigError, NonFiniteLossError
from bdc_occ_ros.evaluation.process_group import ProcessGroup
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.augmentation import Augmentation
from bdc_occ_ros.training.batches import BatchQueue, sample_numbers
from bdc_occ_ros.training.forward import run_network
from bdc_occ_ros.training.losses import TrainingLoss
from bdc_occ_ros.training.optimizer import build_optimizer, learning_rate
from bdc_occ_ros.training.recipe import Recipe

ALONE = ProcessGroup(0, 1)
DECAY = 0.999
TIME_CONSTANT_STEPS = 2000


@dataclass(frozen=True)
class StepReport:
    """
    Report what one step did.

    :param step: How many steps have been taken, this one included.
    :param parts: Weighted parts of the loss, over all processes.
    :param gradient_norm: Before it was shortened.
    """

    step: int
    parts: Mapping[str, float]
    gradient_norm: float
    learning_rate: float

    @property
    def loss(self) -> float:
        """Return the sum of the parts."""
        return sum(self.parts.values())


class AveragedNetwork:
    """
    Average the weights of a network over the steps, exponentially (arXiv:2405.17037, code).

    :param network: The original; statistics are averaged like weights.
    :param start: Where the count of steps starts: the copy follows more slowly as it grows.
    """

    def __init__(self, network: nn.Module, start: int) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._start = start

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """Take one step towards the original after its own, counted from 1."""
        decay = DECAY * (1 - math.exp(-(self._start + step) / TIME_CONSTANT_STEPS))
        for mine, its in zip(self.network.state_dict().values(), network.state_dict().values()):
            if mine.is_floating_point():
                mine.lerp_(its, 1 - decay)
            else:
                mine.copy_(its)


class Trainer:
    """
    Train a network; after any number of steps it is what recipe and data make of it.

    Processes share the samples of a step; all hold the same weights after it. Gradients, counts
    and losses are summed over them. Batch normalization normalizes by what is in one process at
    once, and its running statistics are averaged over the processes; so how a step is shared
    changes its numbers a little.

    :param config: The network; its first weights come from the recipe's seed.
    :param teacher: Network of the same grid that distillation follows, in evaluation mode.
    :raises InvalidConfigError: if the batch cannot be shared evenly, or distillation has no
        teacher of the same input, voxels and classes, or there are no samples.
    """

    def __init__(self, config: NetworkConfig, recipe: Recipe, source: TrainingSource,
                 device: torch.device, *, group: ProcessGroup = ALONE,
                 teacher: OccupancyNetwork | None = None, workers: int = 0) -> None:
        if recipe.batch % group.size:
            raise InvalidConfigError(f'recipe: a batch of {recipe.batch} samples cannot be shared '
                                     f'by {group.size} processes; choose a multiple')
        if (recipe.losses.distillation > 0) != (teacher is not None):
            raise InvalidConfigError('distillation needs both a teacher and losses.distillation '
                                     'above 0; give both or neither')
        if teacher is not None:
            _require_teacher_fits(config, teacher.config)
        if not len(source):
            raise InvalidConfigError('there are no samples to learn from')
        self.config, self.recipe, self.source = config, recipe, source
        self.device, self.group = device, group
        torch.manual_seed(recipe.seed)
        self.network = OccupancyNetwork(config).to(device).train()
        self.averaged = AveragedNetwork(self.network, recipe.ema_start)
        self.optimizer = build_optimizer(self.network, recipe)
        self.loss = TrainingLoss(config, recipe.losses).to(device)
        self.teacher = None if teacher is None else teacher.to(device).eval()
        self.augment = None if recipe.augmentation is None else Augmentation(
            recipe.augmentation, config, recipe.seed)
        self.step = 0
        self._batches = BatchQueue(self.load_batch, recipe.steps, workers)

    def load_batch(self, step: int) -> TrainingBatch:
        """Return this process' samples of a step, counted from 0."""
        recipe, group = self.recipe, self.group
        share = recipe.batch // group.size
        start = step * recipe.batch + group.rank * share
        numbers = sample_numbers(start, share, len(self.source), recipe.seed)
        batch = self.source.load(numbers, self.device)
        return batch if self.augment is None else self.augment(batch, range(start, start + share))

    def take_step(self) -> StepReport:
        """
        Learn from the next samples.

        :raises NonFiniteLossError: if the loss or the gradient is not finite; the weights stay
            as they were.
        """
        rate = learning_rate(self.recipe, self.step)
        for parameters in self.optimizer.param_groups:
            parameters['lr'] = rate * parameters['rate_factor']
        self.optimizer.zero_grad()
        parts = self._backward(self._batches.get(self.step))
        if self.group.size > 1:
            self._share([p.grad for p in self.network.parameters() if p.grad is not None])
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(),
                                              self.recipe.max_gradient_norm))
        if not math.isfinite(sum(parts.values())) or not math.isfinite(norm):
            shown = ', '.join(f'{name} {value:g}' for name, value in parts.items())
            raise NonFiniteLossError(
                f'step {self.step + 1}: loss and gradient must be finite; got {shown}, gradient '
                f'norm {norm:g}. Resume from the last saved step with a smaller learning_rate or '
                f'in float32')
        self.optimizer.step()
        if self.group.size > 1:
            statistics = [b for b in self.network.buffers() if b.is_floating_point()]
            self._share(statistics)
            for statistic in statistics:
                statistic /= self.group.size
        self.step += 1
        self.averaged.follow(self.network, self.step)
        return StepReport(self.step, parts, norm, rate)

    def state(self) -> dict[str, Any]:
        """Return all that the next step depends on, as tensors and plain values."""
        return {'step': self.step, 'network': self.network.state_dict(),
                'averaged': self.averaged.network.state_dict(),
                'optimizer': self.optimizer.state_dict(), 'random': torch.get_rng_state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned, from a trainer of the same config and recipe."""
        self.network.load_state_dict(state['network'])
        self.averaged.network.load_state_dict(state['averaged'])
        self.optimizer.load_state_dict(  # its groups are those of the recipe
            {**self.optimizer.state_dict(), 'state': state['optimizer']['state']})
        torch.set_rng_state(state['random'].cpu())
        self.step = state['step']

    def start_from(self, tensors: Mapping[str, Tensor]) -> None:
        """Replace first weights by name; names that are not there keep what the seed gave."""
        for network in (self.network, self.averaged.network):
            network.load_state_dict(dict(tensors), strict=False)

    def close(self) -> None:
        """End the threads that load samples."""
        self._batches.close()

    def _backward(self, batch: TrainingBatch) -> dict[str, float]:
        """Add up gradients, one micro-batch after the other, and return the loss in parts."""
        size = self.recipe.micro_batch or len(batch)
        shares = [batch.part(start, min(start + size, len(batch)))
                  for start in range(0, len(batch), size)]
        targets = [self.loss.targets(share) for share in shares]
        counts = self.group.add(sum(target.counts() for target in targets).to(self.device)).cpu()
        sums: dict[str, Tensor] = {}
        for share, target in zip(shares, targets):
            output = run_network(self.network, share, self.recipe.precision,
                                 with_depth=target.depths is not None, columns=target.columns)
            with torch.no_grad():
                taught = None if self.teacher is None else run_network(
                    self.teacher, share, self.recipe.precision, columns=target.columns)
            parts = self.loss(output, target, counts, taught)
            sum(parts.values()).backward()
            for name, part in parts.items():
                sums[name] = sums.get(name, 0) + part.detach()
        total = self.group.add(torch.stack(list(sums.values())).double())
        return dict(zip(sums, total.tolist()))

    def _share(self, tensors: list[Tensor]) -> None:
        """Replace tensors by their sums over all processes, in one exchange."""
        flat = self.group.add(torch.cat([tensor.reshape(-1) for tensor in tensors]))
        for tensor, its_sum in zip(tensors, flat.split([t.numel() for t in tensors])):
            tensor.copy_(its_sum.view(tensor.shape))


def _require_teacher_fits(config: NetworkConfig, teacher: NetworkConfig) -> None:
    """Refuse a teacher that cannot say of the same samples what each voxel is."""
    for name, occupancy in ((config.name, config.occupancy),
                            (f'the teacher {teacher.name}', teacher.occupancy)):
        if occupancy is None:
            raise InvalidConfigError(f'distillation compares voxels, and {name} has none; take '
                                     'networks with an occupancy head')
    for what, own, other in (
            ('voxels', config.voxel_grid(), teacher.voxel_grid()),
            ('classes', config.occupancy.class_names, teacher.occupancy.class_names),
            ('images', (config.image.height_px, config.image.width_px),
             (teacher.image.height_px, teacher.image.width_px))):
        if own != other:
            raise InvalidConfigError(f'distillation: the {what} of the teacher {teacher.name} are '
                                     f'{other}, those of {config.name} {own}; take a teacher with '
                                     'the same')
