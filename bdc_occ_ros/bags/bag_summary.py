# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Summarize what is in a bag, and which dataset profile its topics fit."""

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.dataset_profiles import match_dataset
from bdc_occ_ros.errors import NoDatasetError


@dataclass(frozen=True)
class TopicSummary:
    """
    Summarize one topic of a bag.

    :param reliability: What its publisher offered, or unknown; so durability.
    """

    topic: str
    msgtype: str
    count: int
    reliability: str
    durability: str


@dataclass(frozen=True)
class BagContents:
    """
    Summarize a bag: its size, duration, topics and matching profile.

    :param start_ns: When its first message was recorded; 0 if it is empty.
    :param dataset: Profile that fits, for `dataset:=`; empty if none does.
    """

    path: str
    start_ns: int
    duration_s: float
    num_messages: int
    topics: tuple[TopicSummary, ...]
    dataset: str
    reason: str
    remarks: tuple[str, ...]

    def as_text(self) -> str:
        """Format the summary as text."""
        start = datetime.fromtimestamp(self.start_ns / 1e9, timezone.utc)
        width = max((len(topic.topic) for topic in self.topics), default=0)
        lines = [f'{self.path}: ' + (
            f'{self.num_messages} messages in {self.duration_s:.3f} s from '
            f'{start:%Y-%m-%d %H:%M:%S} UTC' if self.num_messages else 'empty')]
        lines += [f'  {t.topic:{width}} {t.count:7} {t.msgtype} ({t.reliability}, {t.durability})'
                  for t in self.topics]
        return '\n'.join([*lines, f'dataset: {self.dataset or "none"}: {self.reason}'])


def summarize_bag(path: str | Path) -> BagContents:
    """
    Read the summary of a bag.

    :param path: Folder, or storage file.
    :raises InvalidBagError: if it cannot be read.
    """
    with BagReader(path) as bag:
        topics, counts, profiles = [], bag.counts, bag.qos
        for topic, msgtype in sorted(bag.topics.items()):
            offered = profiles[topic]
            policies = ('unknown', 'unknown') if offered is None else (
                offered.reliability.name.lower(), offered.durability.name.lower())
            topics.append(TopicSummary(topic, msgtype, counts[topic], *policies))
        try:
            dataset, reason = match_dataset(bag.topics, bag.has_image_stamps)
        except NoDatasetError as error:
            dataset, reason = '', str(error)
        return BagContents(str(path), bag.start_ns, bag.duration_ns / 1e9,
                           counts.total(), tuple(topics), dataset, reason, tuple(bag.remarks))
