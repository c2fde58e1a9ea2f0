# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag is played as it was recorded, and a recording holds what was sent."""

from collections import defaultdict
from functools import partial
import time

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import QosReliability
from rosbags.rosbag2 import StoragePlugin, Writer
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float64

from bdc_occ_ros.bags.bag_file import qos
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.messages import message_types
from bdc_occ_ros.bags.scene_bag import write_scene_bag
from bdc_occ_ros.errors import BdcOccError, InvalidBagError, MissingDependencyError, UsageError
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.ros.replay.bag_player import BagPlayer
from bdc_occ_ros.ros.replay.bag_recorder import BagRecorder
from bdc_occ_ros.ros.replay.bag_topics import message_class
from bdc_occ_ros.ros.replay.spun_node import spun_node

LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
IMAGES = '/camera/CAM_FRONT/image/compressed'


@pytest.fixture(scope='module')
def small_bag(nuscenes_rig, tmp_path_factory):
    rig = CameraRig(tuple(camera.resized(96, 54) for camera in nuscenes_rig.cameras),
                    nuscenes_rig.key_camera)
    path = tmp_path_factory.mktemp('bags') / 'drive'
    write_scene_bag(path, rig, seed=2, seconds=0.3)
    return path


@pytest.fixture(scope='module')
def player_node():
    with spun_node('player') as node:
        yield node


@pytest.fixture
def listener():
    with spun_node('listener') as node:
        yield node


def wait_until(condition, timeout_s=60.0):
    deadline_s = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert condition()


class Heard:
    """Raw bytes by topic, in the order of arrival."""

    def __init__(self, node, types):
        self.messages = defaultdict(list)
        for topic, msgtype in types.items():
            profile = LATCHED if topic == '/tf_static' else QoSProfile(depth=100)
            node.create_subscription(message_class(msgtype), topic,
                                     partial(self._take, topic), profile, raw=True)

    def _take(self, topic, data):
        self.messages[topic].append(bytes(data))


@pytest.fixture
def player(player_node, small_bag):
    player = BagPlayer(player_node, small_bag, has_clock=True)
    yield player
    player.destroy()


def test_the_bytes_arrive_as_they_are_in_the_bag(player, small_bag, listener):
    with BagReader(small_bag) as bag:
        types = bag.topics
        expected = defaultdict(list)
        for message in bag.messages():
            expected[message.topic].append(message.data)
    heard = Heard(listener, types)
    wait_until(lambda: all(player.num_subscribers().values()))
    playback = player.play()
    wait_until(lambda: heard.messages.keys() == expected.keys() and all(
        len(heard.messages[topic]) == len(data) for topic, data in expected.items()))
    assert heard.messages == expected
    assert playback.num_messages == sum(map(len, expected.values())) == sum(
        player.counts.values())


def best_of(play, expected_s, attempts=5):
    """Play until it took as long as expected; return that playback. None is ever faster."""
    for _ in range(attempts):
        playback = play()
        assert playback.duration_s > expected_s - 0.02
        if playback.duration_s < expected_s + 0.1 and playback.lateness_ms[0] < 20:
            return playback
    raise AssertionError(f'{attempts} times late: {playback}; expected {expected_s} s')


def test_the_gaps_are_those_of_the_bag(player):
    playback = best_of(player.play, player.duration_ns / 1e9)
    assert list(playback.lateness_ms) == sorted(playback.lateness_ms)


def test_rate_and_start(player_node, small_bag, listener):
    fast = BagPlayer(player_node, small_bag, rate=5.0)
    heard = Heard(listener, {IMAGES: 'sensor_msgs/msg/CompressedImage',
                             '/tf_static': 'tf2_msgs/msg/TFMessage'})
    wait_until(lambda: fast.num_subscribers()[IMAGES] and fast.num_subscribers()['/tf_static'])
    fast.play(start_s=0.6)  # half a second of lead-in, then 0.1 s
    wait_until(lambda: len(heard.messages[IMAGES]) == 2 and heard.messages['/tf_static'])
    best_of(lambda: fast.play(start_s=0.6), (fast.duration_ns / 1e9 - 0.6) / 5)
    with pytest.raises(UsageError, match='start must lie in the bag'):
        fast.play(start_s=60.0)
    fast.destroy()


