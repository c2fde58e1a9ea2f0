# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Signs of real maps: every backend, bit for bit, and the reference against the rule itself."""

from functools import cache

from binary_maps import Comparison
import pytest
from real_maps import bits_output, Maker, TYPES
import torch

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.conventions import pack_bits
from bdc_occ_ros.kernels.operations import Map, Pack, Sign
from bdc_occ_ros.kernels.reference_maps import read_bits

CHANNELS = (1, 31, 32, 33, 63, 64, 65, 96, 128, 256, 300, 512)
SIZES = ((2, 3, 5), (1, 1, 1), (1, 4, 1), (0, 3, 4))  # N H W
typed = pytest.mark.parametrize('dtype', TYPES, ids=lambda dtype: str(dtype)[6:])


@cache
def slices(dtype):
    ops = []
    for channels in CHANNELS:
        make = Maker(channels)
        ops += [Pack(make.real((*size, channels), dtype, (3, 2)),
                     bits_output((*size, channels), 1), make.sign(channels)) for size in SIZES]
    return Comparison(ops)


@typed
def test_slices_of_every_width(backend, dtype):
    slices(dtype).check(backend)


def special_pack(dtype):
    """Make a map of one row of values at, beside and far from a threshold of 0."""
    values = [0.0, -0.0, 1e-38, -1e-38, float('inf'), -float('inf'), float('nan'), 1.0]
    make = Maker(0)
    source = make.real((1, 1, 1, len(values)), dtype)
    source.buffer.tensor[0, 0, 0] = torch.tensor(values)
    zeros = torch.zeros(len(values))
    return Pack(source, bits_output((1, 1, 1, len(values))), Sign(zeros, pack_bits(zeros > 0)))


@typed
def test_signs_of_zeros_infinities_and_nan(backend, dtype):
    op = special_pack(dtype)
    Comparison([op]).check(backend)
    bits = read_bits(op.output)[0, 1, 1].tolist()
    tiny = dtype != torch.float16  # where it is no number, 0 has the sign
    assert bits == [True, True, True, not tiny, True, False, False, True]


def test_a_threshold_that_is_reached_counts_and_flips_turn_bits_around(backend):
    source = Maker(1).real((1, 1, 3, 40))
    threshold = source.buffer.tensor[0, 0, 1].clone()
    flip = torch.arange(40) % 2 == 1
    op = Pack(source, bits_output((1, 1, 3, 40)), Sign(threshold, pack_bits(flip)))
    Comparison([op]).check(backend)
    assert torch.equal(read_bits(op.output)[0, 1, 2], ~flip)


def test_the_border_stays_clear(backend):
    op = Pack(Maker(2).real((2, 3, 4, 33)), bits_output((2, 3, 4, 33)),
              Sign(torch.full((33,), -1e9), pack_bits(torch.zeros(33) > 0)))
    Comparison([op]).check(backend)
    bits = read_bits(op.output)
    assert bits[:, 1:-1, 1:-1].all()
    bits[:, 1:-1, 1:-1] = False
    assert not bits.any()


def test_words_behind_the_last_channel_stay_clear(backend):
    op = Pack(Maker(3).real((1, 1, 1, 33)), bits_output((1, 1, 1, 33)),
              Sign(torch.full((33,), -1e9), pack_bits(torch.zeros(33) > 0)))
    Comparison([op]).check(backend)
    assert op.output.buffer.tensor[0, 1, 1].tolist() == [-1, 1]


@pytest.mark.parametrize('backend', ['scalar'], indirect=True)
def test_what_does_not_fit_is_refused(backend):
    make = Maker(4)
    source, sign = make.real((1, 2, 3, 33)), make.sign(33)
    source_bits = bits_output((1, 2, 3, 33))
    dirty = Sign(sign.threshold, sign.flip | torch.tensor([0, 2], dtype=torch.int32))
    for op, rule in (
            (Pack(source, bits_output((1, 3, 2, 33)), sign),
             r'sizes and channels \(1, 2, 3, 33\)'),
            (Pack(Map(source.buffer, 0, 32), bits_output((1, 2, 3, 33)), sign),
             r'sizes and channels \(1, 2, 3, 32\)'),
            (Pack(make.real((1, 2, 3, 33), torch.int16), source_bits, sign), 'type'),
            (Pack(source, source_bits, dirty), 'must be clear')):
        with pytest.raises(InvalidOperationError, match=rule):
            backend.compile([op])()
