# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define how images are gathered into sets; refuse impossible combinations by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bdc_occ_ros.errors import InvalidConfigError

MODES = ('offsets', 'window')
STAMP_SOURCES = ('auto', 'header', 'receive')
MISSING_POLICIES = ('drop', 'partial', 'hold')
AUTO = 'auto'
MS = 1_000_000


@dataclass(frozen=True)
class SynchronizerConfig:
    """
    Settings of the synchronizer.

    :param cameras: Camera names; sets list their images in this order.
    :param key_camera: Camera that stamps a set and that offsets count from; the first if empty.
    :param offsets_ns: Trigger offset by camera name; 'auto' learns them; None means zero for
        all, as for hardware-synchronized cameras.
    :param mode: 'offsets' groups by stamp minus offset; 'window' groups bursts of images, for
        stamps that tell when an image was delivered and not when it was exposed.
    :param stamp_source: 'header' or 'receive'; 'auto' takes the header until stamps are zero.
        Receive times are always grouped in window mode.
    :param tolerance_ns: Largest deviation of stamp minus offset within a set; keep it below half
        the shortest gap between triggers.
    :param window_ns: Longest burst in window mode.
    :param deadline_ns: How long after its first image, on the node's clock, a set may wait.
    :param max_groups: Most sets that wait at the same time.
    :param max_bytes: Most payload that waits at the same time.
    :param missing_policy: At the deadline 'drop' the set, hand it out 'partial', or 'hold':
        partial with the camera's previous image in place of the missing one.
    :param min_cameras: Fewest new images of a set that is not complete.
    :param hold_max_age_ns: Oldest image that is reused.
    :param max_rate_hz: Most sets per second of stamp time; 0 hands out all.
    :raises InvalidConfigError: if a value is impossible or two contradict each other.
    """

    cameras: tuple[str, ...]
    key_camera: str = ''
    offsets_ns: Mapping[str, int] | str | None = None
    mode: str = 'offsets'
    stamp_source: str = 'auto'
    tolerance_ns: int = 20 * MS
    window_ns: int = 75 * MS
    deadline_ns: int = 100 * MS
    max_groups: int = 10
    max_bytes: int = 256 << 20
    missing_policy: str = 'drop'
    min_cameras: int = 1
    hold_max_age_ns: int = 500 * MS
    max_rate_hz: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, 'cameras', tuple(self.cameras))
        object.__setattr__(self, 'key_camera', self.key_camera or next(iter(self.cameras), ''))
        self._check_cameras()
        self._check_choices()
        self._check_limits()
        if isinstance(self.offsets_ns, Mapping):
            object.__setattr__(self, 'offsets_ns', MappingProxyType(dict(self.offsets_ns)))

    def _check_cameras(self) -> None:
        if not self.cameras or len(set(self.cameras)) != len(self.cameras):
            raise InvalidConfigError(
                f'cameras: one or more different names are needed; got {self.cameras}')
        if self.key_camera not in self.cameras:
            raise InvalidConfigError(
                f'key_camera: {self.key_camera!r} is none of {self.cameras}')
        if isinstance(self.offsets_ns, Mapping):
            if set(self.offsets_ns) != set(self.cameras):
                raise InvalidConfigError(
                    f'offsets_ns: exactly the cameras {self.cameras} need an offset; got '
                    f'{tuple(self.offsets_ns)}')
        elif self.offsets_ns not in (AUTO, None):
            raise InvalidConfigError(
                f"offsets_ns: a mapping, 'auto' or None is needed; got {self.offsets_ns!r}")

    def _check_choices(self) -> None:
        choices = {'mode': MODES, 'stamp_source': STAMP_SOURCES,
                   'missing_policy': MISSING_POLICIES}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise InvalidConfigError(
                    f'{name}: one of {allowed} is needed; got {getattr(self, name)!r}')
        if self.mode == 'window' and self.offsets_ns is not None:
            raise InvalidConfigError(
                'offsets_ns: window mode groups bursts and takes no trigger offsets; leave them '
                "out or choose mode 'offsets'")

    def _check_limits(self) -> None:
        for name in ('tolerance_ns', 'window_ns', 'deadline_ns', 'max_groups', 'max_bytes',
                     'hold_max_age_ns'):
            if getattr(self, name) <= 0:
                raise InvalidConfigError(
                    f'{name}: a positive number is needed; got {getattr(self, name)}')
        if not 0 <= self.max_rate_hz < float('inf'):
            raise InvalidConfigError(
                f'max_rate_hz: 0 (no limit) or a positive rate is needed; got {self.max_rate_hz}')
        if not 1 <= self.min_cameras <= len(self.cameras):
            raise InvalidConfigError(
                f'min_cameras: 1 to {len(self.cameras)} is needed; got {self.min_cameras}')
        uses_window = self.mode == 'window' or self.stamp_source == 'receive'
        if uses_window and self.deadline_ns < self.window_ns:
            raise InvalidConfigError(
                f'deadline_ns: {self.deadline_ns} would cut bursts of window_ns '
                f'{self.window_ns}; raise the deadline or shorten the window')

    @property
    def quorum(self) -> int:
        """Fewest cameras that must agree before the whole rig follows them."""
        return min(2, len(self.cameras))
