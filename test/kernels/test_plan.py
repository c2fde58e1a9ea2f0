# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plans: who writes which bits, what shares memory, what a run takes and leaves behind."""

from itertools import combinations

import pytest
import torch

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.compiled_plan import CompiledPlan, intervals_of, place
from bdc_occ_ros.kernels.conventions import unpack_bits
from bdc_occ_ros.kernels.operations import AveragePool, Combine, Map, Pack, Sign
from bdc_occ_ros.kernels.plan import Plan
from bdc_occ_ros.kernels.reference import ReferenceBackend

SHAPE = (1, 4, 6, 64)


def sign_of(channels, flip=0):
    return Sign(torch.linspace(-1, 1, channels), torch.full((channels // 32,), flip,
                                                            dtype=torch.int32))


def doubled(plan, source, into=None):
    """Add twice the source."""
    result = into or plan.real(source.buffer.shape, torch.float32)
    plan.add(Combine(source, None, left_weight=2.0, output=result))
    return result


def pixels(bits):
    """Return the bits inside the border."""
    return unpack_bits(bits.buffer.tensor[:, 1:-1, 1:-1], bits.channels)


def run(plan, x):
    """Run a plan of one input and one output."""
    compiled = CompiledPlan(plan, ReferenceBackend())
    result = torch.empty(compiled.output_shapes[0], dtype=compiled.output_dtypes[0])
    compiled([x], [result])
    return compiled, result


@pytest.mark.parametrize('kinds', [[Combine], [Combine, Pack]])
def test_a_sign_is_written_by_the_operation_before_it_and_a_second_one_by_a_pack(kinds):
    plan = Plan()
    middle = doubled(plan, plan.input(SHAPE, torch.float32))
    signs = (sign_of(64), sign_of(64, flip=-1))[:len(kinds)]
    bits = [plan.signs_of(middle, sign) for sign in signs]
    assert [type(operation) for operation in plan.operations] == kinds
    plan.output(middle, torch.float32)
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    run(plan, x)
    assert torch.equal(pixels(bits[-1]), (2 * x >= signs[-1].threshold) != (len(kinds) == 2))


def test_operations_that_write_slices_write_their_part_of_the_bits():
    plan = Plan()
    source = plan.input((1, 4, 6, 32), torch.float32)
    whole = plan.real(SHAPE, torch.float32)
    for first in (0, 32):
        doubled(plan, source, Map(whole.buffer, first, 32))
    sign = Sign(torch.linspace(-1, 1, 64), torch.tensor([0, -1], dtype=torch.int32))
    bits = plan.signs_of(whole, sign)
    assert [type(operation) for operation in plan.operations] == [Combine, Combine]
    plan.output(whole, torch.float32)
    x = torch.randn(1, 4, 6, 32, generator=torch.Generator().manual_seed(0))
    run(plan, x)
    is_high = torch.cat((2 * x, 2 * x), dim=-1) >= sign.threshold
    is_high[..., 32:] ^= True
    assert torch.equal(pixels(bits), is_high)


@pytest.mark.parametrize('case', ['input', 'slice', 'pool'])
def test_where_nothing_can_write_the_bits_a_pack_does(case):
    plan = Plan()
    source = plan.input((1, 4, 6, 128), torch.float32)
    if case == 'slice':
        source = Map(doubled(plan, source).buffer, 64, 64)
    elif case == 'pool':
        pooled = plan.real((1, 2, 3, 128), torch.float32)
        plan.add(AveragePool(source, pooled))
        source = pooled
    plan.signs_of(source, sign_of(source.channels))
    assert isinstance(plan.operations[-1], Pack)


def test_buffers_share_memory_only_when_their_intervals_do_not_overlap():
    generator = torch.Generator().manual_seed(0)
    plan = Plan()
    maps = [plan.real((1, 1, int(size), 64), torch.float32)
            for size in torch.randint(1, 9, (20,), generator=generator)]
    for _ in range(30):
        left, output = (maps[i] for i in torch.randint(0, 20, (2,), generator=generator))
        plan.add(Combine(left, None, output=output))
    intervals = intervals_of(plan.operations)
    sizes = {buffer: 256 * buffer.shape[2] for buffer in intervals}
    offsets = place(sizes, intervals)
    for a, b in combinations(intervals, 2):
        if intervals[a].overlaps(intervals[b]):
            assert (offsets[a] + sizes[a] <= offsets[b]) or (offsets[b] + sizes[b] <= offsets[a])
    assert max(offsets[b] + sizes[b] for b in intervals) < sum(sizes.values())


def test_a_chain_needs_two_buffers_and_keeps_its_values():
    plan = Plan()
    last = plan.input(SHAPE, torch.float32)
    for _ in range(6):
        last = doubled(plan, last)
    plan.output(last, torch.float32)
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    compiled, result = run(plan, x)
    assert torch.equal(result, 64 * x)
    assert compiled.num_bytes == 2 * x.nbytes


def test_maps_of_bits_share_with_their_own_shape_only_and_keep_their_border():
    plan = Plan()
    source = plan.input(SHAPE, torch.float32)
    other = plan.input((1, 6, 4, 64), torch.float32)
    bits = []
    for real in (source, other, source, other):
        bits.append(plan.signs_of(real, sign_of(64, flip=-1)))
    compiled = CompiledPlan(plan, ReferenceBackend())
    compiled([torch.full(SHAPE, -9.0), torch.full((1, 6, 4, 64), -9.0)], [])
    a, b, c, d = (one.buffer.tensor for one in bits)
    assert a is c and b is d and a.shape != b.shape
    for tensor in (a, b):
        assert (tensor[:, 1:-1, 1:-1] == -1).all()
        assert tensor.sum() == -tensor[:, 1:-1, 1:-1].numel()  # the border is clear


def test_what_does_not_fit_is_refused_with_the_cure():
    plan = Plan()
    plan.output(doubled(plan, plan.input(SHAPE, torch.float32)), torch.float32)
    compiled = CompiledPlan(plan, ReferenceBackend())
    good = torch.zeros(SHAPE)
    for inputs, outputs in (
            ([good.bfloat16()], [good]), ([good[:, :3]], [good]), ([good], [good[..., :32]]),
            ([torch.zeros(1, 64, 4, 6).permute(0, 2, 3, 1)], [good])):
        with pytest.raises(InvalidOperationError, match='channels_last'):
            compiled(inputs, outputs)
    with pytest.raises(InvalidOperationError, match='needs 2 inputs and outputs; got 1'):
        compiled([good], [])
