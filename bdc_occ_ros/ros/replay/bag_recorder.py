# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Record topics into a bag, the bytes as they came over the wire."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rosbags.interfaces import QosDurability
from vision_msgs.msg import LabelInfo

from bdc_occ_ros.bags.bag_file import BagFile, qos
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import writing
from bdc_occ_ros.ros.outputs import LABEL_TOPICS, LATCHED, OUTPUTS
from bdc_occ_ros.ros.replay.bag_topics import message_class, rclpy_qos
from bdc_occ_ros.ros.spun_node import spun_node

DEPTH = 50
DISCOVERY_S = 5.0
POLL_S = 0.1
FLUSH_S = 1.0


@contextmanager
def recording(node: Node, path: str | Path, topics: Mapping[str, type], clock: Callable[[], int],
              latched: Collection[str] = (), on_failure: Callable[[], None] = lambda: None
              ) -> Iterator[dict[str, int]]:
    """
    Record into a new bag while the block lasts, and yield the number of messages by topic.

    However the program ends, all but the last second can be read.

    :param node: Node that subscribes; its executor records.
    :param topics: Message class by topic.
    :param clock: Returns the stamp of what is received now, nanoseconds.
    :param latched: Topics whose publishers keep the last message for late subscribers.
    :param on_failure: Is called when nothing more can be written.
    :raises UsageError: if the folder exists already, or at the end if not all could be written.
    """
    counts, failures = dict.fromkeys(topics, 0), []
    subscriptions = []

    def attempt(act: Callable[..., None], *values: Any) -> None:
        if failures:
            return
        try:
            act(*values)
        except OSError as failure:
            failures.append(failure)
            on_failure()

    def write(topic: str, data: bytes) -> None:
        file.write_bytes(topic, clock(), data)
        counts[topic] += 1

    with BagFile(path) as file:
        for topic, kind in topics.items():
            profile = qos(DEPTH, QosDurability.TRANSIENT_LOCAL if topic in latched
                          else QosDurability.VOLATILE)
            file.connect(topic, f'{kind.__module__.partition(".")[0]}/msg/{kind.__name__}',
                         profile)
            subscriptions.append(node.create_subscription(
                kind, topic, partial(attempt, write, topic), rclpy_qos(profile), raw=True))
        timer = node.create_timer(FLUSH_S, partial(attempt, file.flush),
                                  clock=Clock(clock_type=ClockType.STEADY_TIME))
        try:
            yield counts
        finally:
            node.destroy_timer(timer)
            for subscription in subscriptions:
                node.destroy_subscription(subscription)
        attempt(file.close)
        for failure in failures:
            with writing(path, UsageError, 'what came before can be read'):
                raise failure


def record_topics(path: str | Path, *, namespace: str = '',
                  topics: Collection[str] | None = None, seconds: float | None = None
                  ) -> Mapping[str, int]:
    """
    Record into a new bag until time is up or interrupted.

    :param namespace: That of the node, for its outputs.
    :param topics: These instead of the node's outputs; each must be published.
    :param seconds: How long; until interrupted if None.
    :return: Number of messages by topic.
    :raises UsageError: if the folder exists, a topic is not published, or the disk is full.
    """
    with spun_node('bag_recorder') as node:
        if topics is None:
            kinds, latched = _outputs(namespace.strip('/'))
        else:
            kinds, latched = _published(node, topics), ()
        ended = Event()
        with recording(node, path, kinds, time.time_ns, latched, ended.set) as counts:
            with suppress(KeyboardInterrupt):
                ended.wait(seconds)
        return counts


def _outputs(namespace: str) -> tuple[dict[str, type], set[str]]:
    """Return the node's outputs by topic, and which of them are latched."""
    prefix = f'/{namespace}/' if namespace else '/'
    kinds = {f'{prefix}{output.topic}': output.kind for output in OUTPUTS}
    latched = {f'{prefix}{output.topic}' for output in OUTPUTS if output.qos is LATCHED}
    labels = {f'{prefix}{topic}': LabelInfo for topic in LABEL_TOPICS}
    return kinds | labels | {'/diagnostics': DiagnosticArray}, latched | set(labels)


def _published(node: Node, topics: Collection[str]) -> dict[str, type]:
    """Return the message class of every topic, once all are published."""
    wanted = {f'/{topic.lstrip("/")}' for topic in topics}
    deadline_s = time.monotonic() + DISCOVERY_S
    while True:
        known = dict(node.get_topic_names_and_types())
        missing = sorted(wanted - known.keys())
        if not missing:
            return {topic: message_class(known[topic][0]) for topic in sorted(wanted)}
        if time.monotonic() > deadline_s:
            raise UsageError(f'nobody publishes {missing}; there are {sorted(known)}')
        time.sleep(POLL_S)
