# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Parameters as fields of dataclasses: name, type, default, unit, range and sentence in one place.

A dataclass whose fields are made by `parameter` is a table; one made by `group` is a table inside
a table, and its name comes before the dot. Everything else is derived from it: declaration on a
node, checks, documentation. ROS is not needed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, Field, field, fields, replace
from typing import Any

from bdc_occ_ros.errors import InvalidConfigError

_TYPE_NAMES = {bool: 'bool', int: 'integer', float: 'number', str: 'string',
               tuple: 'list of strings'}


@dataclass(frozen=True)
class Parameter:
    """
    What is known about one parameter.

    :param name: Full name, groups separated by dots.
    :param default: Value where none is given; its type is the parameter's.
    :param description: One sentence for users.
    :param unit: Unit of the value, or empty.
    :param limits: Least and greatest allowed number, which also keeps nan out, or None.
    :param choices: Allowed strings (of every element of a list); none means any.
    :param is_dynamic: Whether it may be set while the node runs.
    """

    name: str
    default: bool | int | float | str | tuple[str, ...]
    description: str
    unit: str = ''
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    is_dynamic: bool = False

    @property
    def type_name(self) -> str:
        """The type in words."""
        return _TYPE_NAMES[type(self.default)]

    @property
    def allowed(self) -> str:
        """The allowed values in words, or an empty string where the type says all."""
        if self.choices:
            return 'one of ' + ', '.join(self.choices)
        if self.limits is not None:
            return f'{self.limits[0]:.12g} to {self.limits[1]:.12g}'
        return ''

    def checked(self, value: Any) -> Any:
        """
        Return the value in the type of the default.

        An integer is accepted for a number and a list for a tuple, since YAML writes them so;
        nothing else is converted.

        :raises InvalidConfigError: if the type is wrong or the value is not allowed.
        """
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if kind is tuple and not isinstance(value, str) and hasattr(value, '__iter__'):
            value = tuple(value)
        elements = value if isinstance(value, tuple) else (value,)
        is_right_type = type(value) is kind and (
            kind is not tuple or all(isinstance(element, str) for element in elements))
        is_allowed = is_right_type and (
            (not self.choices or set(elements) <= set(self.choices))
            and (self.limits is None or self.limits[0] <= value <= self.limits[1]))
        if not is_allowed:
            rule = ', '.join(filter(None, (self.type_name, self.unit, self.allowed)))
            hint = ' (YAML reads off and on as booleans: quote them)' if (
                kind is str and isinstance(value, bool)) else ''
            raise InvalidConfigError(
                f'parameter {self.name} needs: {rule}; got {value!r}{hint}')
        return value


def parameter(default: Any, description: str, *, unit: str = '',
              limits: tuple[float, float] | None = None, choices: tuple[str, ...] = (),
              is_dynamic: bool = False) -> Any:
    """
    Make a dataclass field that is a parameter; the arguments are those of Parameter.

    :param default: Value where none is given.
    :param description: One sentence for users.
    :param unit: Unit of the value.
    :param limits: Least and greatest allowed number.
    :param is_dynamic: Whether it may be set while the node runs.
    """
    record = Parameter('', default, description, unit, limits, choices, is_dynamic)
    return field(default=default, metadata={'parameter': record})


def group(table: type) -> Any:
    """Make a dataclass field that holds another table."""
    return field(default_factory=table, metadata={'group': table})


def parameters_of(table: type, prefix: str = '') -> Iterator[Parameter]:
    """
    List the parameters of a table and of the tables in it, in the order of the fields.

    :param prefix: What comes before every name, with its dot.
    """
    for entry in fields(table):
        if 'group' in entry.metadata:
            yield from parameters_of(entry.metadata['group'], f'{prefix}{entry.name}.')
        elif 'parameter' in entry.metadata:
            yield replace(entry.metadata['parameter'], name=prefix + entry.name)


def _field_value(entry: Field, values: dict[str, Any], prefix: str) -> Any:
    if 'group' in entry.metadata:
        return build(entry.metadata['group'], values, f'{prefix}{entry.name}.')
    return values[prefix + entry.name]


def build(table: type, values: dict[str, Any], prefix: str = '', **others: Any) -> Any:
    """
    Make an instance of a table from checked values.

    :param values: Value by full name; all of the table's names are there.
    :param prefix: What comes before every name, with its dot.
    :param others: Fields that are no parameters.
    """
    named = {entry.name: _field_value(entry, values, prefix) for entry in fields(table)
             if entry.metadata}
    return table(**named, **others)


def values_of(instance: Any, prefix: str = '') -> dict[str, Any]:
    """
    Return the values of an instance of a table by full name.

    :param instance: Instance of a dataclass of parameters.
    :param prefix: What comes before every name, with its dot.
    """
    values: dict[str, Any] = {}
    for entry in fields(instance):
        value = getattr(instance, entry.name)
        if 'group' in entry.metadata:
            values |= values_of(value, f'{prefix}{entry.name}.')
        elif 'parameter' in entry.metadata:
            values[prefix + entry.name] = value
    return values
