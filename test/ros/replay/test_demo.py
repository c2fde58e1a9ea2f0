# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The demo as a user starts it, small."""

import json
import subprocess
import sys

import cv2
import numpy as np

from bdc_occ_ros.bags.recording import load_recording
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.drawing.sheet import WIDTH_PX
from bdc_occ_ros.sync.synthetic_triggers import START_NS


def run_demo(folder, *arguments):
    return subprocess.run(
        [sys.executable, '-m', 'bdc_occ_ros.cli', 'demo', '--output', str(folder), *arguments],
        capture_output=True, text=True, timeout=400)


def test_demo_from_nothing_to_picture(tmp_path, tiny_model):
    folder = tmp_path / 'demo'
    result = run_demo(folder, '--seconds', '0.4', '--size', '192x108', '--model', str(tiny_model),
                      '--json')
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary == json.loads((folder / 'demo.json').read_text())
    assert summary['sets_in'] == 5  # as many as the node's subscriptions keep while it stalls
    assert summary['sets_out'] > 0 and summary['unaccounted'] == 0
    assert summary['sets_out'] + sum(summary['not_computed'].values()) == 5
    assert 0 < summary['since_last_image_ms'][0] < summary['latency_ms'][0]
    assert {'decode', 'inference', 'total'} <= set(summary['steps_ms'])
    assert summary['node_exit_status'] == 0 and summary['is_trained'] is False
    recording = load_recording(folder / 'recording')
    assert len(recording.occupancies) == summary['sets_out']
    assert summary['sets_scored'] == (START_NS in recording.occupancies)  # the first has truth
    assert 0 <= summary['miou_of_picture'] < 30
    picture = cv2.imread(str(folder / 'occupancy.png'))
    assert picture.shape[1] == WIDTH_PX
    orange = np.abs(picture[:200].astype(int) - (0x2e, 0xb0, 0xff)).max(axis=2) < 30
    assert orange.sum() > 1000  # says that the network is untrained
    assert 'untrained' in (folder / 'node.log').read_text()
    assert (folder / 'demo.rrd').stat().st_size > 10_000
    assert main(['view', str(folder / 'recording'), '-o', str(tmp_path / 'seen.png')]) == 0
    assert main(['demo', '--output', str(folder / 'demo.json' / 'x')]) == 2


def test_a_node_that_cannot_start_fails_the_demo_at_once(tmp_path):
    result = run_demo(tmp_path / 'demo', '--seconds', '0.04', '--size', '64x36',
                      '--model', 'absent_network')
    assert result.returncode == 2
    assert 'absent_network' in result.stderr and 'did not start' in result.stderr
    assert not (tmp_path / 'demo' / 'occupancy.png').exists()
