# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The file for the Rerun viewer holds what was logged."""

import numpy as np

from bdc_occ_ros.bags.scene_bag import encode_jpeg
from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes, Occupancy
from bdc_occ_ros.drawing.rerun_recording import RerunRecording
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

STAMP_NS = 1_500_000_000_123_456_789


def test_everything_is_in_the_file(nuscenes_rig, tmp_path):
    import rerun as rr

    labels = np.full((200, 200, 16), 17, np.uint8)
    labels[100:104, 100:104, 2:6] = 4
    occupancy = Occupancy(VoxelGrid(), labels, np.ones(labels.shape, bool),
                          OCCUPANCY_CLASS_NAMES, 17, STAMP_NS)
    boxes = Boxes(np.array([[5.0, 1, 1]]), np.array([[4.0, 2, 1.5]]), np.array([0.4]),
                  np.zeros((1, 2)), np.ones(1), np.zeros(1, int), DETECTION_CLASS_NAMES, STAMP_NS)
    path = tmp_path / 'demo.rrd'
    with RerunRecording(path, nuscenes_rig, 'untrained') as recording:
        recording.log_image('CAM_FRONT', STAMP_NS, encode_jpeg(np.zeros((9, 16, 3), np.uint8)))
        recording.log_occupancy('prediction', occupancy)
        recording.log_boxes('truth', boxes)
        recording.log_numbers(STAMP_NS, {'latency_ms': 12.5})
    view = rr.dataframe.load_recording(path).view(index='exposure', contents='/**')
    table = view.select().read_all()
    positions = table['/ego/prediction/voxels:Position3D'].to_pylist()
    assert [len(row) for row in positions if row] == [4**3 - 2**3]  # the surface of 4x4x4 cells
    assert [row for row in table['/numbers/latency_ms:Scalar'].to_pylist() if row] == [[12.5]]
    centers = [row for row in table['/ego/truth/boxes:PoseTranslation3D'].to_pylist() if row]
    assert centers == [[[5.0, 1.0, 1.0]]]
    stamps = table['exposure'].combine_chunks().cast('int64').to_pylist()
    assert set(stamps) == {STAMP_NS}
