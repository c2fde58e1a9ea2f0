# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read an MCAP file within bounds and as far as it is whole, with or without its summary."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from io import BytesIO, SEEK_END
import math
from pathlib import Path
from struct import iter_unpack, unpack, unpack_from
from typing import BinaryIO, NamedTuple
from zlib import crc32

from backports import zstd
from lz4.frame import LZ4FrameDecompressor
from rosbags.interfaces import Connection, ConnectionExtRosbag2, Qos
from rosbags.rosbag2 import ReaderError
from rosbags.rosbag2.metadata import parse_qos

from bdc_occ_ros.errors import InvalidBagError
from bdc_occ_ros.files import DAMAGES

MAGIC = b'\x89MCAP0\r\n'
FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, STATISTICS = 2, 3, 4, 5, 6, 11
HEAD_BYTES = 9  # of every record: opcode and length
MAX_CHUNK_BYTES = 512 * 2**20
RUN_BYTES = 2**20
WAITING_BYTES = 200  # that Python takes for a message beside its content
DAMAGED = (*DAMAGES, ReaderError, zstd.ZstdError)


class Chunk(NamedTuple):
    """Locate records with messages; outside of MCAP's chunks, a run of them as they lie there."""

    start_ns: int
    place: int
    length: int
    is_packed: bool = True


@lru_cache(256)
def offered_qos(text: str) -> list[Qos]:
    """Parse the profiles of publishers, which take long; none if the YAML is damaged."""
    try:
        return parse_qos(text)
    except DAMAGED:
        return []


