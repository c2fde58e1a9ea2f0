# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw the random numbers of a scene; every part of it has a stream of its own."""

from collections.abc import Sequence
from itertools import accumulate
import math
from random import Random
from typing import TypeVar

T = TypeVar('T')


class SceneRng:
    """
    Draw random numbers; single draws cost little, unlike those of numpy.

    :param name: Seeds it: equal names give equal draws.
    """

    def __init__(self, name: str) -> None:
        self.random = Random(name).random

    @staticmethod
    def of_part(seed: int, part: str) -> 'SceneRng':
        """Return the generator of one part of a scene, which draws of other parts do not move."""
        return SceneRng(f'{part} of scene {seed}')

    def uniform(self, low: float, high: float) -> float:
        """Draw from a uniform distribution."""
        return low + (high - low) * self.random()

    def spread(self, low: Sequence[float], high: Sequence[float]) -> tuple[float, ...]:
        """Draw one uniform number per pair of bounds."""
        return tuple(start + (end - start) * self.random()
                     for start, end in zip(low, high, strict=True))

    def tint(self, rgb: Sequence[float], share: float) -> tuple[float, ...]:
        """Vary every channel of a colour by up to a share of it."""
        return tuple(min(0.9, channel * (1 + share * (2 * self.random() - 1))) for channel in rgb)

    def integers(self, low: int, high: int) -> int:
        """Draw an integer from low to below high."""
        return low + int((high - low) * self.random())

    def choice(self, items: Sequence[T]) -> T:
        """Draw one of some items, all equally likely."""
        return items[int(len(items) * self.random())]

    def weighted(self, items: Sequence[T], shares: Sequence[float]) -> T:
        """Draw one of some items by weights, which need not sum to 1."""
        bounds = list(accumulate(shares))
        mark = self.random() * bounds[-1]
        return next((item for item, bound in zip(items, bounds, strict=True) if mark < bound),
                    items[-1])

    def exponential(self, mean: float) -> float:
        """Draw from an exponential distribution."""
        return -mean * math.log(1 - self.random())

    def poisson(self, mean: float) -> int:
        """Draw from a Poisson distribution."""
        count, left = 0, mean
        while (left := left - self.exponential(1.0)) > 0:
            count += 1
        return count

    def normal(self, mean: float, deviation: float, low: float, high: float) -> float:
        """Draw from a normal distribution and clamp to bounds."""
        angle, radius = math.tau * self.random(), math.sqrt(2 * self.exponential(1.0))
        return min(max(mean + deviation * radius * math.cos(angle), low), high)
