# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the imitated converters write: names, types, stamps, transforms, and their faults."""

from collections import defaultdict

import numpy as np
import pytest
from rosbags.interfaces import QosReliability

from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.formats import converter_format, CONVERTER_FORMATS
from bdc_occ_ros.bags.messages import message_types
from bdc_occ_ros.bags.rig_bag import RecordedReading, RigBagWriter
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.sync.synthetic_triggers import START_NS
from bdc_occ_ros.world.drive import Drive

NUM_TRIGGERS = 7  # two keyframes, the first and the last
JPEG = bytes.fromhex('ffd8ffe000104a46494600010100000100010000ffdb004300') + b'\x01' * 64


@pytest.fixture(scope='module')
def written(bag_rig, moving_seed, tmp_path_factory):
    """Return a function from a converter's name to its messages by topic and its profiles."""
    known, drive = {}, Drive(bag_rig, moving_seed)

    def write(name):
        if name not in known:
            path = tmp_path_factory.mktemp(name) / 'bag'
            converter = converter_format(name)
            with RigBagWriter(path, bag_rig, START_NS, converter=converter) as bag:
                for trigger in range(NUM_TRIGGERS):
                    fired = sorted(drive.exposures(trigger).values(), key=lambda e: e.stamp_ns)
                    bag.write_set([RecordedReading(e.camera, e.stamp_ns, jpeg(), e.world_from_ego)
                                   for e in fired], trigger % 6 == 0)
            known[name] = read(path)
        return known[name]

    return write


def jpeg():
    import cv2
    return cv2.imencode('.jpg', np.full((90, 160, 3), (200, 100, 50), np.uint8))[1].tobytes()


def read(path):
    store, messages = message_types(), defaultdict(list)
    with BagReader(path) as bag:
        for message in bag.messages():
            messages[message.topic].append(
                (message.stamp_ns, store.deserialize_cdr(message.data, message.msgtype)))
        return dict(messages), bag.qos


def stamp_of(message):
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def edges(messages):
    return {(t.header.frame_id, t.child_frame_id) for _, tf in messages for t in tf.transforms}


def test_nuscenes2bag_has_raw_images_the_whole_tree_on_tf_and_no_intrinsics(written, bag_rig):
    messages, _ = written('nuscenes2bag')
    assert messages.keys() == {'/tf', '/odom'} | {f'/{n.lower()}/raw' for n in bag_rig.names}
    recorded_ns, image = messages['/cam_front/raw'][0]
    assert (image.encoding, image.header.frame_id) == ('bgr8', 'cam_front')
    assert stamp_of(image) == recorded_ns == Drive(bag_rig, 1).exposures(0)['CAM_FRONT'].stamp_ns
    assert np.abs(image.data.reshape(-1, 3).mean(axis=0) - (200, 100, 50)).max() < 5
    assert len(messages['/tf']) == 6 * NUM_TRIGGERS
    assert edges(messages['/tf']) == {('map', 'odom'), ('odom', 'base_link')} | {
        ('base_link', name.lower()) for name in bag_rig.names}
    _, odometry = messages['/odom'][0]
    assert odometry.twist.twist.linear.x == 0.0 and odometry.child_frame_id == 'base_link'


def test_its_port_to_ros_2_loses_stamps_frames_and_profiles(written):
    messages, profiles = written('nuscenes2bag_ros2')
    recorded_ns, image = messages['/cam_back/raw'][0]
    assert stamp_of(image) == 0 and image.header.frame_id == '' and recorded_ns > START_NS
    assert stamp_of(messages['/odom'][0][1]) == START_NS
    assert set(profiles.values()) == {None}


