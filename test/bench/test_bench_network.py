# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of whole networks: its rows, its stages and what it refuses."""

from contextlib import ExitStack, suppress
import json
import os
from pathlib import Path
import time

import pytest
from torch import nn

from bdc_occ_ros.bench import machine
from bdc_occ_ros.bench import network as bench_network
from bdc_occ_ros.bench.clock import REST, StageClock, STAGES
from bdc_occ_ros.bench.int8 import split_by_shares
from bdc_occ_ros.bench.network import as_table, measure_networks, one_core_busy
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.errors import MissingDependencyError, UsageError
from bdc_occ_ros.kernels.selection import choose_backend

RESOURCES = Path(__file__).parents[1] / 'resources'
NANO, BINARY, REAL = (str(RESOURCES / f'model_{name}.yaml')
                      for name in ('tiny', 'tiny_published', 'tiny_real'))
KEYS = {'model', 'backend', 'stage_ms', 'total_ms', 'peak_rss_mb', 'median_ms', 'busy_ms',
        'busy_ratio', 'stream', 'machine', 'engine'}


@pytest.fixture(scope='module')
def rows():
    """Measure the small nano network once for all tests."""
    return measure_networks(NANO, 'float,packed', 1, 1, True)


def test_rows_are_complete_and_stages_add_up(rows):
    assert [(row['model'], row['backend']) for row in rows] == [
        ('tiny', 'float'), ('tiny', 'packed')]
    for row in rows:
        assert set(row) == KEYS
        assert set(row['stage_ms']) == {*STAGES.values(), REST}
        assert sum(row['stage_ms'].values()) == pytest.approx(row['total_ms'])
        assert min(row['stage_ms'].values()) > 0 and row['total_ms'] <= row['median_ms']
        assert row['busy_ratio'] == pytest.approx(row['busy_ms'] / row['median_ms'])
        assert 50 < row['peak_rss_mb'] < 5000
    assert [row['engine'] for row in rows] == ['PyTorch', choose_backend().backend.name]
    assert json.loads(json.dumps(rows)) == rows


def test_the_table_has_a_column_per_row(rows):
    lines = [line.rsplit(maxsplit=2) for line in as_table(rows).splitlines()]
    assert lines[0][-2:] == ['tiny', 'tiny'] and lines[1][-2:] == ['float', 'packed']
    totals = next(line for line in lines if line[0] == 'total')
    assert totals[1:] == [f'{row["total_ms"]:.1f}' for row in rows]
    assert lines[-1][0] == 'peak memory MB' and lines[-2][0] == 'busy / quiet'


def test_the_command_prints_table_or_json(rows, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(bench_network, 'measure_networks', lambda *a: asked.append(a) or rows)
    command = ['bench', 'network', '--model', NANO, '--threads', '1']
    assert main([*command, '--json']) == 0
    assert json.loads(capsys.readouterr().out) == rows
    assert main([*command, '--busy', '--stream', 'float16', '--rounds', '2']) == 0
    first, *table = capsys.readouterr().out.splitlines()
    assert 'torch ' in first and first.endswith(f'untrained weights, stream {rows[0]["stream"]}')
    assert '\n'.join(table) == as_table(rows)
    assert asked == [(NANO, '', 1, 5, False, bench_network.USUAL_STREAM),
                     (NANO, '', 1, 2, True, 'float16')]


def test_models_on_eight_bits_are_compared_stage_by_stage():
    ours = {'model': 'ours', 'backend': 'int8', 'total_ms': 30.0,
            'stage_ms': {'lift': 20.0, 'occupancy': 4.0, 'BEV neck': 6.0}}
    other = {'model': 'other', 'backend': 'int8', 'total_ms': 25.0,
            'stage_ms': {'lift': 10.0, 'occupancy': 8.0, 'BEV neck': 2.0}}
    assert bench_network.held_back([ours, other]) == [
        'ours is 5.0 ms behind other on int8; slower stages: lift +10.0 ms, BEV neck +4.0 ms']
    assert bench_network.held_back([other, ours]) == [
        'other is 5.0 ms ahead of ours on int8; slower stages: occupancy +4.0 ms']
    assert bench_network.held_back([{**ours, 'backend': 'float'}]) == []


def test_stages_are_timed_by_name():
    network = nn.Module()
    network.lift, network.occ_head = nn.Identity(), nn.Identity()
    clock = StageClock(network)

    def run():
        network.lift(1)
        time.sleep(0.01)
        network.occ_head(1)

    stage_ms, total_ms = clock.run(run)
    assert stage_ms.keys() == {'lift', 'occupancy', REST}
    assert stage_ms[REST] >= 10 and sum(stage_ms.values()) == pytest.approx(total_ms)


def test_joined_sections_are_split_by_shares():
    shares = {'image backbone': {'image backbone': 0.75, 'depth': 0.25}}
    stage_ms = {'image backbone': 8.0, 'depth': 0.5, 'rest': 1.0}
    assert split_by_shares(stage_ms, shares) == {'image backbone': 6.0, 'depth': 2.5, 'rest': 1.0}


def suitable(model, monkeypatch, packages=True):
    """Return the backends that are measured where none are named."""
    started = []
    monkeypatch.setattr(machine, 'find_spec', lambda name: packages or None)
    monkeypatch.setattr(bench_network, 'WorkerProcess', lambda make, model, backend, *_: (
        started.append(backend) or ExitStack()))
    monkeypatch.setattr(bench_network, '_take_turns', lambda processes, rounds: [])
    measure_networks(model, '', 1, 1, False)
    return started


def test_backends_suit_the_network(monkeypatch, capsys):
    assert suitable(NANO, monkeypatch) == ['float', 'bf16', 'packed', 'packed_bf16']
    assert suitable(BINARY, monkeypatch) == ['float', 'bf16', 'packed', 'packed_bf16', 'int8']
    assert suitable(REAL, monkeypatch) == ['float', 'bf16', 'int8']
    assert suitable(REAL, monkeypatch, packages=False) == ['float', 'bf16']
    assert 'without int8 of tiny_real: onnx and onnxruntime' in capsys.readouterr().err


def test_what_cannot_be_measured_is_refused(monkeypatch, capsys):
    with pytest.raises(UsageError, match='no backend int4; there are float, bf16, packed'):
        measure_networks(REAL, 'float,int4', 1, 1, False)
    with pytest.raises(UsageError, match='tiny: eight bits are for networks of the published'):
        measure_networks(NANO, 'int8', 1, 1, False)
    monkeypatch.setattr(machine, 'find_spec', lambda name: None)
    with pytest.raises(MissingDependencyError, match=r'"bdc_occ_ros\[bench\]"'):
        measure_networks(REAL, 'int8', 1, 1, False)
    assert main(['bench', 'network', '--model', 'nothing']) == 2
    assert "no network config 'nothing'" in capsys.readouterr().err


def ticks_of_children():
    """Return the processor time of every child of this process, in ticks, by its number."""
    ticks = {}
    for stat in Path('/proc').glob('[0-9]*/stat'):
        with suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text().rpartition(')')[2].split()
            if int(fields[1]) == os.getpid():
                ticks[stat.parent.name] = int(fields[11])
    return ticks


def test_the_busy_process_works_and_ends_with_the_body():
    before = ticks_of_children()
    with one_core_busy():
        process, = ticks_of_children().keys() - before.keys()
        deadline_s = time.monotonic() + 60.0
        while ticks_of_children()[process] < 5 and time.monotonic() < deadline_s:
            time.sleep(0.05)
        assert ticks_of_children()[process] >= 5
    assert process not in ticks_of_children()
