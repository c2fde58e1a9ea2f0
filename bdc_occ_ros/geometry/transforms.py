# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Look transforms up in a tree of named frames whose transforms carry stamps, without ROS.

It behaves as tf2 does where that is observable: one parent per frame, interpolation between two
stamps, never extrapolation.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
import threading

import cv2
import numpy as np

from bdc_occ_ros.errors import InvalidTransformError, TransformUnavailableError
from bdc_occ_ros.files import quoted
from bdc_occ_ros.geometry.camera_rig import rigid_transform

MAX_FRAMES = 2048
MAX_NAME_LENGTH = 256


def frame_name(name: str) -> str:
    """Return the name of a frame without the leading slash that ROS 1 wrote before it."""
    return name.removeprefix('/')


def interpolate_rigid(first: np.ndarray, second: np.ndarray, fraction: float) -> np.ndarray:
    """
    Interpolate along the straight line and the shortest rotation between rigid transforms.

    :param first: Transform at fraction 0, (4, 4); second is that at fraction 1.
    :return: (4, 4) float64.
    """
    rotation_vector, _ = cv2.Rodrigues(first[:3, :3].T @ second[:3, :3])
    partial_rotation, _ = cv2.Rodrigues(rotation_vector * fraction)
    result = np.eye(4)
    result[:3, :3] = first[:3, :3] @ partial_rotation
    result[:3, 3] = (1.0 - fraction) * first[:3, 3] + fraction * second[:3, 3]
    return result


@dataclass
class _Edge:
    """Hold the pose of a frame in its parent: one for a static edge, else by rising stamps."""

    parent: str
    is_static: bool
    stamps_ns: list[int] = field(default_factory=list)
    transforms: list[np.ndarray] = field(default_factory=list)

    def insert(self, stamp_ns: int, transform: np.ndarray, history_ns: int) -> bool:
        if self.is_static:
            self.stamps_ns, self.transforms = [stamp_ns], [transform]
            return True
        if self.stamps_ns and stamp_ns < self.stamps_ns[-1] - history_ns:
            return False
        place = bisect_left(self.stamps_ns, stamp_ns)
        is_repeat = place < len(self.stamps_ns) and self.stamps_ns[place] == stamp_ns
        self.stamps_ns[place:place + is_repeat] = [stamp_ns]
        self.transforms[place:place + is_repeat] = [transform]
        num_expired = bisect_left(self.stamps_ns, self.stamps_ns[-1] - history_ns)
        del self.stamps_ns[:num_expired], self.transforms[:num_expired]
        return True

    def covers(self, stamp_ns: int) -> bool:
        return self.is_static or self.stamps_ns[0] <= stamp_ns <= self.stamps_ns[-1]

    def at(self, stamp_ns: int) -> np.ndarray:
        if self.is_static:
            return self.transforms[0]
        place = bisect_left(self.stamps_ns, stamp_ns)
        if self.stamps_ns[place] == stamp_ns:
            return self.transforms[place]
        before, after = self.stamps_ns[place - 1:place + 1]
        return interpolate_rigid(self.transforms[place - 1], self.transforms[place],
                                 (stamp_ns - before) / (after - before))


