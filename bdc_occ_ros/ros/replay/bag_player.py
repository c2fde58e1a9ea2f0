# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Play a bag as it was recorded: same bytes, same gaps, same quality of service."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
import logging
from pathlib import Path
import time

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rosgraph_msgs.msg import Clock

from bdc_occ_ros.bags.bag_reader import BagMessage, BagReader
from bdc_occ_ros.errors import InvalidBagError, MissingDependencyError, UsageError
from bdc_occ_ros.ros.replay.bag_topics import message_class, rclpy_qos
from bdc_occ_ros.ros.spun_node import spun_node

CLOCK_TOPIC = '/clock'
CLOCK_PERIOD_NS = 10_000_000
FAREWELL_S = 0.2
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Playback:
    """
    Report how a bag was played.

    :param lateness_ms: How long after its time a message was published: p50, p95, p99
        and largest.
    """

    num_messages: int
    duration_s: float
    lateness_ms: tuple[float, float, float, float]


class BagPlayer:
    """
    Publish the topics of a bag.

    :param topics: Only these; all if None.
    :param rate: Speed, 1 is that of the recording.
    :param has_clock: Whether to publish /clock, a hundred times a second.
    :raises InvalidBagError: if the bag cannot be read.
    :raises MissingDependencyError: if the message type of a chosen topic is not installed; without
        a choice the topic is skipped.
    :raises UsageError: if a topic is not in the bag or the rate is not positive.
    """

    def __init__(self, node: Node, path: str | Path, *, topics: Collection[str] | None = None,
                 rate: float = 1.0, has_clock: bool = False) -> None:
        if not rate > 0:
            raise UsageError(f'a rate above 0 is needed; got {rate}')
        self._path, self._rate = Path(path), rate
        with BagReader(path) as bag:
            self.start_ns, self.duration_ns = bag.start_ns, bag.duration_ns
            known, profiles, counts = bag.topics, bag.qos, bag.counts
        missing = sorted(set(topics or ()) - set(known))
        if missing:
            raise UsageError(f'{path} has no topics {missing}; it has {sorted(known)}')
        classes = _classes(known if topics is None else {topic: known[topic] for topic in topics},
                           is_required=topics is not None)
        chosen = classes.keys() - ({CLOCK_TOPIC} if has_clock else set())
        qos = {topic: rclpy_qos(profiles[topic], topic, counts[topic]) for topic in chosen}
        self._latched = {topic for topic, profile in qos.items()
                         if profile.durability is DurabilityPolicy.TRANSIENT_LOCAL}
        self._publishers = {topic: node.create_publisher(classes[topic], topic, qos[topic])
                            for topic in sorted(chosen)}
        self.counts = {topic: counts[topic] for topic in chosen}
        self._clock = None
        if has_clock:
            self._clock = node.create_publisher(Clock, CLOCK_TOPIC, QoSProfile(depth=1))
        self._next_tick_ns = time.monotonic_ns()
        self._origin_ns: int | None = None
        self._start_ns = self.start_ns
        self._lateness_ns: list[int] = []

    def num_subscribers(self) -> dict[str, int]:
        """Return how many subscriptions every topic has."""
        return {topic: publisher.get_subscription_count()
                for topic, publisher in self._publishers.items()}

    def now_ns(self) -> int:
        """Return the time in the bag that is being played now; its start before that."""
        if self._origin_ns is None:
            return self._start_ns
        return self._start_ns + round((time.monotonic_ns() - self._origin_ns) * self._rate)

    def play(self, start_s: float = 0.0,
             on_published: Callable[[int], None] = lambda stamp_ns: None) -> Playback:
        """
        Publish everything once.

        Every message has a deadline on the steady clock that does not depend on the message
        before, so delays do not add up.

        :param start_s: Time to skip at the beginning; latched messages from before it, such as
            /tf_static, are published all the same.
        :param on_published: Called with the stamp of every message that was published.
        :raises UsageError: if the bag is shorter.
        :raises InvalidBagError: if the bag is damaged further on.
        """
        if not 0 <= start_s <= self.duration_ns / 1e9:
            raise UsageError(f'the start must lie in the bag, 0 to {self.duration_ns / 1e9:.3f} s;'
                             f' got {start_s}')
        self._start_ns = self.start_ns + round(start_s * 1e9)
        messages = self.messages()
        first = list(islice(messages, 1))  # opens the file before the time counts
        self._next_tick_ns = self._origin_ns = time.monotonic_ns()
        self._lateness_ns = []
        for message in chain(first, messages):
            if message.stamp_ns >= self._start_ns:
                due_ns = self._due_ns(message.stamp_ns)
                self.wait_until(due_ns)
                self._lateness_ns.append(time.monotonic_ns() - due_ns)
            self.publish(message)
            on_published(message.stamp_ns)
        late_ms = np.array(self._lateness_ns or [0]) / 1e6
        return Playback(len(self._lateness_ns), (time.monotonic_ns() - self._origin_ns) / 1e9,
                        (*np.percentile(late_ms, (50, 95, 99)).tolist(), float(late_ms.max())))

    def linger(self, seconds: float) -> None:
        """
        Keep /clock running: at the start before playing, on from the last message after it.

        :param seconds: How long, by the steady clock.
        """
        self.wait_until(time.monotonic_ns() + round(seconds * 1e9))

    def wait_until(self, due_ns: int) -> None:
        """
        Sleep, and keep /clock running meanwhile.

        :param due_ns: When to return, steady clock.
        """
        while self._clock is not None and self._next_tick_ns <= due_ns:
            _sleep_until(self._next_tick_ns)
            self.tick(self.now_ns())
            self._next_tick_ns = max(self._next_tick_ns + CLOCK_PERIOD_NS, time.monotonic_ns())
        _sleep_until(due_ns)

    def messages(self) -> Iterator[BagMessage]:
        """Yield what is to be published, from the latched messages before the start on."""
        with BagReader(self._path) as bag:
            for message in bag.messages(set(self._publishers)):
                if message.stamp_ns >= self._start_ns or message.topic in self._latched:
                    yield message

    def publish(self, message: BagMessage) -> None:
        """Publish a message at once."""
        self._publishers[message.topic].publish(message.data)

    def tick(self, now_ns: int) -> None:
        """Publish a time on /clock."""
        stamp = Clock()
        stamp.clock.sec, stamp.clock.nanosec = divmod(now_ns, 10**9)
        self._clock.publish(stamp)

    def _due_ns(self, stamp_ns: int) -> int:
        return self._origin_ns + round((stamp_ns - self._start_ns) / self._rate)


