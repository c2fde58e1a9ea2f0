# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Declare the table of parameters on a node, read it back, and print it for users."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
import rclpy.node
import rclpy.parameter

from bdc_occ_ros.config_file import parse_dataclass, Setting, settings_of
from bdc_occ_ros.errors import InvalidConfigError, one_line
from bdc_occ_ros.ros.compat import given_parameters
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.parameter_documents import parameters_markdown, parameters_yaml

ROS_OWN = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')


def config_from_values(given: Mapping[str, Any]) -> NodeConfig:
    """
    Make a configuration from what a user gave; the rest takes its default.

    :param given: Value by full name, its groups joined by dots.
    :raises InvalidConfigError: if a name is unknown, or a value has the wrong type, is not
        allowed or contradicts another.
    """
    default = next(setting for setting in settings_of(NodeConfig()) if setting.name == 'cameras')
    cameras = default.parse(given.get('cameras', default.value))
    known = config_values(NodeConfig(cameras=cameras, key_camera=next(iter(cameras), '')))
    tree: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            close = get_close_matches(str(name), known, n=1)
            hint = f'; did you mean {close[0]}?' if close else ''
            raise InvalidConfigError(f'there is no parameter {one_line(str(name))}{hint}')
        groups, _, last = name.rpartition('.')
        branch = tree
        for group in groups.split('.', 1) if groups else ():  # a camera's name may have dots
            branch = branch.setdefault(group, {})
        branch[last] = value
    return parse_dataclass(NodeConfig, tree, 'parameters')


def config_values(config: NodeConfig) -> dict[str, Any]:
    """Return the value of every parameter by full name."""
    return {setting.name: setting.value for setting in settings_of(config)}


def changed_config(config: NodeConfig, changes: Mapping[str, Any]) -> NodeConfig:
    """
    Return the configuration after a change while the node runs.

    :param changes: New value by full name.
    :raises InvalidConfigError: if a parameter is unknown, fixed or refuses its value.
    """
    changed = config_from_values({**config_values(config), **changes})
    live = {setting.name for setting in settings_of(changed) if setting.is_live}
    if fixed := sorted(changes.keys() - live):
        raise InvalidConfigError(
            f'{", ".join(fixed)} cannot change while the node runs; restart it with the new value')
    return changed


def descriptor(setting: Setting) -> ParameterDescriptor:
    """Return what `ros2 param describe` shows of a parameter."""
    shown = ParameterDescriptor(
        name=setting.name, read_only=not setting.is_live,
        description=setting.description + (f' [{setting.unit}]' if setting.unit else ''),
        additional_constraints=setting.allowed if setting.choices else '')
    if setting.limits is not None:
        low, high = setting.limits
        if isinstance(setting.value, float):
            shown.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        else:
            shown.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
    return shown


def declare_parameters(node: rclpy.node.Node) -> NodeConfig:
    """
    Read and check what was given to a node and declare every parameter on it.

    :param node: Node without declared parameters of ours.
    :raises InvalidConfigError: if a given name is unknown or a value is refused; nothing is
        declared then.
    """
    given = {name: value for name, value in given_parameters(node).items()
             if not name.startswith(ROS_OWN)}
    config = config_from_values(given)
    for setting in settings_of(config):
        value = setting.value
        if isinstance(value, tuple):  # ROS cannot tell the type of an empty list
            value = list(value) or rclpy.parameter.Parameter.Type.STRING_ARRAY
        node.declare_parameter(setting.name, value, descriptor(setting), ignore_override=True)
    return config


class LiveParameters:
    """
    Hold the configuration of a running node, which follows `ros2 param set`.

    :ivar config: The configuration that holds now. It is frozen, and an accepted change puts
        another in its place, so a reader that keeps it for one set sees no partial change.
    :param on_change: Given the configuration before and after every change that is accepted.
    :raises InvalidConfigError: if a given name is unknown or a value is refused.
    """

    def __init__(self, node: rclpy.node.Node,
                 on_change: Callable[[NodeConfig, NodeConfig], None] = lambda before, now: None
                 ) -> None:
        self.config = declare_parameters(node)
        self._on_change = on_change
        node.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, parameters: Iterable[rclpy.parameter.Parameter]) -> SetParametersResult:
        """Accept or refuse a change and say why."""
        changes: dict[str, Any] = {parameter.name: parameter.value for parameter in parameters
                                   if not parameter.name.startswith(ROS_OWN)}
        before = self.config
        try:
            self.config = changed_config(before, changes)
        except InvalidConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._on_change(before, self.config)
        return SetParametersResult(successful=True)


def main() -> None:
    """Print config/occ.yaml or doc/parameters.md."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument('--yaml', action='store_const', dest='document', const=parameters_yaml,
                      help='the file config/occ.yaml')
    form.add_argument('--markdown', action='store_const', dest='document',
                      const=parameters_markdown, help='the page doc/parameters.md')
    print(parser.parse_args().document(), end='')


if __name__ == '__main__':
    main()
