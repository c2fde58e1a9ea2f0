# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the synchronizer reports about the rig: numbers, a state, and the reasons in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bdc_occ_ros.sync.image_set import AddResult, Cause


class State(Enum):
    """Health of the rig as the synchronizer sees it."""

    OK = 'OK'
    DEGRADED = 'DEGRADED'
    STALLED = 'STALLED'


@dataclass(frozen=True)
class CameraStatistics:
    """
    What one camera delivered.

    :param num_images: Images since the start.
    :param num_missing: Sets closed without its image.
    :param num_out_of_order: Images older than one before.
    :param results: What became of its images.
    :param rate_hz: Recent rate of arrival; 0 if unknown.
    :param age_ns: Time since its last image on the steady clock; None before the first.
    :param offset_ns: Trigger offset in use; None if not known.
    :param offset_mean_ns: Exposure after the key camera, mean of recent sets; None before the
        first set.
    """

    num_images: int
    num_missing: int
    num_out_of_order: int
    results: Mapping[AddResult, int]
    rate_hz: float
    age_ns: int | None
    offset_ns: int | None
    offset_mean_ns: float | None
    offset_sigma_ns: float | None


@dataclass(frozen=True)
class SynchronizerStatistics:
    """
    What the synchronizer did since the start, and how it is.

    :param state: OK, DEGRADED (sets come, but something is not well) or STALLED (none come).
    :param reasons: Why it is not OK, in words; empty exactly when it is.
    :param epoch: Number of time jumps and resets.
    :param num_complete: Sets handed out with a new image of every camera.
    :param num_partial: Sets handed out with images missing.
    :param num_held: Sets handed out with a reused image, none missing.
    :param unformed: Sets not handed out, by cause.
    :param max_spread_ns: Largest deviation of trigger times within a recent set.
    :param num_undelivered: Sets that a consumer was too slow to take.
    :param num_consumer_errors: Sets at which the consumer raised.
    :param num_open: Sets that wait for images.
    :param uses_receive_time: Whether images are grouped by time of arrival.
    """

    state: State
    reasons: tuple[str, ...]
    epoch: int
    num_complete: int
    num_partial: int
    num_held: int
    unformed: Mapping[Cause, int]
    max_spread_ns: int
    cameras: Mapping[str, CameraStatistics]
    num_undelivered: int = 0
    num_consumer_errors: int = 0
    num_open: int = 0
    size_bytes: int = 0
    uses_receive_time: bool = False

    def with_reasons(self, reasons: Sequence[str]) -> 'SynchronizerStatistics':
        """
        Return these statistics with more reasons.

        :param reasons: Why the rig is not well; may be empty.
        """
        is_worse = bool(reasons) and self.state is State.OK
        return replace(self, reasons=(*self.reasons, *reasons),
                       state=State.DEGRADED if is_worse else self.state)
