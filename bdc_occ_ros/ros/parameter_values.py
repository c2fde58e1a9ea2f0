# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From what a user gave to a checked configuration and back; ROS is not needed here."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.ros.node_config import CameraConfig, NodeConfig
from bdc_occ_ros.ros.parameter_table import build, Parameter, parameters_of, values_of


def camera_parameters(name: str) -> tuple[Parameter, ...]:
    """
    Return the parameters of one camera, with its name in place of <name>.

    :param name: Name of the camera.
    """
    return tuple(_with_name(record, name)
                 for record in parameters_of(CameraConfig, f'camera.{name}.'))


def _with_name(record: Parameter, name: str) -> Parameter:
    if not isinstance(record.default, str):
        return record
    return replace(record, default=record.default.replace('<name>', name))


def node_parameters(cameras: tuple[str, ...]) -> dict[str, Parameter]:
    """
    Return every parameter of a node by name.

    :param cameras: Names of its cameras.
    """
    records = [*parameters_of(NodeConfig),
               *(record for name in cameras for record in camera_parameters(name))]
    return {record.name: record for record in records}


def config_from_values(given: Mapping[str, Any]) -> NodeConfig:
    """
    Make a configuration from what a user gave; the rest takes its default.

    :param given: Value by parameter name.
    :raises InvalidConfigError: if a name is unknown, or a value has the wrong type, is not
        allowed or contradicts another.
    """
    cameras_record = next(r for r in parameters_of(NodeConfig) if r.name == 'cameras')
    cameras = cameras_record.checked(given.get('cameras', cameras_record.default))
    records = node_parameters(cameras)
    for name in given:
        if name not in records:
            close = get_close_matches(name, records, n=1)
            hint = f'; did you mean {close[0]}?' if close else ''
            raise InvalidConfigError(f'there is no parameter {name}{hint}')
    values = {name: record.checked(given.get(name, record.default))
              for name, record in records.items()}
    camera = {name: build(CameraConfig, values, f'camera.{name}.') for name in cameras}
    return build(NodeConfig, values, camera=camera)


def config_values(config: NodeConfig) -> dict[str, Any]:
    """Return the value of every parameter by name."""
    values = values_of(config)
    for name, camera in config.camera.items():
        values |= values_of(camera, f'camera.{name}.')
    return values


def changed_config(config: NodeConfig, changes: Mapping[str, Any]) -> NodeConfig:
    """
    Return the configuration after a change while the node runs.

    :param changes: New value by parameter name.
    :raises InvalidConfigError: if a parameter is unknown, fixed or refuses its value.
    """
    changed = config_from_values(config_values(config) | dict(changes))
    records = node_parameters(changed.cameras)
    fixed = sorted(name for name in changes if not records[name].is_dynamic)
    if fixed:
        raise InvalidConfigError(
            f'{", ".join(fixed)} cannot change while the node runs; restart it with the new value')
    return changed