def test_nuscenes_to_ros2bag_is_best_effort_and_has_no_tf(written, bag_rig):
    messages, profiles = written('nuscenes_to_ros2bag')
    assert not [topic for topic in messages if 'tf' in topic]
    assert profiles['/nuscenes/cam_front/image_raw'].reliability is QosReliability.BEST_EFFORT
    assert profiles['/nuscenes/cam_front/image_raw'].depth == 5
    _, info = messages['/nuscenes/cam_front/camera_info'][0]
    assert info.header.frame_id == 'cam_front_link' and info.distortion_model == ''
    assert not len(info.d) and np.array_equal(info.r, np.eye(3).reshape(-1))
    assert np.array_equal(info.k.reshape(3, 3), bag_rig['CAM_FRONT'].intrinsics)
    assert messages['/nuscenes/odom'][0][1].header.frame_id == 'map'


def test_mcap_style_records_keyframes_in_bursts_and_poses_twice_a_second(written, bag_rig):
    messages, _ = written('mcap_style')
    images = {name: messages[f'/{name}/image_rect_compressed'] for name in bag_rig.names}
    first, second = ({images[name][trigger][0] for name in bag_rig.names} for trigger in (0, 1))
    assert len(first) == 1 and len(second) == 6
    assert stamp_of(images['CAM_FRONT_LEFT'][0][1]) == START_NS  # true stamps in the headers
    _, info = messages['/CAM_FRONT/camera_info'][0]
    assert np.array_equal(info.r, (1, 0, 0, 1, 0, 0, 1, 0, 0))
    assert len(messages['/tf']) == 2
    (recorded_ns, tf), (_, last) = messages['/tf']
    vehicle = [t for t in tf.transforms if t.child_frame_id == 'base_link']
    assert [stamp_of(t) > START_NS for t in vehicle] == [True, True]  # after the first image
    assert stamp_of(vehicle[0]) == recorded_ns and stamp_of(vehicle[1]) > recorded_ns
    assert len(last.transforms) == len(tf.transforms) / 2


def test_dataset_bridge_reads_keyframes_one_by_one_at_the_time_of_the_wall(written):
    messages, _ = written('dataset_bridge')
    images = {topic: entries for topic, entries in messages.items() if topic.endswith('/image')}
    order = sorted(images, key=lambda topic: images[topic][0][0])
    assert [topic.split('/')[2] for topic in order] == [
        'CAM_BACK', 'CAM_FRONT', 'CAM_FRONT_LEFT', 'CAM_FRONT_RIGHT', 'CAM_BACK_RIGHT',
        'CAM_BACK_LEFT']
    for entries in images.values():
        assert len(entries) == 2
        assert all(stamp_of(image) == recorded_ns for recorded_ns, image in entries)
        assert entries[0][1].encoding == '8UC3'
    assert not messages['/nuscenes/CAM_FRONT/camera_info'][0][1].r.any()
    assert ('world', 'base_link') in edges(messages['/tf'])
    assert not [topic for topic in messages if 'odom' in topic]


def test_autoware_has_static_mounts_and_numbered_cameras(written, bag_rig):
    messages, _ = written('autoware')
    assert len(messages['/tf_static']) == 1
    assert edges(messages['/tf_static']) == {
        ('base_link', f'camera{n}/camera_optical_link') for n in range(len(bag_rig.names))}
    _, image = messages['/sensing/camera/camera0/image_raw/compressed'][0]
    assert image.format == 'jpeg' and bytes(image.data[:2]) == b'\xff\xd8'
    assert edges(messages['/tf']) == {('map', 'base_link')}


@pytest.mark.parametrize('converter', CONVERTER_FORMATS.values(), ids=CONVERTER_FORMATS)
def test_a_recording_without_poses_cannot_be_written(converter, bag_rig, tmp_path):
    with pytest.raises(UsageError, match='pose'):
        with RigBagWriter(tmp_path / 'bag', bag_rig, START_NS, converter=converter) as bag:
            bag.write_set([RecordedReading(bag_rig.key_camera, START_NS, JPEG, None)])


def test_an_unknown_converter_is_refused_with_the_list():
    with pytest.raises(UsageError, match=r'no flavour .x.; there are .*nuscenes2bag_ros2'):
        converter_format('x')
