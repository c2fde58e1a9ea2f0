# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is installed, what is declared and what is imported agree."""

import ast
import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest

import bdc_occ_ros

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'bdc_occ_ros'
# the README says where these come from
NO_ROSDEP_KEY = {
    'torch', 'safetensors', 'rerun', 'onnx', 'onnxruntime', 'openvino', 'nuscenes'}
ROSDEP_KEYS = {
    'PIL': 'python3-pil', 'cv2': 'python3-opencv', 'matplotlib': 'python3-matplotlib',
    'numpy': 'python3-numpy', 'rosbags': 'python3-rosbags-pip', 'tqdm': 'python3-tqdm',
    'yaml': 'python3-yaml',
    'apsw': 'python3-rosbags-pip', 'backports': 'python3-rosbags-pip',  # rosbags brings these
    'lz4': 'python3-rosbags-pip'}
HEAVY = ('torch', 'numpy', 'cv2', 'safetensors', 'yaml')
DISTRIBUTIONS = {
    'PIL': 'Pillow', 'cv2': 'opencv-python-headless', 'rerun': 'rerun-sdk', 'yaml': 'PyYAML',
    'nuscenes': 'nuscenes-devkit', 'apsw': 'rosbags', 'backports': 'rosbags',
    'lz4': 'rosbags'}


def imported(*paths):
    """Return the outside top-level modules that these files import anywhere."""
    names = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition('.')[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.partition('.')[0])
    return names - set(sys.stdlib_module_names) - {'bdc_occ_ros'}


def product_files():
    return [*PACKAGE.rglob('*.py'), *(ROOT / 'launch').glob('*.py')]


def declared_keys():
    tree = ElementTree.parse(ROOT / 'package.xml')
    return {element.text for element in tree.iter() if element.tag.endswith('depend')}


def setup_arguments():
    """Return what setup.py passes to setup(), by running it against a recorder."""
    program = (
        'import json, runpy, setuptools\n'
        'setuptools.setup = lambda **arguments: print(json.dumps(arguments, default=str))\n'
        'runpy.run_path("setup.py", run_name="__main__")\n')
    done = subprocess.run([sys.executable, '-c', program], cwd=ROOT, text=True, check=True,
                          capture_output=True)
    return json.loads(done.stdout)


def test_package_xml_agrees_with_the_package():
    root = ElementTree.parse(ROOT / 'package.xml').getroot()
    assert root.get('format') == '3'
    assert root.findtext('name') == 'bdc_occ_ros'
    assert root.findtext('version') == bdc_occ_ros.__version__
    assert root.findtext('license') == 'Apache-2.0'
    assert root.findtext('export/build_type') == 'ament_python'
    assert (ROOT / root.find('license').get('file')).read_text().count('Apache License') > 1


def test_every_import_is_declared_by_its_rosdep_key():
    wanted = {ROSDEP_KEYS.get(name, name) for name in imported(*product_files()) - NO_ROSDEP_KEY}
    assert wanted - declared_keys() == set()


def test_every_import_without_ros_is_declared_for_pip():
    arguments = setup_arguments()
    extras = arguments['extras_require']
    floors = arguments['install_requires'] + sum(extras.values(), [])
    names = {re.split('[<>=]', floor)[0] for floor in floors}
    outside = imported(*product_files()) & (NO_ROSDEP_KEY | ROSDEP_KEYS.keys())
    assert {DISTRIBUTIONS.get(name, name) for name in outside} - names == set()


def test_setup_states_floors_and_make_pins():
    arguments = setup_arguments()
    assert 'torch>=2.4' in arguments['install_requires']
    assert not any('==' in floor for floor in arguments['install_requires'])
    pins = [line for line in (ROOT / 'requirements.txt').read_text().splitlines()
            if line and not line.startswith('#')]
    assert [line for line in pins if '==' not in line] == [
        'matplotlib; python_version < "3.11"', 'pillow; python_version < "3.11"']
    assert 'test' in arguments['extras_require'] and arguments['tests_require'] == ['pytest']


def test_the_floors_that_are_tested_are_those_of_setup():
    arguments = setup_arguments()
    stated = dict(floor.split('>=') for floor in arguments['install_requires'] + sum((
        arguments['extras_require'][extra] for extra in ('demo', 'test')), []) if '>=' in floor)
    tested = dict(line.split('==') for line in (ROOT / 'floors.txt').read_text().splitlines()
                  if '==' in line and not line.startswith('#'))
    del stated['rerun-sdk'], tested['pyparsing']  # one needs a newer numpy; the other is indirect
    assert stated.keys() == tested.keys()
    assert all(f'{tested[name]}.'.startswith(f'{floor}.') for name, floor in stated.items())


def test_setup_imports_nothing_heavy():
    assert imported(ROOT / 'setup.py') == {'setuptools'}
    program = (f'import runpy, sys\nfor name in {HEAVY}: sys.modules[name] = None\n'
               'sys.argv = ["setup.py", "--version"]\n'
               'runpy.run_path("setup.py", run_name="__main__")\n')
    done = subprocess.run([sys.executable, '-c', program], cwd=ROOT, text=True, check=True,
                          capture_output=True)
    assert done.stdout.split()[-1] == bdc_occ_ros.__version__


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """Copy what is installed."""
    folder = tmp_path_factory.mktemp('source')
    return shutil.copytree(ROOT, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(
        '.*', '__pycache__', 'build', 'demo', 'log', 'test', '*.egg-info', '*.so'))


