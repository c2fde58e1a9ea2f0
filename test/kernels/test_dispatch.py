# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the library refuses, and that threads change nothing."""

from dataclasses import replace
import subprocess
import sys
from threading import Thread

from binary_maps import BinaryMaker, Comparison
import pytest
from real_maps import bits_output, real_output
import torch

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.conventions import pack_weights
from bdc_occ_ros.kernels.library import load_library
from bdc_occ_ros.kernels.native import NativeBackend
from bdc_occ_ros.kernels.operations import (
    AveragePool,
    Buffer,
    Convolution,
    Epilogue,
    Map,
    Pack,
    Upsample,
)
from bdc_occ_ros.kernels.structures import BdcStep

NAMES = [name for name in load_library().backend_names() if load_library().is_supported(name)]
SIZE = 2, 40, 24
named = pytest.mark.parametrize('name', NAMES)


def convolution(seed=0, inputs=128, outputs=64, size=SIZE):
    make = BinaryMaker(seed)
    shape = (*size, outputs)
    return Convolution(
        make.bits((*size, inputs)), make.taps(outputs, inputs, 3),
        bits_of_integer=bits_output(shape), integer_sign=make.integer_sign(outputs),
        integers=real_output(shape, torch.int16),
        epilogue=Epilogue(make.values(outputs), make.values(outputs),
                          sums=torch.zeros(size[0], size[1], outputs),
                          output=real_output(shape, torch.bfloat16)))


@named
@pytest.mark.parametrize('threads', [1, 2, 3, 7])
def test_any_number_of_threads_computes_the_same(name, threads):
    Comparison([convolution(), convolution(1)]).check(NativeBackend(name, threads))


@named
def test_threads_may_be_changed_between_runs(name):
    comparison, backend = Comparison([convolution()]), NativeBackend(name)
    for threads in (3, 1, 2):
        backend.threads = threads
        comparison.check(backend)


def test_callers_at_the_same_time_do_not_disturb_each_other():
    comparisons = [Comparison([convolution(seed, size=(1, 21, 24))] * 4) for seed in range(4)]
    failures = []

    def run(comparison):
        try:
            for _ in range(10):
                comparison.check(NativeBackend(NAMES[-1], 3))
        except AssertionError as error:
            failures.append(error)

    callers = [Thread(target=run, args=[comparison]) for comparison in comparisons]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not failures


FORK = f'''
import os
import sys
sys.path.insert(0, {str(__file__.rpartition('/')[0])!r})
import test_dispatch
test_dispatch.torch.set_num_threads(1)  # whose own threads do not survive a fork
comparison = test_dispatch.Comparison([test_dispatch.convolution()])
backend = test_dispatch.NativeBackend(test_dispatch.NAMES[-1], 2)
comparison.check(backend)
child = os.fork()
comparison.check(backend)
if child == 0:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print('both ran')
'''


def test_the_child_of_a_fork_has_threads_of_its_own():
    result = subprocess.run([sys.executable, '-c', FORK], capture_output=True, text=True,
                            timeout=100)
    assert result.stdout == 'both ran\n', result.stderr


def test_nothing_runs_unless_every_step_is_valid():
    good, bad = convolution(), convolution(1)
    bad = replace(bad, integers=real_output((*SIZE, 63), torch.int16))
    before = good.integers.buffer.tensor.clone()
    with pytest.raises(InvalidOperationError, match='integers must have the sizes and channels'):
        NativeBackend('scalar').compile([good, bad])()
    assert torch.equal(good.integers.buffer.tensor, before)


def in_place(op):
    return replace(op, bits_of_integer=Map(op.input.buffer))


