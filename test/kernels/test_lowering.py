# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lowering: what is refused before a pointer is passed, and which addresses arrive."""

import ctypes
from dataclasses import replace
import gc

import pytest
import torch

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels import operations as records
from bdc_occ_ros.kernels import structures
from bdc_occ_ros.kernels.conventions import base_table, bit_map
from bdc_occ_ros.kernels.native import NativeBackend

CHANNELS, OUT_CHANNELS = 40, 64


class RecordingLibrary:
    """Keeps what it is called with."""

    def __init__(self):
        self.runs = []
        self.prepared = []

    def is_supported(self, name):
        return name == 'scalar'

    def backend_names(self):
        return ['scalar']

    def prepare(self, *arguments):
        self.prepared.append((*arguments, torch.zeros(64)))
        return self.prepared[-1][-1]

    def run(self, backend, steps, threads):
        self.runs.append((backend, steps, threads))


@pytest.fixture
def library():
    return RecordingLibrary()


def lowered(library, operation):
    """Return the structure that arrives for an operation."""
    library.kept = NativeBackend('scalar', library=library).compile([operation])
    library.kept()
    _, steps, _ = library.runs[-1]
    kind = structures.KINDS[steps[0].kind]
    return ctypes.cast(steps[0].operation, ctypes.POINTER(kind)).contents


def real(height=5, width=6, channels=CHANNELS, dtype=torch.float32, batch=2):
    shape = batch, height, width, channels
    return records.Map(records.Buffer(shape, tensor=torch.zeros(shape, dtype=dtype)))


def bits(height=5, width=6, channels=CHANNELS, batch=2):
    shape = batch, height, width, channels
    return records.Map(records.Buffer(shape, True, bit_map(*shape)))


