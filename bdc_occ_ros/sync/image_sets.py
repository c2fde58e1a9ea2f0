# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Assemble images into sets, and close sets: complete, at the deadline, or for lack of room."""

from bisect import insort
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from operator import attrgetter
from typing import Any, NamedTuple

from bdc_occ_ros.sync.burst_model import BurstModel
from bdc_occ_ros.sync.config import SynchronizerConfig
from bdc_occ_ros.sync.stamp_checks import JUMP_NS, live_cameras
from bdc_occ_ros.sync.trigger_offsets import TriggerOffsets

NUM_REMEMBERED = 32


class AddResult(Enum):
    """Enumerate what can become of an image."""

    JOINED = 'joined a set'
    COMPLETED = 'completed a set'
    DUPLICATE = 'a repeated stamp'
    LATE = 'its set was closed'
    FUTURE = 'its stamp lies ahead of the clock'
    ZERO_STAMP = 'its stamp is zero'
    ASIDE = 'set aside until another camera confirms the time jump or the zero stamps'
    LEARNING = 'trigger offsets are not known yet'
    TOO_LARGE = 'larger than max_bytes'


class DropReason(Enum):
    """Enumerate the reasons why a trigger gives no set."""

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
    Hold one image of a set.

    :param payload: What was given to the synchronizer, untouched.
    :param stamp_ns: Time of exposure: the header's stamp, or the time on the node's clock when
        the image came in where stamps are not usable.
    :param receive_ns: When it came in, on the steady clock.
    :param held: Whether it is an image of an earlier set, reused.
    :param ref_ns: Trigger time that the stamp says.
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
    Hold the images of one trigger.

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
        """Return whether every camera contributes an image of this very trigger."""
        return not self.missing and not any(entry.held for entry in self.entries.values())

    @property
    def spread_ns(self) -> int:
        """Return the largest difference of trigger times, after offsets."""
        refs = [entry.ref_ns for entry in self.entries.values() if not entry.held]
        return max(refs) - min(refs)


class DroppedSet(NamedTuple):
    """
    Describe a trigger that gives no set.

    :param entries: Image by camera name, of those that had come.
    :param missing: Cameras whose image had not.
    """

    reason: DropReason
    entries: Mapping[str, SetEntry]
    missing: tuple[str, ...]


@dataclass(eq=False, slots=True)
class ImageGroup:
    """
    Gather the images of one trigger that have come so far.

    :param ref_ns: Trigger time that the first image says.
    :param opened_ns: When that image came, on the node's clock.
    """

    ref_ns: int
    opened_ns: int
    entries: dict[str, SetEntry] = field(default_factory=dict)

    @property
    def refs_ns(self) -> dict[str, int]:
        """Return the trigger time that every image says, by camera."""
        return {camera: entry.ref_ns for camera, entry in self.entries.items()}


