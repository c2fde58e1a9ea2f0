# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parse configs: YAML (JSON is part of it) into frozen dataclasses; an unknown key is an error."""

from collections.abc import Mapping, Sequence
import dataclasses
import json
import math
from pathlib import Path
import re
import types
import typing
from typing import Any, TypeVar

import yaml

from bdc_occ_ros.errors import InvalidConfigError

Config = TypeVar('Config')
MAX_WHOLE_FLOAT = 2 ** 53  # integers up to here are floats without loss


class _Loader(yaml.SafeLoader):
    """Read plain values; 1e-05, as JSON writes it, is a number and no word as in YAML 1.1."""


_Loader.add_implicit_resolver('tag:yaml.org,2002:float', re.compile(
    r'^-?[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]+$'), list('-0123456789'))


def read_yaml(path: Path) -> Any:
    """
    Read a YAML file with safe types only.

    :raises InvalidConfigError: if it cannot be read or is not YAML.
    """
    try:
        return yaml.load(path.read_text(encoding='utf-8'), _Loader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidConfigError(f'{path}: not a readable YAML file: {error}') from error


def parse_dataclass(kind: type[Config], values: Any, where: str) -> Config:
    """
    Build a dataclass, and those inside it, from a mapping as YAML or JSON give it.

    Fields may be int, float, bool, str, Literal, tuples, dataclasses, and any of them or None.

    :param values: Mapping from field names to values.
    :param where: File or key, for the message.
    :raises InvalidConfigError: if a key is unknown or missing, or a value has the wrong type or
        is impossible; the message names the place.
    """
    if not isinstance(values, Mapping):
        raise InvalidConfigError(f'{where}: a mapping is needed; got {values!r}')
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = [key for key in values if key not in fields]
    if unknown:
        raise InvalidConfigError(f'{where}: unknown keys {unknown}; known are {sorted(fields)}')
    required = [name for name, field in fields.items()
                if field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING]
    missing = [name for name in required if name not in values]
    if missing:
        raise InvalidConfigError(f'{where}: missing keys {missing}')
    hints = typing.get_type_hints(kind)
    members = {key: _parse(hints[key], value, f'{where}: {key}') for key, value in values.items()}
    try:
        return kind(**members)
    except InvalidConfigError as error:
        raise InvalidConfigError(f'{where}: {error}') from error


def _parse(hint: Any, value: Any, where: str) -> Any:
    """Check one value against its annotation; only int to float is converted."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _parse_optional(hint, value, where)
    if origin is tuple:
        return _parse_tuple(typing.get_args(hint), value, where)
    if origin is typing.Literal:
        if value not in typing.get_args(hint) or isinstance(value, bool):
            raise InvalidConfigError(
                f'{where}: one of {typing.get_args(hint)} is needed; got {value!r}')
        return value
    if dataclasses.is_dataclass(hint):
        return parse_dataclass(hint, value, where)
    if hint is float and type(value) is int and abs(value) <= MAX_WHOLE_FLOAT:
        return float(value)
    if type(value) is not hint:
        raise InvalidConfigError(f'{where}: {hint.__name__} is needed; got {value!r}')
    if hint is float and not math.isfinite(value):
        raise InvalidConfigError(f'{where}: a finite number is needed; got {value!r}')
    return value


def _parse_optional(hint: Any, value: Any, where: str) -> Any:
    """Take None, or the one other member of the union."""
    if value is None:
        return None
    member, = (arg for arg in typing.get_args(hint) if arg is not type(None))
    return _parse(member, value, where)


def _parse_tuple(members: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    """Take a list of fixed length, or of any length where the annotation ends with dots."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidConfigError(f'{where}: a list is needed; got {value!r}')
    if members[-1] is Ellipsis:
        members = (members[0],) * len(value)
    if len(members) != len(value):
        raise InvalidConfigError(f'{where}: {len(members)} values are needed; got {len(value)}')
    return tuple(_parse(member, item, f'{where}[{index}]')
                 for index, (member, item) in enumerate(zip(members, value)))


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
    values = dataclasses.asdict(config)
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
    values[last] = _json_or_text(text)


def _json_or_text(text: str) -> Any:
    """Read JSON, or take the text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
