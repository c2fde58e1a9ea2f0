# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Parse configs: YAML (JSON is part of it) into frozen dataclasses; an unknown key is an error.

Fields may be int, float, bool, str, Literal, tuples, dataclasses, mappings by name of these, and
any of them or None. Where a field is made by `setting`, its values are held to its limits.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import math
from pathlib import Path
import re
import types
import typing
from typing import Any, NamedTuple, TypeVar

import yaml

from bdc_occ_ros.errors import InvalidConfigError, one_line
from bdc_occ_ros.files import DAMAGES, parse_json, quoted, read_bytes, reading

Config = TypeVar('Config')
MAX_YAML_BYTES = 2 ** 18
MAX_YAML_DEPTH = 40
MAX_NUMBER = {int: 2 ** 63, float: math.inf}
MAX_WHOLE_FLOAT = 2 ** 53  # integers up to here are floats without loss
TEXT_TAG, DATE_TAG = 'tag:yaml.org,2002:str', 'tag:yaml.org,2002:timestamp'
TYPE_NAMES = {bool: 'bool', int: 'integer', float: 'number', tuple[str, ...]: 'list of strings'}


class Setting(NamedTuple):
    """
    Describe a field: its path, type, description and limits.

    :param name: The fields that lead to it, joined by dots.
    :param hint: Its annotation.
    :param description: One sentence for users.
    :param limits: Least and greatest allowed number, or None.
    :param is_live: Whether it may change while the program runs.
    """

    name: str
    hint: Any
    value: Any
    description: str
    unit: str
    limits: tuple[float, float] | None
    is_live: bool

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the allowed strings; none where any is allowed."""
        return typing.get_args(self.hint) if _is_literal(self.hint) else ()

    @property
    def allowed(self) -> str:
        """Return the allowed values in words, or an empty string where the type says all."""
        if self.limits is not None:
            return f'{self.limits[0]:.12g} to {self.limits[1]:.12g}'
        return 'one of ' + ', '.join(self.choices) if self.choices else ''

    def parse(self, value: Any) -> Any:
        """
        Return a value in the type of the setting.

        :raises InvalidConfigError: if it has another type or is not allowed; the message says
            all that is.
        """
        try:
            parsed = _parse(self.hint, value, self.name)
            if self.limits is None or self.limits[0] <= parsed <= self.limits[1]:
                return parsed
        except InvalidConfigError:
            pass  # the message below says more
        type_name = TYPE_NAMES.get(self.hint, 'string')
        rule = ', '.join(filter(None, (type_name, self.unit, self.allowed)))
        cure = (' (YAML reads off and on as booleans: quote them)'
                if type_name == 'string' and isinstance(value, bool) else '')
        raise InvalidConfigError(f'{self.name} needs: {rule}; got {quoted(value)}{cure}')


def setting(default: Any, description: str, *, unit: str = '',
            limits: tuple[float, float] | None = None, is_live: bool = False) -> Any:
    """Make a dataclass field whose values and documents follow from what a Setting holds."""
    return dataclasses.field(default=default, metadata={
        'description': description, 'unit': unit, 'limits': limits, 'is_live': is_live})


def settings_of(config: Any, prefix: str = '') -> Iterator[Setting]:
    """
    List the settings of a config and of those within it, in the order of the fields.

    :param prefix: What comes before every name, with its dot.
    """
    hints = typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        name, value = prefix + field.name, getattr(config, field.name)
        if field.metadata:
            yield Setting(name, hints[field.name], value, **field.metadata)
        elif isinstance(value, Mapping):
            for key, part in value.items():
                yield from settings_of(part, f'{name}.{key}.')
        elif dataclasses.is_dataclass(value):
            yield from settings_of(value, f'{name}.')


class _Loader(yaml.SafeLoader):
    """
    Read plain values to a limited depth, without aliases, and mappings with words for keys.

    1e-05, as JSON writes it, is a number and no word as in YAML 1.1, and a date is a word.
    """

    depth = 0
    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != DATE_TAG]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        if self.check_event(yaml.AliasEvent):
            raise ValueError('an alias (*) stands for another value; write the value itself')
        self.depth += 1
        if self.depth > MAX_YAML_DEPTH:
            raise ValueError(f'values lie more than {MAX_YAML_DEPTH} levels deep')
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        keys = [key.value if key.tag == TEXT_TAG else None for key, _ in node.value]
        if None in keys or len({*keys}) < len(keys):
            unfit = quoted([key.value for key, _ in node.value])
            raise ValueError(f'keys are words, quoted where they are numbers, true or false, and '
                             f'stand once; got {unfit}')
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver('tag:yaml.org,2002:float', re.compile(
    r'^-?[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]+$'), list('-0123456789'))


def read_yaml(path: Path) -> Any:
    """
    Read a YAML file with safe types only.

    :raises InvalidConfigError: if it cannot be read, is not YAML, or is larger or deeper than a
        config can be.
    """
    text = read_bytes(path, InvalidConfigError, MAX_YAML_BYTES)
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, *DAMAGES) as error:
        raise InvalidConfigError(
            f'{path}: not a readable YAML file: {one_line(str(error))}') from error


def parse_dataclass(kind: type[Config], values: Any, where: str, joint: str = ': ') -> Config:
    """
    Build a dataclass, and those inside it, from a mapping as YAML gives it.

    :param values: Mapping from field names to values.
    :param where: File or key, for the message.
    :param joint: What stands between it and the name of a field.
    :raises InvalidConfigError: if a key is unknown or missing, or a value has the wrong type or
        is impossible; the message names the place.
    """
    if not isinstance(values, Mapping):
        raise InvalidConfigError(f'{where}: a mapping is needed; got {quoted(values)}')
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = [key for key in values if key not in fields]
    if unknown:
        raise InvalidConfigError(f'{where}: unknown keys {quoted(unknown)}; known are '
                                 f'{sorted(fields)}')
    missing = [name for name, field in fields.items()
               if name not in values and field.default is dataclasses.MISSING
               and field.default_factory is dataclasses.MISSING]
    if missing:
        raise InvalidConfigError(f'{where}: missing keys {missing}')
    hints = typing.get_type_hints(kind)
    members = {key: _parse_field(fields[key], hints[key], value, f'{where}{joint}{key}')
               for key, value in values.items()}
    with reading(where, InvalidConfigError):
        return kind(**members)


def _parse_field(field: dataclasses.Field, hint: Any, value: Any, where: str) -> Any:
    if field.metadata:
        return Setting(where, hint, value, **field.metadata).parse(value)
    return _parse(hint, value, where)


def _is_literal(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Literal


def _parse(hint: Any, value: Any, where: str) -> Any:
    """Check one value against its annotation; only int to float is converted."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _parse_optional(hint, value, where)
    if origin is tuple:
        return _parse_tuple(typing.get_args(hint), value, where)
    if origin is Mapping:
        return _parse_mapping(typing.get_args(hint)[1], value, where)
    if _is_literal(hint):
        if value not in typing.get_args(hint) or isinstance(value, bool):
            raise InvalidConfigError(
                f'{where}: one of {typing.get_args(hint)} is needed; got {quoted(value)}')
        return value
    if dataclasses.is_dataclass(hint):
        return parse_dataclass(hint, value, where, joint='.')
    if hint is float and type(value) is int and abs(value) <= MAX_WHOLE_FLOAT:
        return float(value)
    if type(value) is not hint:
        raise InvalidConfigError(f'{where}: {hint.__name__} is needed; got {quoted(value)}')
    if hint in (int, float) and not abs(value) < MAX_NUMBER[hint]:
        raise InvalidConfigError(f'{where}: a finite number is needed; got {quoted(value)}')
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
        raise InvalidConfigError(f'{where}: a list is needed; got {quoted(value)}')
    if members[-1] is Ellipsis:
        members = (members[0],) * len(value)
    if len(members) != len(value):
        raise InvalidConfigError(f'{where}: {len(members)} values are needed; got {len(value)}')
    return tuple(_parse(member, item, f'{where}[{index}]')
                 for index, (member, item) in enumerate(zip(members, value)))


def _parse_mapping(member: Any, value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise InvalidConfigError(f'{where}: a mapping is needed; got {quoted(value)}')
    return {key: _parse(member, item, f'{where}.{one_line(key)}') for key, item in value.items()}


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
        raise InvalidConfigError(f'{quoted(assignment)}: PATH=VALUE is needed, for example '
                                 'nano.bev_unit.is_binary=false')
    *parents, last = path.split('.')
    for name in parents:
        if name in values and values[name] is None:
            values[name] = {}  # a part that is not there yet, with its defaults
        if not isinstance(values.get(name), dict):
            parts = sorted(key for key, value in values.items() if isinstance(value, dict))
            raise InvalidConfigError(f'{one_line(assignment)}: {one_line(name)} is no part of the '
                                     f'config; parts at this place are {parts}')
        values = values[name]
    try:
        values[last] = parse_json(text, assignment, InvalidConfigError)
    except InvalidConfigError:
        values[last] = text  # a plain word