@pytest.fixture(scope='module')
def installed(source, tmp_path_factory):
    """Install a copy of the tree with pip into a folder of its own."""
    prefix = tmp_path_factory.mktemp('prefix')
    subprocess.run(
        [sys.executable, '-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--no-deps',
         '--no-build-isolation', '--use-pep517', '--ignore-installed', '--no-warn-script-location',
         '--prefix', prefix, source], check=True, capture_output=True,
        env=os.environ | {'BDC_OCC_EXTENSION': 'cpu'})
    return prefix


def test_an_installation_holds_every_module(installed):
    site, = installed.glob('lib*/python3*/site-packages/bdc_occ_ros')
    for pattern in ('*.py', '*.cpp', '*.h', '*.inl', '*.cu', '*.cuh'):
        expected = {path.relative_to(PACKAGE) for path in PACKAGE.rglob(pattern)}
        assert {path.relative_to(site) for path in site.rglob(pattern)} == expected


def test_an_installation_holds_the_share_folder(installed):
    share = installed / 'share'
    assert (share / 'ament_index/resource_index/packages/bdc_occ_ros').is_file()
    assert (share / 'bdc_occ_ros/package.xml').is_file()
    for folder in ('config', 'launch', 'models', 'resource/interfaces/vision_msgs/msg'):
        expected = {path.name for path in (ROOT / folder).iterdir() if path.is_file()}
        assert {path.name for path in (share / 'bdc_occ_ros' / folder).glob('*.*')} == expected


def test_an_installation_has_both_programs_and_finds_its_own_data(installed):
    assert {'bdc-occ', 'occ_node'} <= {path.name for path in (installed / 'bin').iterdir()}
    site, = installed.glob('lib*/python3*/site-packages')
    program = ('import sys; sys.path.insert(0, sys.argv[1]); from bdc_occ_ros import share; '
               'print(share.share_path("config", "occ.yaml"))')
    done = subprocess.run([sys.executable, '-c', program, site], check=True, text=True,
                          capture_output=True, cwd=installed)
    assert done.stdout.strip() == str(installed / 'share/bdc_occ_ros/config/occ.yaml')


def test_an_installation_knows_the_messages_of_its_bags(installed):
    site, = installed.glob('lib*/python3*/site-packages')
    program = ('import sys; sys.path.insert(0, sys.argv[1])\n'
               'from bdc_occ_ros.bags import messages\n'
               'assert messages.__file__.startswith(sys.argv[1])\n'
               'print(*messages.message_types().types)')
    done = subprocess.run([sys.executable, '-c', program, site], check=True, text=True,
                          capture_output=True, cwd=installed)
    assert {'tf2_msgs/msg/TFMessage', 'vision_msgs/msg/Detection3DArray',
            'vision_msgs/msg/LabelInfo'} <= set(done.stdout.split())


def test_an_installation_has_kernels_of_its_own_sources(installed):
    site, = installed.glob('lib*/python3*/site-packages')
    program = ('import sys; sys.path.insert(0, sys.argv[1])\n'
               'from bdc_occ_ros.kernels.library import load_library\n'
               'library = load_library()\nprint(library.path, *library.backend_names())')
    done = subprocess.run([sys.executable, '-c', program, site], check=True, text=True,
                          capture_output=True, cwd=installed)
    path, *backends = done.stdout.split()
    assert path == str(site / 'bdc_occ_ros/kernels/libbdc_kernels.so')
    assert 'scalar' in backends


def run_setup(folder, *arguments, **environment):
    return subprocess.run([sys.executable, 'setup.py', '-q', *map(str, arguments)], cwd=folder,
                          env=os.environ | {'BDC_OCC_EXTENSION': 'cpu'} | environment, text=True,
                          capture_output=True)


def test_a_build_without_extension_holds_no_library(source, tmp_path):
    done = run_setup(source, 'build', '--build-base', tmp_path, BDC_OCC_EXTENSION='off')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'lib/bdc_occ_ros/kernels/native.py').is_file()
    assert not list(tmp_path.rglob('*.so'))


def test_a_build_with_a_failing_compiler_fails_with_its_message(source, tmp_path):
    compiler = tmp_path / 'c++'
    compiler.write_text('#!/bin/sh\necho "no room for objects" >&2\nexit 3\n')
    compiler.chmod(0o755)
    done = run_setup(source, 'build', '--build-base', tmp_path, CXX=str(compiler))
    assert done.returncode != 0
    assert 'ended with status 3' in done.stderr and 'no room for objects' in done.stderr


def test_a_development_build_lays_the_library_beside_the_linked_sources(
        source, installed, tmp_path):
    layout, built = tmp_path / 'layout', tmp_path / 'built'
    layout.mkdir()  # as colcon build --symlink-install makes it
    for name in ('setup.py', 'setup.cfg', 'bdc_occ_ros'):
        (layout / name).symlink_to(source / name)
    made, = installed.rglob('libbdc_kernels.so')
    (built / 'bdc_occ_ros/kernels').mkdir(parents=True)
    shutil.copy(made, built / 'bdc_occ_ros/kernels')  # current, hence not built once more
    done = run_setup(layout, 'build_ext', '--inplace', '--build-lib', built)
    assert done.returncode == 0, done.stderr
    laid = source / 'bdc_occ_ros/kernels/libbdc_kernels.so'
    assert laid.read_bytes() == made.read_bytes()
    laid.unlink()
