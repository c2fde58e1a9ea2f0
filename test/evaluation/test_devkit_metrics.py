# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The devkit that scores boxes for us passes its own tests of the metrics in this environment."""

import importlib.util
import os
from pathlib import Path
import re
import subprocess
import sys

import pytest


@pytest.fixture(scope='module')
def devkit_tests():
    """Return the folder of the devkit's tests of the detection metrics, or skip."""
    if importlib.util.find_spec('nuscenes') is None:
        pytest.skip('nuscenes-devkit is not installed')
    spec = importlib.util.find_spec('nuscenes.eval.detection')
    folder = Path(spec.submodule_search_locations[0], 'tests')
    if not (folder / 'test_algo.py').is_file():
        pytest.skip(f'this nuscenes-devkit comes without its tests: no {folder}/test_algo.py')
    return folder


def passed_tests(folder, *names):
    """Run test files of the devkit; return how many tests passed, all of which must."""
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-c', os.devnull,
         '--rootdir', folder, *(folder / name for name in names)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return int(re.search(r'(\d+) passed', done.stdout)[1])


def test_matching_precision_errors_and_data_classes(devkit_tests):
    assert passed_tests(devkit_tests, 'test_algo.py', 'test_data_classes.py', 'test_utils.py') > 20


def test_scores_and_filters_on_nuscenes_mini(devkit_tests):
    if 'NUSCENES' not in os.environ:
        pytest.skip('NUSCENES does not point to nuScenes mini, which these tests score')
    assert passed_tests(devkit_tests, 'test_evaluate.py', 'test_loader.py') >= 3