class McapFile:
    """
    Read the channels and messages of an MCAP file, with the interface of a Reader of rosbags.

    :param file: The open file.
    :param path: Where it lies, for messages.
    :raises InvalidBagError: if it is none, or is cut off before the first channel.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path, self._size = file, path, path.stat().st_size
        self.lost = ''  # what of it cannot be read, in words
        self.start_time, self.end_time = 2**63, 0  # nanoseconds, the end after the last message
        self._counts: Counter[int] = Counter()
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, Connection] = {}
        self._chunks: list[Chunk] = []
        if self._file.read(len(MAGIC)) != MAGIC:
            raise InvalidBagError(f'{path.name} does not begin as MCAP does, or is empty')
        has_statistics = self._walk()
        if not has_statistics or self._counts.keys() - self._channels.keys():
            self._count_messages()
        if self.lost and not self._channels:
            raise InvalidBagError(f'{self.lost}, and nothing before is whole')

    @property
    def connections(self) -> list[Connection]:
        """Return the channels with their numbers of messages."""
        return [channel._replace(msgcount=self._counts[number])
                for number, channel in self._channels.items()]

    def messages(self, connections: Sequence[Connection]
                 ) -> Iterator[tuple[Connection, int, bytes]]:
        """
        Yield channel, stamp in nanoseconds and data, in the order of the stamps.

        :raises InvalidBagError: if a chunk is damaged, or too many lie over one another in time.
        """
        wanted = {connection.id: connection for connection in connections}
        chunks, waiting, num_bytes = sorted(self._chunks), [], 0
        for chunk, end_ns in zip(chunks, [*(each.start_ns for each in chunks[1:]), math.inf]):
            data = self._unpacked(chunk)
            for opcode, place, length in _records(BytesIO(data)):
                if opcode == MESSAGE:
                    number, _, stamp_ns = unpack_from('<HIQ', data, place)
                    if number in wanted:
                        content = data[place + 22:place + length]
                        heappush(waiting, (stamp_ns, chunk.place, place, wanted[number], content))
                        num_bytes += len(content) + WAITING_BYTES
                        self._require_small(num_bytes)
            while waiting and waiting[0][0] <= end_ns:
                stamp_ns, _, _, connection, content = heappop(waiting)
                num_bytes -= len(content) + WAITING_BYTES
                yield connection, stamp_ns, content

    def _walk(self) -> bool:
        """Note chunks, channels and statistics; return whether the last count every channel."""
        end, has_statistics, opcode = len(MAGIC), False, 0
        for opcode, place, length in _records(self._file):
            end = place + length
            if opcode == CHUNK:
                start_ns, = unpack('<Q', self._content(place, 8))
                self._chunks.append(Chunk(start_ns, place, length))
            elif opcode == MESSAGE:
                self._add_to_run(place, length)
            elif opcode == STATISTICS:
                content = self._content(place, length)
                num_messages, start_ns, end_ns = unpack_from('<Q18xQQ', content)
                self._counts = Counter(dict(iter_unpack('<HQ', content[46:])))
                has_statistics = self._counts.total() == num_messages
                if num_messages:
                    self.start_time, self.end_time = start_ns, end_ns + 1
            elif opcode in (SCHEMA, CHANNEL):
                self._describe(opcode, self._content(place, length))
        if opcode != FOOTER:
            self.lost = (f'{self._path.name} is cut off: what follows its first {end} of '
                         f'{self._size} bytes is lost')
        return has_statistics

    def _add_to_run(self, place: int, length: int) -> None:
        """Note a message outside of chunks, where possible together with those before it."""
        start_ns, = unpack('<Q', self._content(place + 6, 8))
        start = place - HEAD_BYTES
        last = self._chunks[-1] if self._chunks else None
        if last and not last.is_packed and start < last.place + RUN_BYTES:
            start, start_ns = last.place, min(start_ns, last.start_ns)
            self._chunks.pop()
        self._chunks.append(Chunk(start_ns, start, place + length - start, is_packed=False))

    def _count_messages(self) -> None:
        """Unpack all chunks, one after the other, to know what no summary says."""
        self._counts, chunks, self._chunks = Counter(), self._chunks, []
        self.start_time, self.end_time = 2**63, 0
        for chunk in chunks:
            try:
                data = self._unpacked(chunk)
            except DAMAGED as damage:
                self.lost += f'{"; " if self.lost else ""}{damage}'
                continue
            self._chunks.append(chunk)
            for opcode, place, length in _records(BytesIO(data)):
                if opcode == MESSAGE:
                    number, _, stamp_ns = unpack_from('<HIQ', data, place)
                    self._counts[number] += 1
                    self.start_time = min(self.start_time, stamp_ns)
                    self.end_time = max(self.end_time, stamp_ns + 1)
                elif opcode in (SCHEMA, CHANNEL):
                    self._describe(opcode, data[place:place + length])

    def _describe(self, opcode: int, content: bytes) -> None:
        """Note a schema or a channel."""
        number, schema = unpack_from('<HH', content)
        if opcode == SCHEMA:
            self._schemas[number] = _texts(content[2:])[0]
            return
        topic, encoding = _texts(content[4:])[:2]
        words = _texts(content[16 + len(topic.encode()) + len(encoding.encode()):])
        qos = offered_qos(dict(zip(words[::2], words[1::2])).get('offered_qos_profiles', ''))
        self._channels[number] = Connection(
            number, topic, self._schemas.get(schema, ''), None, '', 0,
            ConnectionExtRosbag2(encoding, qos), self)

    def _unpacked(self, chunk: Chunk) -> bytes:
        """Unpack a chunk to the size that it declares, and not to a byte more."""
        self._require_small(chunk.length)
        content = self._content(chunk.place, chunk.length)
        if not chunk.is_packed:
            return content
        size, crc, num_letters = unpack_from('<16xQII', content)
        self._require_small(size)
        compression, packed = content[32:32 + num_letters], content[40 + num_letters:]
        unpackers = {b'': lambda: packed,
                     b'zstd': lambda: zstd.ZstdDecompressor().decompress(packed, size + 1),
                     b'lz4': lambda: LZ4FrameDecompressor().decompress(packed, size + 1)}
        data = unpackers[compression]()
        if len(data) != size or crc and crc32(data) != crc:
            raise InvalidBagError(f'the chunk at {chunk.place} of {self._path.name} is damaged')
        return data

    def _content(self, place: int, length: int) -> bytes:
        self._file.seek(place)
        return self._file.read(length)

    def _require_small(self, num_bytes: int) -> None:
        if num_bytes > MAX_CHUNK_BYTES:
            raise InvalidBagError(f'{self._path.name} has chunks of {num_bytes} bytes to be '
                                  f'unpacked at once; {MAX_CHUNK_BYTES} are the limit')


def _records(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """Yield opcode, place and length of the content of whole records, up to one that is not."""
    start, end = file.tell(), file.seek(0, SEEK_END)
    while start + HEAD_BYTES <= end:
        file.seek(start)
        opcode, length = unpack('<BQ', file.read(HEAD_BYTES))
        start += HEAD_BYTES + length
        if start > end:
            return
        yield opcode, start - length, length


def _texts(content: bytes) -> list[str]:
    """Return the texts that follow one another, each after its length."""
    found, start = [], 0
    while start + 4 <= len(content):
        length, = unpack_from('<I', content, start)
        found.append(content[start + 4:start + 4 + length].decode(errors='replace'))
        start += 4 + length
    return found
