# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The profile that fits what is published, once it is published."""

import threading

from made_scenes import VERSION
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage
from simulated_rig import HEIGHT_PX, INTRINSICS, mount_quaternion, transform, WIDTH_PX
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from watcher import LATCHED

from bdc_occ_ros.bags.dataroot_bag import write_dataroot_bag
from bdc_occ_ros.bags.formats import converter_format
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.errors import NoDatasetError
from bdc_occ_ros.ros.dataset_choice import dataset_of_bag, dataset_of_graph, live_rig


def test_the_graph_is_matched_as_soon_as_every_camera_is_there(node, nuscenes_rig):
    topics = [f'/{name}/image_rect_compressed' for name in nuscenes_rig.names]
    for topic in topics[:-1]:
        node.create_publisher(CompressedImage, topic, 1)
    node.create_publisher(String, topics[-1] + '_note', 1)
    is_published = threading.Event()

    def publish():
        is_published.set()
        node.create_publisher(CompressedImage, topics[-1], 1)
    threading.Timer(1.0, publish).start()
    assert dataset_of_graph(wait_s=120.0).name == 'mcap_style'
    assert is_published.is_set()


def test_nothing_that_fits_is_an_error_after_the_wait(node):
    node.create_publisher(CompressedImage, '/webcam/image_raw/compressed', 1)
    with pytest.raises(NoDatasetError, match='/webcam/image_raw/compressed'):
        dataset_of_graph(wait_s=2.0)


@pytest.mark.parametrize('name', ['nuscenes2bag', 'nuscenes2bag_ros2'])
def test_of_two_that_name_topics_alike_the_stamps_decide(name, swept_dataroot, tmp_path):
    pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
    write_dataroot_bag(tmp_path / 'bag', NuscenesDataset(swept_dataroot, VERSION, None),
                       'scene-0103', converter=converter_format(name))
    assert dataset_of_bag(tmp_path / 'bag').name == name


def test_a_calibration_that_was_sent_once_reaches_who_looks_later(node, tmp_path):
    file = tmp_path / 'rig.yaml'
    file.write_text('/**:\n  ros__parameters:\n    cameras: [EYE]\n    key_camera: EYE\n')
    info = node.create_publisher(CameraInfo, 'camera/EYE/camera_info', LATCHED)
    static = node.create_publisher(TFMessage, '/tf_static', LATCHED)
    info.publish(CameraInfo(width=WIDTH_PX, height=HEIGHT_PX, k=INTRINSICS))
    static.publish(TFMessage(transforms=[
        transform('base_link', 'EYE', 0, (0.0, 0.0, 1.0), mount_quaternion(0.0))]))
    rig, _, problems = live_rig(str(file), wait_s=60.0)
    assert rig.names == ('EYE',) and not problems
