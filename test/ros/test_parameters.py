# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of parameters: its files, its checks, and a node that declares it."""

from dataclasses import FrozenInstanceError
from pathlib import Path
import subprocess
import sys

import pytest
from rcl_interfaces.msg import ParameterType
from rclpy.parameter import Parameter
import yaml

from bdc_occ_ros.config_file import settings_of
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.parameter_documents import NODE, parameters_markdown, parameters_yaml
from bdc_occ_ros.ros.parameters import (
    changed_config,
    config_from_values,
    config_values,
    declare_parameters,
    LiveParameters,
)

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'config'
NUSCENES_OFFSETS_MS = {
    'CAM_FRONT_LEFT': 0.0, 'CAM_FRONT': 7.6, 'CAM_FRONT_RIGHT': 15.5, 'CAM_BACK_LEFT': 42.6,
    'CAM_BACK': 32.7, 'CAM_BACK_RIGHT': 23.0}


def flat(tree, prefix=''):
    """Return the parameters of a ROS file by full name."""
    values = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            values |= flat(value, f'{prefix}{key}.')
        else:
            values[prefix + key] = value
    return values


def parameters_in(path):
    return flat(yaml.safe_load(path.read_text())['/**']['ros__parameters'])


def test_shipped_file_is_the_printed_one():
    assert (CONFIG / 'occ.yaml').read_text() == parameters_yaml(), (
        'run: python -m bdc_occ_ros.ros.parameters --yaml > config/occ.yaml')


def test_page_is_the_printed_one():
    assert (ROOT / 'doc' / 'parameters.md').read_text() == parameters_markdown(), (
        'run: python -m bdc_occ_ros.ros.parameters --markdown > doc/parameters.md')


def test_module_prints_both_documents():
    for argument, document in (('--yaml', parameters_yaml), ('--markdown', parameters_markdown)):
        printed = subprocess.run(
            [sys.executable, '-m', 'bdc_occ_ros.ros.parameters', argument],
            capture_output=True, text=True, check=True).stdout
        assert printed == document()


def test_shipped_file_holds_every_default():
    given = parameters_in(CONFIG / 'occ.yaml')
    expected = {setting.name: list(setting.value) if isinstance(setting.value, tuple)
                else setting.value for setting in NODE}
    assert expected.pop('grid.class_cost') == []  # ROS cannot read an empty list
    assert given == expected
    assert config_values(config_from_values(given)) == config_values(config_from_values({}))


def test_table_has_a_row_and_a_sentence_for_every_parameter():
    rows = [line for line in parameters_markdown().splitlines() if line.startswith('| `')]
    names = [row.split('`')[1] for row in rows]
    assert len(names) == len(set(names))
    assert {name for name in names if '<name>' not in name} == {setting.name for setting in NODE}
    assert {'camera.<name>.image', 'camera.<name>.offset_ms'} <= set(names)
    for row in rows:
        assert row.count('|') == 7 and row.rstrip(' |').endswith('.')


def test_every_number_has_limits_around_its_default():
    numbers = [setting for setting in settings_of(NodeConfig(cameras=('a',), key_camera='a'))
               if type(setting.value) in (int, float)]
    assert len(numbers) > 10
    for setting in numbers:
        assert setting.limits[0] <= setting.value <= setting.limits[1], setting.name


@pytest.mark.parametrize('path', sorted(CONFIG.glob('dataset_*.yaml')), ids=lambda p: p.stem)
def test_every_dataset_file_is_accepted_on_top_of_the_defaults(path):
    config = config_from_values(parameters_in(CONFIG / 'occ.yaml') | parameters_in(path))
    assert list(config.camera) == list(config.cameras)
    topics = {topic for camera in config.camera.values()
              for topic in (camera.image, camera.compressed, camera.info)}
    assert len(topics) == 3 * len(config.cameras)
    if config.sync.offsets == 'profile':
        assert {n: camera.offset_ms for n, camera in config.camera.items()} == NUSCENES_OFFSETS_MS


