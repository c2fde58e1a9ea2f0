# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Binary convolutions: every backend, bit for bit, and the reference against plain sums."""

from dataclasses import replace
from functools import cache
from itertools import cycle, product

from binary_maps import BinaryMaker, Comparison
import pytest
from real_maps import bits_output, real_output, TYPES
import torch

from bdc_occ_ros.kernels import reference
from bdc_occ_ros.kernels.conventions import base_table, NEVER, pack_bits, unpack_bits
from bdc_occ_ros.kernels.operations import Convolution, Epilogue, IntegerSign, Map, Sign
from bdc_occ_ros.kernels.reference_maps import read_bits

# In and out channels; H and W smaller than the kernel, odd, and one tile and more.
CHANNELS = ((1, 33), (31, 1), (32, 64), (33, 31), (63, 65), (64, 63), (65, 32), (96, 96),
            (128, 70), (256, 64), (512, 16), (40, 512))
SIZES = ((2, 2, 3), (1, 5, 1), (0, 3, 4), (1, 1, 12))
kernels = pytest.mark.parametrize('kernel', (1, 3))
strides = pytest.mark.parametrize('stride', (1, 2))


def output_shape(op, channels=None):
    batch, height, width, _ = op.input.buffer.shape
    return (batch, -(-height // op.stride), -(-width // op.stride), channels or len(op.weights))


def with_integers(op, make, reach=8):
    """Let an operation write its integers and their bits, between other channels."""
    channels = len(op.weights)
    return replace(
        op, bits_of_integer=bits_output(output_shape(op), 1),
        integer_sign=make.integer_sign(channels, reach),
        integers=real_output(output_shape(op), torch.int16, (3, 1)))


@cache
def integer_cases(kernel, stride):
    ops = []
    for (inputs, outputs), size in product(CHANNELS, SIZES):
        make = BinaryMaker(inputs)
        op = Convolution(make.bits((*size, inputs)), make.taps(outputs, inputs, kernel), stride)
        ops.append(with_integers(op, make))
    return Comparison(ops)


@kernels
@strides
def test_integers_and_their_bits(backend, kernel, stride):
    integer_cases(kernel, stride).check(backend)


@cache
def sliced_cases(kernel, stride):
    ops = []
    for inputs, outputs, words_behind in ((32, 33, 1), (40, 64, 0), (128, 31, 2)):
        make = BinaryMaker(outputs)
        op = Convolution(make.bits((2, 5, 6, inputs), 2, words_behind),
                         make.taps(outputs, inputs, kernel), stride)
        ops.append(with_integers(op, make))
    return Comparison(ops)


@kernels
@strides
def test_slices_of_the_input(backend, kernel, stride):
    sliced_cases(kernel, stride).check(backend)


@kernels
@strides
def test_the_reference_is_a_plain_sum_of_products(kernel, stride):
    make = BinaryMaker(5)
    source, weights = make.bits((1, 4, 5, 33)), make.taps(3, 33, kernel)
    op = Convolution(source, weights, stride, integers=real_output((1, 0, 0, 3), torch.int16))
    op = replace(op, integers=real_output(output_shape(op), torch.int16))
    reference.convolution(op)
    signs = read_bits(source).int()[0] * 2 - 1
    signs[0] = signs[-1] = signs[:, 0] = signs[:, -1] = 0
    factors = unpack_bits(weights, 33).int() * 2 - 1
    first = 1 - kernel // 2
    for y, x in product(*map(range, op.integers.buffer.shape[1:3])):
        top, left = y * stride + first, x * stride + first
        window = signs[top:top + kernel, left:left + kernel]
        expected = (factors * window).sum(dim=(1, 2, 3))
        assert torch.equal(op.integers.buffer.tensor[0, y, x].int(), expected.int()), (y, x)


def test_the_base_table_takes_the_border_back():
    make = BinaryMaker(6)
    source, weights = make.bits((1, 3, 1, 40)), make.taps(5, 40, 3)
    op = Convolution(source, weights, integers=real_output((1, 3, 1, 5), torch.int16))
    reference.convolution(op)
    table, words = base_table(weights, 40), source.buffer.tensor
    for y, missing in enumerate((1 + 4 + 8, 4 + 8, 2 + 4 + 8)):
        differ = unpack_bits(weights ^ words[0, y:y + 3], 40).sum(dim=(1, 2, 3))
        assert torch.equal(table[missing] - 2 * differ, op.integers.buffer.tensor[0, y, 0].int())


@pytest.mark.parametrize('kernel, inputs', [(3, 3640), (1, 32767)])
def test_the_largest_sums(backend, kernel, inputs):
    shape = 1, 3, 3, inputs
    make = BinaryMaker(7)
    source = make.bits(shape)
    source.buffer.tensor[:, 1:-1, 1:-1] = pack_bits(torch.ones(shape) > 0)
    same = torch.tensor([True, False, True])[:, None, None, None]
    weights = pack_bits(same.expand(3, kernel, kernel, inputs))
    op = with_integers(Convolution(source, weights), make, reach=2 ** 15)
    Comparison([op]).check(backend)
    products = kernel ** 2 * inputs
    assert op.integers.buffer.tensor[0, 1, 1, 3:6].tolist() == [products, -products, products]
    if kernel == 3:
        assert op.integers.buffer.tensor[0, 0, 0, 3:6].tolist() == [
            4 * inputs, -4 * inputs, 4 * inputs]


def test_thresholds_beside_every_result(backend):
    make = BinaryMaker(8)
    source, weights = make.bits((1, 1, 1, 32)), make.taps(1, 32, 1).expand(72, 1, 1, 1)
    low = torch.arange(-36, 36, dtype=torch.int32)
    sign = IntegerSign(low, torch.full((72,), NEVER, dtype=torch.int32),
                       pack_bits(torch.zeros(72) > 0))
    op = Convolution(source, weights.contiguous(), bits_of_integer=bits_output((1, 1, 1, 72)),
                     integer_sign=sign, integers=real_output((1, 1, 1, 72), torch.int16))
    Comparison([op]).check(backend)
    result = int(op.integers.buffer.tensor[0, 0, 0, 0])
    assert read_bits(op.bits_of_integer)[0, 1, 1].tolist() == (low <= result).tolist()


def shortcut_of(make, shape, kind, dtype):
    """Make the fields of a shortcut: none, plain, scaled, or with channels that repeat."""
    channels = shape[3]
    if kind == 'none':
        return {}
    own = {'half': channels // 2, 'third': channels // 3}.get(kind, channels)
    fields = {'shortcut': make.real((*shape[:3], own), dtype, (1, 2))}
    if kind == 'plain':
        return fields
    return {**fields, 'shortcut_scale': make.values(channels),
            'shortcut_offset': make.values(channels)}


def epilogue(make, shape, parts, shortcut, dtype):
    """Make an epilogue of the parts named."""
    batch, height, _, channels = shape
    fields = shortcut_of(make, shape, shortcut, dtype)
    if 'activation' in parts:
        fields['activation'] = make.activation(channels)
    if 'sums' in parts:
        fields['sums'] = torch.full((batch, height, channels), 77.0)
    if 'gate' in parts:
        fields['gate'] = make.values(batch, channels)
    if 'output' in parts:
        fields['output'] = real_output(shape, dtype, (2, 3))
    if 'bits' in parts:
        fields |= {'bits': bits_output(shape, 1), 'sign': make.sign(channels)}
    return Epilogue(make.values(channels), make.values(channels), **fields)


PARTS = [[part for part, is_in in zip(('activation', 'sums', 'gate', 'output', 'bits'), choice)
          if is_in] for choice in product((False, True), repeat=5)]


@cache
def epilogue_cases(shortcut):
    ops = []
    for index, (parts, dtype) in enumerate(zip(PARTS, cycle(TYPES))):
        make = BinaryMaker(index)
        outputs = (48, 96, 66, 30)[index % 4]
        op = Convolution(make.bits((2, 3, 7, 33)), make.taps(outputs, 33, 1 + index // 2 % 2 * 2),
                         1 + index // 4 % 2)
        ops.append(replace(op, epilogue=epilogue(make, output_shape(op), parts, shortcut, dtype)))
    return Comparison(ops)


@pytest.mark.parametrize('shortcut', ['none', 'plain', 'scaled', 'half', 'third'])
def test_every_epilogue(backend, shortcut):
    epilogue_cases(shortcut).check(backend)


@pytest.mark.parametrize('dtype', TYPES, ids=lambda dtype: str(dtype)[6:])
def test_all_outputs_at_once_and_the_shortcut_in_place(backend, dtype):
    ops = []
    for outputs, size in ((64, (1, 3, 12)), (33, (2, 2, 3)), (1, (1, 1, 1)), (96, (0, 2, 2)),
                          (300, (1, 2, 6))):
        make = BinaryMaker(outputs)
        op = Convolution(make.bits((*size, 65)), make.taps(outputs, 65, 3))
        after = epilogue(make, output_shape(op), PARTS[-1], 'scaled', dtype)
        stream = replace(after.shortcut)
        ops += [replace(with_integers(op, make), epilogue=after),
                replace(op, epilogue=replace(after, shortcut=stream, output=stream, sums=None))]
    Comparison(ops).check(backend)


def test_rounding_overflow_and_nan_of_what_is_written(backend):
    scale = torch.tensor([1e-44, 3e38, 1e-8, 1.0 + 2 ** -8, 2049.0, 0.0, -0.0, 1e-40])
    scale.view(torch.int32)[5] = 2 ** 31 - 1  # a NaN that rounding up would make a number
    ops = []
    for dtype in TYPES:
        make = BinaryMaker(9)
        op = Convolution(make.bits((1, 4, 5, 31)), make.taps(64, 31, 3))
        after = Epilogue(scale.repeat(8), torch.zeros(64), bits=bits_output((1, 4, 5, 64)),
                         sign=Sign(torch.zeros(64), pack_bits(torch.zeros(64) > 0)),
                         output=real_output((1, 4, 5, 64), dtype))
        ops.append(replace(op, epilogue=after))
    Comparison(ops).check(backend)
    bits = read_bits(ops[0].epilogue.bits)[0, 1:-1, 1:-1]
    assert bits[..., 6].all() and not bits[..., 5].any()  # -0 is +1, NaN is -1


def test_maps_of_many_rows_in_many_chunks(backend):
    make = BinaryMaker(10)
    op = Convolution(make.bits((2, 61, 33, 256)), make.taps(64, 256, 3))
    after = epilogue(make, output_shape(op), PARTS[-1], 'plain', torch.bfloat16)
    Comparison([replace(with_integers(op, make), epilogue=after)]).check(backend)


def test_slices_of_bits_share_words_with_nobody(backend):
    make = BinaryMaker(11)
    op = Convolution(make.bits((1, 2, 2, 32)), make.taps(32, 32, 1))
    target = make.bits((1, 2, 2, 32), 1, 1)
    before = target.buffer.tensor.clone()
    Comparison([replace(op, bits_of_integer=target,
                        integer_sign=make.integer_sign(32))]).check(backend)
    assert torch.equal(target.buffer.tensor[..., ::2], before[..., ::2])
    assert isinstance(target, Map) and not torch.equal(target.buffer.tensor, before)
