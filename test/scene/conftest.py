# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One small drive for all tests of the scene."""

import pytest

from bdc_occ_ros.camera_rig import CameraRig
from bdc_occ_ros.scene.drive import Drive

TRIGGER = 20


@pytest.fixture(scope='session')
def small_rig(nuscenes_rig):
    return CameraRig(tuple(camera.resized(160, 90) for camera in nuscenes_rig.cameras),
                     nuscenes_rig.key_camera)


@pytest.fixture(scope='session')
def drive(small_rig):
    return Drive(small_rig, seed=3)


@pytest.fixture(scope='session')
def views(drive):
    return drive.views(TRIGGER)


@pytest.fixture(scope='session')
def truth(drive, views):
    return drive.truth(TRIGGER, views)