def test_nuscenes_is_in_the_order_of_the_network():
    config = config_from_values(parameters_in(CONFIG / 'dataset_nuscenes.yaml'))
    assert config.cameras == (
        'CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_LEFT', 'CAM_BACK',
        'CAM_BACK_RIGHT')
    assert config.key_camera == 'CAM_FRONT_LEFT' and config.sync.offsets == 'profile'
    assert config.camera['CAM_BACK'].image == 'camera/CAM_BACK/image'
    assert config.frame == 'base_link'


def test_camera_names_fill_the_defaults():
    config = config_from_values({'cameras': ['left', 'right'], 'key_camera': 'right',
                                 'camera.right.offset_ms': 5, 'camera.left.image': '/l/raw'})
    assert config.camera['left'].image == '/l/raw'
    assert config.camera['left'].info == 'camera/left/camera_info'
    assert config.camera['right'].compressed == 'camera/right/image/compressed'
    assert config.camera['right'].frame == 'right'
    assert config.camera['right'].offset_ms == 5.0
    dotted = config_from_values({'cameras': ['a.b'], 'key_camera': 'a.b', 'camera.a.b.info': 'i'})
    assert dotted.camera['a.b'].info == 'i' and dotted.camera['a.b'].frame == 'a.b'
    assert isinstance(config.camera['right'].offset_ms, float)


@pytest.mark.parametrize('given, match', [
    ({'score_threshold': 1.5}, 'score_threshold needs: number, 0 to 1; got 1.5'),
    ({'score_threshold': float('nan')}, 'score_threshold needs: .* got nan'),
    ({'score_threshold': '0.5'}, "score_threshold needs: number.* got '0.5'"),
    ({'score_threshold': True}, 'score_threshold needs: number.* got True'),
    ({'max_points': 1.0}, 'max_points needs: integer, 0 to 10000000; got 1.0'),
    ({'max_points': -1}, 'got -1'),
    ({'sync.tolerance_ms': 0.0}, 'sync.tolerance_ms needs: number, ms, 0.001 to 1000; got 0.0'),
    ({'sync.mode': 'exact'}, "sync.mode needs: string, one of offsets, window.*got 'exact'"),
    ({'ego_motion': False}, 'ego_motion needs: .*got False .YAML reads off and on as booleans'),
    ({'cameras': 'CAM_FRONT'}, "cameras needs: list of strings; got 'CAM_FRONT'"),
    ({'cameras': [1, 2]}, 'cameras needs: list of strings'),
    ({'cameras': []}, 'cameras must be 1 to 8 different names'),
    ({'cameras': ['a', 'a'], 'key_camera': 'a'}, 'cameras must be 1 to 8 different names'),
    ({'cameras': ['a']}, "key_camera must be one of .'a'.; got 'CAM_FRONT_LEFT'"),
    ({'sync.min_cameras': 7}, 'sync.min_cameras must not exceed the 6 cameras; got 7'),
    ({'grid.min_height_m': 3.0}, 'grid.min_height_m must be below grid.max_height_m; got 3.0'),
    ({'grid.class_cost': ['car']}, "entries such as 'terrain:50', costs 0 to 100; got 'car'"),
    ({'grid.class_cost': ['car:101']}, "got 'car:101'"),
    ({'sync.tolerence_ms': 1.0},
     'no parameter sync.tolerence_ms; did you mean sync.tolerance_ms'),
    ({'camera.CAM_TOP.image': 'x'}, 'no parameter camera.CAM_TOP.image'),
])
def test_bad_values_are_refused_by_name_and_range(given, match):
    with pytest.raises(InvalidConfigError, match=match):
        config_from_values(given)


def test_costs_are_read():
    config = config_from_values({'grid.class_cost': ['terrain:50', 'vegetation:0']})
    assert config.grid.costs == {'terrain': 50, 'vegetation': 0}


