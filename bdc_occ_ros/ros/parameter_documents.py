# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of parameters as a ROS parameter file and as Markdown."""

import json
import textwrap
from typing import Any

from bdc_occ_ros.ros.node_config import CameraConfig, NodeConfig
from bdc_occ_ros.ros.parameter_table import Parameter, parameters_of

YAML_HEAD = '''\
# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
# Every parameter of the node with its default. Printed by
#   python -m bdc_occ_ros.ros.parameters --yaml > config/occ.yaml
/**:
  ros__parameters:
'''
LINE_LENGTH = 99


def _value_text(value: Any) -> str:
    """Write a value as YAML; JSON is YAML, and quotes keep strings strings."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _facts(record: Parameter) -> str:
    """Say what may be set and when."""
    changeable = 'may change while running' if record.is_dynamic else ''
    return '; '.join(filter(None, (record.unit, record.allowed, changeable)))


def _yaml_entry(record: Parameter, indent: str) -> list[str]:
    """Return the comment and the line of one parameter, each line with the indent."""
    facts = _facts(record)
    comment = textwrap.wrap(record.description + (f' ({facts})' if facts else ''),
                            LINE_LENGTH - len(indent) - len('# '))
    key = record.name.rpartition('.')[2]
    # ROS cannot read an empty list, so a default that is one stays a comment
    mark = '# ' if record.default == () else ''
    return [*(f'{indent}# {line}' for line in comment),
            f'{indent}{mark}{key}: {_value_text(record.default)}']


def parameters_yaml() -> str:
    """Return config/occ.yaml: every parameter with its default and a comment."""
    lines, open_group = [], ''
    for record in parameters_of(NodeConfig):
        group_name = record.name.rpartition('.')[0]
        if group_name and group_name != open_group:
            lines.append(f'    {group_name}:')
        open_group = group_name
        lines += _yaml_entry(record, ' ' * (6 if group_name else 4))
    lines += ['    # For each camera, with <name> replaced by its name:', '    # camera:',
              '    #   <name>:']
    for record in parameters_of(CameraConfig):
        lines += _yaml_entry(record, '    #     ')
    return YAML_HEAD + '\n'.join(lines) + '\n'


def parameters_markdown() -> str:
    """Return the table of all parameters for the README."""
    lines = ['| Parameter | Default | Unit | Allowed | Set while running | Meaning |',
             '|---|---|---|---|---|---|']
    for record in (*parameters_of(NodeConfig), *parameters_of(CameraConfig, 'camera.<name>.')):
        default = _value_text(record.default)
        allowed = record.allowed or ''
        dynamic = 'yes' if record.is_dynamic else ''
        lines.append(f'| `{record.name}` | `{default}` | {record.unit} | {allowed} | {dynamic} '
                     f'| {record.description.replace("|", "&#124;")} |')
    return '\n'.join(lines) + '\n'
