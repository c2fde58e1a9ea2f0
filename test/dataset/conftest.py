# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small data set of two made-up scenes, and one made of a real keyframe."""

import json

from made_scenes import made_sample
from made_scenes import NUM_SAMPLES
from made_scenes import pose
from made_scenes import VERSION
import numpy as np
import pytest

from bdc_occ_ros.camera_rig import CameraRig
from bdc_occ_ros.dataset.dataroot import assemble_dataroot
from bdc_occ_ros.dataset.occ3d_label import label_path
from bdc_occ_ros.dataset.occ3d_label import Occ3dLabel
from bdc_occ_ros.dataset.occ3d_label import save_label
from bdc_occ_ros.dataset.occ3d_label import SHAPE
from bdc_occ_ros.dataset.scene_records import SceneDescription
from bdc_occ_ros.dataset.scene_writer import SceneWriter


@pytest.fixture(scope='session')
def small_rig(nuscenes_rig):
    return CameraRig(tuple(c.resized(160, 90) for c in nuscenes_rig.cameras),
                     nuscenes_rig.key_camera)


@pytest.fixture(scope='session')
def made_dataroot(small_rig, tmp_path_factory):
    dataroot = tmp_path_factory.mktemp('made')
    for name in ('scene-0001', 'scene-0002'):
        writer = SceneWriter(dataroot, VERSION, SceneDescription(
            name, 'made up', small_rig, pose(0.9, 0.0, 1.8, -np.pi / 2), 'made', 'nowhere'))
        for number in range(NUM_SAMPLES):
            key = writer.write_sample(made_sample(small_rig, number))
            label = Occ3dLabel(np.full(SHAPE, 17, np.uint8), np.zeros(SHAPE, bool),
                               np.ones(SHAPE, bool))
            label.semantics[:, :, 2] = 11
            label.semantics[100 + number, 7, 3] = 4
            save_label(label_path(dataroot, name, key), label)
        writer.close()
    assemble_dataroot(dataroot, VERSION, {'learn': ['scene-0001'], 'check': ['scene-0002']})
    return dataroot


@pytest.fixture(scope='session')
def real_keyframe(data_folder):
    """Return the stored calibration and boxes of a real keyframe, and its folder."""
    folder = data_folder / 'nuscenes_full_scene0003'
    return (folder, json.loads((folder / 'calibration.json').read_text()),
            json.loads((folder / 'boxes.json').read_text())['boxes'])
