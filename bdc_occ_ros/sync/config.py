# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define how images are gathered into sets; refuse impossible combinations by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bdc_occ_ros.errors import InvalidConfigError

CHOICES = {'mode': ('offsets', 'window'), 'stamp_source': ('auto', 'header', 'receive'),
           'missing_policy': ('drop', 'partial', 'hold')}
POSITIVE = ('tolerance_ns', 'window_ns', 'deadline_ns', 'max_groups', 'max_bytes',
            'hold_max_age_ns')
AUTO = 'auto'
MS = 1_000_000


@dataclass(frozen=True)
class SynchronizerConfig:
    """
    Configure the synchronizer.

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
        for is_met, message in (*self._rules_of_cameras(), *self._rules_of_values()):
            if not is_met:
                raise InvalidConfigError(message)
        if isinstance(self.offsets_ns, Mapping):
            object.__setattr__(self, 'offsets_ns', MappingProxyType(dict(self.offsets_ns)))

    def _rules_of_cameras(self) -> Iterator[tuple[bool, str]]:
        """List what must hold, and what to say otherwise."""
        cameras, offsets_ns = self.cameras, self.offsets_ns
        yield (bool(cameras) and len(set(cameras)) == len(cameras),
               f'cameras: one or more different names are needed; got {cameras}')
        yield self.key_camera in cameras, f'key_camera: {self.key_camera!r} is none of {cameras}'
        if isinstance(offsets_ns, Mapping):
            yield (set(offsets_ns) == set(cameras), f'offsets_ns: exactly the cameras {cameras} '
                   f'need an offset; got {tuple(offsets_ns)}')
        else:
            yield (offsets_ns in (AUTO, None),
                   f"offsets_ns: a mapping, 'auto' or None is needed; got {offsets_ns!r}")
        yield (1 <= self.min_cameras <= len(cameras),
               f'min_cameras: 1 to {len(cameras)} is needed; got {self.min_cameras}')

    def _rules_of_values(self) -> Iterator[tuple[bool, str]]:
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            yield value in allowed, f'{name}: one of {allowed} is needed; got {value!r}'
        for name in POSITIVE:
            value = getattr(self, name)
            yield value > 0, f'{name}: a positive number is needed; got {value}'
        yield (0 <= self.max_rate_hz < float('inf'),
               f'max_rate_hz: 0 (no limit) or a positive rate is needed; got {self.max_rate_hz}')
        yield (self.mode != 'window' or self.offsets_ns is None,
               'offsets_ns: window mode groups bursts and takes no trigger offsets; leave them '
               "out or choose mode 'offsets'")
        uses_window = self.mode == 'window' or self.stamp_source == 'receive'
        yield (not uses_window or self.deadline_ns >= self.window_ns,
               f'deadline_ns: {self.deadline_ns} would cut bursts of window_ns '
               f'{self.window_ns}; raise the deadline or shorten the window')

    @property
    def quorum(self) -> int:
        """Return the fewest cameras that must agree before the whole rig follows them."""
        return min(2, len(self.cameras))
