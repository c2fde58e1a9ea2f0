# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One small bag of a drive for all tests of bags."""

import pytest


@pytest.fixture(scope='session')
def bag_rig(nuscenes_rig):
    return nuscenes_rig.resized(96, 54)


@pytest.fixture(scope='session')
def drive_bag(bag_rig, moving_seed, tmp_path_factory):
    """Return a bag of four sets of small images."""
    from bdc_occ_ros.bags.scene_bag import write_scene_bag
    path = tmp_path_factory.mktemp('bags') / 'drive'
    write_scene_bag(path, bag_rig, seed=moving_seed, seconds=0.26)
    return path
