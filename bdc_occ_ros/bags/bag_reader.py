# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read bags that may be damaged or hostile; every fault becomes an InvalidBagError."""

from collections.abc import Collection, Iterator
from pathlib import Path
import struct
from types import TracebackType
from typing import NamedTuple

import apsw
from backports import zstd
from rosbags.interfaces import Qos
from rosbags.rosbag2 import Reader, ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import TypesysError

from bdc_occ_ros.bags.messages import COMPRESSED_IMAGE, IMAGE, message_types
from bdc_occ_ros.errors import InvalidBagError

MAX_METADATA_BYTES = 16 * 2**20
MAX_CHUNK_BYTES = 512 * 2**20
MAX_DURATION_NS = 7 * 24 * 3600 * 10**9
MAX_UNPACKED_BYTES = 64 * 2**30
PIECE_BYTES = 2**20
MCAP_MAGIC = b'\x89MCAP0\r\n'
MCAP_HEADER_OPCODE = 1
MAX_PROFILE_BYTES = 1024
MALFORMED = (ReaderError, SerdeError, TypesysError, OSError, EOFError, struct.error, ValueError,
             LookupError, TypeError, AttributeError, AssertionError, MemoryError, OverflowError,
             RuntimeError, apsw.Error, zstd.ZstdError)


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


class BagReader:
    """
    Read a rosbag2 bag (MCAP or SQLite); use it in a with statement.

    It states types, numbers of messages and quality of service by topic.

    :param path: Folder with metadata.yaml, or a storage file.
    :raises InvalidBagError: if it cannot be a bag or says it is absurdly large.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        metadata = self.path / 'metadata.yaml'
        if metadata.is_file() and metadata.stat().st_size > MAX_METADATA_BYTES:
            raise InvalidBagError(f'{metadata} is larger than {MAX_METADATA_BYTES} bytes')
        self._refuse_other_profiles()
        self._check_compressed_files()
        try:
            self._reader = Reader(self.path)
            self._reader.open()
        except MALFORMED as error:
            raise self._error(error) from error
        try:
            self._check_sizes()
        except BaseException:
            self._reader.close()
            raise
        connections = self._reader.connections
        self.topics: dict[str, str] = {c.topic: c.msgtype for c in connections}
        self.counts: dict[str, int] = {c.topic: c.msgcount for c in connections}
        # What the recorded publisher offered; None if unknown.
        self.qos: dict[str, Qos | None] = {
            c.topic: next(iter(c.ext.offered_qos_profiles), None) for c in connections}

    def __enter__(self) -> 'BagReader':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._reader.close()

    @property
    def start_ns(self) -> int:
        """Return the stamp of the first message."""
        return self._reader.start_time

    @property
    def duration_ns(self) -> int:
        """Return the time from the first message to the last."""
        return max(0, self._reader.end_time - 1 - self._reader.start_time)

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
        :raises InvalidBagError: if the storage ends early or is damaged, or a message lies far
            outside the time that the bag claims to last.
        """
        chosen = [c for c in self._reader.connections if topics is None or c.topic in topics]
        if not chosen:
            return
        try:
            for connection, stamp_ns, data in self._reader.messages(chosen):
                if abs(stamp_ns - self.start_ns) > MAX_DURATION_NS:
                    raise InvalidBagError(
                        f'{self.path}: a message of {connection.topic} was recorded '
                        f'{(stamp_ns - self.start_ns) / 1e9:.0f} s after the start of the bag; '
                        f'{MAX_DURATION_NS / 1e9:.0f} s are the limit')
                yield BagMessage(connection.topic, connection.msgtype, stamp_ns, bytes(data))
        except MALFORMED as error:
            raise self._error(error) from error

    def decode(self, message: BagMessage) -> object:
        """
        Return a message as an object with the fields of its type.

        :raises InvalidBagError: if its bytes are not those of its type, or the type is unknown.
        """
        try:
            return message_types().deserialize_cdr(message.data, message.msgtype)
        except MALFORMED as error:
            raise self._error(error, f'{message.topic} ({message.msgtype}): ') from error

    def _refuse_other_profiles(self) -> None:
        """Refuse MCAP files that hold no ROS 2 messages."""
        for file in sorted(self.path.glob('*.mcap')) if self.path.is_dir() else [self.path]:
            profile = mcap_profile(file)
            if profile not in (None, 'ros2'):
                raise InvalidBagError(
                    f'{file} is an MCAP file, but not of ROS 2 (its profile is {profile!r}): '
                    "Foxglove's nuscenes2mcap, for example, writes protobuf, which no ROS node "
                    'can receive. Use a converter that writes ROS messages; bdc-occ bag write '
                    'lists some under --flavour')

    def _check_compressed_files(self) -> None:
        """Unpack compressed files piece by piece, and refuse what would fill a disk."""
        total = 0
        for path in sorted(self.path.glob('*.zst*')):
            try:
                with zstd.open(path, 'rb') as file:
                    while piece := file.read(PIECE_BYTES):
                        total += len(piece)
                        if total > MAX_UNPACKED_BYTES:
                            raise InvalidBagError(
                                f'{self.path} unpacks to more than {MAX_UNPACKED_BYTES} bytes, '
                                'which are the limit')
            except (OSError, EOFError, zstd.ZstdError) as error:
                raise InvalidBagError(
                    f'{path} is not a readable compressed file: {error}') from error

    def _check_sizes(self) -> None:
        """Refuse a bag with an implausible duration or chunk size."""
        if self._reader.message_count and self.duration_ns > MAX_DURATION_NS:
            raise InvalidBagError(
                f'{self.path} claims to last {self.duration_ns / 1e9:.0f} s; '
                f'{MAX_DURATION_NS / 1e9:.0f} s are the limit')
        storage = self._reader.storage
        for file in getattr(storage, 'storages', [storage]):
            largest = max((c.uncompressed_size for c in getattr(file, 'chunks', ())), default=0)
            if largest > MAX_CHUNK_BYTES:
                raise InvalidBagError(f'{self.path} has a chunk of {largest} bytes; '
                                      f'{MAX_CHUNK_BYTES} are the limit')

    def _error(self, error: BaseException, where: str = '') -> InvalidBagError:
        return InvalidBagError(f'{self.path} is not a readable rosbag2 bag: {where}'
                               f'{error or type(error).__name__}')


def mcap_profile(path: Path) -> str | None:
    """
    Return the profile in the header of an MCAP file.

    :return: For example ros2, or an empty string; None if the file is no MCAP file or damaged.
    """
    try:
        with path.open('rb') as file:
            start = file.read(len(MCAP_MAGIC) + 13 + MAX_PROFILE_BYTES)
    except OSError:
        return None
    if not start.startswith(MCAP_MAGIC) or len(start) < len(MCAP_MAGIC) + 13:
        return None
    opcode, _, length = struct.unpack_from('<BQI', start, len(MCAP_MAGIC))
    text = start[len(MCAP_MAGIC) + 13:][:length]
    if opcode != MCAP_HEADER_OPCODE or len(text) != length:
        return None
    return text.decode(errors='replace')
