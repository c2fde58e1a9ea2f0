# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Join the processes that torchrun has started to share some work; without it there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from typing import Any, NamedTuple

from torch import distributed, Tensor


class ProcessGroup(NamedTuple):
    """Hold the number of this process, from 0, and how many there are."""

    rank: int
    size: int

    def gather(self, value: Any) -> list[Any] | None:
        """Collect a value of every process, by rank, in the first; None in all others."""
        if self.size == 1:
            return [value]
        values = [None] * self.size if self.rank == 0 else None
        distributed.gather_object(value, values)
        return values

    def add(self, tensor: Tensor) -> Tensor:
        """Replace a tensor by the sum over all processes, and return it."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor


@contextmanager
def process_group(backend: str = 'gloo') -> Iterator[ProcessGroup]:
    """
    Join the group that torchrun's environment describes, and leave it at the end.

    :param backend: gloo, or nccl where every process has a GPU of its own.
    """
    size = int(os.environ.get('WORLD_SIZE', '1'))
    if size == 1:
        yield ProcessGroup(0, 1)
        return
    distributed.init_process_group(backend)
    try:
        yield ProcessGroup(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()
