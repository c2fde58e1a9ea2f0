# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors to addresses: the checks without which no pointer is handed to compiled kernels."""

import ctypes

import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels import structures as c
from bdc_occ_ros.kernels.conventions import WORD_BITS, words
from bdc_occ_ros.kernels.operations import Map

CPU = torch.device('cpu')
# An empty tensor has no address, and no address means no map.
_EMPTY = ctypes.create_string_buffer(64)


def refuse(rule: str, got: object) -> None:
    """Raise the error of an operation that does not fit."""
    raise InvalidOperationError(f'{rule}; got {got}')


def address(tensor: Tensor) -> int:
    """Return where the values of a tensor lie."""
    return tensor.data_ptr() or ctypes.addressof(_EMPTY)


def check_tensor(what: str, tensor: Tensor, shape: tuple[int, ...],
                 *dtypes: torch.dtype, device: torch.device = CPU) -> None:
    """
    Refuse a tensor that the kernels must not touch.

    :param what: Name for the message.
    :param device: Where it must be.
    :raises InvalidOperationError: if it is not a dense tensor like that.
    """
    if tuple(tensor.shape) != shape or tensor.dtype not in dtypes:
        refuse(f'{what} must be {shape} of {" or ".join(map(str, dtypes))}',
               f'{tuple(tensor.shape)} of {tensor.dtype}')
    if tensor.device != device or tensor.layout != torch.strided:
        place = 'the CPU' if device == CPU else device
        refuse(f'{what} must be dense and on {place}', f'{tensor.layout} on {tensor.device}')
    if not tensor.is_contiguous():
        refuse(f'{what} must be contiguous', f'strides {tensor.stride()}')
    if tensor.data_ptr() % tensor.element_size():
        refuse(f'{what} must be aligned to its elements', hex(tensor.data_ptr()))


def point_at(target: c.BdcMap, source: Map, device: torch.device = CPU) -> None:
    """
    Set the address and type of a map from the tensor of its buffer.

    :param target: Everything else in it is set already.
    :param source: A map whose buffer has a tensor.
    :param device: Where that must be.
    :raises InvalidOperationError: if the tensor is not there or not what the buffer says.
    """
    buffer = source.buffer
    batch, height, width, channels = buffer.shape
    if buffer.tensor is None:
        refuse('every buffer needs a tensor before a run', 'None')
    if buffer.is_bits:
        shape = batch, height + 2, width + 2, words(channels)
        check_tensor('a buffer of bits', buffer.tensor, shape, torch.int32, device=device)
        target.type = c.BITS
        offset = source.first_channel // WORD_BITS
    else:
        check_tensor('a real buffer', buffer.tensor, buffer.shape, *c.REAL_TYPES,
                     device=device)
        target.type = c.REAL_TYPES[buffer.tensor.dtype]
        offset = source.first_channel
    target.data = address(buffer.tensor) + offset * buffer.tensor.element_size()
