# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write a new bag: topics with their quality of service, messages in order."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import sqlite3
from types import TracebackType
from typing import Any, Literal

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer

from bdc_occ_ros.bags.messages import message_types
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import writing

VERSION_OF_HUMBLE = 8
STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
Storage = Literal['mcap', 'sqlite3']


def qos(depth: int, durability: QosDurability = QosDurability.VOLATILE,
        reliability: QosReliability = QosReliability.RELIABLE) -> Qos:
    """Return a keep-last profile in the terms of a bag."""
    unlimited = QosTime(9223372036, 854775807)
    return Qos(QosHistory.KEEP_LAST, depth, reliability, durability, unlimited, unlimited,
               QosLiveliness.AUTOMATIC, unlimited, False)


def require_new(path: Path) -> None:
    """
    Refuse to write over what is there.

    :raises UsageError: if there is something of that name.
    """
    if os.path.exists(path):
        raise UsageError(f'{path} exists already; choose another name or remove it')


class BagFile:
    """
    Write a new bag that Humble and later read; use it in a with statement.

    :param storage: Format of the file in it.
    :raises UsageError: if the folder exists already, and on entering if it cannot be made.
    """

    def __init__(self, path: str | Path, storage: Storage = 'mcap') -> None:
        self.path = Path(path)
        require_new(self.path)
        self._writer = Writer(self.path, version=VERSION_OF_HUMBLE,
                              storage_plugin=STORAGES[storage])
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> 'BagFile':
        with writing(self.path, UsageError):
            self._writer.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._writer.storage is not None:
            with _disk_errors():
                self._writer.__exit__(kind, error, trace)

    def close(self) -> None:
        """Write what a whole bag ends with."""
        self.__exit__(None, None, None)

    def flush(self) -> None:
        """Bring an MCAP file to the disk, so that it can be read however the program ends."""
        storage = self._writer.storage
        if storage.chunk.bio.tell():
            storage.close_chunk()
            storage.bio.flush()
            os.fsync(storage.bio.fileno())

    def connect(self, topic: str, msgtype: str, profile: Qos | None) -> None:
        """
        Announce a topic.

        :param profile: What its publisher offered; None leaves that out of the bag.
        """
        self._connections[topic] = self._writer.add_connection(
            topic, msgtype, typestore=message_types(),
            offered_qos_profiles=[] if profile is None else [profile])

    def write(self, topic: str, stamp_ns: int, message: Any) -> None:
        """
        Write a message.

        :param stamp_ns: When it was recorded.
        """
        msgtype = self._connections[topic].msgtype
        self.write_bytes(topic, stamp_ns, message_types().serialize_cdr(message, msgtype))

    def write_bytes(self, topic: str, stamp_ns: int, data: bytes | memoryview) -> None:
        """
        Write a message as it went over the wire.

        :param stamp_ns: When it was recorded.
        :param data: The message in CDR.
        """
        with _disk_errors():
            self._writer.write(self._connections[topic], stamp_ns, data)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Raise what SQLite says of a disk as everybody else does."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise OSError(str(error)) from error
