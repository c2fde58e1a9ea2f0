# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders that are no keyframes."""

import json
import struct

import cv2
import numpy as np
import pytest

from bdc_occ_ros.bags.keyframe import load_keyframe
from bdc_occ_ros.errors import InvalidKeyframeError


@pytest.mark.parametrize('document, reason', [
    (None, 'neither calibration.json'), ('{', 'not JSON'), ('{}', 'cameras'),
    ('[]', 'damaged'), (json.dumps({'samples': []}), 'damaged'),
    ('[' * 10 ** 5, 'not JSON'), ('{"cameras": null}', 'damaged'),
])
def test_folders_without_a_keyframe(tmp_path, document, reason):
    if document is not None:
        (tmp_path / 'calibration.json').write_text(document)
    with pytest.raises(InvalidKeyframeError, match=reason):
        load_keyframe(tmp_path)


def test_a_file_outside_the_folder_is_not_read(tmp_path):
    secret = tmp_path / 'secret.jpg'
    secret.write_bytes(b'secret')
    folder = tmp_path / 'keyframe'
    folder.mkdir()
    camera = {'width': 4, 'height': 4, 'K': [[1, 0, 0], [0, 1, 0], [0, 0, 1]], 'distortion': [],
              'translation_ego_cam': [0, 0, 0], 'rotation_ego_cam_wxyz': [1, 0, 0, 0]}
    sample = {'file': '../secret.jpg', 'timestamp_us': 1, 'camera_translation_world': [0, 0, 0],
              'camera_rotation_world_wxyz': [1, 0, 0, 0]}
    (folder / 'calibration.json').write_text(json.dumps(
        {'cameras': {'A': camera}, 'samples': [{'cameras': {'A': sample}}]}))
    with pytest.raises(InvalidKeyframeError, match='outside'):
        load_keyframe(folder)
    jpeg = cv2.imencode('.jpg', np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    (folder / 'image.jpg').write_bytes(jpeg)
    sample['file'] = 'image.jpg'
    (folder / 'calibration.json').write_text(json.dumps(
        {'cameras': {'A': camera}, 'samples': [{'cameras': {'A': sample}}]}))
    assert load_keyframe(folder).jpegs == {'A': jpeg}
    place = jpeg.find(b'\xff\xc0')
    (folder / 'image.jpg').write_bytes(
        jpeg[:place + 5] + struct.pack('>HH', 60000, 1) + jpeg[place + 9:])
    with pytest.raises(InvalidKeyframeError, match='A: image size .* claims 1x60000'):
        load_keyframe(folder)
