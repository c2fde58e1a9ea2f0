# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Keep the trigger offsets: how much later than the key camera each camera of a rig is exposed.

They are given, or zero, or learned from the stamps and then followed as they drift.
"""

from collections import deque
from collections.abc import Mapping
import logging

from bdc_occ_ros.sync.config import AUTO, MS, SynchronizerConfig
from bdc_occ_ros.sync.offset_estimation import (
    estimate_offsets,
    is_unambiguous,
    MIN_FRAMES,
    Observation,
)

HISTORY_FRAMES = 48
LEARN_EVERY = 8
RETRY_EVERY = 96
DRIFT_SHARE = 16

logger = logging.getLogger(__name__)


class TriggerOffsets:
    """
    Keep the offset of every camera, given or learned.

    :param config: May be replaced by one for the same cameras and offsets.
    """

    def __init__(self, config: SynchronizerConfig) -> None:
        self.config = config
        self.is_learned = config.offsets_ns == AUTO
        self._history: dict[str, deque[Observation]] = {
            name: deque(maxlen=HISTORY_FRAMES) for name in config.cameras}
        self._num_unused = dict.fromkeys(config.cameras, 0)
        self._reference: str | None = None
        self._refusals: dict[str, str] = {}
        given = config.offsets_ns if isinstance(config.offsets_ns, Mapping) else {}
        self._offsets_ns: dict[str, int] = {} if self.is_learned else {
            name: given.get(name, 0) for name in config.cameras}

    def get(self, camera: str) -> int | None:
        """Return the offset in use, nanoseconds; None while it is not known."""
        return self._offsets_ns.get(camera)

    @property
    def in_use_ns(self) -> dict[str, int]:
        """Return the known offsets."""
        return dict(self._offsets_ns)

    def observe(self, camera: str, stamp_ns: int, receive_ns: int) -> None:
        """
        Record one image, and learn the camera's offset after every so many unused ones.

        :param receive_ns: When it came, on the steady clock.
        """
        self._history[camera].append(Observation(stamp_ns, receive_ns))
        if self.is_learned:
            self._num_unused[camera] += 1
            is_settled = camera in self._offsets_ns or camera in self._refusals
            every = RETRY_EVERY if is_settled else LEARN_EVERY
            if self._num_unused[camera] % every == 0 and self._has_reference(camera):
                self._learn(camera)

    def _has_reference(self, camera: str) -> bool:
        """Choose the reference of lags: the key camera, or another if that does not deliver."""
        num_frames = len(self._history[camera])
        is_key = camera == self.config.key_camera
        if self._reference is None and num_frames >= MIN_FRAMES * (1 if is_key else 2):
            self._reference = camera
            self._offsets_ns[camera] = 0
        return self._reference not in (None, camera) and num_frames >= MIN_FRAMES

    def _learn(self, camera: str) -> None:
        found = estimate_offsets(self._history[self._reference], self._history[camera],
                                 self.config.tolerance_ns)
        known_ns = self._offsets_ns.get(camera)
        if found and is_unambiguous(found):
            self._refusals.pop(camera, None)
            offset_ns = found[0].offset_ns
            if known_ns is None or abs(offset_ns - known_ns) > self.config.tolerance_ns:
                self._offsets_ns[camera] = offset_ns
                logger.info('learned: %s is exposed %.1f ms after %s', camera, offset_ns / MS,
                            self._reference)
        elif known_ns is None:
            fits = ' and '.join(f'{candidate.offset_ns / MS:+.1f} ms' for candidate in found[:2])
            self._refusals[camera] = (f'ambiguous, {fits} fit equally' if found
                                      else 'no lag is constant')

    def follow(self, stamps_ns: Mapping[str, int]) -> None:
        """
        Follow slow drift of learned offsets.

        :param stamps_ns: Stamps of one complete set, by camera.
        """
        if not self.is_learned:
            return
        reference_ns = stamps_ns[self._reference]
        for camera, stamp_ns in stamps_ns.items():
            deviation_ns = stamp_ns - reference_ns - self._offsets_ns[camera]
            self._offsets_ns[camera] += round(deviation_ns / DRIFT_SHARE)
            self._num_unused[camera] = 0

    def explain(self) -> list[str]:
        """Say which learned offsets are not known, and why."""
        if not self.is_learned:
            return []
        reference = self._reference or self.config.key_camera
        reasons = [f'the trigger offset of {camera} from {reference} cannot be learned: {text}; '
                   'give it as a parameter' for camera, text in self._refusals.items()]
        waiting = [camera for camera in self.config.cameras
                   if camera not in self._offsets_ns and camera not in self._refusals]
        if waiting:
            num_frames = min(len(self._history[camera]) for camera in waiting)
            reasons.append(f'learning the trigger offsets of {", ".join(waiting)}: {num_frames} '
                           f'of at least {MIN_FRAMES} frames')
        return reasons

    def observations(self) -> dict[str, tuple[Observation, ...]]:
        """Return copies of the recent images' times, by camera."""
        return {camera: tuple(history) for camera, history in self._history.items()}

    def forget_history(self) -> None:
        """Drop the recent images after a time jump; offsets belong to the rig and stay."""
        for history in self._history.values():
            history.clear()
