# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The synchronizer that the parameters ask for."""

from collections.abc import Callable, Mapping

from bdc_occ_ros.ros.approximate_time import ApproximateTime
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.sync.image_set import ImageSet
from bdc_occ_ros.sync.synchronizer import Synchronizer
from bdc_occ_ros.sync.synchronizer_config import SynchronizerConfig

MS = 1_000_000


def _offsets_ns(config: NodeConfig) -> Mapping[str, int] | str | None:
    """Return trigger offsets counted from the key camera, 'auto', or None for none."""
    if config.sync.mode != 'offsets' or config.sync.offsets == 'none':
        return None
    if config.sync.offsets == 'auto':
        return 'auto'
    key_ms = config.camera[config.key_camera].offset_ms
    return {name: round((config.camera[name].offset_ms - key_ms) * MS) for name in config.cameras}


def synchronizer_config(config: NodeConfig) -> SynchronizerConfig:
    """
    Return the settings of the synchronizer.

    :param config: Parameters of the node.
    :raises InvalidConfigError: if two parameters contradict each other.
    """
    sync = config.sync
    mode = 'offsets' if sync.mode == 'approximate' else sync.mode
    return SynchronizerConfig(
        cameras=config.cameras, key_camera=config.key_camera, offsets_ns=_offsets_ns(config),
        mode=mode, stamp_source=config.stamp_source,
        tolerance_ns=round(sync.tolerance_ms * MS), window_ns=round(sync.window_ms * MS),
        deadline_ns=round(sync.deadline_ms * MS), max_groups=sync.max_groups,
        max_bytes=sync.max_bytes, missing_policy=sync.missing_policy,
        min_cameras=sync.min_cameras, hold_max_age_ns=round(sync.hold_max_age_ms * MS),
        max_rate_hz=sync.max_rate_hz)


def make_synchronizer(config: NodeConfig, consumer: Callable[[ImageSet], None],
                      clock: Callable[[], int]) -> Synchronizer | ApproximateTime:
    """
    Return the synchronizer.

    :param config: Parameters of the node.
    :param clock: The node's clock, nanoseconds.
    :raises InvalidConfigError: if two parameters contradict each other.
    :raises MissingDependencyError: if message_filters is wanted and not installed.
    """
    if config.sync.mode == 'approximate':
        return ApproximateTime(synchronizer_config(config), consumer)
    return Synchronizer(synchronizer_config(config), consumer, clock=clock)
