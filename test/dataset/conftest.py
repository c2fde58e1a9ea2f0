# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is stored of a real keyframe."""

import json

import pytest


@pytest.fixture(scope='session')
def real_keyframe(data_folder):
    """Return the stored calibration and boxes of a real keyframe, and its folder."""
    folder = data_folder / 'nuscenes_full_scene0003'
    return (folder, json.loads((folder / 'calibration.json').read_text()),
            json.loads((folder / 'boxes.json').read_text())['boxes'])
