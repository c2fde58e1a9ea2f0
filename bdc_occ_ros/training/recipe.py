# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define how a network is trained: steps, optimizer, loss weights; everything but the data."""

from dataclasses import dataclass, field
from typing import Literal

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.training.augmentation import AugmentationConfig


@dataclass(frozen=True)
class LossWeights:
    """
    Weigh the parts of the loss.

    :param occupancy: Cross-entropy of the observed voxels.
    :param class_power: Classes are weighted by their frequency to the power of minus this; 0, as
        published, weighs all alike.
    :param heatmap: Gaussian focal loss of the centres.
    :param boxes: Sum of the absolute errors of a box's attributes.
    :param velocity: Further factor of the velocity among them.
    :param depth: Binary cross-entropy of the depth bins.
    :param distillation: Cross-entropy to what a teacher says of the observed voxels.
    :param temperature: What the logits of both are divided by there.
    """

    occupancy: float = 1.0
    class_power: float = 0.0
    heatmap: float = 1.0
    boxes: float = 0.25
    velocity: float = 0.2
    depth: float = 0.05
    distillation: float = 0.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 0 or self.temperature == 0 or self.class_power > 1:
            raise InvalidConfigError(f'losses: weights must not be negative, temperature positive '
                                     f'and class_power at most 1; got {self}')


@dataclass(frozen=True)
class Recipe:
    """
    Define one training.

    :param steps: Updates of the weights.
    :param batch: Samples per update, over all processes.
    :param micro_batch: Samples that a process has in the network at once; None for its whole
        share of the batch. It changes what batch normalization sees, and nothing else.
    :param schedule: cosine falls to zero at the last step; constant stays, as published.
    :param warmup_steps: Steps of linear rise from a thousandth.
    :param decayed: real_weights spares latent binary weights, scales, biases and normalizations;
        all, as published, spares nothing.
    :param pretrained_rate: Factor on the learning rate of a pretrained backbone; 0 holds it.
    :param max_gradient_norm: Longer gradients are shortened to this.
    :param precision: Of the arithmetic in layers that bear it; auto is bfloat16 where the machine
        computes in it, else float32.
    :param ema_start: Where the count of steps starts that decides how slowly the averaged weights
        follow.
    :param bn_batches: Micro-batches from which batch statistics are estimated anew at the end,
        with the averaged weights; 0 keeps the averaged statistics.
    :param seed: Of the first weights, of the order of samples and of augmentation.
    """

    steps: int
    batch: int = 8
    micro_batch: int | None = None
    learning_rate: float = 2e-3
    schedule: Literal['cosine', 'constant'] = 'cosine'
    warmup_steps: int = 200
    weight_decay: float = 1e-2
    decayed: Literal['real_weights', 'all'] = 'real_weights'
    pretrained_rate: float = 1.0
    max_gradient_norm: float = 5.0
    precision: Literal['auto', 'float32', 'bfloat16'] = 'auto'
    ema_start: int = 10560
    bn_batches: int = 0
    seed: int = 0
    losses: LossWeights = field(default_factory=LossWeights)
    augmentation: AugmentationConfig | None = None

    def __post_init__(self) -> None:
        sizes = (self.steps, self.batch, 1 if self.micro_batch is None else self.micro_batch)
        counts = (self.warmup_steps, self.ema_start, self.bn_batches, self.seed)
        if min(sizes) < 1 or min(counts) < 0:
            raise InvalidConfigError(f'recipe: steps, batch and micro_batch are at least 1, other '
                                     f'counts at least 0; got {self}')
        if min(self.learning_rate, self.max_gradient_norm) <= 0 or (
                min(self.weight_decay, self.pretrained_rate) < 0):
            raise InvalidConfigError(f'recipe: learning_rate and max_gradient_norm are positive, '
                                     f'weight_decay and pretrained_rate not negative; got {self}')
