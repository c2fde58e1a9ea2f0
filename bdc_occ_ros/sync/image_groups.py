# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sets that wait for images, and a short memory of those that were closed."""

from bisect import insort
from collections import deque
from operator import attrgetter

from bdc_occ_ros.sync.burst_model import BurstModel
from bdc_occ_ros.sync.image_set import SetEntry

NUM_REMEMBERED = 32


class ImageGroup:
    """
    Images of one trigger that have come so far.

    :param ref_ns: Trigger time that the first image says.
    :param opened_ns: When that image came, on the node's clock.
    """

    __slots__ = ('ref_ns', 'opened_ns', 'entries', 'size_bytes')

    def __init__(self, ref_ns: int, opened_ns: int) -> None:
        self.ref_ns = ref_ns
        self.opened_ns = opened_ns
        self.entries: dict[str, SetEntry] = {}
        self.size_bytes = 0


class ImageGroups:
    """
    Open groups in the order of their trigger times.

    :param reach_ns: Largest distance of an image from the trigger time of its group.
    :param bursts: Where given, an image goes to the oldest group in reach that it fits into;
        otherwise to the nearest.
    """

    def __init__(self, reach_ns: int, bursts: BurstModel | None) -> None:
        self.reach_ns = reach_ns
        self.bursts = bursts
        self.open: list[ImageGroup] = []
        self.size_bytes = 0
        self._closed: deque[tuple[int, frozenset[str]]] = deque(maxlen=NUM_REMEMBERED)

    def find(self, camera: str, ref_ns: int) -> ImageGroup | None:
        """Return the open group that lacks this camera's image of this time, if there is one."""
        best, best_distance_ns = None, self.reach_ns
        for group in self.open:
            distance_ns = abs(ref_ns - group.ref_ns)
            if distance_ns <= best_distance_ns and camera not in group.entries:
                if self.bursts is None:
                    best, best_distance_ns = group, distance_ns
                elif self.bursts.fits(camera, ref_ns, group.entries):
                    return group
        return best

    def start(self, ref_ns: int, opened_ns: int) -> ImageGroup:
        """Open a group."""
        group = ImageGroup(ref_ns, opened_ns)
        insort(self.open, group, key=attrgetter('ref_ns'))
        return group

    def join(self, group: ImageGroup, camera: str, entry: SetEntry) -> None:
        """Put an image into its group."""
        group.entries[camera] = entry
        group.size_bytes += entry.size_bytes
        self.size_bytes += entry.size_bytes

    def close(self, group: ImageGroup) -> None:
        """Take a group out and remember who was in it."""
        self.open.remove(group)
        self.size_bytes -= group.size_bytes
        self._closed.append((group.ref_ns, frozenset(group.entries)))

    def was_closed_without(self, camera: str, ref_ns: int) -> bool:
        """Tell whether a closed group waited for this very image in vain."""
        return any(abs(ref_ns - closed_ns) <= self.reach_ns and camera not in present
                   for closed_ns, present in self._closed)

    def split(self, group: ImageGroup, cameras: frozenset[str]) -> ImageGroup:
        """Move images into a group of their own, which is not open, and return it."""
        removed = ImageGroup(group.ref_ns, group.opened_ns)
        for camera in cameras:
            entry = group.entries.pop(camera)
            removed.entries[camera] = entry
            group.size_bytes -= entry.size_bytes
            self.size_bytes -= entry.size_bytes
        group.ref_ns = min(entry.ref_ns for entry in group.entries.values())
        self.open.sort(key=attrgetter('ref_ns'))
        return removed
