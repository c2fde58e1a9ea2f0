# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Plan operations once, over buffers that have no memory yet.

    plan = Plan()
    source = plan.input((1, 8, 8, 64), torch.float32)
    bits = plan.signs_of(source, sign)
    ...
    plan.output(result, torch.float32)
    compiled = CompiledPlan(plan, backend)

The sign of a map is asked for after the map; the operation that writes the map then writes the
bits as well, in one pass, where it can.
"""

from collections.abc import Iterator
from dataclasses import fields, replace

import torch

from bdc_occ_ros.kernels.conventions import WORD_BITS
from bdc_occ_ros.kernels.operations import (
    Affine,
    Buffer,
    Combine,
    Epilogue,
    Map,
    Operation,
    Pack,
    Sign,
)

Shape = tuple[int, int, int, int]


class Plan:
    """Collect operations, the buffers between them, and which buffers the caller brings."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.dtypes: dict[Buffer, torch.dtype] = {}
        self.inputs: list[Buffer] = []
        self.outputs: list[Buffer] = []

    def input(self, shape: Shape, dtype: torch.dtype) -> Map:
        """Declare a real map of N, H, W, C that the caller brings."""
        source = self.real(shape, dtype)
        self.inputs.append(source.buffer)
        return source

    def output(self, result: Map, dtype: torch.dtype) -> None:
        """
        Let the caller bring the memory for a real map.

        :param result: All channels of a buffer that an operation of this plan writes.
        :param dtype: Type of that memory; operations of the plan that read the map read this.
        """
        self.dtypes[result.buffer] = dtype
        self.outputs.append(result.buffer)

    def real(self, shape: Shape, dtype: torch.dtype) -> Map:
        """Declare a real map of N, H, W, C in float32, bfloat16 or float16."""
        buffer = Buffer(shape)
        self.dtypes[buffer] = dtype
        return Map(buffer)

    def bits(self, shape: Shape) -> Map:
        """Declare a map of bits of N, H, W, C."""
        return Map(Buffer(shape, is_bits=True))

    def add(self, operation: Operation) -> None:
        """Add an operation on maps of this plan behind all others."""
        self.operations.append(operation)

    def signs_of(self, source: Map, sign: Sign) -> Map:
        """
        Add the sign of a real map.

        :param source: Written by an operation of this plan, or an input.
        :param sign: One threshold per channel of the source.
        :return: Map of bits.
        """
        bits = self.bits((*source.buffer.shape[:3], source.channels))
        writers = self._writers(source.buffer)
        if source.channels != source.buffer.shape[3] or not writers or any(
                not _can_sign(self.operations[index]) for index in writers):
            self.add(Pack(source, bits, sign))
            return bits
        for index in writers:
            self.operations[index] = _with_bits(self.operations[index], bits.buffer, sign)
        return bits

    def _writers(self, buffer: Buffer) -> list[int]:
        """Return which operations write a real buffer or a part of it."""
        written = [getattr(_ending(operation), 'output', None) for operation in self.operations]
        return [index for index, output in enumerate(written)
                if output is not None and output.buffer is buffer]


def maps_of(record: Operation | Epilogue) -> Iterator[Map]:
    """Iterate over the maps that an operation reads or writes."""
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Map):
            yield value
        elif isinstance(value, Epilogue):
            yield from maps_of(value)


def _ending(operation: Operation) -> Operation | Epilogue | None:
    """Return the part of an operation that names its outputs."""
    return getattr(operation, 'epilogue', operation)


def _can_sign(operation: Operation) -> bool:
    """Return whether an operation can write the bits of its output and does not do so yet."""
    ending = _ending(operation)
    return (isinstance(ending, Epilogue | Combine | Affine) and ending.bits is None
            and ending.output.first_channel % WORD_BITS == 0)


def _with_bits(operation: Operation, bits: Buffer, sign: Sign) -> Operation:
    """Return the operation that writes its channels of the bits as well."""
    ending = _ending(operation)
    first, channels = ending.output.first_channel, ending.output.channels
    first_word, last_word = first // WORD_BITS, -(-(first + channels) // WORD_BITS)
    ending = replace(
        ending, bits=Map(bits, first, channels),
        sign=Sign(sign.threshold[first:first + channels], sign.flip[first_word:last_word]))
    return replace(operation, epilogue=ending) if isinstance(ending, Epilogue) else ending
