# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the packed kernels: its clock, its rows, its baselines and what it refuses."""

from contextlib import ExitStack
import json
import os
import sys

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from bdc_occ_ros.bench import kernel_candidates, machine
from bdc_occ_ros.bench.baselines import Baselines
from bdc_occ_ros.bench.clock import measure, summarized
from bdc_occ_ros.bench.kernel_candidates import choose_groups
from bdc_occ_ros.bench.kernels import heading, measure_kernels, roofline_probe, table_line
from bdc_occ_ros.bench.layers import chained_layers, Layer, seeded_data, UnitShape
from bdc_occ_ros.bench.onnxruntime_baseline import Int8Convolution
from bdc_occ_ros.bench.openvino_baseline import layer_chain
from bdc_occ_ros.bench.worker_process import WorkerProcess
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.errors import MeasurementError, UsageError
from bdc_occ_ros.kernels.library import load_library
from bdc_occ_ros.kernels.native import NativeBackend
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.kernels.selection import supported_backends

KEYS = {'op', 'shape', 'backend', 'ms', 'roofline_fraction', 'torch_fp32', 'torch_bf16',
        'ort_int8', 'openvino_binary', 'median_ms', 'quiet_rounds', 'peers_ms', 'machine'}
TINY = Layer(3, 40, 33, 6, 5, 2)


@pytest.fixture
def tiny(monkeypatch):
    """Measure one small layer and one small unit instead of those of the networks."""
    monkeypatch.setattr(kernel_candidates, 'LAYERS', (TINY,))
    monkeypatch.setattr(kernel_candidates, 'UNITS', (UnitShape(32, 64, 4, 6, 2),))


@pytest.fixture
def threads():
    """Leave PyTorch's number of threads as it was."""
    before = torch.get_num_threads()
    yield 1
    torch.set_num_threads(before)


def test_candidates_take_turns():
    order = []

    def candidate(name):
        return lambda: order.append(name) or 1000.0

    measure({'a': candidate('a'), 'b': candidate('b')}, 3)
    assert ''.join(order) == 'aabb' + 'ab' * 3


def test_quick_candidates_run_several_times_in_a_turn():
    runs = []
    times = measure({'quick': lambda: runs.append(None) or 10.0}, 2)
    assert len(runs) == 2 + 2 * 3 and times['quick'].minimum_ms == 10.0


def test_disturbed_rounds_are_left_out_of_the_median():
    times = summarized([10.0, 11.0, 10.5, 30.0, 100.0])
    assert (times.minimum_ms, times.median_ms, times.num_quiet_rounds) == (10.0, 10.5, 3)


def test_rows_are_complete_and_their_ratios_are_those_of_the_times(tiny, threads):
    rows = list(measure_kernels('3x3,unit', 'reference', 'torch_fp32,torch_bf16', threads, 1))
    assert [row['op'] for row in rows] == [
        '3x3', '3x3 packing', '3x3 stream', '3x3 residual', 'unit', "unit's convolutions"]
    for row in rows:
        assert KEYS <= set(row) and row['backend'] == 'reference' and row['ms'] > 0
        assert row['ms'] <= row['median_ms'] and row['quiet_rounds'] == 1
        for baseline in ('torch_fp32', 'torch_bf16'):
            assert row[baseline] * row['ms'] == pytest.approx(row['peers_ms'][baseline])
        assert row['ort_int8'] is None and row['openvino_binary'] is None
        assert row['machine']['threads'] == 1
    assert {row['shape'] for row in rows} == {'40-33@6x5/2', '32-64@4x6/2'}
    unit, convolutions = rows[-2:]
    assert unit['of_its_convolutions'] == pytest.approx(unit['ms'] / convolutions['ms'])
    assert all(len(line.split()) >= 10 for line in map(table_line, rows))
    assert heading().split()[:3] == ['op', 'shape', 'backend']


def test_the_command_prints_json_rows(tiny, threads, capsys):
    assert main(['bench', 'kernels', '--layers', '3x3', '--backends', 'reference', '--peers',
                 'none', '--threads', '1', '--rounds', '1', '--json']) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 4 and all(KEYS <= set(row) for row in rows)
    assert rows[0]['torch_fp32'] is None and rows[0]['machine']['cpu']


def test_the_command_prints_the_machine_above_the_table(tiny, threads, capsys):
    assert main(['bench', 'kernels', '--layers', '3x3', '--backends', 'reference', '--peers',
                 'none', '--threads', '1', '--rounds', '1']) == 0
    machine, head, *lines = capsys.readouterr().out.splitlines()
    assert '1 threads' in machine and 'torch ' in machine and 'commit ' in machine
    assert head.startswith('op') and len(lines) == 4