@pytest.mark.parametrize('change, rule', [
    (lambda op: replace(op, stride=3, epilogue=None), 'stride'),
    (lambda op: replace(op, weights=op.weights[:, :2, :2].contiguous()), '2x2 convolution'),
    (lambda op: replace(op, integers=real_output((2, 39, 24, 64), torch.int16)), 'sizes'),
    (lambda op: replace(op, integers=real_output((*SIZE, 64))), 'type'),
    (lambda op: replace(op, epilogue=replace(
        op.epilogue, output=real_output((*SIZE, 64), torch.int16))), 'type'),
    (lambda op: replace(op, epilogue=replace(
        op.epilogue, shortcut=real_output((*SIZE, 48)))), 'multiple of those of the shortcut'),
])
def test_what_does_not_fit_is_refused(change, rule):
    with pytest.raises(InvalidOperationError, match=rule):
        NativeBackend('scalar').compile([change(convolution())])()


def test_a_convolution_over_its_own_input_is_refused():
    op = convolution(inputs=64)
    with pytest.raises(InvalidOperationError, match='cannot write over'):
        NativeBackend('scalar').compile([in_place(op)])()


def test_bits_that_the_caller_brings_are_read_and_not_written_over():
    op = convolution(inputs=64)
    tensor = op.input.buffer.tensor
    expected, brought = op.integers.buffer.tensor, Buffer((*SIZE, 64), True)
    NativeBackend('scalar').compile([op])()
    integers = real_output((*SIZE, 64), torch.int16)
    run = NativeBackend('scalar').compile([replace(op, input=Map(brought), integers=integers)])
    brought.tensor = tensor
    run()
    assert torch.equal(integers.buffer.tensor, expected)
    brought.tensor = op.bits_of_integer.buffer.tensor
    with pytest.raises(InvalidOperationError, match='cannot write over'):
        run()


@pytest.mark.parametrize('change', [
    lambda make: Pack(make.real((1, 2, 2, 32)), None, make.sign(32)),
    lambda make: AveragePool(make.real((1, 2, 2, 32)), None),
    lambda make: Upsample(make.real((1, 2, 2, 32)), None),
    lambda make: Convolution(make.bits((1, 2, 2, 32)), torch.tensor(0, dtype=torch.int32))])
def test_what_is_missing_is_refused(change):
    with pytest.raises(InvalidOperationError, match='is needed|must be'):
        NativeBackend('scalar').compile([change(BinaryMaker(0))])


@pytest.mark.parametrize('kernel, inputs', [(3, 3641), (1, 32768)])
def test_more_products_than_fit_16_bits_are_refused(kernel, inputs):
    make = BinaryMaker(0)
    for name in NAMES:
        backend, operations = NativeBackend(name), [
            Convolution(make.bits((0, 2, 2, channels)), make.taps(8, channels, kernel))
            for channels in (inputs - 1, inputs)]
        backend.compile(operations[:1])()
        with pytest.raises(InvalidOperationError, match=f'32767 .*; got {inputs * kernel ** 2}'):
            backend.compile(operations[1:])


@named
def test_weights_with_bits_behind_the_last_channel_are_refused(name):
    weights = pack_weights(torch.ones(4, 33, 1, 1))
    weights[3, 0, 0, 1] |= 2
    op = Convolution(BinaryMaker(0).bits((1, 2, 2, 33)), weights,
                     integers=real_output((1, 2, 2, 4), torch.int16))
    with pytest.raises(InvalidOperationError, match='must be clear'):
        NativeBackend(name).compile([op])


@named
def test_prepared_weights_begin_at_a_cache_line(name):
    for outputs in (8, 33):
        weights = BinaryMaker(0).taps(outputs, 64, 3)
        assert load_library().prepare(name, weights, 64).data_ptr() % 64 == 0


def test_unknown_names_and_counts_are_refused():
    library = load_library()
    assert not library.is_supported('abacus')
    steps = NativeBackend('scalar', threads=0).compile([convolution()])
    with pytest.raises(InvalidOperationError, match='at least one thread'):
        steps()
    with pytest.raises(InvalidOperationError, match='abacus has no convolution'):
        library.prepare('abacus', pack_weights(torch.ones(8, 8, 3, 3)), 8)
    with pytest.raises(InvalidOperationError, match='this machine cannot run a backend'):
        library.run('abacus', (BdcStep * 0)(), 1)