class TransformTree:
    """
    Hold frames, each with at most one parent, and the recent history of the moving ones.

    A leading slash of a name says nothing, and there is room for a bounded number of frames. All
    methods may be called from several threads.

    :param history_s: How far back from its newest stamp a moving frame is remembered.
    """

    def __init__(self, history_s: float = 10.0) -> None:
        self._history_ns = round(history_s * 1e9)
        self._edges: dict[str, _Edge] = {}
        self._lock = threading.Lock()

    def set_transform(self, parent: str, child: str, stamp_ns: int,
                      parent_from_child: np.ndarray, static: bool = False) -> bool:
        """
        Store the pose of a frame in its parent.

        A new parent, or a change between static and moving, forgets the former history of the
        child. A repeated stamp replaces.

        :param stamp_ns: When; without meaning for a static transform.
        :param parent_from_child: Rigid transform, (4, 4), metres.
        :return: False if the stamp is older than the history reaches and was left out.
        :raises InvalidPoseError: if the matrix is not a rigid transform.
        :raises InvalidTransformError: if a name is empty or long, both are the same, the tree
            would become a loop or has no room for another frame.
        """
        parent, child = frame_name(parent), frame_name(child)
        if parent == child or not all(0 < len(n) <= MAX_NAME_LENGTH for n in (parent, child)):
            raise InvalidTransformError(
                f'a transform needs two different frame names of at most {MAX_NAME_LENGTH} '
                f'characters; got parent {quoted(parent)}, child {quoted(child)}')
        transform = rigid_transform(parent_from_child, f'{parent} from {child}').copy()
        with self._lock:
            edge = self._edges.get(child)
            if edge is None and len(self._edges) >= MAX_FRAMES:
                raise InvalidTransformError(
                    f'{child} is one frame too many; {MAX_FRAMES} are kept. Does a publisher make '
                    'up names?')
            if edge is None or edge.parent != parent or edge.is_static != static:
                if child in self._ancestors(parent):
                    raise InvalidTransformError(
                        f'{child} cannot have the parent {parent}, which descends from it. Do two '
                        'publishers disagree?')
                edge = self._edges[child] = _Edge(parent, static)
            return edge.insert(stamp_ns, transform, self._history_ns)

    def lookup(self, target: str, source: str, stamp_ns: int | None = None) -> np.ndarray:
        """
        Return the transform between two frames at one time.

        :param stamp_ns: When; None takes the newest time that every moving frame between the
            two has reached.
        :return: target_from_source, (4, 4) float64, metres.
        :raises TransformUnavailableError: if a frame is unknown, the two are not connected, or
            the time lies outside a history; nothing is extrapolated.
        """
        target, source = frame_name(target), frame_name(source)
        with self._lock:
            from_target, from_source = self._paths_to_common_ancestor(target, source)
            if stamp_ns is None:
                stamp_ns = self._latest_common_stamp_ns({*from_target, *from_source})
            ancestor_from_target = self._chain(from_target, target, source, stamp_ns)
            ancestor_from_source = self._chain(from_source, target, source, stamp_ns)
        return np.linalg.inv(ancestor_from_target) @ ancestor_from_source

    def frames(self) -> tuple[str, ...]:
        """Return the names of all frames, sorted."""
        with self._lock:
            return tuple(sorted({*self._edges, *(e.parent for e in self._edges.values())}))

    def clear(self) -> None:
        """Remove the moving frames; static ones stay, as they are published only once."""
        with self._lock:
            self._edges = {n: edge for n, edge in self._edges.items() if edge.is_static}

    def _ancestors(self, frame: str) -> list[str]:
        names = [frame]
        while names[-1] in self._edges:
            names.append(self._edges[names[-1]].parent)
        return names

    def _paths_to_common_ancestor(self, target: str, source: str) -> tuple[list[str], list[str]]:
        above_target, above_source = self._ancestors(target), self._ancestors(source)
        common = next((name for name in above_target if name in above_source), None)
        if common is None:
            known = sorted({*self._edges, *(e.parent for e in self._edges.values())})
            raise TransformUnavailableError(
                f'{target} and {source} are not connected: {target} hangs from '
                f'{above_target[-1]}, {source} from {above_source[-1]}; known frames are '
                f'{quoted(known)}')
        return (above_target[:above_target.index(common)],
                above_source[:above_source.index(common)])

    def _latest_common_stamp_ns(self, frames: Iterable[str]) -> int:
        newest = [self._edges[frame].stamps_ns[-1] for frame in frames
                  if not self._edges[frame].is_static]
        return min(newest, default=0)

    def _chain(self, path: list[str], target: str, source: str, stamp_ns: int) -> np.ndarray:
        result = np.eye(4)
        for frame in path:
            edge = self._edges[frame]
            if not edge.covers(stamp_ns):
                raise TransformUnavailableError(
                    f'{target} from {source} at {stamp_ns / 1e9:.6f} s: {edge.parent} from '
                    f'{frame} is known from {edge.stamps_ns[0] / 1e9:.6f} s to '
                    f'{edge.stamps_ns[-1] / 1e9:.6f} s only')
            result = edge.at(stamp_ns) @ result
        return result
