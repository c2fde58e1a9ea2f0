# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Read bags as generously as rosbag2 does; what cannot be read becomes an InvalidBagError.

The storage files say what there is. metadata.yaml lists them, and is advice in all else: a bag
is read without it, or where it is wrong. What was lost on the way is a remark.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, ExitStack
from functools import cache
import logging
from operator import index
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import apsw
from backports import zstd
from rosbags.interfaces import Connection, Qos, QosDurability, QosReliability
from rosbags.rosbag2 import Reader
from rosbags.serde import SerdeError
from rosbags.typesys import TypesysError

from bdc_occ_ros.bags.mcap_file import DAMAGED, MAX_CHUNK_BYTES, McapFile, offered_qos
from bdc_occ_ros.bags.messages import COMPRESSED_IMAGE, IMAGE, message_types
from bdc_occ_ros.config_file import read_yaml
from bdc_occ_ros.errors import InvalidBagError, InvalidConfigError
from bdc_occ_ros.files import quoted

METADATA_FILE = 'metadata.yaml'
MAX_METADATA_BYTES = 16 * 2**20
MAX_DURATION_NS = 7 * 24 * 3600 * 10**9
MAX_UNPACKED_BYTES = 64 * 2**30
PIECE_BYTES = 2**20
PACKED = ('.zstd', '.zst')
STORAGES = ('.mcap', '.db3', '.bag', *PACKED)
ROS1_MAGIC = b'#ROSBAG V'
ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'  # no CDR begins so
MALFORMED = (*DAMAGED, SerdeError, TypesysError, apsw.Error)
_LOGGER = logging.getLogger(__name__)


class BagMessage(NamedTuple):
    """
    Hold one recorded message.

    :param msgtype: Its type, package/msg/Name.
    :param stamp_ns: When it was recorded.
    :param data: The message as it went over the wire (CDR).
    """

    topic: str
    msgtype: str
    stamp_ns: int
    data: bytes


