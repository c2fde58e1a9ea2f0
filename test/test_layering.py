# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who may import whom: rooms and arrows, no cycles, and a core that lives without ROS."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'bdc_occ_ros'
BASE = {'errors', 'files', 'classes', 'share', 'config_file'}
DATA = BASE | {'geometry', 'datatypes', 'image_decoding'}
NETWORK = DATA | {'kernels', 'binary', 'network'}
WEIGHTS = NETWORK | {'weights'}
INPUTS = DATA | {'sync', 'dataset', 'world', 'bags'}
SCORES = WEIGHTS | INPUTS | {'predictor', 'evaluation'}
# What each module of the root and each room may import from the package, beside itself.
MAY_IMPORT = {
    'errors': set(),
    'classes': set(),
    'files': {'errors'},
    'share': {'errors'},
    'config_file': {'errors', 'files', 'share'},
    'geometry': BASE,
    'datatypes': BASE | {'geometry'},
    'image_decoding': {'errors', 'files', 'geometry'},
    'sync': BASE,
    'kernels': {'errors', 'files'},
    'binary': {'errors', 'files', 'kernels'},
    'network': NETWORK - {'network'},
    'weights': NETWORK,
    'predictor': WEIGHTS,
    'dataset': DATA | {'sync'},
    'world': DATA | {'sync', 'dataset'},
    'bags': DATA | {'sync', 'dataset', 'world'},
    'evaluation': SCORES - {'evaluation'},
    'training': SCORES,
    'drawing': SCORES,
    'bench': SCORES | {'training', 'drawing'},
    'ros': DATA | {'sync', 'predictor', 'bags'},
    # What needs ROS and is not the node: players and recorders, and measurements.
    'ros/replay': DATA | {'sync', 'predictor', 'bags', 'ros'},
    'ros/bench': DATA | {'sync', 'bags', 'bench', 'ros', 'ros/replay'},
    'cli': SCORES | {'training', 'drawing', 'bench', 'ros', 'ros/replay', 'ros/bench'},
}
ROS_NAMES = (
    'rclpy', 'rcl_interfaces', 'builtin_interfaces', 'cv_bridge', 'message_filters',
    'ament_index_python', 'sensor_msgs_py', 'diagnostic_updater', 'rosidl_runtime_py',
    'rpyutils', 'rosidl_parser', 'rosidl_generator_py')
ROS_PREFIXES = ('tf2_', 'launch')


def is_ros(module: str) -> bool:
    top = module.partition('.')[0]
    return top in ROS_NAMES or top.endswith('_msgs') or top.startswith(ROS_PREFIXES)


def modules_in(package: Path) -> dict[str, Path]:
    """Return the path of every module by its dotted name, packages under the folder's name."""
    named = {path.relative_to(package.parent).with_suffix(''): path
             for path in sorted(package.rglob('*.py'))}
    return {'.'.join(name.parts).removesuffix('.__init__'): path for name, path in named.items()}


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """Return the imported names and whether each is imported when the module is."""
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


def arrows_in(package: Path) -> dict[str, set[str]]:
    """Return the modules of the package that each module imports, anywhere in it."""
    modules = modules_in(package)

    def module_of(name: str) -> str:
        return name if name in modules else name.rpartition('.')[0]
    return {module: {module_of(name) for name, _ in imports_of(path)
                     if name.partition('.')[0] == package.name} - {module}
            for module, path in modules.items()}


def room_of(module: str) -> str:
    """Return the row of the table that a module belongs to; '' for the package itself."""
    parts = module.split('.')[1:]
    inner = '/'.join(parts[:2])
    return inner if inner in MAY_IMPORT else ''.join(parts[:1])


def faults_of(package: Path) -> list[str]:
    """Return what is wrong with the modules of a package, a line each."""
    arrows = arrows_in(package)
    faults = [f'{module} is in no room' for module in arrows
              if room_of(module) not in {*MAY_IMPORT, ''}]
    faults += [f'{module} imports {target}'
               for module, targets in arrows.items() for target in sorted(targets)
               if room_of(target) not in {room_of(module), '',
                                          *MAY_IMPORT.get(room_of(module), ())}]
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        faults.append(f'cycle: {" > ".join(error.args[1])}')
    return faults


def test_every_module_has_a_room_and_every_arrow_is_in_the_table():
    assert not faults_of(PACKAGE)


def test_no_two_rooms_may_import_each_other():
    TopologicalSorter(MAY_IMPORT).prepare()


@pytest.fixture
def planted(tmp_path):
    """Return a function that writes a package of the given modules and returns its faults."""
    def plant(**sources: str) -> list[str]:
        for name, source in sources.items():
            path = tmp_path / 'bdc_occ_ros' / f'{name.replace("__", "/")}.py'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return faults_of(tmp_path / 'bdc_occ_ros')
    return plant


def test_sound_modules_have_no_faults(planted):
    assert not planted(errors='', kernels__pack='from bdc_occ_ros.errors import BdcOccError\n')


def test_a_module_of_no_room_is_found(planted):
    assert planted(helpers='import math\n') == ['bdc_occ_ros.helpers is in no room']


def test_an_arrow_against_the_table_is_found_inside_functions_too(planted):
    assert planted(network__network='', kernels__pack=(
        'def pack():\n    from bdc_occ_ros.network.network import Network\n')) == [
        'bdc_occ_ros.kernels.pack imports bdc_occ_ros.network.network']


def test_a_cycle_within_a_room_is_found_behind_type_checking_too(planted):
    fault, = planted(
        kernels__one='from bdc_occ_ros.kernels import two\n',
        kernels__two='from typing import TYPE_CHECKING\n'
                     'if TYPE_CHECKING:\n    from bdc_occ_ros.kernels.one import One\n')
    assert fault.startswith('cycle: ')


CORE = [path for module, path in modules_in(PACKAGE).items()
        if not room_of(module).startswith('ros')]


@pytest.mark.parametrize('path', CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_core_imports_no_ros(path):
    ros = [name for name, _ in imports_of(path) if is_ros(name)]
    assert not ros, f'{path.name} imports {ros}; only bdc_occ_ros/ros/ may'


@pytest.mark.parametrize('path', CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_verbs_reach_the_ros_folder_and_only_inside_functions(path):
    for name, is_top_level in imports_of(path):
        if name.startswith('bdc_occ_ros.ros'):
            assert path.parent.name == 'cli' and not is_top_level, f'{path} imports {name}'


def test_core_imports_in_a_process_without_ros():
    for package in ('rerun', 'rosbags'):
        pytest.importorskip(package, reason=f'{package} is not installed')
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
