# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Print the table of parameters as a ROS parameter file and as a Markdown page."""

import json
import textwrap
from typing import Any

from bdc_occ_ros.config_file import Setting, settings_of
from bdc_occ_ros.ros.node_config import CameraConfig, NodeConfig

YAML_HEAD = '''\
# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
# Every parameter of the node with its default. Printed by
#   python -m bdc_occ_ros.ros.parameters --yaml > config/occ.yaml
/**:
  ros__parameters:
'''
MARKDOWN_HEAD = '''\
# Parameters of the node

Give them in a file, `ros2 launch bdc_occ_ros occ.launch.py params_file:=FILE`, or singly with
`ros2 run bdc_occ_ros occ_node --ros-args -p NAME:=VALUE`; [occ.yaml](../config/occ.yaml) holds
them all with their defaults. Those with *yes* under "Set while running" follow `ros2 param
set`; the others are read when the node starts. A name that is not in the table and a value
that is not allowed are refused. For each camera `<name>` stands for its name.

| Parameter | Default | Unit | Allowed | Set while running | Meaning |
|---|---|---|---|---|---|
'''
LINE_LENGTH = 99
NODE = [setting for setting in settings_of(NodeConfig()) if not setting.name.startswith('camera.')]
CAMERA = list(settings_of(CameraConfig(), 'camera.<name>.'))


def _value_text(value: Any) -> str:
    """Write a value as YAML; JSON is YAML, and quotes keep strings strings."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _yaml_entry(setting: Setting, indent: str) -> list[str]:
    """Return the comment and the line of one parameter, each line with the indent."""
    changeable = 'may change while running' if setting.is_live else ''
    facts = '; '.join(filter(None, (setting.unit, setting.allowed, changeable)))
    comment = textwrap.wrap(setting.description + (f' ({facts})' if facts else ''),
                            LINE_LENGTH - len(indent) - len('# '))
    key = setting.name.rpartition('.')[2]
    # ROS cannot read an empty list, so a default that is one stays a comment
    mark = '# ' if setting.value == () else ''
    return [*(f'{indent}# {line}' for line in comment),
            f'{indent}{mark}{key}: {_value_text(setting.value)}']


def parameters_yaml() -> str:
    """Return config/occ.yaml: every parameter with its default and a comment."""
    lines, open_group = [], ''
    for setting in NODE:
        group = setting.name.rpartition('.')[0]
        if group and group != open_group:
            lines.append(f'    {group}:')
        open_group = group
        lines += _yaml_entry(setting, ' ' * (6 if group else 4))
    lines += ['    # For each camera, with <name> replaced by its name:', '    # camera:',
              '    #   <name>:']
    for setting in CAMERA:
        lines += _yaml_entry(setting, '    #     ')
    return YAML_HEAD + '\n'.join(lines) + '\n'


def parameters_markdown() -> str:
    """Return doc/parameters.md: how parameters are set, and a row for each."""
    escaped = str.maketrans({'|': '&#124;', '<': '&lt;'})
    rows = [f'| `{setting.name}` | `{_value_text(setting.value)}` | {setting.unit} '
            f'| {setting.allowed} | {"yes" if setting.is_live else ""} '
            f'| {setting.description.translate(escaped)} |' for setting in (*NODE, *CAMERA)]
    return MARKDOWN_HEAD + '\n'.join(rows) + '\n'
