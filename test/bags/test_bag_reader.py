# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bags from strangers: readable, or one named error; never anything else."""

import shutil
import struct

import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from bdc_occ_ros.bags import bag_reader
from bdc_occ_ros.bags.bag_frames import RigBag
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.mcap_file import MAGIC
from bdc_occ_ros.bags.messages import message_types
from bdc_occ_ros.errors import BdcOccError, InvalidBagError


def read_all(path):
    with BagReader(path) as bag:
        return [bag.decode(message) for message in bag.messages()]


@pytest.fixture
def copy(drive_bag, tmp_path):
    """Return a copy of the bag and its storage file."""
    shutil.copytree(drive_bag, tmp_path / 'bag')
    return tmp_path / 'bag', next((tmp_path / 'bag').glob('*.mcap'))


def test_damaged_bytes_never_raise_anything_else(copy):
    path, file = copy
    content = np.frombuffer(file.read_bytes(), np.uint8)
    random = np.random.default_rng(0)
    refused = remarked = 0
    for _ in range(40):
        damaged = content.copy()
        places = random.integers(0, len(content), 4)
        places[0] = len(content) - 1 - random.integers(0, 8000)  # in the index at the end
        damaged[places] = random.integers(0, 256, 4)
        file.write_bytes(damaged.tobytes())
        try:
            RigBag(path)
            with BagReader(path) as bag:
                remarked += bool(bag.remarks)
        except BdcOccError:
            refused += 1
    assert refused > 0 < remarked and refused + remarked < 40


def test_what_is_no_bag_at_all(tmp_path):
    (tmp_path / 'text.mcap').write_text('hello')
    (tmp_path / 'table.db3').write_bytes(b'SQLite format 3\0' + bytes(100))
    (tmp_path / 'file.txt').write_text('hello')
    for path in (tmp_path, tmp_path / 'absent', tmp_path / 'text.mcap', tmp_path / 'table.db3',
                 tmp_path / 'file.txt'):
        with pytest.raises(InvalidBagError):
            read_all(path)


def write_bag(path, topic, msgtype, data, plugin=StoragePlugin.MCAP, stamps_ns=(1,),
              compression=None):
    writer = Writer(path, version=8, storage_plugin=plugin)
    if compression is not None:
        writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection(topic, msgtype, typestore=message_types())
        for stamp_ns in stamps_ns:
            writer.write(connection, stamp_ns, data)


def number():
    types = message_types()
    return types.serialize_cdr(types.types['std_msgs/msg/Float64'](1.0), 'std_msgs/msg/Float64')


@pytest.mark.parametrize('kept', [0.0, 0.01, 0.3, 0.6, 0.9])
def test_truncated_tables(tmp_path, kept):
    write_bag(tmp_path / 'bag', '/speed', 'std_msgs/msg/Float64', number(), StoragePlugin.SQLITE3,
              range(1, 2000))
    file = next((tmp_path / 'bag').glob('*.db3'))
    content = file.read_bytes()
    file.write_bytes(content[:int(kept * len(content))])
    for target in (tmp_path / 'bag', file):
        with pytest.raises(InvalidBagError, match='not a readable rosbag2 bag'):
            read_all(target)


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_times_out_of_order_come_in_order(tmp_path, plugin):
    write_bag(tmp_path / 'bag', '/speed', 'std_msgs/msg/Float64', number(), plugin,
              (5 * 10**9, 2 * 10**9, 9 * 10**9, 2 * 10**9))
    with BagReader(tmp_path / 'bag') as bag:
        assert [m.stamp_ns // 10**9 for m in bag.messages()] == [2, 2, 5, 9]
        assert (bag.start_ns, bag.duration_ns) == (2 * 10**9, 7 * 10**9)


def test_a_message_of_another_age_is_refused(tmp_path):
    write_bag(tmp_path / 'bag', '/speed', 'std_msgs/msg/Float64', number(), StoragePlugin.SQLITE3,
              (10**9, 10**18))
    with pytest.raises(InvalidBagError, match='claims to last 999999999 s'):
        BagReader(tmp_path / 'bag')


def test_compressed_bags_are_read_and_bombs_are_not(tmp_path, monkeypatch):
    write_bag(tmp_path / 'bag', '/speed', 'std_msgs/msg/Float64', number(), StoragePlugin.SQLITE3,
              compression=CompressionMode.FILE)
    assert read_all(tmp_path / 'bag')[0].data == 1.0
    monkeypatch.setattr(bag_reader, 'MAX_UNPACKED_BYTES', 100)
    with pytest.raises(InvalidBagError, match='unpacks to more than 100 bytes'):
        BagReader(tmp_path / 'bag')
    monkeypatch.undo()
    file = next((tmp_path / 'bag').glob('*.zst*'))
    for damaged in (file.read_bytes()[:-9], b'no frame at all'):
        file.write_bytes(damaged)
        with pytest.raises(InvalidBagError, match='not a readable rosbag2 bag'):
            BagReader(tmp_path / 'bag')


@pytest.mark.parametrize('data', [b'', b'\0\1\0\0', b'\0\1\0\0' + b'\xff' * 40])
def test_bytes_that_are_not_of_their_type(tmp_path, data):
    write_bag(tmp_path / 'bag', '/tf', 'tf2_msgs/msg/TFMessage', data)
    with pytest.raises(InvalidBagError, match='/tf'):
        read_all(tmp_path / 'bag')


def test_a_bag_without_images_says_what_it_has(tmp_path):
    types = message_types()
    message = types.types['std_msgs/msg/Float64'](1.0)
    write_bag(tmp_path / 'bag', '/speed', 'std_msgs/msg/Float64',
              types.serialize_cdr(message, 'std_msgs/msg/Float64'), StoragePlugin.SQLITE3)
    assert read_all(tmp_path / 'bag')[0].data == 1.0
    with pytest.raises(InvalidBagError, match='/speed'):
        RigBag(tmp_path / 'bag')


def protobuf_mcap(path):
    """Write the least MCAP file with a protobuf channel, as Foxglove's converter makes them."""
    def text(value):
        return struct.pack('<I', len(value)) + value

    def record(opcode, body):
        return struct.pack('<BQ', opcode, len(body)) + body

    path.write_bytes(
        MAGIC + record(1, text(b'') + text(b'python mcap 1.1'))
        + record(3, struct.pack('<H', 1) + text(b'foxglove.CompressedImage') + text(b'protobuf')
                 + text(b''))
        + record(4, struct.pack('<HH', 1, 1) + text(b'/cam_front/image_rect_compressed')
                 + text(b'protobuf') + struct.pack('<I', 0))
        + record(15, struct.pack('<I', 0)) + record(2, struct.pack('<QQI', 0, 0, 0)) + MAGIC)


def test_a_file_of_protobuf_messages_is_named(tmp_path):
    path = tmp_path / 'nuscenes.mcap'
    protobuf_mcap(path)
    with pytest.raises(InvalidBagError, match='not of ROS 2.*protobuf.*flavour'):
        BagReader(path)
    (tmp_path / 'metadata.yaml').write_text('')
    with pytest.raises(InvalidBagError, match='not of ROS 2'):
        BagReader(tmp_path)
