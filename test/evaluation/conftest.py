# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one real label file, where it is there."""

import numpy as np
import pytest


@pytest.fixture(scope='session')
def occ3d_label(data_folder):
    """Return semantics, mask_camera and mask_lidar of one keyframe, (200, 200, 16) each."""
    with np.load(data_folder / 'occ3d_label_scene1077' / 'labels.npz') as arrays:
        return {name: arrays[name] for name in arrays.files}