class BagReader(AbstractContextManager):
    """
    Read a rosbag2 bag (MCAP or SQLite); use it in a with statement.

    It states types, numbers of messages and quality of service by topic, the stamp of the first
    message, the time from it to the last, and remarks about what is odd or lost, each of which is
    also logged once.

    :param path: Folder, with metadata.yaml or without, or a storage file.
    :raises InvalidBagError: if it cannot be a bag or is absurdly large.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.remarks: list[str] = []
        self.topics: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        # What the recorded publishers offered at best; None if unknown.
        self.qos: dict[str, Qos | None] = {}
        stated = self._metadata()
        with self._reading(), ExitStack() as stack:
            self._storages = sorted((_open_storage(file, stack) for file in self._files(stated)),
                                    key=lambda storage: storage.start_time)
            for storage in self._storages:
                if lost := getattr(storage, 'lost', ''):
                    self._remark(lost)
            connections = [each for storage in self._storages for each in storage.connections]
            for connection in connections:
                self._take(connection)
            if connections and not self.topics:
                raise InvalidBagError(
                    f'not of ROS 2: messages in {connections[0].ext.serialization_format!r} are '
                    'nothing that a ROS node can receive; use a converter to ROS messages: '
                    'bdc-occ bag write lists some under --flavour')
            self._compare(stated)
            self.start_ns, self.duration_ns = self._times()
            self._stack = stack.pop_all()

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    @property
    def has_image_stamps(self) -> bool:
        """
        Return whether the first image has a stamp (one converter writes 0); true without images.

        :raises InvalidBagError: if that image is damaged.
        """
        images = {topic for topic, msgtype in self.topics.items()
                  if msgtype in (IMAGE, COMPRESSED_IMAGE)}
        for message in self.messages(images):
            stamp = self.decode(message).header.stamp
            return bool(stamp.sec or stamp.nanosec)
        return True

    def messages(self, topics: Collection[str] | None = None) -> Iterator[BagMessage]:
        """
        Yield the messages in the order of their times of recording.

        :param topics: Only these; all if None.
        :raises InvalidBagError: if the storage is damaged, or a message lies far from the others.
        """
        chosen, found = self.topics.keys() if topics is None else topics, Counter()
        for connection, stamp_ns, data in self._stored(chosen):
            if stamp_ns > self.start_ns + MAX_DURATION_NS:
                raise InvalidBagError(f'{self.path}: a message of {connection.topic} was recorded '
                                      f'{(stamp_ns - self.start_ns) / 1e9:.0f} s after the start '
                                      f'of the bag; {MAX_DURATION_NS / 1e9:.0f} s are the limit')
            found[connection.topic] += 1
            yield BagMessage(connection.topic, connection.msgtype, max(stamp_ns, self.start_ns),
                             data)
        for topic in self.topics.keys() & chosen:
            if found[topic] != self.counts[topic]:
                self._remark(f'{self.counts[topic]} messages of {topic} are stated, '
                             f'{found[topic]} were read')

    def decode(self, message: BagMessage) -> object:
        """
        Return a message as an object with the fields of its type.

        :raises InvalidBagError: if its bytes are not those of its type, or the type is unknown.
        """
        with self._reading(f'{message.topic} ({message.msgtype}): '):
            return message_types().deserialize_cdr(message.data, message.msgtype)

    def _metadata(self) -> dict[str, Any]:
        """Return the files, counts and profiles that metadata.yaml states; {} without one."""
        path = self.path / METADATA_FILE
        if not path.is_file():
            return {}
        try:
            if path.stat().st_size > MAX_METADATA_BYTES:
                raise InvalidConfigError(f'larger than {MAX_METADATA_BYTES} bytes')
            stated = read_yaml(path)['rosbag2_bagfile_information']
            counts, profiles = Counter(), defaultdict(list)
            for entry in stated['topics_with_message_count']:
                topic = entry['topic_metadata']
                counts[topic['name']] += entry['message_count']
                profiles[topic['name']] += offered_qos(
                    str(topic.get('offered_qos_profiles') or ''))  # a list is YAML as well
            return {'files': [Path(name).name for name in stated['relative_file_paths']],
                    'counts': counts, 'qos': profiles}
        except MALFORMED as error:
            self._remark(f'{METADATA_FILE} is read past, since it is damaged: {quoted(error)}')
            return {}

    def _files(self, stated: dict[str, Any]) -> list[Path]:
        """Return the storage files: those that metadata.yaml lists, or all that are there."""
        if not self.path.is_dir():
            return [self.path]
        listed = [self.path / name for name in stated.get('files', ())]
        files = [file for file in listed if file.is_file()]
        if files and (missing := [file.name for file in listed if file not in files]):
            self._remark(f'{missing} of {METADATA_FILE} are missing, and their messages with them')
        elif not files:
            files = sorted(file for file in self.path.iterdir() if file.suffix in STORAGES)
            self._remark(f'without a {METADATA_FILE} that lists them, {len(files)} storage files '
                         'are read')
        if not files:
            raise InvalidBagError(f'the folder holds neither {METADATA_FILE} nor a storage file, '
                                  '.mcap or .db3')
        return files

    def _take(self, connection: Connection) -> None:
        """Count the messages of a channel in, unless nobody can read it."""
        topic, msgtype = connection.topic, connection.msgtype
        if not self._is_readable(connection):
            self._remark(f'{topic} is skipped: {connection.msgcount} messages of {msgtype} in '
                         f'{connection.ext.serialization_format}')
            return
        self.topics[topic] = msgtype
        self.counts[topic] += connection.msgcount
        self.qos[topic] = _strongest([self.qos.get(topic), *connection.ext.offered_qos_profiles])

    def _is_readable(self, connection: Connection) -> bool:
        topic, msgtype = connection.topic, connection.msgtype  # SQLite keeps values of any type
        return (isinstance(topic, str) and isinstance(msgtype, str)
                and connection.ext.serialization_format == 'cdr'
                and self.topics.get(topic, msgtype) == msgtype)

    def _compare(self, stated: dict[str, Any]) -> None:
        """Take the profiles that metadata.yaml states, and say where it counts otherwise."""
        for topic in self.topics:
            self.qos[topic] = _strongest(stated.get('qos', {}).get(topic, ())) or self.qos[topic]
        for topic, count in stated.get('counts', {}).items():
            if count != self.counts[topic]:
                self._remark(f'{METADATA_FILE} states {count} messages of {topic}; '
                             f'{self.counts[topic]} are there')
        if not self.counts.total():
            self._remark('empty: there is no message in it')

    def _times(self) -> tuple[int, int]:
        """Return the stamp of the first message that has one, and the time to the last."""
        if not self.counts.total():
            return 0, 0
        start_ns = min(storage.start_time for storage in self._storages)
        end_ns = max(storage.end_time for storage in self._storages) - 1
        if start_ns <= 0 and end_ns - start_ns > MAX_DURATION_NS:
            unstamped = set()
            for connection, start_ns, _ in self._stored(self.topics):
                if start_ns > 0:
                    break
                unstamped.add(connection.topic)
            self._remark(f'messages of {sorted(unstamped)} are stamped 0; they are taken as '
                         'recorded at the start')
        if end_ns - start_ns > MAX_DURATION_NS:
            raise InvalidBagError(f'it claims to last {(end_ns - start_ns) / 1e9:.0f} s; '
                                  f'{MAX_DURATION_NS / 1e9:.0f} s are the limit')
        return start_ns, end_ns - start_ns

    def _stored(self, topics: Collection[str]) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield channel, stamp and unpacked data."""
        with self._reading():
            for storage in self._storages:
                chosen = [connection for connection in storage.connections
                          if connection.topic in topics and self._is_readable(connection)]
                for connection, stamp_ns, data in storage.messages(chosen) if chosen else ():
                    if data[:4] == ZSTD_MAGIC:
                        unpacker = zstd.ZstdDecompressor()
                        data = unpacker.decompress(data, MAX_CHUNK_BYTES)
                        if not unpacker.eof:
                            raise InvalidBagError(
                                f'a message of {connection.topic} is cut off, or unpacks to more '
                                f'than {MAX_CHUNK_BYTES} bytes')
                    yield connection, index(stamp_ns), bytes(data)

    @contextmanager
    def _reading(self, where: str = '') -> Iterator[None]:
        try:
            yield
        except MALFORMED as error:
            raise InvalidBagError(f'{self.path} is not a readable rosbag2 bag: {where}'
                                  f'{error or type(error).__name__}') from error

    def _remark(self, remark: str) -> None:
        self.remarks.append(remark)
        _log_once(f'{self.path}: {remark}')


