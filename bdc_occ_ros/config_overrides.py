# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Single values of a config changed from the command line: nano.bev_unit.is_binary=false."""

from collections.abc import Sequence
from dataclasses import asdict
import json
from typing import Any
from typing import TypeVar

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.yaml_config import parse_dataclass

Config = TypeVar('Config')


def with_overrides(config: Config, assignments: Sequence[str]) -> Config:
    """
    Return a config with some values changed; types and limits are checked as in a file.

    :param config: A dataclass made of what parse_dataclass takes.
    :param assignments: PATH=VALUE each, the fields of the path joined by dots, the value as JSON
        has it or a plain word; later ones win. A part that is None begins with its defaults.
    :raises InvalidConfigError: if one has no =, or names what is not there, or has a value that
        the config cannot have.
    """
    if not assignments:
        return config
    values = asdict(config)
    for assignment in assignments:
        _assign(values, assignment)
    return parse_dataclass(type(config), values, ' '.join(assignments))


def _assign(values: dict[str, Any], assignment: str) -> None:
    """Set the value at the end of a path of mappings."""
    path, equals, text = assignment.partition('=')
    if not equals:
        raise InvalidConfigError(f'{assignment!r}: PATH=VALUE is needed, for example '
                                 f'nano.bev_unit.is_binary=false')
    *parents, last = path.split('.')
    for name in parents:
        if name in values and values[name] is None:
            values[name] = {}  # a part that is not there yet, with its defaults
        if not isinstance(values.get(name), dict):
            parts = sorted(key for key, value in values.items() if isinstance(value, dict))
            raise InvalidConfigError(f'{assignment}: {name} is no part of the config; parts '
                                     f'at this place are {parts}')
        values = values[name]
    values[last] = _value(text)


def _value(text: str) -> Any:
    """Read JSON, or take the text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
