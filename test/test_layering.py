# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who may import whom, and that the core lives without ROS."""

import ast
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'bdc_occ_ros'
ROS_NAMES = (
    'rclpy', 'rcl_interfaces', 'builtin_interfaces', 'cv_bridge', 'message_filters',
    'ament_index_python', 'sensor_msgs_py', 'diagnostic_updater', 'rosidl_runtime_py',
    'rpyutils', 'rosidl_parser', 'rosidl_generator_py')
ROS_PREFIXES = ('tf2_', 'launch')
FOUNDATION = {'errors', 'rotations', 'camera_rig', 'datatypes', 'classes', 'share',
              'calibration_file', 'yaml_config', 'layer_config'}
# What each layer may import from the package; a layer is a folder or a module at the top.
# Whatever is not listed may import the foundation only.
MAY_IMPORT = {
    'kernels': {'errors'},
    'binary': {'errors', 'layer_config', 'kernels'},
    'config_limits': {'errors', 'config'},
    'config': FOUNDATION | {'config_limits'},
    'config_overrides': {'errors', 'yaml_config'},
    'network': FOUNDATION | {'binary', 'config', 'kernels'},
    'profile': FOUNDATION | {'binary', 'config', 'network'},
    'published_costs': FOUNDATION | {'config', 'profile'},
    'weights_file': FOUNDATION | {'config'},
    'checkpoint': FOUNDATION | {'config', 'network', 'weights_file'},
    'packed_checkpoint': FOUNDATION | {'binary', 'config', 'network', 'weights_file'},
    'authors_checkpoint': {'errors'},
    'authors_networks': FOUNDATION | {'config', 'network', 'weights_file'},
    'model_card': {'config', 'errors', 'packed_checkpoint', 'profile', 'weights_file'},
    'model_card_text': set(),
    'shipped_weights': {'config', 'share', 'weights_file'},
    'network_loading': FOUNDATION | {'binary', 'config', 'kernels', 'network', 'checkpoint',
                                     'packed_checkpoint', 'shipped_weights', 'weights_file'},
    'predictor': FOUNDATION | {'config', 'network', 'network_loading'},
    'measurement': FOUNDATION | {'binary', 'config', 'kernels', 'network'},
    'bench_kernels': {'errors', 'kernels', 'measurement'},
    'bench_network': FOUNDATION | {'config', 'kernels', 'measurement', 'network'},
    'evaluation': FOUNDATION | {'bags', 'binary', 'dataset', 'predictor'},
    'dataset': FOUNDATION | {'synthetic_triggers'},
    'world': FOUNDATION | {'config', 'dataset', 'network', 'synthetic_triggers', 'training'},
    'training': FOUNDATION | {'binary', 'checkpoint', 'config', 'config_overrides', 'dataset',
                              'evaluation', 'measurement', 'network', 'weights_file'},
    'sweep_table': FOUNDATION | {'config', 'evaluation', 'profile', 'training'},
    'training_data': FOUNDATION | {'config', 'dataset', 'training', 'world'},
    'dataset_profiles': {'errors', 'share', 'yaml_config'},
    'bags': FOUNDATION | {'dataset', 'dataset_profiles', 'synthetic_triggers', 'transforms',
                          'world'},
    'data_check': FOUNDATION | {'dataset', 'world'},
    'drawing': FOUNDATION | {'bags', 'dataset', 'snapshot', 'synthetic_triggers', 'world'},
}


def is_ros(module: str) -> bool:
    top = module.partition('.')[0]
    return top in ROS_NAMES or top.endswith('_msgs') or top.startswith(ROS_PREFIXES)


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """Return the imported modules and whether each is imported at the top level."""
    tree = ast.parse(path.read_text())
    top_level = set(map(id, tree.body))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top_level) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: imports are absolute'
            found += [(f'{node.module}.{alias.name}', id(node) in top_level)
                      for alias in node.names]
    return found


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix('.py')


CORE = [path for path in sorted(PACKAGE.rglob('*.py')) if layer_of(path) != 'ros']


@pytest.mark.parametrize('path', CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_core_imports_no_ros(path):
    ros = [name for name, _ in imports_of(path) if is_ros(name)]
    assert not ros, f'{path.name} imports {ros}; only bdc_occ_ros/ros/ may'


@pytest.mark.parametrize('path', CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_verbs_reach_the_ros_folder_and_only_inside_functions(path):
    for name, is_top_level in imports_of(path):
        if name.startswith('bdc_occ_ros.ros'):
            assert layer_of(path) == 'commands' and not is_top_level, f'{path} imports {name}'


@pytest.mark.parametrize('path', CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_up_the_table(path):
    layer = layer_of(path)
    if layer not in MAY_IMPORT:
        return
    ours = {name.split('.')[1] for name, _ in imports_of(path)
            if name.startswith('bdc_occ_ros.')} - {layer}
    assert ours <= MAY_IMPORT[layer], f'{path} imports {sorted(ours - MAY_IMPORT[layer])}'


def test_ros_folder_leaves_the_network_to_the_predictor():
    for path in sorted((PACKAGE / 'ros').rglob('*.py')):
        ours = {name.split('.')[1] for name, _ in imports_of(path)
                if name.startswith('bdc_occ_ros.')}
        assert not ours & {'network', 'binary'}, f'{path} reaches past the predictor'


def test_core_imports_in_a_process_without_ros():
    modules = ['.'.join(path.relative_to(ROOT).with_suffix('').parts) for path in CORE]
    program = (
        'import sys, importlib\n'
        'class Blocked:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        f'        top = name.partition(".")[0]\n'
        f'        if top in {ROS_NAMES!r} or top.endswith("_msgs") '
        f'or top.startswith({ROS_PREFIXES!r}):\n'
        '            raise ModuleNotFoundError("blocked " + name, name=top)\n'
        'sys.meta_path.insert(0, Blocked())\n'
        f'for name in {modules!r}:\n'
        '    importlib.import_module(name)\n')
    result = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
