# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag is played as it was recorded, and a recording holds what was sent."""

from collections import defaultdict
from functools import partial
from itertools import count
import sqlite3
import time
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import QosDurability, QosReliability
from rosbags.rosbag2 import StoragePlugin, Writer
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float64

from bdc_occ_ros.bags import messages
from bdc_occ_ros.bags.bag_file import BagFile, qos
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.messages import message_types
from bdc_occ_ros.bags.scene_bag import write_scene_bag
from bdc_occ_ros.errors import BdcOccError, InvalidBagError, MissingDependencyError, UsageError
from bdc_occ_ros.ros.conversions import to_nanoseconds
from bdc_occ_ros.ros.replay import bag_player
from bdc_occ_ros.ros.replay.bag_player import BagPlayer
from bdc_occ_ros.ros.replay.bag_recorder import recording
from bdc_occ_ros.ros.replay.bag_topics import message_class, rclpy_qos
from bdc_occ_ros.ros.spun_node import spun_node

LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
IMAGES = '/camera/CAM_FRONT/image/compressed'


@pytest.fixture(scope='module')
def small_bag(nuscenes_rig, tmp_path_factory):
    rig = nuscenes_rig.resized(96, 54)
    path = tmp_path_factory.mktemp('bags') / 'drive'
    write_scene_bag(path, rig, seed=2, seconds=0.3)
    return path


@pytest.fixture
def player_node():
    with spun_node('player') as node:
        yield node


@pytest.fixture
def listener():
    with spun_node('listener') as node:
        yield node


def wait_until(condition, timeout_s=120.0):
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
    return BagPlayer(player_node, small_bag, has_clock=True)


class SteppedTime:
    """A steady clock that passes only where somebody sleeps, a little too long."""

    def __init__(self, overslept_ns=0):
        self.now_ns, self.overslept_ns = 10**15, overslept_ns

    def monotonic_ns(self):
        return self.now_ns

    def sleep(self, seconds):
        self.now_ns += round(seconds * 1e9) + self.overslept_ns


class Published(NamedTuple):
    """What was published, and when."""

    time_ns: int
    topic: str
    message: object


class RecordingNode:
    """Stands for the node of a player and keeps what it publishes."""

    def __init__(self, clock):
        self.clock, self.published = clock, []

    def create_publisher(self, kind, topic, qos):
        def publish(message):
            self.published.append(Published(self.clock.now_ns, topic, message))
        return SimpleNamespace(publish=publish)


@pytest.fixture
def stepped(small_bag, monkeypatch):
    """Return a function that makes a player in stepped time, and the node that it uses."""
    def make(overslept_ns=0, **arguments):
        clock = SteppedTime(overslept_ns)
        monkeypatch.setattr(bag_player, 'time', clock)
        node = RecordingNode(clock)
        return BagPlayer(node, small_bag, **arguments), node
    return make


def recorded(bag_path):
    with BagReader(bag_path) as bag:
        return list(bag.messages())


def test_the_bytes_arrive_as_they_are_in_the_bag(player, small_bag, listener):
    with BagReader(small_bag) as bag:
        types = bag.topics
    expected = defaultdict(list)
    for message in recorded(small_bag):
        expected[message.topic].append(message.data)
    heard, num_sent = Heard(listener, types), count(1)
    wait_until(lambda: all(player.num_subscribers().values()))

    def wait_for_it(_):
        sent = next(num_sent)
        wait_until(lambda: sum(map(len, heard.messages.values())) == sent)
    playback = player.play(on_published=wait_for_it)
    assert heard.messages == expected
    assert playback.num_messages == sum(map(len, expected.values())) == sum(
        player.counts.values())


@pytest.mark.parametrize('rate', [1.0, 5.0])
def test_the_gaps_are_those_of_the_bag(stepped, small_bag, rate):
    player, node = stepped(rate=rate)
    start_ns = node.clock.now_ns
    playback = player.play()
    messages = recorded(small_bag)
    assert [(topic, data) for _, topic, data in node.published] == [
        (message.topic, message.data) for message in messages]
    assert [published.time_ns - start_ns for published in node.published] == [
        round((message.stamp_ns - player.start_ns) / rate) for message in messages]
    assert playback.lateness_ms == (0.0, 0.0, 0.0, 0.0)
    assert playback.duration_s == pytest.approx(player.duration_ns / 1e9 / rate, abs=1e-6)


def test_delays_do_not_add_up(stepped, small_bag):
    player, node = stepped(overslept_ns=3_000_000)
    playback = player.play()
    assert list(playback.lateness_ms) == sorted(playback.lateness_ms)
    assert playback.lateness_ms[-1] == pytest.approx(3.0)
    assert playback.duration_s <= player.duration_ns / 1e9 + 0.003001


def test_the_start_is_skipped_but_for_latched_messages(stepped, small_bag):
    player, node = stepped()
    player.play(start_s=0.6)  # half a second of lead-in, then 0.1 s
    topics = [published.topic for published in node.published]
    assert topics.count(IMAGES) == 2 and topics.count('/tf_static') == 1
    start_ns = player.start_ns + 600_000_000
    kept = [message for message in recorded(small_bag)
            if message.stamp_ns >= start_ns or message.topic == '/tf_static']
    assert len(node.published) == len(kept)
    with pytest.raises(UsageError, match='start must lie in the bag'):
        player.play(start_s=60.0)


