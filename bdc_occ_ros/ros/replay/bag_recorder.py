# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Records topics into a bag, the bytes as they came over the wire."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType

from rclpy.node import Node
from rosbags.interfaces import QosDurability

from bdc_occ_ros.bags.bag_file import BagFile, qos
from bdc_occ_ros.ros.replay.bag_topics import rclpy_qos

DEPTH = 50


class BagRecorder:
    """
    A bag that topics are recorded into; use it in a with statement.

    :param node: Node that subscribes; whoever spins it records.
    :param topics: Message class by topic.
    :param clock: Returns the stamp of what is received now, nanoseconds.
    :param latched: Topics whose publishers keep the last message for late subscribers.
    :raises UsageError: if the folder exists already.
    """

    def __init__(self, node: Node, path: str | Path, topics: Mapping[str, type],
                 clock: Callable[[], int], latched: Collection[str] = ()) -> None:
        self._file = BagFile(path)
        self._node, self._clock = node, clock
        self._topics, self._latched = dict(topics), frozenset(latched)
        self._subscriptions = []
        self.counts = dict.fromkeys(topics, 0)

    def __enter__(self) -> 'BagRecorder':
        self._file.__enter__()
        for topic, kind in self._topics.items():
            profile = qos(DEPTH, QosDurability.TRANSIENT_LOCAL if topic in self._latched
                          else QosDurability.VOLATILE)
            self._file.connect(
                topic, f'{kind.__module__.partition(".")[0]}/msg/{kind.__name__}', profile)
            self._subscriptions.append(self._node.create_subscription(
                kind, topic, partial(self._record, topic), rclpy_qos(profile, topic), raw=True))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._file.__exit__(kind, error, trace)

    def _record(self, topic: str, data: bytes) -> None:
        self._file.write_bytes(topic, self._clock(), data)
        self.counts[topic] += 1
