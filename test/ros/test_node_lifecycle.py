# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node as a process: transitions, refusals, and how it ends."""

import os
from pathlib import Path
import re
import signal
import subprocess
import sys

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
import pytest
from simulated_rig import OFFSETS_NS, SimulatedRig
from std_srvs.srv import Trigger
from watcher import Watcher

from bdc_occ_ros.ros.conversions import to_nanoseconds
from bdc_occ_ros.ros.replay.node_process import NodeProcess

STOP_LIMIT_S = 30.0
WARM_UPS = 100  # of a network that needs a second for each: nobody would wait for them
CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP
SHUTDOWN = Transition.TRANSITION_UNCONFIGURED_SHUTDOWN


@pytest.fixture
def start(tmp_path, rig_parameters):
    """Start the node with other parameters; it is ended with the test."""
    processes = []

    def start(environment=None, **parameters):
        dotted = {name.replace('__', '.'): value for name, value in parameters.items()}
        processes.append(NodeProcess(tmp_path / 'log', rig_parameters | dotted,
                                     environment=environment))
        return processes[-1]
    yield start
    for process in processes:
        process.stop(signal.SIGKILL)


def change(watcher, transition=0, label=''):
    request = ChangeState.Request(transition=Transition(id=transition, label=label))
    return watcher.call('bdc_occ/change_state', ChangeState, request).success


def state(watcher):
    return watcher.call('bdc_occ/get_state', GetState).current_state.label


def is_active(watcher):
    return 'lifecycle' in watcher.statuses and watcher.statuses['lifecycle'].message == 'active'


def refusal(watcher):
    """Wait for the node to say why it could not be configured."""
    assert watcher.spin_until(lambda: watcher.says('lifecycle', '.')), watcher.told()
    return watcher.statuses['lifecycle'].message


def test_every_transition_and_its_refusal(start, node):
    process, watcher = start(autostart='false'), Watcher(node)
    assert state(watcher) == 'unconfigured'
    assert not change(watcher, ACTIVATE)
    assert not change(watcher, label='no such transition')
    assert change(watcher, CONFIGURE) and state(watcher) == 'inactive'
    assert not change(watcher, CONFIGURE)
    assert not change(watcher, CLEANUP + 100)
    for _ in range(2):
        assert change(watcher, ACTIVATE) and state(watcher) == 'active'
        assert change(watcher, DEACTIVATE) and state(watcher) == 'inactive'
    assert change(watcher, CLEANUP) and state(watcher) == 'unconfigured'
    assert change(watcher, CONFIGURE) and change(watcher, ACTIVATE)
    assert change(watcher, DEACTIVATE) and change(watcher, CLEANUP)
    assert change(watcher, SHUTDOWN) and state(watcher) == 'finalized'
    assert process.stop(timeout_s=STOP_LIMIT_S) == 0


def test_deactivation_stops_the_results_and_activation_resumes_them(start, node):
    process, rig = start(), SimulatedRig(node)
    for name in OFFSETS_NS:
        rig.mount(name)
    watcher = Watcher(node, rig)
    watcher.subscribe()
    watcher.fresh_clouds(2)
    assert watcher.spin_until(lambda: watcher.grids)
    assert change(watcher, DEACTIVATE)
    stopped_ns = rig.clock()
    assert watcher.spin_until(lambda: set(watcher.grids[-1].data) == {-1})
    assert 'occupancy/grid is all unknown now: the node stops' in process.log
    num_triggers = len(rig.stamps_ns)
    assert watcher.spin_until(lambda: len(rig.stamps_ns) > num_triggers + 10)
    resumed_ns = rig.clock()
    watcher.clouds.clear()
    assert change(watcher, ACTIVATE)
    assert watcher.spin_until(lambda: len(watcher.clouds) > 2)
    assert not [cloud for cloud in watcher.clouds
                if stopped_ns < to_nanoseconds(cloud.header.stamp) < resumed_ns]
    assert process.stop(timeout_s=STOP_LIMIT_S) == 0, process.log
    assert 'Traceback' not in process.log


def is_mapped(process, library):
    """Tell whether a process has begun to load a library."""
    return library in Path(f'/proc/{process.pid}/maps').read_text()


BUSY = {'model__name': 'flashocc_r50', 'model__warmup_iterations': WARM_UPS}
STATES = {
    'importing': ({}, lambda process, watcher: is_mapped(process, '_multiarray_umath')),
    'loading PyTorch': ({}, lambda process, watcher: is_mapped(process, 'libtorch_cpu')),
    'warming up': (BUSY, lambda process, watcher: 'untrained' in process.log),
    'unconfigured': ({'autostart': 'false'},
                     lambda process, watcher: 'lifecycle' in watcher.statuses),
    'active': ({}, lambda process, watcher: is_active(watcher))}


