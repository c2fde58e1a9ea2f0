# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is written comes back: stamps, frames, calibration, poses, truth."""

import numpy as np
import pytest
import yaml

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.bag_frames import RigBag
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.scene_bag import write_scene_bag
from bdc_occ_ros.bags.truth_file import load_truth
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.world.drive import Drive


def same_rig(first, second):
    assert first.names == second.names and first.key_camera == second.key_camera
    for name in first.names:
        assert np.allclose(first[name].intrinsics, second[name].intrinsics, rtol=1e-12)
        assert np.allclose(first[name].ego_from_camera, second[name].ego_from_camera, atol=1e-9)


def test_frames_come_back(drive_bag, bag_rig, moving_seed):
    bag = RigBag(drive_bag)
    same_rig(bag.rig, bag_rig)
    frames = list(bag.frames())
    assert len(frames) == 4
    drive = Drive(bag_rig, moving_seed)
    rendered = drive.images(2)
    for trigger, frame in enumerate(frames):
        fired = drive.exposures(trigger)
        assert dict(frame.stamps_ns) == {name: e.stamp_ns for name, e in fired.items()}
        for name, exposure in fired.items():
            assert np.allclose(frame.fixed_from_ego[name], exposure.world_from_ego, atol=1e-9)
    for name, image in frames[2].images.items():
        loss = {other: np.abs(image.astype(int) - rendered[other]).mean() for other in rendered}
        assert loss[name] < 10 and loss[name] < 0.5 * min(
            loss[other] for other in rendered if other != name)  # that of JPEG


def test_humble_can_read_the_metadata(drive_bag):
    information = yaml.safe_load((drive_bag / 'metadata.yaml').read_text())
    information = information['rosbag2_bagfile_information']
    assert information['version'] == 8 and information['storage_identifier'] == 'mcap'
    for entry in information['topics_with_message_count']:
        offered = yaml.safe_load(entry['topic_metadata']['offered_qos_profiles'])
        assert isinstance(entry['topic_metadata']['offered_qos_profiles'], str)
        is_latched = entry['topic_metadata']['name'] == '/tf_static'
        assert offered[0]['durability'] == (1 if is_latched else 2)
        assert offered[0]['reliability'] == 1


def test_topics_and_frames_are_those_of_the_node(drive_bag, bag_rig):
    with BagReader(drive_bag) as bag:
        expected = {'/tf', '/tf_static'}
        for name in bag_rig.names:
            expected |= {f'/camera/{name}/image/compressed', f'/camera/{name}/camera_info'}
        assert set(bag.topics) == expected
        for message in bag.messages():
            decoded = bag.decode(message)
            if message.msgtype == 'tf2_msgs/msg/TFMessage':
                parents = {item.header.frame_id for item in decoded.transforms}
                assert parents == ({'base_link'} if 'static' in message.topic else {'odom'})
            else:
                assert decoded.header.frame_id in message.topic


def test_poses_come_before_the_images_of_their_time(drive_bag):
    newest_ns = -1
    with BagReader(drive_bag) as bag:
        for message in bag.messages():
            if message.topic == '/tf':
                newest_ns = message.stamp_ns
            elif message.topic.endswith('compressed'):
                assert newest_ns == message.stamp_ns


def test_every_image_has_its_camera_info(drive_bag, bag_rig):
    stamps = {topic: [] for topic in ('image/compressed', 'camera_info')}
    with BagReader(drive_bag) as bag:
        for message in bag.messages():
            for topic, found in stamps.items():
                if message.topic == f'/camera/CAM_BACK/{topic}':
                    found.append((message.stamp_ns, bag.decode(message)))
    images, infos = stamps.values()
    assert [stamp for stamp, _ in infos[1:]] == [stamp for stamp, _ in images]
    assert infos[0][0] < images[0][0] - 400_000_000  # before anything else
    for _, info in infos:
        assert (info.width, info.height) == (96, 54) and not info.d.any()
        assert np.array_equal(info.p.reshape(3, 4)[:, :3], info.k.reshape(3, 3))


def test_calibration_can_lie_in_a_file_instead(bag_rig, tmp_path):
    write_scene_bag(tmp_path / 'bag', bag_rig, seed=1, seconds=0.04, calibration='file')
    bag = RigBag(tmp_path / 'bag')
    same_rig(bag.rig, bag_rig)
    with BagReader(tmp_path / 'bag') as reader:
        assert not [t for t in reader.topics if 'camera_info' in t or 'static' in t]


def test_processes_change_nothing(bag_rig, drive_bag, moving_seed, tmp_path):
    write_scene_bag(tmp_path / 'bag', bag_rig, seed=moving_seed, seconds=0.26, num_processes=2)
    with BagReader(tmp_path / 'bag') as first, BagReader(drive_bag) as second:
        assert list(first.messages()) == list(second.messages())


def test_truth_lies_beside_the_bag(drive_bag, bag_rig, moving_seed):
    truth, = load_truth(drive_bag / TRUTH_FILE)
    occupancy, boxes = Drive(bag_rig, moving_seed).truth(0)
    assert truth.stamp_ns == occupancy.stamp_ns == RigBag(drive_bag).key_stamps_ns()[0]
    assert np.array_equal(truth.occupancy.labels, occupancy.labels)
    assert np.array_equal(truth.occupancy.observed, occupancy.observed)
    assert np.array_equal(truth.boxes.centers_m, boxes.centers_m) and len(boxes) > 5


def test_nothing_is_overwritten(drive_bag, bag_rig):
    with pytest.raises(UsageError, match='exists already'):
        write_scene_bag(drive_bag, bag_rig, seed=1, seconds=0.04)