def sign(channels=CHANNELS):
    return records.Sign(torch.zeros(channels), torch.zeros(-(-channels // 32), dtype=torch.int32))


def convolution(**changes):
    epilogue = records.Epilogue(torch.ones(OUT_CHANNELS), torch.ones(OUT_CHANNELS),
                                output=real(3, 3, OUT_CHANNELS))
    weights = torch.ones((OUT_CHANNELS, 3, 3, 2), dtype=torch.int32)
    return replace(records.Convolution(bits(), weights, 2, epilogue=epilogue), **changes)


def test_addresses_and_sizes_of_a_convolution_arrive(library):
    operation = convolution()
    structure = lowered(library, operation)
    source = structure.in_
    assert (source.type, source.batch, source.height, source.width, source.channels,
            source.stride) == (structures.BITS, 2, 5, 6, CHANNELS, 2)
    assert source.data == operation.input.buffer.tensor.data_ptr()
    assert structure.out.data == operation.epilogue.output.buffer.tensor.data_ptr()
    assert (structure.out_channels, structure.kernel, structure.stride) == (OUT_CHANNELS, 3, 2)
    assert structure.scale == operation.epilogue.scale.data_ptr()
    assert structure.bits.data is structure.sums is structure.gate is None
    gc.collect()
    table = base_table(operation.weights, CHANNELS)
    arrived = (ctypes.c_int32 * table.numel()).from_address(structure.base)
    assert list(arrived) == table.flatten().tolist()
    ((name, weights, in_channels, prepared),) = library.prepared
    assert (name, in_channels) == ('scalar', CHANNELS) and weights is operation.weights
    assert structure.weights == prepared.data_ptr()


def test_slices_begin_at_their_first_channel(library):
    wide = real(channels=100, dtype=torch.bfloat16).buffer
    packed = bits(channels=128).buffer
    structure = lowered(library, records.Pack(records.Map(wide, 7, 64),
                                              records.Map(packed, 32, 64), sign(64)))
    assert structure.in_.data == wide.tensor.data_ptr() + 7 * 2
    assert (structure.in_.type, structure.in_.channels, structure.in_.stride) == (1, 64, 100)
    assert structure.out.data == packed.tensor.data_ptr() + 4
    assert (structure.out.channels, structure.out.stride) == (64, 4)


def test_buffers_of_the_caller_are_read_anew_in_every_run(library):
    source = records.Buffer((2, 5, 6, CHANNELS))
    run = NativeBackend('scalar', 3, library).compile(
        [records.Pack(records.Map(source), bits(), sign())])
    with pytest.raises(InvalidOperationError, match='every buffer needs a tensor before a run'):
        run()
    for dtype, number in ((torch.float32, 0), (torch.float16, 2)):
        source.tensor = torch.zeros(source.shape, dtype=dtype)
        run()
        name, steps, threads = library.runs[-1]
        structure = structures.BdcPack.from_address(steps[0].operation)
        assert (structure.in_.data, structure.in_.type) == (source.tensor.data_ptr(), number)
        assert (name, threads) == ('scalar', 3)
    source.tensor = torch.zeros((2, 5, 7, CHANNELS))
    with pytest.raises(InvalidOperationError, match=r'must be \(2, 5, 6, 40\)'):
        run()


def test_an_empty_batch_has_an_address(library):
    structure = lowered(library, records.Pack(real(batch=0), bits(batch=0), sign()))
    assert structure.in_.data and structure.out.data and structure.in_.batch == 0


def splat(**changes):
    table = records.SplatTable(
        torch.zeros(2, 5, 3, 4, 3), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (8, 10),
        *(torch.zeros(count, dtype=torch.int32) for count in (81, 120, 120)))
    return replace(records.Splat(table, torch.zeros(2, 5, 3, 4), real(3, 4),
                                 real(8, 10, batch=1)), **changes)


def test_a_splat_that_fits_arrives(library):
    operation = splat()
    structure = lowered(library, operation)
    assert structure.starts == operation.table.starts.data_ptr()
    assert (structure.out.height, structure.out.width, structure.context.batch) == (8, 10, 2)


def spoiled(tensor):
    """Return a map like real() with another tensor."""
    return records.Map(records.Buffer((2, 5, 6, CHANNELS), tensor=tensor))


@pytest.mark.parametrize('operation, message', (
    (lambda: records.Pack(spoiled(torch.zeros(2, 5, 6, 41)), bits(), sign()), r'\(2, 5, 6, 40\)'),
    (lambda: records.Pack(spoiled(torch.zeros(2, 5, 6, CHANNELS, dtype=torch.float64)), bits(),
                          sign()), 'float64'),
    (lambda: records.Pack(spoiled(torch.zeros(2, 6, 5, CHANNELS).transpose(1, 2)), bits(),
                          sign()), 'contiguous'),
    (lambda: records.Pack(spoiled(torch.zeros(2, 5, 6, CHANNELS, device='meta')), bits(),
                          sign()), 'on the CPU'),
    (lambda: records.Pack(bits(), bits(), sign()), 'must be real'),
    (lambda: records.Pack(real(), real(), sign()), 'must be of bits'),
    (lambda: records.Pack(real(), bits(), sign(39)), 'threshold must be'),
    (lambda: records.Pack(real(), bits(), replace(sign(), flip=sign(96).flip)), 'flip must be'),
    (lambda: records.Pack(records.Map(real().buffer, 30, 20), bits(), sign()), 'within the 40'),
    (lambda: records.Pack(real(), records.Map(bits(channels=96).buffer, 16, 40), sign()),
     'between words'),
    (lambda: records.Pack(real(), records.Map(bits(channels=96).buffer, 32, 40), sign()),
     'between words'),
    (lambda: convolution(weights=torch.ones((OUT_CHANNELS, 3, 3, 3), dtype=torch.int32)),
     'weights must be'),
    (lambda: convolution(bits_of_integer=bits(3, 3, OUT_CHANNELS)), 'must come together'),
    (lambda: convolution(epilogue=replace(convolution().epilogue, sums=torch.zeros(2, 5, 64))),
     r'sums must be \(2, 3, 64\)'),
    (lambda: convolution(epilogue=replace(convolution().epilogue, sign=sign(64))),
     'must come together'),
    (lambda: records.Labels(real(channels=36), 18, torch.zeros((2, 5, 6, 3), dtype=torch.uint8)),
     r'labels must be \(2, 5, 6, 2\)'),
    (lambda: records.Labels(real(channels=36), 0, torch.zeros(1)), 'at least one class'),
    (lambda: convolution(stride=0), 'stride must be 1 or 2'),
    (lambda: splat(output=real(8, 11, batch=1)), r'must have the \(8, 10\) cells'),
    (lambda: splat(context=real(3, 5)), r'must have the \(2, 3, 4\) pixels'),
    (lambda: splat(probability=torch.zeros(2, 6, 3, 4)), r'probability must be \(2, 5, 3, 4\)'),
    (lambda: records.Gate(torch.zeros(2, 5, 32), 30, (records.BranchLayer(
        torch.zeros((32, 2), dtype=torch.int32), torch.ones(32)),), torch.zeros(2, 32)),
     'weights must be'),
))
def test_what_does_not_fit_is_refused(library, operation, message):
    with pytest.raises(InvalidOperationError, match=message):
        lowered(library, operation())
    assert not library.runs


def test_unaligned_memory_is_refused(library):
    memory = torch.zeros(2 * 5 * 6 * CHANNELS * 4 + 2, dtype=torch.uint8).numpy()[2:]
    tensor = torch.from_numpy(memory.view('float32').reshape(2, 5, 6, CHANNELS))
    with pytest.raises(InvalidOperationError, match='aligned to its elements'):
        lowered(library, records.Pack(spoiled(tensor), bits(), sign()))
