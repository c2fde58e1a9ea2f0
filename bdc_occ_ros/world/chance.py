# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where all that varies in a world comes from: single draws, many per scene, from a name."""

from collections.abc import Sequence
from itertools import accumulate
import math
from random import Random
from typing import TypeVar

T = TypeVar('T')


class Chance:
    """Draws that follow from a name alone; unlike numpy's they cost little one by one."""

    def __init__(self, name: str) -> None:
        """Begin the draws of a name."""
        self.random = Random(name).random

    def uniform(self, low: float, high: float) -> float:
        """Return a number between two."""
        return low + (high - low) * self.random()

    def spread(self, low: Sequence[float], high: Sequence[float]) -> tuple[float, ...]:
        """Return a number between every two."""
        return tuple(start + (end - start) * self.random()
                     for start, end in zip(low, high, strict=True))

    def tint(self, rgb: Sequence[float], share: float) -> tuple[float, ...]:
        """
        Return a colour a little off.

        :param share: By how much at most each channel is, as a share of it.
        """
        return tuple(min(0.9, channel * (1 + share * (2 * self.random() - 1))) for channel in rgb)

    def integers(self, low: int, high: int) -> int:
        """
        Return a whole number.

        :param high: One more than the highest.
        """
        return low + int((high - low) * self.random())

    def choice(self, items: Sequence[T]) -> T:
        """Return one of some things."""
        return items[int(len(items) * self.random())]

    def weighted(self, items: Sequence[T], shares: Sequence[float]) -> T:
        """
        Return one of some things that are not equally likely.

        :param shares: How often each comes, in proportion.
        """
        bounds = list(accumulate(shares))
        mark = self.random() * bounds[-1]
        return next((item for item, bound in zip(items, bounds, strict=True) if mark < bound),
                    items[-1])

    def exponential(self, mean: float) -> float:
        """Return a waiting time."""
        return -mean * math.log(1 - self.random())

    def poisson(self, mean: float) -> int:
        """
        Return how many events happen.

        :param mean: How many do on average.
        """
        count, left = 0, mean
        while (left := left - self.exponential(1.0)) > 0:
            count += 1
        return count

    def normal(self, mean: float, deviation: float, low: float, high: float) -> float:
        """Return a number about a mean, held within bounds."""
        angle, radius = math.tau * self.random(), math.sqrt(2 * self.exponential(1.0))
        return min(max(mean + deviation * radius * math.cos(angle), low), high)
