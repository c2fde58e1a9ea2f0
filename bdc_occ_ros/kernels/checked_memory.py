# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Check maps and parameters and turn them into addresses; the kernels check nothing themselves.

What is checked here is all that keeps compiled code inside of the tensors: device, dtype, shape,
contiguity, alignment, slices, sizes that fit 31 bits, and clear bits behind the last channel.
"""

import ctypes

import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels import structures as c
from bdc_occ_ros.kernels.conventions import is_clear_beyond, WORD_BITS, words
from bdc_occ_ros.kernels.operations import Activation, Map, Sign

CPU_DEVICE = torch.device('cpu')
REAL = (torch.float32, torch.bfloat16, torch.float16)
BITS = ()  # maps of bits are words, whatever the dtype
MAX_SIZE = 2 ** 20  # of a map in any direction
MAX_COUNT = 2 ** 31 - 1
Shape = tuple[int, ...]
# An empty tensor has no address, and no address means no map.
_EMPTY = ctypes.create_string_buffer(64)


def refuse(rule: str, got: object) -> None:
    """Raise the error of an operation that does not fit."""
    raise InvalidOperationError(f'{rule}; got {got}')


def require_both(what: str, first: object, second: object) -> None:
    """
    Refuse one of two things that belong together without the other.

    :param what: Name of the first for the message.
    """
    if (first is None) != (second is None):
        refuse(f'{what} and what belongs to it must come together', 'one of them')


def address(tensor: Tensor) -> int:
    """Return where the values of a tensor lie."""
    return tensor.data_ptr() or ctypes.addressof(_EMPTY)


class CheckedMemory:
    """
    Fill what structures say about memory, and keep alive what they point at.

    :param device: Where all tensors must be.
    """

    def __init__(self, device: torch.device = CPU_DEVICE) -> None:
        self.device = device
        self.kept: list[object] = []
        self.external: list[tuple[c.BdcMap, Map, tuple[torch.dtype, ...]]] = []
        self.convolutions: list[c.BdcConvolution] = []

    def point_at_external_buffers(self) -> None:
        """
        Take the tensors that the caller brought for this run.

        :raises InvalidOperationError: if one is missing, of another shape, or read and written.
        """
        for target, source, dtypes in self.external:
            if source.buffer.tensor is None:
                refuse('every buffer needs a tensor before a run', 'None')
            self._point_at(target, source, dtypes)
        self._require_other_bits()

    def _require_other_bits(self) -> None:
        """Refuse convolutions that write over the bits that they read, where these are known."""
        for target in self.convolutions:
            read, is_empty = target.in_.data, not target.in_.batch
            if read and not is_empty and read in (target.bits.data, target.bits_of_integer.data):
                refuse('a convolution cannot write over the bits that it reads', hex(read))

    def _point_at(self, target: c.BdcMap, source: Map, dtypes: tuple[torch.dtype, ...]) -> None:
        """Set address and type of a map from the tensor of its buffer; bits have no dtypes."""
        buffer = source.buffer
        batch, height, width, channels = buffer.shape
        if buffer.is_bits:
            self._check('a buffer of bits', buffer.tensor,
                        (batch, height + 2, width + 2, words(channels)), torch.int32)
            target.type = c.BITS
            offset = source.first_channel // WORD_BITS
        else:
            self._check('a real buffer', buffer.tensor, buffer.shape, *dtypes)
            target.type = c.REAL_TYPES[buffer.tensor.dtype]
            offset = source.first_channel
        target.data = address(buffer.tensor) + offset * buffer.tensor.element_size()

    def _check(self, what: str, tensor: Tensor, shape: Shape, *dtypes: torch.dtype) -> None:
        """Refuse a tensor that is not dense, of that shape and type, and on the device."""
        if tuple(tensor.shape) != shape or tensor.dtype not in dtypes:
            refuse(f'{what} must be {shape} of type {" or ".join(map(str, dtypes))}',
                   f'{tuple(tensor.shape)} of {tensor.dtype}')
        if tensor.device != self.device or tensor.layout != torch.strided:
            place = 'the CPU' if self.device == CPU_DEVICE else self.device
            refuse(f'{what} must be dense and on {place}', f'{tensor.layout} on {tensor.device}')
        if not tensor.is_contiguous():
            refuse(f'{what} must be contiguous', f'strides {tensor.stride()}')
        if tensor.data_ptr() % tensor.element_size():
            refuse(f'{what} must be aligned to its elements', hex(tensor.data_ptr()))

    def _tensor(self, what: str, tensor: Tensor, shape: Shape, *dtypes: torch.dtype) -> int:
        """Check and keep a tensor; return its address."""
        self._check(what, tensor, shape, *dtypes)
        self.kept.append(tensor)
        return address(tensor)

    def _floats(self, what: str, tensor: Tensor, *shape: int) -> int:
        """Return the address of float32."""
        return self._tensor(what, tensor, shape, torch.float32)

    def _words(self, what: str, packed: Tensor, rows: Shape, channels: int) -> int:
        """Return the address of rows of packed bits, of which those behind the last are clear."""
        pointer = self._tensor(what, packed, (*rows, words(channels)), torch.int32)
        if not is_clear_beyond(packed, channels):
            refuse(f'{what}: bits behind the last channel must be clear', f'{channels} channels')
        return pointer

    def _sign(self, target: c.BdcSign, sign: Sign, channels: int) -> None:
        target.threshold = self._floats('threshold', sign.threshold, channels)
        target.flip = self._words('flip', sign.flip, (), channels)

    def _activation(self, target: c.BdcRprelu, activation: Activation | None,
                    channels: int) -> None:
        if activation is not None:
            for name in ('before', 'slope', 'after'):
                setattr(target, name, self._floats(name, getattr(activation, name), channels))

    def _map(self, what: str, target: c.BdcMap, source: Map | None,
             dtypes: tuple[torch.dtype, ...], shape: Shape | None = None) -> None:
        """Check and fill a map; shape is N, H, W, C where they must fit."""
        if source is None:
            refuse(f'{what} is needed', source)
        buffer, channels = source.buffer, source.channels
        last = source.first_channel + channels
        if buffer.is_bits == bool(dtypes):
            refuse(f'{what} must be ' + ('real' if dtypes else 'of bits'), buffer)
        if (min(buffer.shape[1:]) < 1 or buffer.shape[0] < 0 or max(buffer.shape) > MAX_SIZE
                or buffer.shape[0] * (buffer.shape[1] + 2) > MAX_COUNT):
            refuse(f'{what}: a size is too small or too large', buffer.shape)
        if source.first_channel < 0 or channels < 1 or last > buffer.shape[3]:
            refuse(f'{what}: a slice must lie within the {buffer.shape[3]} channels',
                   f'{source.first_channel} to {last}')
        if buffer.is_bits and (source.first_channel % WORD_BITS
                               or (last % WORD_BITS and last != buffer.shape[3])):
            refuse(f'{what}: a slice of bits must begin and end between words',
                   f'{source.first_channel} to {last}')
        if shape not in (None, found := (*buffer.shape[:3], channels)):
            refuse(f'{what} must have the sizes and channels {shape}', found)
        target.batch, target.height, target.width = buffer.shape[:3]
        target.channels = channels
        target.stride = words(buffer.shape[3]) if buffer.is_bits else buffer.shape[3]
        if buffer.tensor is None:
            self.external.append((target, source, dtypes))
        else:
            self._point_at(target, source, dtypes)
            self.kept.append(buffer.tensor)