def test_clock_runs_with_the_bag_and_starts_over_in_a_loop(stepped):
    player, node = stepped(has_clock=True)

    def stamps_ns():
        ticks = [to_nanoseconds(published.message.clock) for published in node.published
                 if published.topic == '/clock']
        node.published.clear()
        return ticks
    player.linger(0.02)
    assert set(stamps_ns()) == {player.start_ns}
    player.play()
    ticks = stamps_ns()
    assert ticks == [player.start_ns + 10_000_000 * k for k in range(len(ticks))]
    assert ticks[-1] > player.start_ns + player.duration_ns - 10_000_000
    player.linger(0.05)
    assert min(stamps_ns()) > ticks[-1]
    player.play()
    assert stamps_ns() == ticks


def test_the_clock_reaches_a_listener(player, listener):
    stamps = []
    listener.create_subscription(
        Clock, '/clock', lambda message: stamps.append(to_nanoseconds(message.clock)), 100)
    wait_until(lambda: player.linger(0.02) or stamps)
    assert set(stamps) == {player.start_ns}


def test_chosen_topics_only(player_node, small_bag):
    player = BagPlayer(player_node, small_bag, topics=['/tf'])
    assert set(player.num_subscribers()) == {'/tf'}
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


def test_a_bag_that_is_not_there_cannot_be_played(player_node, tmp_path):
    with pytest.raises(InvalidBagError):
        BagPlayer(player_node, tmp_path / 'absent')


@pytest.mark.parametrize('depth, kept', [(10**6, 10_000), (-3, 10), (0, 10), (7, 7)])
def test_absurd_depths_are_bounded(depth, kept):
    assert rclpy_qos(qos(depth)).depth == kept


@pytest.mark.parametrize('profile', [
    None, qos(1), qos(1, QosDurability.VOLATILE, QosReliability.BEST_EFFORT)])
def test_static_transforms_reach_who_comes_later(player_node, tmp_path, listener, profile):
    """Whatever the bag says of them, all are kept: several publishers may have sent some."""
    types, msgtype = message_types(), 'tf2_msgs/msg/TFMessage'
    sent = [bytes(types.serialize_cdr(messages.tf([messages.transform(
        7, 'base_link', name, np.eye(4))]), msgtype)) for name in ('camera', 'lidar')]
    with BagFile(tmp_path / 'bag') as file:
        file.connect('/tf_static', msgtype, profile)
        for stamp_ns, data in enumerate(sent):
            file.write_bytes('/tf_static', stamp_ns, data)
    player = BagPlayer(player_node, tmp_path / 'bag')
    player.play()
    heard = Heard(listener, {'/tf_static': msgtype})
    wait_until(lambda: len(heard.messages['/tf_static']) == 2)
    assert heard.messages['/tf_static'] == sent


def test_types_that_are_not_installed_are_skipped(player_node, tmp_path, caplog):
    write_numbers(tmp_path / 'bag')
    file, = (tmp_path / 'bag').glob('*.db3')
    with sqlite3.connect(file) as database:
        database.execute("INSERT INTO topics SELECT 2, '/secret', 'acme_msgs/msg/Secret', "
                         'serialization_format, offered_qos_profiles, type_description_hash '
                         'FROM topics')
        database.execute('UPDATE messages SET topic_id = 2 WHERE id = 1')
    database.close()
    player = BagPlayer(player_node, file)
    assert player.play().num_messages == 2 and player.counts == {'/speed': 2}
    assert '/secret is skipped: acme_msgs/msg/Secret is not installed' in caplog.text
    with pytest.raises(MissingDependencyError, match='acme_msgs'):
        BagPlayer(player_node, file, topics=['/secret'])


def test_metadata_of_another_quality_of_service_hides_no_message(player_node, tmp_path):
    write_numbers(tmp_path / 'bag')
    metadata = tmp_path / 'bag' / 'metadata.yaml'
    text = metadata.read_text()
    assert text.count('reliability: 2') == 1
    metadata.write_text(text.replace('reliability: 2', 'reliability: 1'))
    player = BagPlayer(player_node, tmp_path / 'bag')
    assert player.play().num_messages == 3


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
    with recording(listener, tmp_path / 'bag', {'/heat': Float64},
                   lambda: next(clock_ns)) as counts:
        wait_until(publisher.get_subscription_count)
        for value in (1.5, 2.5):
            publisher.publish(Float64(data=value))
        wait_until(lambda: counts == {'/heat': 2})
    with BagReader(tmp_path / 'bag') as bag:
        messages = list(bag.messages())
        assert [bag.decode(message).data for message in messages] == [1.5, 2.5]
    assert [message.stamp_ns for message in messages] == [5_000_000_000, 5_000_001_000]
    with pytest.raises(UsageError, match='exists already'):
        with recording(listener, tmp_path / 'bag', {}, lambda: 0):
            pass
