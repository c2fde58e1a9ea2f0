# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images fitted to their calibration, and frames made of them."""

import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from bdc_occ_ros.errors import InvalidCalibrationError, InvalidImageError
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.ros.messages_to_frame import decode_for_camera, FrameAssembler


def camera(name='front', width=160, height=90):
    intrinsics = np.array([[100.0, 0.0, 80.0], [0.0, 100.0, 45.0], [0.0, 0.0, 1.0]])
    return Camera(name, width, height, intrinsics, np.eye(4))


def jpeg(width, height):
    _, data = cv2.imencode('.jpg', np.full((height, width, 3), 90, np.uint8))
    return CompressedImage(format='jpeg', data=array.array('B', data.tobytes()))


def raw(width, height):
    return Image(width=width, height=height, encoding='rgb8', step=3 * width,
                 data=bytes(3 * width * height))


def always(reduction):
    return lambda camera: reduction


def test_jpeg_is_reduced_with_exactly_scaled_intrinsics():
    decoded = decode_for_camera(jpeg(160, 90), camera(), always(4))
    assert decoded.pixels.shape == (23, 40, 3)  # 90 / 4 is rounded up
    assert (decoded.camera.width_px, decoded.camera.height_px) == (40, 23)
    np.testing.assert_allclose(decoded.camera.intrinsics[:2], camera().intrinsics[:2] / 4)


def test_raw_image_keeps_size_and_calibration():
    calibrated = camera()
    decoded = decode_for_camera(raw(160, 90), calibrated, always(4))
    assert decoded.pixels.shape == (90, 160, 3) and decoded.camera is calibrated


def test_images_of_another_resolution_scale_the_intrinsics():
    asked = []
    decoded = decode_for_camera(jpeg(320, 180), camera(), lambda c: asked.append(c) or 2)
    assert (asked[0].width_px, asked[0].height_px) == (320, 180)
    assert decoded.pixels.shape == (90, 160, 3)
    np.testing.assert_allclose(decoded.camera.intrinsics, camera().intrinsics)
    assert decoded.remark == ('images are 320x180, the calibration belongs to 160x90; its '
                              'intrinsics are scaled')


def test_remarks_name_what_was_assumed():
    grey = Image(width=160, height=90, encoding='mono8', step=160, data=bytes(160 * 90))
    assert 'mono8 has no colour' in decode_for_camera(grey, camera(), always(1)).remark
    assert decode_for_camera(jpeg(160, 90), camera(), always(4)).remark == ''


def test_images_of_another_shape_are_refused():
    with pytest.raises(InvalidImageError, match='front: the image is 160x120, but the calibra'):
        decode_for_camera(jpeg(160, 120), camera(), always(1))


def test_rig_stays_the_same_object_when_a_reduced_camera_is_missing():
    rig = CameraRig((camera('front'), camera('left')), 'front')
    assembler = FrameAssembler(rig)
    images = {name: decode_for_camera(jpeg(160, 90), rig[name], always(2)) for name in rig.names}
    both = assembler.frame(images, {'front': 10, 'left': 12}, 10, None)
    assert both.rig['left'].width_px == 80 and both.images['left'].shape == (45, 80, 3)
    one = assembler.frame({'front': images['front']}, {'front': 20}, 20, None)
    assert one.rig is both.rig and one.missing == ('left',) and one.stamp_ns == 20
    assert one.rig.key_camera == 'front'


def test_unknown_camera_is_refused():
    image = decode_for_camera(jpeg(160, 90), camera('top'), always(1))
    with pytest.raises(InvalidCalibrationError, match="no camera 'top' in the rig"):
        FrameAssembler(CameraRig((camera(),), 'front')).frame({'top': image}, {'top': 1}, 1, None)
