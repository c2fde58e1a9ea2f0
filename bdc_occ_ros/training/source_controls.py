# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A training source for those who do not look: its labels alone, or with the images of others."""

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from bdc_occ_ros.training.batch import TrainingBatch
from bdc_occ_ros.training.batch import TrainingSource


def labels_of(source: TrainingSource, numbers: Sequence[int], batch: int = 8
              ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """
    Yield labels, for evaluation/voxel_prior.py.

    :param source: Where samples come from.
    :param numbers: Which of them.
    :param batch: How many are asked for at once.
    :return: Class per voxel, and which voxels a camera observes.
    """
    for start in range(0, len(numbers), batch):
        samples = source.load(numbers[start:start + batch], torch.device('cpu'))
        yield from zip(samples.semantics.numpy(), samples.observed.numpy())


class OtherImagesSource:
    """
    The same truth, with the images and cameras of another sample.

    :param source: Where both come from.
    :param shift: How much further the other sample is, counted in a circle; no smaller than a
        scene, where the samples of one follow each other.
    """

    def __init__(self, source: TrainingSource, shift: int) -> None:
        self._source, self._shift = source, shift

    def __len__(self) -> int:
        return len(self._source)

    def load(self, numbers: Sequence[int], device: torch.device) -> TrainingBatch:
        """
        Return some samples.

        :param numbers: Whose truth is wanted.
        :param device: Where the batch is wanted.
        """
        others = [(number + self._shift) % len(self) for number in numbers]
        seen, true = self._source.load(others, device), self._source.load(numbers, device)
        return replace(seen, semantics=true.semantics, observed=true.observed, boxes=true.boxes)
