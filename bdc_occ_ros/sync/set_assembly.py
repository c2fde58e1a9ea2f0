# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Puts images into groups and closes groups: complete, at the deadline, or for lack of room."""

from collections.abc import Callable
from typing import NamedTuple

from bdc_occ_ros.sync.burst_model import BurstModel
from bdc_occ_ros.sync.image_groups import ImageGroup, ImageGroups
from bdc_occ_ros.sync.image_set import AddResult, Cause, ImageSet, SetEntry, UnformedSet
from bdc_occ_ros.sync.rate_limit import RateLimit
from bdc_occ_ros.sync.stamp_checks import JUMP_NS
from bdc_occ_ros.sync.synchronizer_config import SynchronizerConfig
from bdc_occ_ros.sync.trigger_offsets import TriggerOffsets


class Surroundings(NamedTuple):
    """
    What an assembly uses of its synchronizer.

    :param num_live: How many cameras deliver at present.
    :param emit: Takes every set and every trigger without one.
    """

    offsets: TriggerOffsets
    num_live: Callable[[], int]
    emit: Callable[[ImageSet | UnformedSet], None]


class SetAssembly:
    """
    The sets of one epoch.

    :param epoch: Number of the epoch.
    :param is_windowed: Whether images are grouped by bursts.
    """

    def __init__(self, config: SynchronizerConfig, epoch: int, is_windowed: bool,
                 surroundings: Surroundings) -> None:
        self._config = config
        self._epoch = epoch
        self._offsets, self._num_live, self._emit = surroundings
        self._bursts = BurstModel() if is_windowed else None
        reach_ns = config.window_ns if is_windowed else config.tolerance_ns
        self._groups = ImageGroups(reach_ns, self._bursts)
        self._rate = RateLimit(config.max_rate_hz)
        self._previous: dict[str, SetEntry] = {}
        self.last_ref_ns: int | None = None

    def reconfigure(self, config: SynchronizerConfig) -> None:
        """
        Take over other limits and another policy.

        :param config: Settings for the same cameras and mode.
        """
        if config.max_rate_hz != self._config.max_rate_hz:
            self._rate = RateLimit(config.max_rate_hz)
        self._groups.reach_ns = config.window_ns if self._bursts else config.tolerance_ns
        self._config = config

    @property
    def num_open(self) -> int:
        """Number of groups that wait."""
        return len(self._groups.open)

    @property
    def size_bytes(self) -> int:
        """Payload that waits or may stand in for a missing image."""
        return self._groups.size_bytes + sum(e.size_bytes for e in self._previous.values())

    def place(self, camera: str, entry: SetEntry, now_ns: int) -> AddResult:
        """
        Put an image into its group, opening one if need be, and hand out what it completes.

        :param now_ns: Time on the node's clock.
        """
        group = self._groups.find(camera, entry.ref_ns)
        if group is None and self._is_late(camera, entry.ref_ns):
            return AddResult.LATE
        if not self._make_room(entry.size_bytes, group):
            return AddResult.TOO_LARGE
        if group is None:
            if self.num_open >= self._config.max_groups:
                self._drop(self._groups.open[0], Cause.GROUPS)
            group = self._groups.start(entry.ref_ns, now_ns)
        self._groups.join(group, camera, entry)
        if len(group.entries) < len(self._config.cameras) or self._is_shifted(group):
            return AddResult.JOINED
        self._learn(group)
        self._hand_out(group)
        return AddResult.COMPLETED

    def _is_late(self, camera: str, ref_ns: int) -> bool:
        is_behind = self.last_ref_ns is not None and ref_ns <= self.last_ref_ns
        return is_behind or self._groups.was_closed_without(camera, ref_ns)

    def _make_room(self, size_bytes: int, keep: ImageGroup | None) -> bool:
        """Close the oldest groups until an image fits; tell whether it does."""
        while self.size_bytes + size_bytes > self._config.max_bytes:
            oldest = next((group for group in self._groups.open if group is not keep), None)
            if oldest is not None:
                self._drop(oldest, Cause.MEMORY)
            elif self._previous:
                self._previous.clear()
            else:
                return False
        return True

    def _is_shifted(self, group: ImageGroup) -> bool:
        """Move images of the burst before out of a full group; tell whether there were any."""
        leftovers = self._bursts.leftovers(group.entries) if self._bursts else frozenset()
        if leftovers:
            self._report(self._groups.split(group, leftovers), Cause.SHIFTED)
        return bool(leftovers)

    def _learn(self, group: ImageGroup) -> None:
        """Let bursts or offsets follow what a complete group shows."""
        if self._bursts is not None:
            self._bursts.learn(group.entries)
        else:
            self._offsets.follow({name: e.stamp_ns for name, e in group.entries.items()})

    def close_expired(self, now_ns: int) -> None:
        """
        Close the groups whose deadline has passed, as the policy says.

        :param now_ns: Time on the node's clock.
        """
        for group in [*self._groups.open]:
            group.opened_ns = min(group.opened_ns, now_ns)
            is_expired = now_ns - group.opened_ns >= self._config.deadline_ns
            if is_expired and group in self._groups.open:
                self._close_incomplete(group, Cause.DEADLINE)

    def flush(self) -> None:
        """Drop all groups, because time jumped."""
        for group in [*self._groups.open]:
            self._drop(group, Cause.RESET)

    def _close_incomplete(self, group: ImageGroup, cause: Cause) -> None:
        is_wanted = (self._config.missing_policy != 'drop'
                     and len(group.entries) >= self._config.min_cameras)
        if is_wanted and self._is_isolated(group):
            self._drop(group, Cause.ISOLATED)
        elif is_wanted:
            self._hand_out(group)
        else:
            self._drop(group, cause)

    def _is_isolated(self, group: ImageGroup) -> bool:
        """Tell whether too few cameras claim a time that would shut out all others."""
        if self.last_ref_ns is None or group.ref_ns <= self.last_ref_ns + JUMP_NS:
            return False
        return len(group.entries) < min(self._config.quorum, self._num_live())

    def _hand_out(self, group: ImageGroup) -> None:
        """Hand a group out after closing the older ones, unless the rate limit skips it."""
        for older in [g for g in self._groups.open if g.ref_ns < group.ref_ns]:
            if older in self._groups.open:
                self._close_incomplete(older, Cause.SUPERSEDED)
        self._groups.close(group)
        self.last_ref_ns = group.ref_ns
        if self._rate.is_exceeded(group.ref_ns):
            self._report(group, Cause.RATE)
        else:
            self._emit(self._image_set(group))
        self._keep(group)

    def _drop(self, group: ImageGroup, cause: Cause) -> None:
        self._groups.close(group)
        self._report(group, cause)
        self._keep(group)

    def _report(self, group: ImageGroup, cause: Cause) -> None:
        missing = tuple(name for name in self._config.cameras if name not in group.entries)
        self._emit(UnformedSet(self._epoch, group.ref_ns, cause, group.entries, missing))

    def _image_set(self, group: ImageGroup) -> ImageSet:
        entries = {name: entry for name in self._config.cameras
                   if (entry := group.entries.get(name) or self._held(name, group.ref_ns))}
        missing = tuple(name for name in self._config.cameras if name not in entries)
        return ImageSet(self._epoch, group.ref_ns, self._key_stamp_ns(group), entries, missing)

    def _keep(self, group: ImageGroup) -> None:
        """Remember a closed group's images for sets that will lack one."""
        if self._config.missing_policy == 'hold':
            for name, entry in group.entries.items():
                previous = self._previous.get(name)
                if previous is None or previous.ref_ns < entry.ref_ns:
                    self._previous[name] = entry._replace(held=True)

    def _held(self, camera: str, ref_ns: int) -> SetEntry | None:
        """Return the camera's previous image if it may stand in."""
        entry = self._previous.get(camera)
        if entry and 0 < ref_ns - entry.ref_ns <= self._config.hold_max_age_ns:
            return entry
        return None

    def _key_stamp_ns(self, group: ImageGroup) -> int:
        key = self._config.key_camera
        if key in group.entries:
            return group.entries[key].stamp_ns
        if self._bursts is not None:
            return min(entry.stamp_ns for entry in group.entries.values())
        return group.ref_ns + (self._offsets.get(key) or 0)
