# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the synchronizer hands out: sets of one image per camera, and why a set is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple


class AddResult(Enum):
    """What became of one image."""

    JOINED = 'joined a set'
    COMPLETED = 'completed a set'
    DUPLICATE = 'a repeated stamp'
    LATE = 'its set was closed'
    FUTURE = 'its stamp lies ahead of the clock'
    ZERO_STAMP = 'its stamp is zero'
    ASIDE = 'set aside until another camera confirms the time jump or the zero stamps'
    LEARNING = 'trigger offsets are not known yet'
    TOO_LARGE = 'larger than max_bytes'


class Cause(Enum):
    """Why a set was not handed out."""

    DEADLINE = 'images were missing at the deadline'
    SUPERSEDED = 'a newer set was complete first'
    RESET = 'time jumped or the synchronizer was reset'
    MEMORY = 'max_bytes was reached'
    GROUPS = 'max_groups was reached'
    ISOLATED = 'a lone camera stamped it far ahead of the others'
    SHIFTED = 'its images belong to two bursts'
    RATE = 'max_rate_hz skips it'


class SetEntry(NamedTuple):
    """
    One image of a set.

    :param payload: What was given to the synchronizer, untouched.
    :param stamp_ns: Time of exposure: the header's stamp, or the time on the node's clock when
        the image came in where stamps are not usable.
    :param receive_ns: When it came in, on the steady clock.
    :param held: Whether it is an image of an earlier set, reused.
    :param ref_ns: Trigger time that the stamp says.
    :param size_bytes: Size of the payload.
    """

    payload: Any
    stamp_ns: int
    receive_ns: int
    held: bool
    ref_ns: int
    size_bytes: int


@dataclass(frozen=True, eq=False)
class ImageSet:
    """
    Images of one trigger.

    :param epoch: Counts the time jumps; sets of different epochs have nothing in common.
    :param ref_ns: Trigger time; strictly increasing within an epoch.
    :param key_stamp_ns: Exposure of the key camera; computed where its image is missing.
    :param entries: Image by camera name, in the configured order.
    :param missing: Cameras without an image.
    """

    epoch: int
    ref_ns: int
    key_stamp_ns: int
    entries: Mapping[str, SetEntry]
    missing: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every camera contributes an image of this very trigger."""
        return not self.missing and not any(entry.held for entry in self.entries.values())

    @property
    def spread_ns(self) -> int:
        """Largest difference of trigger times, after offsets."""
        refs = [entry.ref_ns for entry in self.entries.values() if not entry.held]
        return max(refs) - min(refs)


@dataclass(frozen=True, eq=False)
class UnformedSet:
    """
    A trigger that no set was handed out for.

    :param epoch: Epoch that it belongs to.
    :param ref_ns: Trigger time that its first image says.
    :param entries: Image by camera name, of those that had come.
    :param missing: Cameras whose image had not.
    """

    epoch: int
    ref_ns: int
    cause: Cause
    entries: Mapping[str, SetEntry]
    missing: tuple[str, ...]
