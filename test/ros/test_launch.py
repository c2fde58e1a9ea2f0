# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch file offers its arguments and starts what they ask for."""

import ast
import importlib.util
import os
from pathlib import Path
import re
import signal
import subprocess
import sys

import pytest
from watcher import Watcher
import yaml

from bdc_occ_ros.bags.scene_bag import write_scene_bag
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.share import share_path

LAUNCH_FILE = share_path('launch', 'occ.launch.py')
ARGUMENTS = {'dataset', 'namespace', 'use_sim_time', 'params_file', 'model', 'autostart', 'rviz',
             'calibration_file', 'bag', 'log_level', 'output_frame'}


def declared_arguments():
    """Return name, default, sentence and choices of each argument, without importing launch."""
    tree = ast.parse(LAUNCH_FILE.read_text())
    constants = {node.targets[0].id: node.value for node in tree.body
                 if isinstance(node, ast.Assign)}
    switch = ast.literal_eval(constants['SWITCH'])
    return [[switch if isinstance(part, ast.Name) else ast.literal_eval(part)
             for part in row.elts] for row in constants['ARGUMENTS'].elts]


@pytest.fixture
def launch_file():
    """Load the launch file, where ROS' launch is installed."""
    pytest.importorskip('launch_ros', reason='launch and launch_ros are not installed')
    spec = importlib.util.spec_from_file_location('occ_launch', LAUNCH_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def started(launch_file, **given):
    """Return the command lines and variables that these arguments lead to."""
    from launch import LaunchContext
    context = LaunchContext()
    defaults = {name: default for name, default, _, _ in launch_file.ARGUMENTS}
    context.launch_configurations.update(defaults | given)
    return launch_file.start(context)


def test_each_argument_is_described():
    arguments = declared_arguments()
    assert {name for name, *_ in arguments} == ARGUMENTS
    assert all(len(sentence) > 10 for _, _, sentence, _ in arguments)
    assert all(choices is None or default in choices for _, default, _, choices in arguments)


def test_the_default_files_exist():
    dataset, = (default for name, default, *_ in declared_arguments() if name == 'dataset')
    for name in ('occ.yaml', f'dataset_{dataset}.yaml', 'fastdds_profile.xml', 'occ.rviz'):
        assert share_path('config', name).is_file()


def test_rviz_shows_the_node_and_six_cameras():
    displays = yaml.safe_load(
        share_path('config', 'occ.rviz').read_text())['Visualization Manager']['Displays']
    topics = {display['Topic']['Value']: display for display in displays if 'Topic' in display}
    assert topics['occupancy']['Style'] == 'Boxes'
    assert topics['occupancy']['Size (m)'] == 0.4
    assert topics['occupancy/grid']['Topic']['Durability Policy'] == 'Transient Local'
    rig = yaml.safe_load(share_path('config', 'dataset_nuscenes.yaml').read_text())
    cameras = rig['/**']['ros__parameters']['camera'].values()
    assert {camera['compressed'] for camera in cameras} <= topics.keys()


@pytest.mark.parametrize('given, kinds', [
    ({}, ['LifecycleNode']), ({'rviz': 'true'}, ['LifecycleNode', 'Node']),
    ({'bag': 'drive'}, ['RegisterEventHandler', 'LifecycleNode'])])
def test_arguments_start_processes(launch_file, monkeypatch, given, kinds):
    monkeypatch.setenv(launch_file.PROFILE_VARIABLE, 'mine.xml')
    entities = started(launch_file, autostart='false', **given)
    assert [type(entity).__name__ for entity in entities] == kinds


@pytest.mark.parametrize('given, words', [
    ({'dataset': 'nusenes'}, "no dataset 'nusenes'"), ({'dataset': 'absent.yaml'}, 'absent.yaml'),
    ({'params_file': 'absent.yaml'}, 'no params_file absent.yaml')])
def test_unknown_profiles_and_missing_files_end_the_launch(launch_file, given, words):
    with pytest.raises(InvalidConfigError, match=words):
        started(launch_file, **given)


def test_the_profile_is_set_unless_the_user_has_one(launch_file, monkeypatch):
    monkeypatch.delenv(launch_file.PROFILE_VARIABLE, raising=False)
    first, *_ = started(launch_file)
    assert type(first).__name__ == 'SetEnvironmentVariable'


@pytest.mark.parametrize('given, expected', [
    ({}, {'autostart': False}),
    ({'model': 'bdc_occ_t'}, {'autostart': False, 'model.name': 'bdc_occ_t'}),
    ({'model': 'a.safetensors', 'output_frame': 'odom', 'autostart': 'false'},
     {'autostart': False, 'model.weights': 'a.safetensors', 'output_frame': 'odom'})])
def test_arguments_override_the_files(launch_file, given, expected):
    defaults = {name: default for name, default, _, _ in launch_file.ARGUMENTS}
    assert launch_file.overrides(defaults | given) == expected


def test_a_bag_brings_its_calibration_unless_another_is_given(launch_file, tmp_path):
    defaults = {name: default for name, default, _, _ in launch_file.ARGUMENTS}
    assert 'calibration_file' not in launch_file.overrides(defaults | {'bag': str(tmp_path)})
    (tmp_path / 'calibration.yaml').touch()
    with_bag = defaults | {'bag': str(tmp_path)}
    brought = launch_file.overrides(with_bag)['calibration_file']
    assert brought == str(tmp_path / 'calibration.yaml')
    given = launch_file.overrides(with_bag | {'calibration_file': 'rig.yaml'})
    assert given['calibration_file'] == 'rig.yaml'


@pytest.mark.parametrize('is_installed, words', [
    (True, ['ros2', 'bag', 'play', '--clock', '100']),
    (False, [sys.executable, '-m', 'bdc_occ_ros.cli', 'bag', 'play', '--clock'])])
def test_a_bag_is_played_by_rosbag2_where_that_is_installed(launch_file, monkeypatch, is_installed,
                                                            words):
    monkeypatch.setattr(launch_file.importlib.util, 'find_spec',
                        lambda name: name == 'rosbag2_py' and is_installed or None)
    command = launch_file.player('drive')
    assert command[:len(words)] == words and command[-3:] == ['--delay', '1', 'drive']


def interrupt(process):
    """Interrupt a launch and all that it started, as a terminal does; return its exit status."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    return process.wait(60.0)


@pytest.fixture
def launch(launch_file, tmp_path):
    """Launch the node of a prefix as colcon makes it, in which it configures when it may."""
    prefix, gate = tmp_path / 'prefix', tmp_path / 'gate'
    program = prefix / 'lib/bdc_occ_ros/occ_node'
    for path in (program, prefix / 'share/ament_index/resource_index/packages/bdc_occ_ros'):
        path.parent.mkdir(parents=True)
        path.touch()
    program.write_text(
        f'#!{sys.executable}\nimport pathlib, sys, time\nfrom bdc_occ_ros.ros import node\n'
        'load_predictor = node.load_predictor\n\n\ndef load(model):\n'
        f'    while not pathlib.Path({str(gate)!r}).exists():\n        time.sleep(0.02)\n'
        '    return load_predictor(model)\n\n\n'
        'node.load_predictor = load\nfrom bdc_occ_ros.ros.__main__ import main\nmain()\n')
    program.chmod(0o755)
    processes = []

    def start(**given):
        words = [f'{name}:={value}' for name, value in given.items()]
        with (tmp_path / 'log').open('wb') as log:
            processes.append(subprocess.Popen(
                [sys.executable, Path(__file__).with_name('launched.py'), LAUNCH_FILE, *words],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env=os.environ | {'AMENT_PREFIX_PATH': str(prefix)}))
        return processes[-1]
    yield start, gate, lambda: (tmp_path / 'log').read_text()
    for process in processes:
        interrupt(process)


def test_a_bag_starts_when_the_node_is_active(launch, node, spin_until, tiny_model, nuscenes_rig,
                                              tmp_path):
    start, gate, log = launch
    write_scene_bag(tmp_path / 'drive', nuscenes_rig.resized(96, 54), seed=2, seconds=0.5)
    watcher = Watcher(node)
    watcher.subscribe()
    process = start(bag=tmp_path / 'drive', model=tiny_model)
    assert spin_until(lambda: 'bdc_occ' in node.get_node_names()), log()
    images = '/camera/CAM_FRONT/image/compressed'
    assert not spin_until(lambda: node.count_publishers(images), 5.0), log()  # a player needs less
    gate.touch()
    assert spin_until(lambda: watcher.clouds), log()
    assert interrupt(process) == 0, log()
    assert 'SIGTERM' not in log()


@pytest.mark.parametrize('given, reason', [
    ({'model': 'absent_network'}, 'absent_network'),
    ({'calibration_file': '/absent.yaml'}, 'absent.yaml')])
def test_a_node_that_cannot_start_ends_the_launch_with_its_reason(launch, given, reason):
    start, gate, log = launch
    gate.touch()
    assert start(**given).wait(120.0) == 1, log()
    assert re.search(f'on_configure failed: .*{reason}', log())
    assert 'the node is not active and never will be' in log()
