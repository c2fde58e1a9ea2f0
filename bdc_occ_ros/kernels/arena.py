# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Memory for the maps of a plan: real maps share one block, as far as their lives allow.

Maps of bits share with maps of the same shape only, because the border of a map is written once,
when its memory is made, and must stay clear.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from bdc_occ_ros.kernels.conventions import bit_map
from bdc_occ_ros.kernels.operations import Buffer, Operation
from bdc_occ_ros.kernels.plan import maps_of

ALIGNMENT = 64


class Life(NamedTuple):
    """
    The operations between which a buffer must keep its values, both ends included.

    :param first: Index of the operation that writes it first.
    :param last: Index of the operation that uses it last.
    """

    first: int
    last: int

    def meets(self, other: 'Life') -> bool:
        """Return whether two lives have an operation in common."""
        return self.first <= other.last and other.first <= self.last


def lives_of(operations: Sequence[Operation]) -> dict[Buffer, Life]:
    """
    Return from when to when each buffer is used.

    :param operations: In the order in which they run.
    """
    lives: dict[Buffer, Life] = {}
    for index, operation in enumerate(operations):
        for used in maps_of(operation):
            first = lives[used.buffer].first if used.buffer in lives else index
            lives[used.buffer] = Life(first, index)
    return lives


def place(sizes: Mapping[Buffer, int], lives: Mapping[Buffer, Life]) -> dict[Buffer, int]:
    """
    Place buffers in one block so that no two overlap while both are alive.

    Large ones are placed first, each at the lowest offset that is free during its life.

    :param sizes: Bytes per buffer.
    :param lives: From when to when each is used.
    :return: Offset in bytes per buffer, a multiple of ALIGNMENT.
    """
    offsets: dict[Buffer, int] = {}
    for buffer in sorted(sizes, key=lambda key: -sizes[key]):
        taken = sorted((offsets[other], offsets[other] + sizes[other]) for other in offsets
                       if lives[other].meets(lives[buffer]))
        offset = 0
        for start, stop in taken:
            if offset + sizes[buffer] <= start:
                break
            offset = max(offset, -(-stop // ALIGNMENT) * ALIGNMENT)
        offsets[buffer] = offset
    return offsets


def allocate_real(dtypes: Mapping[Buffer, torch.dtype], lives: Mapping[Buffer, Life]) -> int:
    """
    Give real buffers their memory, all in one block.

    :param dtypes: The buffers and their types.
    :param lives: From when to when each is used.
    :return: Bytes of the block.
    """
    sizes = {buffer: torch.Size(buffer.shape).numel() * dtype.itemsize
             for buffer, dtype in dtypes.items()}
    offsets = place(sizes, lives)
    total = max((offsets[buffer] + sizes[buffer] for buffer in sizes), default=0)
    block = torch.zeros(total, dtype=torch.uint8)
    for buffer, dtype in dtypes.items():
        own = block[offsets[buffer]:offsets[buffer] + sizes[buffer]]
        buffer.tensor = own.view(dtype).view(buffer.shape)
    return total


def allocate_bits(buffers: Sequence[Buffer], lives: Mapping[Buffer, Life]) -> int:
    """
    Give maps of bits their memory, with a clear border.

    :param lives: From when to when each is used.
    :return: Bytes of all of them.
    """
    owners: list[Buffer] = []
    last_use: dict[Buffer, int] = {}  # of the memory of an owner
    for buffer in sorted(buffers, key=lambda key: lives[key].first):
        owner = next((owner for owner in owners if owner.shape == buffer.shape
                      and last_use[owner] < lives[buffer].first), None)
        if owner is None:
            buffer.tensor = bit_map(*buffer.shape)
            owners.append(owner := buffer)
        buffer.tensor = owner.tensor
        last_use[owner] = lives[buffer].last
    return sum(owner.tensor.nbytes for owner in owners)
