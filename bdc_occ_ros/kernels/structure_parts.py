# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of structures that several operations share: maps, parameters, weights, outputs."""

import ctypes

import torch
from torch import Tensor

from bdc_occ_ros.kernels import structures as c
from bdc_occ_ros.kernels.addresses import address, check_tensor, CPU, point_at, refuse
from bdc_occ_ros.kernels.conventions import base_table, WORD_BITS, words
from bdc_occ_ros.kernels.library import KernelLibrary
from bdc_occ_ros.kernels.operations import (
    Activation,
    Affine,
    BranchLayer,
    Combine,
    Epilogue,
    Map,
    Sign,
)

ALIGNMENT = 64


class StructureParts:
    """
    Fills parts of structures and keeps alive what they point at.

    :param backend: For which weights are prepared.
    :param library: The library that prepares them.
    :param device: Where all tensors must be.
    """

    def __init__(self, backend: str, library: KernelLibrary | None,
                 device: torch.device = CPU) -> None:
        self._backend = backend
        self._library = library
        self._device = device
        self._kept: list[object] = []
        self._external: list[tuple[c.BdcMap, Map]] = []

    def point_at_external_buffers(self) -> None:
        """
        Take the tensors that the caller brought for this run.

        :raises InvalidOperationError: if one is missing or of another shape.
        """
        for target, source in self._external:
            point_at(target, source, self._device)

    def _epilogue(self, target: ctypes.Structure, epilogue: Epilogue, channels: int, batch: int,
                  height: int) -> None:
        """Fill what follows a product."""
        target.scale = self._floats('scale', epilogue.scale, channels)
        target.offset = self._floats('offset', epilogue.offset, channels)
        self._activation(target.activation, epilogue.activation, channels)
        if epilogue.sums is not None:
            target.sums = self._tensor('sums', epilogue.sums, (batch, height, channels),
                                       torch.float32)
        if epilogue.gate is not None:
            target.gate = self._tensor('gate', epilogue.gate, (batch, channels), torch.float32)
        self._map(target.shortcut, epilogue.shortcut, is_bits=False)
        if are_both('shortcut_scale', epilogue.shortcut_scale, epilogue.shortcut_offset):
            for name in ('shortcut_scale', 'shortcut_offset'):
                setattr(target, name, self._floats(name, getattr(epilogue, name), channels))
        self._outputs(target, epilogue, channels)

    def _outputs(self, target: ctypes.Structure, record: Epilogue | Combine | Affine,
                 channels: int) -> None:
        """Fill the real output and the bits."""
        self._map(target.out, record.output, is_bits=False)
        self._map(target.bits, record.bits, is_bits=True)
        if are_both('bits', record.bits, record.sign):
            self._sign(target.sign, record.sign, channels)

    def _branch_layer(self, target: c.BdcBranchLayer, layer: BranchLayer, channels: int) -> None:
        """Fill one layer of the channel branch."""
        target.weights = self._tensor('weights', layer.weights, (channels, words(channels)),
                                      torch.int32)
        target.scale = self._floats('scale', layer.scale, channels)
        self._activation(target.before, layer.activation, channels)
        if layer.sign is not None:
            self._sign(target.sign, layer.sign, channels)

    def _map(self, target: c.BdcMap, source: Map | None, *, is_bits: bool) -> None:
        """Fill a map, or leave it missing."""
        if source is None:
            return
        buffer, channels = source.buffer, source.channels
        last = source.first_channel + channels
        if buffer.is_bits != is_bits:
            refuse('a map must be ' + ('of bits' if is_bits else 'real'), buffer)
        if source.first_channel < 0 or channels < 1 or last > buffer.shape[3]:
            refuse(f'a slice must lie within the {buffer.shape[3]} channels',
                   f'{source.first_channel} to {last}')
        if is_bits and (source.first_channel % WORD_BITS
                        or (last % WORD_BITS and last != buffer.shape[3])):
            refuse('a slice of bits must begin and end between words',
                   f'{source.first_channel} to {last}')
        target.batch, target.height, target.width = buffer.shape[:3]
        target.channels = channels
        target.stride = words(buffer.shape[3]) if is_bits else buffer.shape[3]
        if buffer.tensor is None:
            self._external.append((target, source))
        else:
            point_at(target, source, self._device)
            self._kept.append(buffer.tensor)

    def _tensor(self, what: str, tensor: Tensor, shape: tuple[int, ...],
                *dtypes: torch.dtype) -> int:
        """Check and keep a tensor; return its address."""
        check_tensor(what, tensor, shape, *dtypes, device=self._device)
        self._kept.append(tensor)
        return address(tensor)

    def _floats(self, what: str, tensor: Tensor, channels: int) -> int:
        """Return the address of one float per channel."""
        return self._tensor(what, tensor, (channels,), torch.float32)

    def _flip(self, tensor: Tensor, channels: int) -> int:
        """Return the address of one bit per channel."""
        return self._tensor('flip', tensor, (words(channels),), torch.int32)

    def _sign(self, target: c.BdcSign, sign: Sign, channels: int) -> None:
        """Fill threshold and flip."""
        target.threshold = self._floats('threshold', sign.threshold, channels)
        target.flip = self._flip(sign.flip, channels)

    def _activation(self, target: c.BdcRprelu, activation: Activation | None,
                    channels: int) -> None:
        """Fill an RPReLU, or leave it missing."""
        if activation is not None:
            for name in ('before', 'slope', 'after'):
                setattr(target, name, self._floats(name, getattr(activation, name), channels))

    def _weights(self, weights: Tensor, in_channels: int) -> tuple[int, int]:
        """Return the addresses of prepared weights and base table."""
        out_channels, kernel = weights.shape[:2]
        source = self._tensor('weights', weights,
                              (out_channels, kernel, kernel, words(in_channels)), torch.int32)
        sizes = out_channels, in_channels, kernel
        size = self._library.prepared_bytes(self._backend, *sizes)
        memory = torch.empty(size + ALIGNMENT, dtype=torch.uint8)
        prepared = -(-memory.data_ptr() // ALIGNMENT) * ALIGNMENT
        self._library.prepare_weights(self._backend, *sizes, source, prepared)
        base = base_table(weights, in_channels)
        self._kept += [memory, base]
        return prepared, address(base)


def are_both(what: str, first: object, second: object) -> bool:
    """
    Return whether two things that belong together are there.

    :param what: Name of the first for the message.
    :param first: Something or None.
    :param second: Something or None.
    :raises InvalidOperationError: if only one is there.
    """
    if (first is None) != (second is None):
        refuse(f'{what} and what belongs to it must come together', 'one of them')
    return first is not None
