# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Record the learned gates of the channel branches of units of version 3.

A unit sees the mean of an image and multiplies each channel by a number from 0 to 1. Whether these
differ between channels, scenes and classes tells what the branch learned that no constant says.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.engine_module import LoweredModule
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.errors import UsageError


@dataclass(eq=False)
class ChannelGates:
    """
    Collect the gates of a network over samples.

    :param by_unit: Per unit one (channels,) float32 for every sample, in their order.
    :param scenes: Scene of every sample.
    :param voxels: Voxels per class that a camera sees, (classes,) integer for every sample.
    """

    by_unit: dict[str, list[np.ndarray]] = field(default_factory=dict)
    scenes: list[str] = field(default_factory=list)
    voxels: list[np.ndarray] = field(default_factory=list)

    def describe(self, scene: str, labels: np.ndarray, num_classes: int) -> None:
        """Note scene and labels of the sample, where a camera sees, that was recorded last."""
        self.scenes.append(scene)
        self.voxels.append(np.bincount(labels.reshape(-1), minlength=num_classes))

    def merge(self, other: 'ChannelGates') -> None:
        """Add what another process has recorded."""
        self.scenes += other.scenes
        self.voxels += other.voxels
        for name, gates in other.by_unit.items():
            self.by_unit.setdefault(name, []).extend(gates)

    def by_scene(self, name: str) -> Mapping[str, np.ndarray]:
        """Return the mean gates of every scene, (channels,) each."""
        gates, scenes = np.stack(self.by_unit[name]), np.array(self.scenes)
        return {str(scene): gates[scenes == scene].mean(axis=0) for scene in np.unique(scenes)}

    def by_class(self, name: str, class_names: Sequence[str]) -> Mapping[str, np.ndarray]:
        """Return the mean gates over samples weighted by the voxels of each class that occurs."""
        gates, voxels = np.stack(self.by_unit[name]), np.stack(self.voxels)
        return {class_name: np.average(gates, axis=0, weights=count)
                for class_name, count in zip(class_names, voxels.T) if count.any()}


@contextmanager
def record_gates(network: nn.Module) -> Iterator[ChannelGates]:
    """
    Record the gates of every pass while the context is open; one pass is one sample.

    Where a pass has several images, as the image backbone sees all cameras, their mean counts.

    :param network: Any network with units of version 3, packed or not.
    :raises UsageError: if it has no such unit.
    """
    units = {name: module for name, module in network.named_modules()
             if isinstance(module, BdcUnit | PackedBdcUnit) and module.version == 3}
    if not units:
        raise UsageError('gates are what units of version 3 learn; this network has none')
    gates = ChannelGates({name: [] for name in units})
    # A packed unit is a part of some plan, in which its first branch layer tells its gate.
    names = {unit.folded.branch[0].weights.data_ptr(): name for name, unit in units.items()
             if isinstance(unit, PackedBdcUnit)}

    def note(name: str, of_images: Tensor) -> None:
        gates.by_unit[name].append(of_images.float().flatten(1).mean(dim=0).cpu().numpy())

    def note_packed(module: LoweredModule, arguments: tuple[Any, ...], _: Any) -> None:
        for gate in module.plan_of(arguments[0]).gates:
            note(names[gate.layers[0].weights.data_ptr()], gate.gate)

    handles = [unit.se_block.register_forward_hook(
        lambda _, __, answer, name=name: note(name, answer.detach().sigmoid()))
        for name, unit in units.items() if isinstance(unit, BdcUnit)]
    handles += [module.register_forward_hook(note_packed) for module in network.modules()
                if isinstance(module, LoweredModule)]
    try:
        yield gates
    finally:
        for handle in handles:
            handle.remove()