def test_absent_baselines_are_named_with_what_installs_them(tiny, threads, capsys, monkeypatch):
    monkeypatch.setattr(machine, 'find_spec', lambda name: None)
    rows = list(measure_kernels('3x3', 'reference', 'ort_int8,openvino_binary', threads, 1))
    said = capsys.readouterr().err
    assert 'onnx and onnxruntime not installed; python -m pip install "bdc_occ_ros[bench]"' in said
    assert 'openvino not installed' in said
    assert rows[0]['ort_int8'] is None and rows[0]['peers_ms'] == {}


@pytest.mark.parametrize(('arguments', 'message'), [
    (('5x5', 'reference', 'all', 1, 1), 'no layer begins with 5x5; there are 3x3-256'),
    (('', 'reference', 'tvm', 1, 1), 'no peer tvm; there are torch_fp32'),
    (('', 'reference', 'all', 0, 1), 'at least 1; got 0'),
    (('', 'reference', 'all', 1, 0), 'at least 1; got 1 and 0')])
def test_unknown_names_are_refused(arguments, message, threads):
    with pytest.raises(UsageError, match=message):
        next(measure_kernels(*arguments))


def test_names_select_by_their_beginning():
    assert list(choose_groups('splat, 1x1-64')) == ['1x1-64-128@100x100', 'splat']
    assert len(choose_groups('')) > 25


def test_compiled_backends_have_a_roofline_that_grows_with_the_time_given():
    assert roofline_probe(ReferenceBackend(), 1) is None
    for name in supported_backends()[1:]:
        library = load_library()
        assert library.roofline(name, 0) == 0 < library.roofline(name, 3)
        assert library.roofline(name, 30) == 10 * library.roofline(name, 3)
        times = measure({1: roofline_probe(NativeBackend(name), 1)}, 2)
        assert 0.05 < times[1].minimum_ms < 500  # 2 GMAC/s to 20 TMAC/s


def test_chains_compute_convolutions_of_signs():
    chain = [TINY, Layer(1, 33, 8, 3, 3)]
    data = [seeded_data(layer, seed) for seed, layer in enumerate(chain)]
    operations, integers = chained_layers(chain, data)
    ReferenceBackend().compile(operations)()
    signs = torch.where(data[0].real >= 0, 1.0, -1.0)
    middle = conv2d(signs, data[0].weight, stride=2, padding=1)
    expected = conv2d(torch.where(middle >= 0, 1.0, -1.0), data[1].weight)
    assert torch.equal(integers.permute(0, 3, 1, 2).float(), expected)


def test_a_process_that_ends_is_reported():
    process = WorkerProcess(sys.exit, 3)
    with pytest.raises(MeasurementError, match='ended with exit status 3'):
        process.call('run')
    process.close()


class Environment:
    """Tells the variables of the process that it lives in."""

    def variable(self, name):
        return os.environ.get(name)


def test_a_process_has_variables_of_its_own():
    process = WorkerProcess(Environment, variables={'ONEDNN_MAX_CPU_ISA': 'AVX2'})
    assert process.call('variable', 'ONEDNN_MAX_CPU_ISA') == 'AVX2'
    assert Environment().variable('ONEDNN_MAX_CPU_ISA') is None
    process.close()


def test_openvino_is_timed_only_where_it_computes_the_same(capsys):
    pytest.importorskip('openvino', reason='openvino is not installed (extra bench)')
    right, wrong = Layer(3, 64, 64, 7, 9), Layer(1, 33, 33, 5, 4)
    with ExitStack() as stack:
        baselines = Baselines(('openvino_binary',), [ReferenceBackend()], 1, stack)
        timed = baselines.of_layer(right, seeded_data(right))
        assert timed['openvino_binary']() >= 0
        assert baselines.of_layer(wrong, seeded_data(wrong)) == {}
    assert '33@5x4: openvino_binary computes something else than ref' in capsys.readouterr().err


def test_a_layer_stands_in_openvinos_chain_as_often_as_its_shape_allows():
    assert len(layer_chain(Layer(3, 64, 64, 7, 9))) == 4
    first, tail = layer_chain(Layer(3, 64, 128, 8, 8, 2))
    assert (tail.kernel, tail.in_channels, tail.height) == (1, 128, 4)
    assert first.stride == 2


def test_onnxruntime_computes_the_layer_on_eight_bits():
    pytest.importorskip('onnx', reason='onnx is not installed (extra bench)')
    pytest.importorskip('onnxruntime', reason='onnxruntime is not installed (extra bench)')
    layer = Layer(3, 16, 8, 6, 5, 2)
    run = Int8Convolution(layer, seeded_data(layer), 1)
    run()
    result = run.result()
    assert result.shape == (1, 3, 3, 8) and result.dtype == np.uint8 and result.std() > 5