def play_bag(path: str | Path, *, topics: Collection[str] | None = None, rate: float = 1.0,
             has_clock: bool = False, start_s: float = 0.0, is_loop: bool = False,
             delay_s: float = 0.0) -> Playback:
    """
    Play a bag from a process that does nothing else; a loop ends with an interrupt only.

    :param topics: Only these; all if None.
    :param rate: Speed, 1 is that of the recording.
    :param has_clock: Whether to publish /clock.
    :param start_s: Time to skip at the beginning.
    :param is_loop: Whether to start over at the end.
    :param delay_s: Time to wait for subscribers to appear, with /clock at the start.
    :raises BdcOccError: as BagPlayer and its play.
    """
    with spun_node('bag_player') as node:
        player = BagPlayer(node, path, topics=topics, rate=rate, has_clock=has_clock)
        player.linger(delay_s)
        playback = player.play(start_s)
        while is_loop:
            playback = player.play(start_s)
        player.linger(FAREWELL_S)
        return playback


def _classes(types: Mapping[str, str], *, is_required: bool) -> dict[str, type]:
    """Return the message class of every topic; one that is unknown is skipped or refused."""
    classes = {}
    for topic, msgtype in types.items():
        try:
            classes[topic] = message_class(msgtype)
        except (InvalidBagError, MissingDependencyError) as error:
            if is_required:
                raise
            _LOGGER.warning('%s is skipped: %s', topic, error)
    return classes


def _sleep_until(due_ns: int) -> None:
    """Sleep until a time of the steady clock."""
    remaining_ns = due_ns - time.monotonic_ns()
    if remaining_ns > 0:
        time.sleep(remaining_ns / 1e9)
