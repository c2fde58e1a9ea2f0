# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The BDC unit on bits: packed parameters as buffers, so that a state_dict is all of it."""

from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.folded_unit import FoldedUnit
from bdc_occ_ros.binary.folding import fold_unit
from bdc_occ_ros.binary.recorded_module import RecordedModule
from bdc_occ_ros.binary.unit_recording import record_unit
from bdc_occ_ros.kernels.operations import Map
from bdc_occ_ros.kernels.plan import Plan


class RecordBuffers(nn.Module):
    """
    The tensors of a record, and of those inside it, as buffers of the same names.

    :param record: A dataclass of tensors, dataclasses, tuples of dataclasses, and None.
    """

    def __init__(self, record: Any) -> None:
        super().__init__()
        self._kind = type(record)
        for field in fields(record):
            value = getattr(record, field.name)
            if is_dataclass(value):
                value = RecordBuffers(value)
            elif isinstance(value, tuple):
                value = nn.ModuleList(map(RecordBuffers, value))
            if isinstance(value, Tensor):
                self.register_buffer(field.name, value)
            else:
                setattr(self, field.name, value)

    def record(self) -> Any:
        """Return the record with the buffers as they are now."""
        return self._kind(**{field.name: _as_record(getattr(self, field.name))
                             for field in fields(self._kind)})


def _as_record(value: Any) -> Any:
    """Undo what RecordBuffers did with one field."""
    if isinstance(value, RecordBuffers):
        return value.record()
    if isinstance(value, nn.ModuleList):
        return tuple(map(_as_record, value))
    return value


class PackedBdcUnit(RecordedModule):
    """
    A BDC unit with packed parameters.

    Words and integer thresholds are int32, the other vectors float32, whatever type the maps of
    the plan that runs it have.

    :param unit: Trained unit; on device meta for shapes without values.
    :raises FoldingError: if it cannot be folded.
    """

    def __init__(self, unit: BdcUnit) -> None:
        super().__init__()
        self.version = unit.version
        self.has_inner_shortcut = unit.has_inner_shortcut
        convolution = unit.binary_conv_relu[0]
        self.stride: int = convolution.stride[0]
        self.in_channels = unit.in_channels
        self.out_channels = unit.out_channels
        self.packed = RecordBuffers(fold_unit(unit))

    @classmethod
    def empty(cls, in_channels: int, out_channels: int, config: UnitConfig,
              stride: int = 1, device: torch.device | str = 'meta') -> 'PackedBdcUnit':
        """
        Make a unit with the right shapes, to be filled by load_state_dict.

        :param in_channels: Channels of the input.
        :param out_channels: As many, twice as many or half as many.
        :param stride: 1 or 2.
        :param device: meta takes no memory.
        """
        with torch.device('meta'):
            unit = cls(BdcUnit(in_channels, out_channels, config, stride))
        return unit.to_empty(device=device)

    @property
    def folded(self) -> FoldedUnit:
        """The parameters as records of the operations, sharing memory with the buffers."""
        return self.packed.record()

    def record(self, plan: Plan, source: Map) -> Map:
        """
        Record the unit.

        :param source: Real map, (N, H, W, Ci).
        :return: Real map, (N, H / stride, W / stride, Co).
        """
        return record_unit(plan, self, source, self.stream_dtype)
