# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bags as they are found: edited, cut off, without their summary; all that is whole is read."""

import shutil
import struct
import tracemalloc

from backports import zstd
import pytest
from rosbags.interfaces import QosDurability, QosReliability
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
import yaml

from bdc_occ_ros.bags import bag_reader, mcap_file
from bdc_occ_ros.bags.bag_file import qos
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.bag_summary import summarize_bag
from bdc_occ_ros.bags.mcap_file import CHUNK, MAGIC, MESSAGE, STATISTICS
from bdc_occ_ros.bags.messages import message_types
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.errors import InvalidBagError

NUMBER = 'std_msgs/msg/Float64'
PLUGINS = [StoragePlugin.MCAP, StoragePlugin.SQLITE3]
BEST_EFFORT = qos(5)._replace(reliability=QosReliability.BEST_EFFORT)
SECOND = 10**9


def number(value):
    types = message_types()
    return types.serialize_cdr(types.types[NUMBER](value), NUMBER)


def write(path, plugin=StoragePlugin.MCAP, *, stamps_ns=range(SECOND, 3 * SECOND, SECOND // 10),
          profiles=((BEST_EFFORT,),), compression=None, padding=0):
    """Write numbers to /speed in turn by a channel per profile; with padding, in many chunks."""
    writer = Writer(path, version=8, storage_plugin=plugin)
    if compression is not None:
        writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        channels = [writer.add_connection('/speed', NUMBER, typestore=message_types(),
                                          offered_qos_profiles=each) for each in profiles]
        for place, stamp_ns in enumerate(stamps_ns):
            writer.write(channels[place % len(channels)], stamp_ns,
                         bytes(number(float(place))) + bytes(padding))
    return path


def storage_of(path):
    return next(file for file in path.iterdir() if file.suffix in ('.mcap', '.db3'))


def read(path):
    """Return stamps in tenths of seconds, and remarks, first stamp and duration."""
    with BagReader(path) as bag:
        stamps = [message.stamp_ns * 10 // SECOND for message in bag.messages()]
        return stamps, ' '.join(bag.remarks), bag.start_ns, bag.duration_ns


def edit_metadata(path, edit):
    file = path / 'metadata.yaml'
    document = yaml.safe_load(file.read_text())
    edit(document['rosbag2_bagfile_information'])
    file.write_text(yaml.safe_dump(document))


def records_of(content):
    """Split MCAP into its records, without magic."""
    start, found = len(MAGIC), []
    while start < len(content) - len(MAGIC):
        length, = struct.unpack_from('<Q', content, start + 1)
        found.append((content[start], content[start + 9:start + 9 + length]))
        start += 9 + length
    return found


def joined(records):
    return b''.join(struct.pack('<BQ', opcode, len(body)) + body for opcode, body in records)


def text(value):
    return struct.pack('<I', len(value)) + value


def chunk(data, size=None, compression=b'zstd', start_ns=SECOND):
    packed = zstd.compress(data) if compression == b'zstd' else data
    return CHUNK, (struct.pack('<QQQI', start_ns, start_ns, len(data) if size is None else size, 0)
                   + text(compression) + struct.pack('<Q', len(packed)) + packed)


@pytest.mark.parametrize('plugin', PLUGINS)
@pytest.mark.parametrize('profiles', [((BEST_EFFORT,),), ((BEST_EFFORT,), (qos(3),)), ((),)])
def test_quality_of_service_is_advice(tmp_path, plugin, profiles):
    write(tmp_path / 'bag', plugin, profiles=profiles)
    with BagReader(tmp_path / 'bag') as bag:
        assert len(list(bag.messages())) == bag.counts['/speed'] == 20 and not bag.remarks
        assert bag.qos['/speed'] == max(sum(profiles, ()), key=lambda each: (
            each.reliability is QosReliability.RELIABLE), default=None)

    def edit(stated):
        for topic in stated['topics_with_message_count']:
            profile = yaml.safe_load(topic['topic_metadata']['offered_qos_profiles']) or [
                {**yaml.safe_load(QOS_TEXT), 'history': 1}]
            profile[0]['durability'] = QosDurability.TRANSIENT_LOCAL.value
            topic['topic_metadata']['offered_qos_profiles'] = yaml.safe_dump(profile)
            topic['message_count'] = 25
    edit_metadata(tmp_path / 'bag', edit)
    with BagReader(tmp_path / 'bag') as bag:
        assert len(list(bag.messages())) == 20
        assert bag.qos['/speed'].durability is QosDurability.TRANSIENT_LOCAL
        assert bag.remarks == [
            f'metadata.yaml states {25 * len(profiles)} messages of /speed; 20 are there']


QOS_TEXT = ('{depth: 5, reliability: 2, durability: 2, liveliness: 1, deadline: {sec: 0, nsec: 0},'
            ' lifespan: {sec: 0, nsec: 0}, liveliness_lease_duration: {sec: 0, nsec: 0}, '
            'avoid_ros_namespace_conventions: false}')


@pytest.mark.parametrize('key, value', [
    ('duration', {'nanoseconds': 10**18}), ('version', 99), ('storage_identifier', 'punch cards'),
    ('relative_file_paths', ['absent.mcap']), ('topics_with_message_count', 7),
    ('compression_mode', 'message'), ('starting_time', None)])
@pytest.mark.parametrize('plugin', PLUGINS)
def test_metadata_that_lies_changes_nothing(tmp_path, plugin, key, value):
    write(tmp_path / 'bag', plugin)
    edit_metadata(tmp_path / 'bag', lambda stated: stated.__setitem__(key, value))
    stamps, remarks, start_ns, duration_ns = read(tmp_path / 'bag')
    assert (stamps, start_ns, duration_ns) == ([*range(10, 30)], SECOND, 19 * SECOND // 10)
    assert ('metadata.yaml' in remarks) == (key in ('relative_file_paths',
                                                    'topics_with_message_count'))


@pytest.mark.parametrize('plugin', PLUGINS)
def test_a_folder_is_read_without_metadata_and_a_file_alone(tmp_path, plugin):
    write(tmp_path / 'bag', plugin)
    for spoil in ('', '{', '- 1', 'rosbag2_bagfile_information: {}'):
        (tmp_path / 'bag' / 'metadata.yaml').write_text(spoil)
        assert 'metadata.yaml is read past' in read(tmp_path / 'bag')[1]
    (tmp_path / 'bag' / 'metadata.yaml').unlink()
    later = write(tmp_path / 'later', plugin, stamps_ns=range(3 * SECOND, 4 * SECOND, SECOND))
    shutil.copy(storage_of(later), tmp_path / 'bag' / f'a{storage_of(later).suffix}')
    stamps, remarks, *_ = read(tmp_path / 'bag')
    assert stamps == [*range(10, 31)] and '2 storage files' in remarks
    assert read(storage_of(tmp_path / 'bag'))[1] == ''
    renamed = storage_of(later)
    renamed.rename(renamed.with_stem('other'))
    assert read(later)[0] == [30] and 'are read' in read(later)[1]
    storage_of(later).unlink()
    with pytest.raises(InvalidBagError, match='neither metadata.yaml nor a storage file'):
        read(later)


@pytest.mark.parametrize('kept', [0.3, 0.6, 0.97])
def test_what_is_whole_of_a_file_that_was_cut_off_is_read(tmp_path, kept):
    file = storage_of(write(tmp_path / 'bag', padding=300_000))
    content = file.read_bytes()
    file.write_bytes(content[:round(kept * len(content))])
    for path in (tmp_path / 'bag', file):
        stamps, remarks, start_ns, _ = read(path)
        assert 20 * kept - 5 < len(stamps) < 20 and start_ns == SECOND
        assert stamps == [*range(10, 10 + len(stamps))]
        assert 'is cut off: what follows its first' in remarks
    assert f'states 20 messages of /speed; {len(stamps)} are there' in read(tmp_path / 'bag')[1]
    assert main(['bag', 'info', str(file)]) == 0


@pytest.mark.parametrize('kept', [0, 5, 60])
def test_a_file_that_is_cut_off_at_once_holds_nothing(tmp_path, kept):
    file = storage_of(write(tmp_path / 'bag'))
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InvalidBagError, match='nothing before is whole|is empty'):
        read(file)


def test_no_summary_no_profile_and_no_chunks(tmp_path):
    """As recorders write that are told to be fast: what a summary says is found out."""
    file = storage_of(write(tmp_path / 'bag', stamps_ns=(3 * SECOND, SECOND, 2 * SECOND)))
    records = records_of(file.read_bytes())
    inside = next(body for opcode, body in records if opcode == CHUNK)
    loose = inside[40:]
    data, footer = (15, bytes(4)), (2, bytes(20))
    header = (1, text(b'') + text(b'somebody'))
    for content in ([header, next(r for r in records if r[0] == CHUNK), data, footer],
                    [header, chunk(loose), data, footer]):
        file.write_bytes(MAGIC + joined(content) + MAGIC)
        assert read(file) == ([10, 20, 30], '', SECOND, 2 * SECOND)
    file.write_bytes(MAGIC + joined([header]) + loose + joined([data, footer]) + MAGIC)
    assert read(file) == ([10, 20, 30], '', SECOND, 2 * SECOND)
    file.write_bytes(MAGIC + joined([header]) + loose)
    assert read(file)[0] == [10, 20, 30] and 'cut off' in read(file)[1]


def test_a_chunk_between_the_times_of_loose_messages_comes_in_order(tmp_path):
    loose, packed = (
        next(record for record in records_of(storage_of(write(
            tmp_path / name, stamps_ns=stamps_ns)).read_bytes()) if record[0] == CHUNK)
        for name, stamps_ns in (('loose', (SECOND, 3 * SECOND)), ('packed', (2 * SECOND,))))
    file = tmp_path / 'mixed.mcap'
    file.write_bytes(MAGIC + joined([(1, text(b'') + text(b''))]) + loose[1][40:]
                     + joined([packed, (2, bytes(20))]) + MAGIC)
    assert read(file) == ([10, 20, 30], '', SECOND, 2 * SECOND)


@pytest.mark.parametrize('plugin', PLUGINS)
def test_a_stamp_of_zero_is_named(tmp_path, plugin):
    start_ns = 1_533_151_603 * SECOND
    stamps_ns = (0, start_ns, start_ns + SECOND)
    stamps, remarks, *times = read(write(tmp_path / 'bag', plugin, stamps_ns=stamps_ns))
    first = start_ns * 10 // SECOND
    assert times == [start_ns, SECOND] and stamps == [first, first, first + 10]
    assert "messages of ['/speed'] are stamped 0" in remarks
    assert read(write(tmp_path / 'simulated', plugin, stamps_ns=(0, SECOND)))[1:] == (
        '', 0, SECOND)


@pytest.mark.parametrize('plugin', PLUGINS)
def test_an_empty_bag_says_so(tmp_path, plugin, capsys):
    write(tmp_path / 'bag', plugin, stamps_ns=())
    assert read(tmp_path / 'bag') == ([], 'empty: there is no message in it', 0, 0)
    assert main(['bag', 'info', str(tmp_path / 'bag')]) == 0
    printed = capsys.readouterr().out
    assert 'empty' in printed and '2262' not in printed and '1970' not in printed


@pytest.mark.parametrize('name', ['drive.bag', 'folder/drive.bag'])
def test_a_bag_of_ros_1_names_its_converter(tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b'#ROSBAG V2.0\n' + bytes(100))
    with pytest.raises(InvalidBagError, match='a bag of ROS 1; convert it: rosbags-convert --src'):
        read(file if file.parent == tmp_path else file.parent)


def test_types_and_encodings_that_nobody_knows_are_skipped(tmp_path):
    file = storage_of(write(tmp_path / 'bag'))
    records = records_of(file.read_bytes())
    foreign = (4, struct.pack('<HH', 9, 1) + text(b'/proto') + text(b'protobuf') + bytes(4))
    other_type = [(3, struct.pack('<H', 8) + text(b'acme/msg/Secret') + text(b'') + text(b'')),
                  (4, struct.pack('<HH', 8, 8) + text(b'/secret') + text(b'cdr') + bytes(4))]
    message = (MESSAGE, struct.pack('<HIQQ', 8, 0, SECOND, SECOND) + b'\0\1\0\0')
    inside = next(body for opcode, body in records if opcode == CHUNK)[40:]
    file.write_bytes(MAGIC + joined([records[0], foreign, *other_type, message]) + inside)
    with BagReader(file) as bag:
        assert '/proto is skipped' in bag.remarks[1]
        assert bag.topics == {'/speed': NUMBER, '/secret': 'acme/msg/Secret'}
        assert len(list(bag.messages())) == 21
        assert bag.decode(next(bag.messages(['/speed']))).data == 0.0
        with pytest.raises(InvalidBagError, match='/secret .acme/msg/Secret.: '):
            bag.decode(next(bag.messages(['/secret'])))


def test_messages_that_the_statistics_state_and_nobody_finds_are_a_remark(tmp_path):
    file = storage_of(write(tmp_path / 'bag'))
    whole = file.read_bytes()
    for total, by_channel in ((25, struct.pack('<HQ', 1, 25)), (20, b''), (25, b'')):
        records = [(opcode, body if opcode != STATISTICS else struct.pack('<Q', total) + body[8:42]
                    + text(by_channel)) for opcode, body in records_of(whole)]
        file.write_bytes(MAGIC + joined(records) + MAGIC)
        stamps, remarks, *times = read(file)
        assert stamps == [*range(10, 30)] and times == [SECOND, 19 * SECOND // 10]
        assert remarks == ('25 messages of /speed are stated, 20 were read' if by_channel else '')


def bomb(packed, declared, num_chunks=1, num_messages=1):
    """Return an MCAP file of chunks that begin early and hold late messages of zeros."""
    data = num_messages * joined([
        (MESSAGE, struct.pack('<HIQQ', 1, 0, 9 * SECOND, 0) + bytes(packed))])
    return MAGIC + joined([(1, text(b'ros2') + text(b''))] + num_chunks * [
        chunk(data, None if declared is None else declared)])


@pytest.mark.parametrize('packed, declared, num_chunks, num_messages', [
    (200 * 2**20, None, 1, 1), (200 * 2**20, 1000, 1, 1), (9 * 2**20, None, 20, 1),
    (0, None, 1, 200_000)])
def test_bombs_are_not_unpacked(tmp_path, monkeypatch, packed, declared, num_chunks, num_messages):
    monkeypatch.setattr(mcap_file, 'MAX_CHUNK_BYTES', 10 * 2**20)
    file = storage_of(write(tmp_path / 'bag'))
    whole = file.read_bytes()
    summary = whole.index(joined([(15, bytes(4))]))
    unpacking = bomb(packed, declared, num_chunks, num_messages)[len(MAGIC):]
    file.write_bytes(whole[:summary] + unpacking[unpacking.index(b'\x06'):] + whole[summary:])
    small = file.stat().st_size
    tracemalloc.start()
    try:
        with pytest.raises(InvalidBagError, match='is damaged|are the limit'):
            read(file)
        file.write_bytes(file.read_bytes()[:-20])
        summarize_bag(file)  # without a summary the chunks are unpacked to be counted
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert small < 200_000 and peak < 40 * 2**20


@pytest.mark.parametrize('plugin', PLUGINS)
@pytest.mark.parametrize('mode', [CompressionMode.MESSAGE, CompressionMode.FILE])
def test_packed_messages_and_files_are_read_and_bombs_are_not(tmp_path, monkeypatch, plugin, mode):
    path = write(tmp_path / 'bag', plugin, compression=mode, padding=1000)
    assert read(path)[0] == [*range(10, 30)]
    monkeypatch.setattr(bag_reader, 'MAX_CHUNK_BYTES', 100)
    monkeypatch.setattr(bag_reader, 'MAX_UNPACKED_BYTES', 100)
    with pytest.raises(InvalidBagError, match='more than 100 bytes|of 100 bytes'):
        read(path)
