# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The package uses nothing of rclpy that Humble lacks, except where it bridges the difference."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / 'test' / 'resources' / 'rclpy_humble.txt').read_text().splitlines()
HUMBLE = {module: set(names.split()) for module, _, names in
          (line.partition(': ') for line in LINES if not line.startswith('#'))}
NODE = HUMBLE['rclpy.node.Node'] | HUMBLE['rclpy.lifecycle.node.LifecycleNodeMixin']
OWN = {'last_failure', 'state_label', 'start_by_itself', 'create_trigger', 'close'}
BRIDGE = 'compat.py'
FILES = [path for folder in ('bdc_occ_ros', 'launch') for path in (ROOT / folder).rglob('*.py')
         if 'rclpy' in path.read_text() and path.name != BRIDGE]


def missing_in_humble(tree):
    """Return what a module takes from rclpy, or from a node, that Humble does not have."""
    for item in ast.walk(tree):
        if isinstance(item, ast.ImportFrom) and (item.module or '').partition('.')[0] == 'rclpy':
            known = HUMBLE.get(item.module, set())
            yield from (f'{item.module}.{alias.name}' for alias in item.names
                        if alias.name not in known)
        elif isinstance(item, ast.Import):
            yield from (alias.name for alias in item.names
                        if alias.name.partition('.')[0] == 'rclpy' and alias.name not in HUMBLE)
        elif isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Load):
            owner = ast.unparse(item.value)
            is_module = owner in HUMBLE and f'{owner}.{item.attr}' not in HUMBLE
            if is_module and item.attr not in HUMBLE[owner]:
                yield f'{owner}.{item.attr}'
            elif owner in ('node', 'self._node') and not item.attr.startswith('_') and (
                    item.attr not in NODE | OWN):
                yield f'{owner}.{item.attr}'


@pytest.mark.parametrize('path', FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_every_name_of_rclpy_is_in_humble(path):
    assert list(missing_in_humble(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize('text, missing', [
    ('from rclpy.event_handler import SubscriptionEventCallbacks',
     'rclpy.event_handler.SubscriptionEventCallbacks'),
    ('import rclpy.event_handler', 'rclpy.event_handler'),
    ('rclpy.get_rmw_implementation_name()', 'rclpy.get_rmw_implementation_name'),
    ('self._node.get_fully_qualified_names()', 'self._node.get_fully_qualified_names'),
    ('rclpy.parameter.parameter_dict_from_yaml()', 'rclpy.parameter.parameter_dict_from_yaml')])
def test_what_humble_lacks_is_found(text, missing):
    assert list(missing_in_humble(ast.parse(text))) == [missing]
