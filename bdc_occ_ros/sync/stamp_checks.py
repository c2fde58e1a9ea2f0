# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Check stamps: repeated, ahead of the clock, or back by more than a second.

One wrong stamp must not move the whole rig, so what would move it is set aside until a second
camera says the same; then nothing that was set aside is lost.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

JUMP_NS = 1_000_000_000
SILENT_NS = 1_000_000_000
NUM_REMEMBERED = 32
NUM_ALONE = 3


class Arrival(NamedTuple):
    """Hold one image as it was given to the synchronizer, and when on the steady clock."""

    camera: str
    stamp_ns: int
    payload: Any
    size_bytes: int
    receive_ns: int


class QuorumFilter:
    """
    Hold images back until a quorum of cameras confirms what they claim.

    :param quorum: How many cameras must claim the same, within a second.
    """

    def __init__(self, quorum: int) -> None:
        self._quorum = quorum
        self._images: dict[str, deque[Arrival]] = {}

    def add(self, image: Arrival, is_alone: bool) -> list[Arrival]:
        """
        Hold an image back.

        :param is_alone: Whether no other camera is live; then three in a row confirm themselves.
        :return: All images that share the claim, in order, once it is confirmed; none before.
        """
        self._images.setdefault(image.camera, deque(maxlen=NUM_ALONE)).append(image)
        agreeing = [other for images in self._images.values() for other in images
                    if abs(other.stamp_ns - image.stamp_ns) <= JUMP_NS]
        cameras = {other.camera for other in agreeing}
        if len(cameras) >= self._quorum or (is_alone and len(agreeing) >= NUM_ALONE):
            self._images.clear()
            return sorted(agreeing, key=lambda other: other.receive_ns)
        return []

    def forget(self, camera: str) -> None:
        """Drop the claims of a camera that has returned to normal."""
        if self._images:
            self._images.pop(camera, None)

class StampHistory:
    """Keep the recent stamps of one camera."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=NUM_REMEMBERED)
        self._newest_ns = 0

    def is_repeated(self, stamp_ns: int) -> bool:
        """Tell whether the camera has used this stamp before."""
        return stamp_ns in self._recent

    def append(self, stamp_ns: int) -> bool:
        """Remember a stamp and tell whether it precedes an earlier one."""
        self._recent.append(stamp_ns)
        is_behind = stamp_ns < self._newest_ns
        self._newest_ns = max(self._newest_ns, stamp_ns)
        return is_behind


def live_cameras(arrivals_ns: Mapping[str, Sequence[int]], now_ns: int) -> list[str]:
    """
    Return the cameras that have delivered within a second.

    :param arrivals_ns: Times of recent images by camera, on the steady clock as now_ns.
    """
    return [camera for camera, times in arrivals_ns.items()
            if times and now_ns - times[-1] < SILENT_NS]
