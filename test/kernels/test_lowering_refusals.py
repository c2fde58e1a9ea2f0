# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every map, parameter and number of every operation, spoiled one at a time, is refused."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from binary_maps import BinaryMaker
import pytest
from real_maps import bits_output, real_output
import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.lowering import Lowering
from bdc_occ_ros.kernels.operations import (
    Affine,
    AveragePool,
    BranchLayer,
    Buffer,
    Combine,
    Convolution,
    Epilogue,
    Gate,
    Labels,
    Map,
    Operation,
    Pack,
    RealConvolution,
    Splat,
    SplatTable,
    Upsample,
)

MAKE = BinaryMaker(0)
IN, OUT = (2, 4, 6, 40), (2, 4, 6, 66)
CHANNELS = OUT[3]


def ending() -> Epilogue:
    vectors = [MAKE.values(CHANNELS) for _ in range(4)]
    return Epilogue(*vectors[:2], MAKE.activation(CHANNELS), torch.zeros(2, 4, CHANNELS),
                    torch.zeros(2, CHANNELS), MAKE.real((*OUT[:3], 33)), *vectors[2:],
                    real_output(OUT), bits_output(OUT), MAKE.sign(CHANNELS))


def table() -> SplatTable:
    return SplatTable(torch.zeros(2, 5, 3, 4, 3), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (8, 10), *(
        torch.zeros(count, dtype=torch.int32) for count in (81, 120, 120)))


OPERATIONS: dict[type, Operation] = {type(operation): operation for operation in (
    Pack(MAKE.real(IN), bits_output(IN), MAKE.sign(40)),
    Convolution(MAKE.bits(IN), MAKE.taps(CHANNELS, 40, 3), 1, bits_output(OUT),
                MAKE.integer_sign(CHANNELS), real_output(OUT, torch.int16), ending()),
    RealConvolution(MAKE.real(IN), MAKE.weights(CHANNELS, 40), ending()),
    Gate(torch.zeros(2, 4, 40), 24, 2 * (BranchLayer(
        MAKE.weights(40, 40), MAKE.values(40), MAKE.activation(40), MAKE.sign(40)),),
        torch.zeros(2, 40)),
    Combine(MAKE.real(IN), MAKE.real(IN), 0.5, 0.5, MAKE.activation(40), real_output(IN),
            bits_output(IN), MAKE.sign(40)),
    Affine(MAKE.real(IN), 2, MAKE.values(160), MAKE.values(160), real_output((2, 2, 3, 160)),
           bits_output((2, 2, 3, 160)), MAKE.sign(160)),
    AveragePool(MAKE.real(IN), real_output((2, 2, 3, 40))),
    Upsample(MAKE.real(IN), real_output((2, 8, 12, 40))),
    table(),
    Splat(table(), torch.zeros(2, 5, 3, 4), MAKE.real((2, 3, 4, 40)), real_output((1, 8, 10, 40))),
    Labels(MAKE.real((2, 4, 6, 36)), 18, torch.zeros(2, 4, 6, 2, dtype=torch.uint8)))}
NUMBERS = {'stride': (0, 3, -1), 'factor': (0, 3, -2), 'num_classes': (0, -1, 37, 257),
           'num_pixels': (0, -1), 'shape': ((0, 10), (8, -1), (2 ** 21, 10), (2 ** 16, 2 ** 16))}
# What only looks wrong: 41 channels have as many words as 40, the sums alone say how many rows
# there are, 160 channels fill their words, and a splat reads the lists of its table, no points.
FITTING = {Convolution: {'input 3 of 41'}, RealConvolution: {'input 3 of 41'},
           Gate: {'sums 1 more', 'sums 1 less'}, Affine: {'signflip with bits behind'},
           Splat: {f'tablepoints_m {what}' for what in (
               '4 more', '4 less', 'of doubles', 'with gaps', 'elsewhere')}}


def spoiled_tensors(tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield tensors of another shape, type, layout or device."""
    shape, dtype = list(tensor.shape), tensor.dtype
    for axis, size in enumerate(shape):
        for text, other in (('more', size + 1), ('less', size - 1)):
            yield f' {axis} {text}', torch.zeros([*shape[:axis], other, *shape[axis + 1:]],
                                                 dtype=dtype)
    yield ' of doubles', tensor.double()
    yield ' with gaps', torch.zeros((*shape, 2), dtype=dtype)[..., 0]
    yield ' elsewhere', torch.zeros(shape, dtype=dtype, device='meta')


def spoiled_maps(value: Map) -> Iterator[tuple[str, Map]]:
    """Yield maps with another tensor, of another size or kind, and a slice that does not fit."""
    buffer = value.buffer
    for text, tensor in spoiled_tensors(buffer.tensor):
        yield text, replace(value, buffer=replace(buffer, tensor=tensor))
    for axis, size in enumerate(shape := buffer.shape):
        for other in (size + 1, size - 1, -1, 2 ** 31):
            yield f' {axis} of {other}', Map(Buffer((*shape[:axis], other, *shape[axis + 1:]),
                                                    buffer.is_bits))
    yield ' of the other kind', replace(value, buffer=replace(buffer, is_bits=not buffer.is_bits))
    yield ' behind its end', replace(value, first_channel=value.first_channel + 32)


def spoiled(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield copies of a part of an operation with one thing wrong in each, and what it is."""
    if isinstance(value, Tensor):
        yield from spoiled_tensors(value)
    elif isinstance(value, Map):
        yield from spoiled_maps(value)
    elif isinstance(value, tuple):
        for index, part in enumerate(value):
            for text, wrong in spoiled(part):
                yield f'[{index}]{text}', (*value[:index], wrong, *value[index + 1:])
    elif is_dataclass(value):
        for field in fields(value):
            part = getattr(value, field.name)
            if field.name in ('flip', 'weights'):
                yield f'{field.name} with bits behind', replace(
                    value, **{field.name: torch.full_like(part, -1)})
            wrong_ones = [(f' {wrong}', wrong) for wrong in NUMBERS.get(field.name, ())]
            for text, wrong in (*wrong_ones, *spoiled(part)):
                yield f'{field.name}{text}', replace(value, **{field.name: wrong})


def lower(operation: Operation) -> None:
    Lowering(lambda weights, in_channels: torch.zeros(1)).lower(operation)


@pytest.mark.parametrize('kind', OPERATIONS)
def test_whatever_is_wrong_is_refused(kind):
    lower(OPERATIONS[kind])
    accepted, num_refused = set(), 0
    for what, operation in spoiled(OPERATIONS[kind]):
        try:
            lower(operation)
            accepted.add(what)
        except InvalidOperationError:
            num_refused += 1
    assert num_refused > 20 and accepted == FITTING.get(kind, set())


@pytest.mark.parametrize('shape', [(2 ** 21, 1, 1, 32), (1, 2 ** 21, 1, 32), (1, 1, 2 ** 21, 32),
                                   (1, 1, 1, 2 ** 21), (2 ** 12, 2 ** 20, 1, 1), (-1, 1, 1, 32)])
def test_maps_that_no_kernel_can_index_are_refused_before_they_have_memory(shape):
    with pytest.raises(InvalidOperationError, match='a size is too small or too large'):
        lower(Pack(Map(Buffer(shape)), Map(Buffer(shape, True)), MAKE.sign(shape[3])))


def test_every_operation_is_tried():
    assert set(OPERATIONS) == set(Operation.__args__)