@pytest.mark.parametrize('sent', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('parameters, is_reached', STATES.values(), ids=STATES)
def test_a_signal_ends_the_node_with_0(start, node, sent, parameters, is_reached):
    process, watcher = start(**parameters), Watcher(node)
    assert watcher.spin_until(lambda: is_reached(process, watcher)), process.log
    assert process.stop(sent, STOP_LIMIT_S) == 0, process.log
    assert 'Traceback' not in process.log


@pytest.mark.parametrize('parameters, part, key, values', [
    ({}, 'output', 'computed', '[1-9]'),
    ({'ego_motion': 'tf', 'ego_motion_wait_ms': 1000.0}, 'ego motion', 'source', 'tf')],
    ids=['computing', 'waiting for TF'])
@pytest.mark.parametrize('sent', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_inference_with_0(start, node, sent, parameters, part, key, values):
    process, rig = start(**parameters), SimulatedRig(node)
    for name in OFFSETS_NS:
        rig.mount(name)
    watcher = Watcher(node, rig)
    watcher.subscribe()
    assert watcher.spin_until(lambda: part in watcher.statuses and re.match(
        values, watcher.value(part, key))), watcher.told()
    assert process.stop(sent, STOP_LIMIT_S) == 0, process.log
    assert 'Traceback' not in process.log


@pytest.mark.parametrize('parameters, words', [
    ({'sync__tolerance_ms': -1.0}, r'sync.tolerance_ms .*got -1.0'),
    ({'sync__tolerence_ms': 5.0}, r'no parameter sync.tolerence_ms; did you mean sync.tolerance'),
    ({'model__name': 'no_such_network'}, 'no_such_network'),
    ({'calibration_file': '/no/such/file.yaml'}, '/no/such/file.yaml: cannot be read'),
    ({'key_camera': 'NOSE'}, "key_camera must be one of .*got 'NOSE'"),
], ids=['range', 'typing error', 'model', 'calibration', 'key camera'])
def test_refused_parameter_is_named_and_the_node_lives(start, node, parameters, words):
    process, watcher = start(**parameters), Watcher(node)
    assert re.search(words, refusal(watcher))
    assert state(watcher) == 'unconfigured'
    assert re.search(f'on_configure failed: .*{words}', process.log)
    assert process.stop(timeout_s=STOP_LIMIT_S) == 0


def test_pytorch_is_not_loaded_before_the_node_is_configured():
    program = 'import sys, bdc_occ_ros.ros.node; sys.exit("torch" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', program]).returncode == 0


@pytest.mark.parametrize('module, parameters, words', [
    ('torch', {}, 'cannot import PyTorch.*python.* -m pip install torch'),
    ('message_filters', {'sync__mode': 'approximate'}, 'needs message_filters.*sync.mode'),
])
def test_missing_package_is_named_with_its_cure(start, node, tmp_path, module, parameters, words):
    (tmp_path / f'{module}.py').write_text('raise ImportError("hidden by the test")\n')
    environment = os.environ | {'PYTHONPATH': str(tmp_path)}
    start(environment, **parameters)
    assert re.search(words, refusal(Watcher(node)))


def test_unforeseen_error_is_logged_with_its_traceback(start, node, tmp_path):
    (tmp_path / 'torch.py').write_text('raise RuntimeError("unforeseen")\n')
    process = start(os.environ | {'PYTHONPATH': str(tmp_path)})
    assert 'unforeseen' in refusal(Watcher(node))
    assert 'Traceback' in process.log and 'on_configure' in process.log
    assert state(Watcher(node)) == 'unconfigured'


def test_a_snapshot_that_waits_is_refused_when_the_node_is_shut_down(start, node):
    process, rig = start(sync__max_rate_hz=0.01), SimulatedRig(node)
    for name in OFFSETS_NS:
        rig.mount(name)
    watcher = Watcher(node, rig)
    assert watcher.spin_until(lambda: 'output' in watcher.statuses
                              and watcher.value('output', 'unwanted') == '1'), watcher.told()
    client = node.create_client(Trigger, 'bdc_occ/save_snapshot')
    assert watcher.spin_until(client.service_is_ready)
    answer = client.call_async(Trigger.Request())
    watcher.next_diagnostics()
    assert change(watcher, Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert watcher.spin_until(answer.done, 20.0), process.log
    assert not answer.result().success and 'stopped' in answer.result().message
    assert state(watcher) == 'finalized'
    assert process.stop(timeout_s=STOP_LIMIT_S) == 0, process.log
