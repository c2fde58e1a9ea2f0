# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""That idle threads of PyTorch go to sleep early, unless the user says otherwise."""

import os
import subprocess
import sys

import pytest

PROGRAM = 'import bdc_occ_ros, os; print(os.environ.get("GOMP_SPINCOUNT"))'
VARIABLES = ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY')


@pytest.mark.parametrize(('setting', 'expected'), [
    ({}, '1000'), ({'GOMP_SPINCOUNT': '5'}, '5'), ({'OMP_WAIT_POLICY': 'active'}, 'None')])
def test_idle_threads_sleep_early_unless_told_otherwise(setting, expected):
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run([sys.executable, '-c', PROGRAM], env=clean | setting,
                          capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_the_verbs_and_the_node_import_the_package_before_pytorch():
    program = ('import sys\nimport bdc_occ_ros.cli\nassert "torch" not in sys.modules\n'
               'import bdc_occ_ros.predictor\nassert "torch" in sys.modules')
    subprocess.run([sys.executable, '-c', program], check=True)
