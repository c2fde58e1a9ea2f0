# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Choose the samples of every step, and load those of the next steps in threads of their own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import torch

from bdc_occ_ros.dataset.batch import TrainingBatch

EPOCH_SEEDS = 1_000_003  # seeds of two trainings and epochs rarely meet


def sample_numbers(start: int, count: int, length: int, seed: int) -> list[int]:
    """
    Return the numbers of some samples; every epoch has each once, in an order of its own.

    :param start: Samples that the training has taken before.
    :param seed: Decides the order of every epoch.
    """
    places = (divmod(position, length) for position in range(start, start + count))
    return [_epoch_order(length, seed, epoch)[place] for epoch, place in places]


@lru_cache(maxsize=4)
def _epoch_order(length: int, seed: int, epoch: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed * EPOCH_SEEDS + epoch)
    return torch.randperm(length, generator=generator).tolist()


class BatchQueue:
    """
    Load batches by step; what a step gets does not depend on how far ahead anything was loaded.

    :param stop: First step that does not exist.
    :param workers: Threads, each a batch ahead; 0 loads when a batch is asked for.
    """

    def __init__(self, load: Callable[[int], TrainingBatch], stop: int, workers: int) -> None:
        self._load, self._stop, self._workers = load, stop, workers
        self._loading: dict[int, Future[TrainingBatch]] = {}
        self._threads = None if workers == 0 else ThreadPoolExecutor(
            workers, 'batches', torch.set_num_threads, (1,))

    def get(self, step: int) -> TrainingBatch:
        """Return the batch of a step and begin to load those after it."""
        if self._threads is None:
            return self._load(step)
        for wanted in range(step, min(step + 1 + self._workers, self._stop)):
            if wanted not in self._loading:
                self._loading[wanted] = self._threads.submit(self._load, wanted)
        return self._loading.pop(step).result()

    def close(self) -> None:
        """End the threads after what they are loading."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._loading.clear()