@cache
def _log_once(remark: str) -> None:
    _LOGGER.warning(remark)


def _strongest(profiles: Collection[Qos | None]) -> Qos | None:
    """Return the profile that suits most subscriptions; None if there is none."""
    return max(filter(None, profiles), default=None, key=lambda qos: (
        qos.durability is QosDurability.TRANSIENT_LOCAL,
        qos.reliability is QosReliability.RELIABLE, qos.depth))


def _open_storage(path: Path, stack: ExitStack) -> McapFile | Reader:
    """
    Open a storage file, unpacked where it is packed.

    :raises InvalidBagError: if it is of another kind, or unpacks to more than fits a disk.
    """
    if not path.is_file():
        raise InvalidBagError(f'{path.name} is no file')
    if path.suffix in PACKED:
        folder = stack.enter_context(TemporaryDirectory(prefix='bdc_occ_bag_'))
        path = _unpacked(path, Path(folder, path.stem))
    file = stack.enter_context(path.open('rb'))
    if file.read(len(ROS1_MAGIC)) == ROS1_MAGIC:
        raise InvalidBagError(f'a bag of ROS 1; convert it: rosbags-convert --src {path} --dst '
                              f'{path.with_suffix("")}')
    if path.suffix == '.mcap':
        file.seek(0)
        return McapFile(file, path)
    return stack.enter_context(Reader(path))


def _unpacked(path: Path, target: Path) -> Path:
    """Unpack a file piece by piece, and refuse what would fill a disk."""
    with zstd.open(path, 'rb') as packed, target.open('wb') as file:
        while piece := packed.read(PIECE_BYTES):
            file.write(piece)
            if file.tell() > MAX_UNPACKED_BYTES:
                raise InvalidBagError(f'{path.name} unpacks to more than {MAX_UNPACKED_BYTES} '
                                      'bytes, which are the limit')
    return target