def test_clock_runs_with_the_bag_and_starts_over_in_a_loop(player, listener):
    stamps = []
    listener.create_subscription(
        Clock, '/clock', lambda m: stamps.append(m.clock.sec * 10**9 + m.clock.nanosec), 100)
    wait_until(lambda: player.linger(0.02) or stamps)
    assert set(stamps) == {player.start_ns}
    player.play()
    wait_until(lambda: stamps[-1] > player.start_ns + player.duration_ns - 50_000_000)
    first_pass = list(stamps)
    assert first_pass == sorted(first_pass) and len(first_pass) > 40
    player.play()
    wait_until(lambda: len(stamps) > len(first_pass) + 10)
    assert stamps[len(first_pass)] < player.start_ns + 100_000_000


def test_chosen_topics_only(player_node, small_bag):
    player = BagPlayer(player_node, small_bag, topics=['/tf'])
    assert set(player.num_subscribers()) == {'/tf'}
    player.destroy()
    for wrong, match in (({'topics': ['/absent']}, '/absent'), ({'rate': 0.0}, 'rate'),
                         ({'rate': float('nan')}, 'rate')):
        with pytest.raises(UsageError, match=match):
            BagPlayer(player_node, small_bag, **wrong)


def write_numbers(path, depth=3):
    """Write a best-effort topic into an SQLite bag."""
    types = message_types()
    profile = qos(depth)._replace(reliability=QosReliability.BEST_EFFORT)
    with Writer(path, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connection = writer.add_connection('/speed', 'std_msgs/msg/Float64', typestore=types,
                                           offered_qos_profiles=[profile])
        for k in range(3):
            message = types.types['std_msgs/msg/Float64'](float(k))
            writer.write(connection, 10**9 + k * 10**8,
                         types.serialize_cdr(message, 'std_msgs/msg/Float64'))


def test_sqlite_and_the_recorded_quality_of_service(player_node, tmp_path, listener):
    write_numbers(tmp_path / 'bag')
    player = BagPlayer(player_node, tmp_path / 'bag')
    wait_until(lambda: listener.get_publishers_info_by_topic('/speed'))
    info, = listener.get_publishers_info_by_topic('/speed')
    assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    values = []
    listener.create_subscription(Float64, '/speed', lambda m: values.append(m.data),
                                 QoSProfile(depth=9, reliability=ReliabilityPolicy.BEST_EFFORT))
    wait_until(lambda: player.num_subscribers()['/speed'])
    player.play()
    wait_until(lambda: values == [0.0, 1.0, 2.0])
    player.destroy()


def test_bags_that_cannot_be_played(player_node, tmp_path):
    write_numbers(tmp_path / 'deep', depth=10**6)
    with pytest.raises(InvalidBagError, match='depth'):
        BagPlayer(player_node, tmp_path / 'deep')
    with pytest.raises(InvalidBagError):
        BagPlayer(player_node, tmp_path / 'absent')


@pytest.mark.parametrize('msgtype, error', [
    ('antigravity/msg/Float', MissingDependencyError), ('os/msg/Path', MissingDependencyError),
    ('std_msgs/msg/Dragon', MissingDependencyError), ('std_msgs/Float64', InvalidBagError),
    ('../x/msg/Y', InvalidBagError), ('', InvalidBagError),
])
def test_types_that_are_none(msgtype, error):
    with pytest.raises(BdcOccError) as caught:
        message_class(msgtype)
    assert type(caught.value) is error


def test_a_recording_holds_the_bytes_and_their_time(player_node, tmp_path, listener):
    publisher = player_node.create_publisher(Float64, '/heat', 10)
    clock_ns = iter(range(5_000_000_000, 6_000_000_000, 1000))
    with BagRecorder(listener, tmp_path / 'bag', {'/heat': Float64},
                     lambda: next(clock_ns)) as recorder:
        wait_until(publisher.get_subscription_count)
        for value in (1.5, 2.5):
            publisher.publish(Float64(data=value))
        wait_until(lambda: recorder.counts == {'/heat': 2})
    player_node.destroy_publisher(publisher)
    with BagReader(tmp_path / 'bag') as bag:
        messages = list(bag.messages())
        assert [bag.decode(message).data for message in messages] == [1.5, 2.5]
    assert [message.stamp_ns for message in messages] == [5_000_000_000, 5_000_001_000]
    with pytest.raises(UsageError, match='exists already'):
        BagRecorder(listener, tmp_path / 'bag', {}, lambda: 0)
