# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The inference thread takes the newest set, ends when told, and never dies unseen.

Images are fitted to their calibration, and what is read of the statistics is what was counted.
"""

import array
import logging
import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.errors import InvalidCalibrationError, InvalidImageError, UsageError
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.image_decoding import decode_for_camera
from bdc_occ_ros.ros.inputs import LatestSlot
from bdc_occ_ros.ros.parameters import config_from_values
from bdc_occ_ros.ros.pipeline import (
    InferenceThread,
    MAX_REMARKS_LOGGED,
    Pipeline,
    PipelineStatistics,
    rig_of_images,
)
from bdc_occ_ros.sync.statistics import State


def test_newest_item_is_worked_on_while_older_ones_are_counted(node):
    started, go, done = threading.Event(), threading.Event(), []

    def work(item):
        started.set()
        assert go.wait(60.0)
        done.append(item)
    slot = LatestSlot()
    thread = InferenceThread(node, slot, work)
    slot.put('first')
    assert started.wait(60.0)
    for item in ('second', 'third', 'fourth'):
        slot.put(item)
    threading.Timer(0.05, go.set).start()
    while len(done) < 2:
        threading.Event().wait(0.01)
    assert thread.stop(60.0)
    assert done == ['first', 'fourth'] and slot.num_replaced == 2


def test_stop_gives_up_on_work_that_does_not_end(node):
    go, started = threading.Event(), threading.Event()

    def work(_):
        started.set()
        go.wait(60.0)
    slot = LatestSlot()
    thread = InferenceThread(node, slot, work)
    slot.put('endless')
    assert started.wait(60.0)
    assert not thread.stop(0.05)
    go.set()


def test_unforeseen_error_reaches_the_thread_that_spins(ros, node):
    def work(_):
        raise ZeroDivisionError('unforeseen')
    slot = LatestSlot()
    thread = InferenceThread(node, slot, work)
    slot.put('bad')
    with pytest.raises(RuntimeError, match='inference thread has died') as caught:
        for _ in range(600):
            ros.spin_once(node, timeout_sec=0.1)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert thread.stop(60.0)


def test_a_result_that_was_asked_for_is_refused_whatever_its_set_raises(node):
    slot, live = LatestSlot(), SimpleNamespace(config=config_from_values({}))
    pipeline = Pipeline(
        node, live, SimpleNamespace(  # it has no calibration
            slot=slot, synchronizer=SimpleNamespace(
                epoch=0, statistics=lambda: SimpleNamespace(state=State.OK))),
        SimpleNamespace(decode_reduction=None),
        SimpleNamespace(wanted=lambda config: (), withdraw_grid=lambda *given: None))
    result = pipeline.next_result()
    is_answered = threading.Event()
    result.add_done_callback(lambda _: is_answered.set())
    slot.put(SimpleNamespace(epoch=0))
    assert is_answered.wait(60.0)
    pipeline.stop()
    with pytest.raises(UsageError, match='set dropped: AttributeError: .*calibration'):
        result.result()


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


def frame_of(rig, images, stamps_ns, stamp_ns):
    pixels = {name: image.pixels for name, image in images.items()}
    return Frame(pixels, stamps_ns, rig_of_images(rig, images), stamp_ns)


def test_rig_stays_the_same_object_when_a_reduced_camera_is_missing():
    rig = CameraRig((camera('front'), camera('left')), 'front')
    images = {name: decode_for_camera(jpeg(160, 90), rig[name], always(2)) for name in rig.names}
    both = frame_of(rig, images, {'front': 10, 'left': 12}, 10)
    assert both.rig['left'].width_px == 80 and both.images['left'].shape == (45, 80, 3)
    one = frame_of(both.rig, {'front': images['front']}, {'front': 20}, 20)
    assert one.rig is both.rig and one.missing == ('left',) and one.stamp_ns == 20
    assert one.rig.key_camera == 'front'


def test_unknown_camera_is_refused():
    image = decode_for_camera(jpeg(160, 90), camera('top'), always(1))
    with pytest.raises(InvalidCalibrationError, match="no camera 'top' in the rig"):
        rig_of_images(CameraRig((camera(),), 'front'), {'top': image})


def test_a_remark_is_kept_and_warned_of_once(caplog):
    statistics = PipelineStatistics()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            statistics.note_remark('CAM_FRONT', 'has no colour')
            statistics.note_remark('CAM_BACK', '')
    assert caplog.messages == ['CAM_FRONT: has no colour']
    assert statistics.copy().remarks == {'CAM_FRONT': 'has no colour', 'CAM_BACK': ''}
    statistics.note_remark('CAM_FRONT', '')
    assert statistics.copy().remarks['CAM_FRONT'] == ''
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        for number in range(1000):  # a camera whose images change all the time
            statistics.note_remark('CAM_BACK', f'images are {number} wide')
    assert len(caplog.messages) == MAX_REMARKS_LOGGED


def test_the_copy_is_in_order():
    statistics = PipelineStatistics()
    statistics.count_computed(latency_ms=30.0, budget_ms=20.0)
    statistics.count_dropped(InvalidImageError('truncated'))
    read = statistics.copy()
    statistics.count_dropped(ZeroDivisionError('damaged'))
    assert (read.computed, read.delayed_in_a_row, list(read.latencies_ms)) == (1, 1, [30.0])
    assert read.dropped == {'InvalidImageError': 1} and read.last_drop == 'truncated'
    assert statistics.dropped['ZeroDivisionError'] == 1
    assert statistics.last_drop == 'ZeroDivisionError: damaged'
