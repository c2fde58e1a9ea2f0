# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Declare the table of parameters on a node and read it back; print it for users."""

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
import rclpy.node
import rclpy.parameter

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.ros.compat import given_parameters
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.parameter_documents import parameters_markdown, parameters_yaml
from bdc_occ_ros.ros.parameter_table import Parameter
from bdc_occ_ros.ros.parameter_values import (
    changed_config,
    config_from_values,
    config_values,
    node_parameters,
)

ROS_OWN = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')


def descriptor(record: Parameter) -> ParameterDescriptor:
    """Return what `ros2 param describe` shows of a parameter."""
    shown = ParameterDescriptor(
        name=record.name, read_only=not record.is_dynamic,
        description=record.description + (f' [{record.unit}]' if record.unit else ''),
        additional_constraints=record.allowed if record.choices else '')
    if record.limits is not None:
        low, high = record.limits
        if isinstance(record.default, float):
            shown.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        else:
            shown.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
    return shown


def declare_parameters(node: rclpy.node.Node) -> NodeConfig:
    """
    Read and check what was given to a node and declare every parameter on it.

    :param node: Node without declared parameters of ours.
    :return: The configuration.
    :raises InvalidConfigError: if a given name is unknown or a value is refused; nothing is
        declared then.
    """
    given = {name: value for name, value in given_parameters(node).items()
             if not name.startswith(ROS_OWN)}
    config = config_from_values(given)
    records = node_parameters(config.cameras)
    for name, value in config_values(config).items():
        if isinstance(value, tuple):  # ROS cannot tell the type of an empty list
            value = list(value) or rclpy.parameter.Parameter.Type.STRING_ARRAY
        node.declare_parameter(name, value, descriptor(records[name]), ignore_override=True)
    return config


class LiveParameters:
    """
    The configuration of a running node, which follows `ros2 param set`.

    :param node: The node; its parameters are declared here.
    :param on_change: Given the configuration before and after every change that is accepted.
    :raises InvalidConfigError: if a given name is unknown or a value is refused.
    """

    def __init__(self, node: rclpy.node.Node,
                 on_change: Callable[[NodeConfig, NodeConfig], None] = lambda before, now: None
                 ) -> None:
        self._config = declare_parameters(node)
        self._on_change = on_change
        node.add_on_set_parameters_callback(self._on_set)

    @property
    def config(self) -> NodeConfig:
        """The configuration that holds now; frozen, so keep it for one pass of work."""
        return self._config

    def _on_set(self, parameters: Iterable[rclpy.parameter.Parameter]) -> SetParametersResult:
        """Accept or refuse a change and say why."""
        changes: dict[str, Any] = {parameter.name: parameter.value for parameter in parameters
                                   if not parameter.name.startswith(ROS_OWN)}
        before = self._config
        try:
            self._config = changed_config(before, changes)
        except InvalidConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._on_change(before, self._config)
        return SetParametersResult(successful=True)


def main() -> None:
    """Print config/occ.yaml or the table of the README."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument('--yaml', action='store_const', dest='document', const=parameters_yaml,
                      help='the file config/occ.yaml')
    form.add_argument('--markdown', action='store_const', dest='document',
                      const=parameters_markdown, help='the table of the README')
    print(parser.parse_args().document(), end='')


if __name__ == '__main__':
    main()
