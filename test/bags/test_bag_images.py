# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images and calibrations come out of bags as the node takes them."""

from dataclasses import replace
import struct

import cv2
import numpy as np
import pytest

from bdc_occ_ros.bags.bag_frames import RigBag
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.formats import converter_format, OWN_FORMAT
from bdc_occ_ros.bags.rig_bag import RecordedReading, RigBagWriter
from bdc_occ_ros.errors import InvalidImageError
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig

STAMP_NS = 1_700_000_000_000_000_000
HEIGHT, WIDTH = 48, 96
# little endian, one entry: tag 0x0112 orientation, short, value 6 (turned by 90 degrees)
EXIF = b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0'


def pixels():
    """Return blurred noise, RGB, and a JPEG of it that says it must be turned."""
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3))
    bgr = cv2.resize(noise.astype(np.uint8), (WIDTH, HEIGHT))
    data = cv2.imencode('.jpg', bgr)[1].tobytes()
    segment = b'\xff\xe1' + struct.pack('>H', len(EXIF) + 2) + EXIF
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), (
        data[:2] + segment + data[2:])


def write(path, converter, jpeg):
    mount = np.eye(4)
    mount[:3, 3] = 1.0, 0.0, 1.5
    camera = Camera('CAM', WIDTH, HEIGHT, np.array([[80.0, 0, 48], [0, 80, 24], [0, 0, 1]]), mount)
    with RigBagWriter(path, CameraRig((camera,), 'CAM'), STAMP_NS, converter=converter) as bag:
        bag.write_set([RecordedReading('CAM', STAMP_NS, jpeg, np.eye(4))])


def test_pixels_are_those_that_are_stored_whatever_exif_says(tmp_path):
    bgr, jpeg = pixels()
    write(tmp_path / 'own', OWN_FORMAT, jpeg)
    frame, = RigBag(tmp_path / 'own').frames()
    np.testing.assert_array_equal(frame.images['CAM'], bgr[..., ::-1])
    write(tmp_path / 'raw', converter_format('nuscenes2bag'), jpeg)
    with BagReader(tmp_path / 'raw') as bag:
        image, = (bag.decode(m) for m in bag.messages(['/cam/raw']))
    np.testing.assert_array_equal(np.reshape(image.data, (HEIGHT, WIDTH, 3)), bgr)


@pytest.mark.parametrize('changes', [
    {'frame': '/{name}'}, {'distortion_model': 'my_lens', 'num_distortion': 3},
    {'distortion_model': 'plumb_bob', 'num_distortion': 8}])
def test_what_says_nothing_changes_nothing(tmp_path, changes):
    write(tmp_path / 'bag', replace(OWN_FORMAT, **changes), pixels()[1])
    camera, = RigBag(tmp_path / 'bag').rig.cameras
    assert camera.ego_from_camera[0, 3] == 1.0 and not camera.is_distorted


def test_an_image_that_claims_too_much_is_refused_by_its_topic(tmp_path):
    _, jpeg = pixels()
    place = jpeg.find(b'\xff\xc0')
    jpeg = jpeg[:place + 5] + struct.pack('>HH', 32000, 32000) + jpeg[place + 9:]
    write(tmp_path / 'bag', OWN_FORMAT, jpeg)
    with pytest.raises(InvalidImageError, match='/image/compressed: image size .*32000'):
        list(RigBag(tmp_path / 'bag').frames())
