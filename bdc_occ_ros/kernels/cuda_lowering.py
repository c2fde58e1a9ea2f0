# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Operations on tensors of a GPU to structures, and weights in the order of cuda/tile.h."""

import torch
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.kernels.addresses import address
from bdc_occ_ros.kernels.conventions import base_table, unpack_bits, WORD_BITS, words
from bdc_occ_ros.kernels.lowering import Lowering

TILE_CHANNELS = 64
STAGE_WORDS = 16


def prepare_weights(weights: Tensor) -> Tensor:
    """
    Pad weights with clear words and append how many bits of each output channel are set.

    :param weights: (Co, k, k, words(Ci)) int32, packed, on the CPU.
    :return: 1-D int32: whole tiles of channels times whole stages of words, then the counts.
    """
    rows = weights.flatten(1)
    channels, size = rows.shape
    padded = functional.pad(rows, (0, -size % STAGE_WORDS, 0, -channels % TILE_CHANNELS))
    ones = unpack_bits(padded, padded.shape[1] * WORD_BITS).sum(dim=1, dtype=torch.int32)
    return torch.cat((padded.flatten(), ones))


class CudaLowering(Lowering):
    """
    Makes the structures of one list of operations whose tensors lie on a GPU.

    :param device: The GPU, with its index; the CPU for an emulation.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__('cuda', None, device)

    def _weights(self, weights: Tensor, in_channels: int) -> tuple[int, int]:
        """Return the addresses of prepared weights and base table."""
        out_channels, kernel = weights.shape[:2]
        self._tensor('weights', weights, (out_channels, kernel, kernel, words(in_channels)),
                     torch.int32)
        plain = weights.cpu()
        kept = [made.to(self._device) for made in (prepare_weights(plain),
                                                  base_table(plain, in_channels))]
        self._kept += kept
        return address(kept[0]), address(kept[1])
