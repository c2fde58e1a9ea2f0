# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loads the next steps' samples in threads of their own while the network learns."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import torch

Batch = TypeVar('Batch')


class BatchQueue(Generic[Batch]):
    """
    Batches by step; what a step gets does not depend on how far ahead anything was loaded.

    :param load: Makes the batch of a step.
    :param stop: First step that does not exist.
    :param workers: Threads, each a batch ahead; 0 loads when a batch is asked for.
    """

    def __init__(self, load: Callable[[int], Batch], stop: int, workers: int) -> None:
        self._load, self._stop, self._workers = load, stop, workers
        self._loading: dict[int, Future[Batch]] = {}
        self._threads = None if workers == 0 else ThreadPoolExecutor(
            workers, 'batches', torch.set_num_threads, (1,))

    def get(self, step: int) -> Batch:
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