class SetAssembly:
    """
    Assemble groups of images into sets, and keep the sets until they are taken.

    :param config: May be replaced by one for the same cameras and mode.
    :param offsets: Follow what complete sets show.
    :param arrivals_ns: Times of recent images by camera, on the steady clock.
    """

    def __init__(self, config: SynchronizerConfig, offsets: TriggerOffsets,
                 arrivals_ns: Mapping[str, Sequence[int]]) -> None:
        self.config = config
        self._offsets = offsets
        self._arrivals_ns = arrivals_ns
        self._open: list[ImageGroup] = []
        self._finished: list[ImageSet | DroppedSet] = []
        self.begin_epoch(0, is_windowed=False)

    def begin_epoch(self, epoch: int, is_windowed: bool) -> None:
        """
        Drop all groups and start from nothing.

        :param is_windowed: Whether images are grouped by bursts from now on.
        """
        for group in [*self._open]:
            self._drop(group, DropReason.RESET)
        self._epoch = epoch
        self._bursts = BurstModel() if is_windowed else None
        self._closed: deque[tuple[int, frozenset[str]]] = deque(maxlen=NUM_REMEMBERED)
        self._previous: dict[str, SetEntry] = {}
        self._limit_hz, self._due_ns = self.config.max_rate_hz, None
        self.last_ref_ns: int | None = None

    @property
    def num_open(self) -> int:
        """Return the number of groups that wait."""
        return len(self._open)

    @property
    def size_bytes(self) -> int:
        """Return the payload that waits or may replace a missing image."""
        return (sum(e.size_bytes for group in self._open for e in group.entries.values())
                + sum(e.size_bytes for e in self._previous.values()))

    def take_finished(self) -> list[ImageSet | DroppedSet]:
        """Return the sets, and the triggers without one, since the last call, oldest first."""
        finished, self._finished = self._finished, []
        return finished

    def place(self, camera: str, entry: SetEntry, now_ns: int) -> AddResult:
        """
        Put an image into its group, opening one if need be, and finish the set it completes.

        :param now_ns: Time on the node's clock.
        """
        group = self._find(camera, entry.ref_ns)
        if group is None and self._is_late(camera, entry.ref_ns):
            return AddResult.LATE
        if not self._make_room(entry.size_bytes, group):
            return AddResult.TOO_LARGE
        if group is None:
            if self.num_open >= self.config.max_groups:
                self._drop(self._open[0], DropReason.GROUPS)
            group = ImageGroup(entry.ref_ns, now_ns)
            insort(self._open, group, key=attrgetter('ref_ns'))
        group.entries[camera] = entry
        if len(group.entries) < len(self.config.cameras) or self._is_shifted(group):
            return AddResult.JOINED
        if self._bursts is not None:
            self._bursts.learn(group.refs_ns)
        else:
            self._offsets.follow({name: e.stamp_ns for name, e in group.entries.items()})
        self._finish(group, entry.receive_ns)
        return AddResult.COMPLETED

    @property
    def _reach_ns(self) -> int:
        """Return the largest distance of an image from the trigger time of its group."""
        return self.config.tolerance_ns if self._bursts is None else self.config.window_ns

    def _find(self, camera: str, ref_ns: int) -> ImageGroup | None:
        """
        Return the open group that lacks this camera's image of this time, if there is one.

        That is the nearest in reach; of bursts the oldest in reach that the image fits into.
        """
        best, best_distance_ns = None, self._reach_ns
        for group in self._open:
            distance_ns = abs(ref_ns - group.ref_ns)
            if distance_ns <= best_distance_ns and camera not in group.entries:
                if self._bursts is None:
                    best, best_distance_ns = group, distance_ns
                elif self._bursts.fits(camera, ref_ns, group.refs_ns):
                    return group
        return best

    def _is_late(self, camera: str, ref_ns: int) -> bool:
        """Tell whether a newer set was handed out, or a group waited for this image in vain."""
        is_behind = self.last_ref_ns is not None and ref_ns <= self.last_ref_ns
        return is_behind or any(
            abs(ref_ns - closed_ns) <= self._reach_ns and camera not in present
            for closed_ns, present in self._closed)

    def _make_room(self, size_bytes: int, keep: ImageGroup | None) -> bool:
        """Close the oldest groups until an image fits; tell whether it does."""
        while self.size_bytes + size_bytes > self.config.max_bytes:
            oldest = next((group for group in self._open if group is not keep), None)
            if oldest is not None:
                self._drop(oldest, DropReason.MEMORY)
            elif self._previous:
                self._previous.clear()
            else:
                return False
        return True

    def _is_shifted(self, group: ImageGroup) -> bool:
        """Move images of the burst before out of a full group; tell whether there were any."""
        leftovers = self._bursts.leftovers(group.refs_ns) if self._bursts else frozenset()
        if leftovers:
            self._report({camera: group.entries.pop(camera) for camera in leftovers},
                         DropReason.SHIFTED)
            group.ref_ns = min(group.refs_ns.values())
            self._open.sort(key=attrgetter('ref_ns'))
        return bool(leftovers)

    def close_expired(self, now_ns: int, steady_ns: int) -> None:
        """
        Close the groups whose deadline has passed, as the policy says.

        :param now_ns: Time on the node's clock.
        :param steady_ns: Time on the steady clock.
        """
        for group in [*self._open]:
            group.opened_ns = min(group.opened_ns, now_ns)
            is_expired = now_ns - group.opened_ns >= self.config.deadline_ns
            if is_expired and group in self._open:
                self._close_incomplete(group, DropReason.DEADLINE, steady_ns)

    def _close_incomplete(self, group: ImageGroup, reason: DropReason, steady_ns: int) -> None:
        is_wanted = (self.config.missing_policy != 'drop'
                     and len(group.entries) >= self.config.min_cameras)
        if is_wanted and self._is_isolated(group, steady_ns):
            self._drop(group, DropReason.ISOLATED)
        elif is_wanted:
            self._finish(group, steady_ns)
        else:
            self._drop(group, reason)

    def _is_isolated(self, group: ImageGroup, steady_ns: int) -> bool:
        """Tell whether too few cameras claim a time that would shut out all others."""
        if self.last_ref_ns is None or group.ref_ns <= self.last_ref_ns + JUMP_NS:
            return False
        num_live = len(live_cameras(self._arrivals_ns, steady_ns))
        return len(group.entries) < min(self.config.quorum, num_live)

    def _finish(self, group: ImageGroup, steady_ns: int) -> None:
        """Make a set of a group after closing the older ones, unless the rate limit skips it."""
        for older in [g for g in self._open if g.ref_ns < group.ref_ns]:
            if older in self._open:
                self._close_incomplete(older, DropReason.SUPERSEDED, steady_ns)
        self._close(group)
        self.last_ref_ns = group.ref_ns
        if self._exceeds_rate(group.ref_ns):
            self._report(group.entries, DropReason.RATE)
        else:
            entries = {name: entry for name in self.config.cameras
                       if (entry := group.entries.get(name) or self._held(name, group.ref_ns))}
            missing = tuple(name for name in self.config.cameras if name not in entries)
            self._finished.append(ImageSet(self._epoch, group.ref_ns, self._key_stamp_ns(group),
                                           entries, missing))
        self._keep(group)

    def _exceeds_rate(self, ref_ns: int) -> bool:
        """
        Tell whether a set must be skipped; one that need not be is counted.

        The limit is met on average, also when triggers are unevenly spaced: a set that comes
        late leaves up to one interval of credit to the next.
        """
        if self._limit_hz != self.config.max_rate_hz:
            self._limit_hz, self._due_ns = self.config.max_rate_hz, None
        if not self._limit_hz:
            return False
        interval_ns = round(1e9 / self._limit_hz)
        due_ns = ref_ns if self._due_ns is None else self._due_ns
        if ref_ns < due_ns:
            return True
        self._due_ns = max(due_ns, ref_ns - interval_ns) + interval_ns
        return False

    def _drop(self, group: ImageGroup, reason: DropReason) -> None:
        self._close(group)
        self._report(group.entries, reason)
        self._keep(group)

    def _close(self, group: ImageGroup) -> None:
        self._open.remove(group)
        self._closed.append((group.ref_ns, frozenset(group.entries)))

    def _report(self, entries: Mapping[str, SetEntry], reason: DropReason) -> None:
        missing = tuple(name for name in self.config.cameras if name not in entries)
        self._finished.append(DroppedSet(reason, entries, missing))

    def _keep(self, group: ImageGroup) -> None:
        """Remember a closed group's images for sets that will lack one."""
        if self.config.missing_policy == 'hold':
            for name, entry in group.entries.items():
                previous = self._previous.get(name)
                if previous is None or previous.ref_ns < entry.ref_ns:
                    self._previous[name] = entry._replace(held=True)

    def _held(self, camera: str, ref_ns: int) -> SetEntry | None:
        """Return the camera's previous image if it may replace a missing one."""
        entry = self._previous.get(camera)
        if entry and 0 < ref_ns - entry.ref_ns <= self.config.hold_max_age_ns:
            return entry
        return None

    def _key_stamp_ns(self, group: ImageGroup) -> int:
        key = self.config.key_camera
        if key in group.entries:
            return group.entries[key].stamp_ns
        if self._bursts is not None:
            return min(entry.stamp_ns for entry in group.entries.values())
        return group.ref_ns + (self._offsets.get(key) or 0)