def test_config_is_frozen():
    config = config_from_values({})
    with pytest.raises(FrozenInstanceError):
        config.max_points = 5
    with pytest.raises(TypeError):
        config.camera['CAM_FRONT'] = None


def test_only_dynamic_parameters_change_while_running():
    config = config_from_values({})
    changed = changed_config(config, {'score_threshold': 0.7, 'publish.markers': True})
    assert (changed.score_threshold, changed.publish.markers) == (0.7, True)
    assert config.score_threshold != 0.7
    with pytest.raises(InvalidConfigError, match='base_frame, key_camera cannot change while'):
        changed_config(config, {'key_camera': 'CAM_BACK', 'base_frame': 'x'})


@pytest.fixture
def make_node(ros):
    """Make nodes with parameters given to them, and destroy them."""
    nodes = []

    def make(given=None, files=()):
        overrides = [Parameter(name, value=value) for name, value in (given or {}).items()]
        arguments = [word for path in files for word in ('--params-file', str(path))]
        nodes.append(ros.create_node('bdc_occ', parameter_overrides=overrides,
                                     cli_args=['--ros-args', *arguments] if files else None))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def test_node_declares_descriptions_ranges_and_read_only(make_node):
    node = make_node()
    declare_parameters(node)
    tolerance = node.describe_parameter('sync.tolerance_ms')
    assert tolerance.type == ParameterType.PARAMETER_DOUBLE and tolerance.read_only
    assert tolerance.description.endswith('[ms]')
    limits = tolerance.floating_point_range[0]
    assert (limits.from_value, limits.to_value) == (0.001, 1000.0)
    points = node.describe_parameter('max_points')
    assert not points.read_only and points.integer_range[0].to_value == 10000000
    assert 'hold' in node.describe_parameter('sync.missing_policy').additional_constraints
    assert node.get_parameter('cameras').value == list(NodeConfig().cameras)
    assert node.get_parameter('camera.CAM_BACK.info').value == 'camera/CAM_BACK/camera_info'


def test_node_reads_the_shipped_files(make_node):
    config = declare_parameters(make_node(files=(CONFIG / 'occ.yaml',)))
    assert config_values(config) == config_values(config_from_values({}))
    bridge = declare_parameters(
        make_node(files=(CONFIG / 'occ.yaml', CONFIG / 'dataset_dataset_bridge.yaml')))
    assert bridge.ego_motion == 'off' and bridge.sync.mode == 'window'
    assert bridge.camera['CAM_BACK'].image == '/nuscenes/CAM_BACK/image'


def test_node_with_a_mistyped_parameter_declares_nothing(make_node):
    node = make_node({'scorethreshold': 0.5})
    with pytest.raises(InvalidConfigError, match='did you mean score_threshold'):
        declare_parameters(node)
    assert not node.has_parameter('score_threshold')


def test_live_parameters_follow_accepted_changes_only(make_node):
    node, changes = make_node({'use_sim_time': False, 'score_threshold': 1}), []
    live = LiveParameters(node, lambda *configs: changes.append(configs))
    assert live.config.score_threshold == 1.0
    before = live.config

    def set_to(name, value):
        return node.set_parameters([Parameter(name, value=value)])[0]

    assert set_to('grid.max_height_m', 3.0).successful and live.config.grid.max_height_m == 3.0
    assert before.grid.max_height_m != 3.0 and changes == [(before, live.config)]
    refused = set_to('grid.min_height_m', 5.0)
    assert not refused.successful and 'must be below grid.max_height_m' in refused.reason
    assert not set_to('score_threshold', 1.5).successful
    assert not set_to('base_frame', 'map').successful and len(changes) == 1
    assert set_to('use_sim_time', True).successful
    assert live.config.score_threshold == 1.0 and live.config.grid.min_height_m == 0.2
