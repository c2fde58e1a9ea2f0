# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A fixed number of cases of every target, from a fixed seed; and a harness that finds things."""

import json
from pathlib import Path
import subprocess
import sys

import fuzzing
import pytest

PROGRAM = Path(fuzzing.__file__)
SEED = 'tests'


def fuzzed(*arguments):
    return subprocess.run([sys.executable, PROGRAM, *map(str, arguments)], capture_output=True,
                          text=True)


@pytest.mark.parametrize('name', fuzzing.target_names())
def test_nothing_is_found(name, tmp_path):
    if name in ('messages', 'node'):
        pytest.importorskip('rclpy', reason='rclpy is not installed')
    done = fuzzed(name, '--seed', SEED, '--json', tmp_path / 'results')
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / 'results').read_text())[name]
    assert result['cases'] > 0 and len(result['outcomes']) > (name != 'node')


BROKEN = '''
import os, time
from bdc_occ_ros.errors import InvalidBagError
from fuzzing import Target
def attempt(rng, prepared, folder):
    {what}
TARGET = Target(lambda folder: None, attempt, 1, max_cpu_s=0.2, max_wall_s=2.0)
'''


@pytest.mark.parametrize('what, kind', [
    ('raise KeyError(7)', 'KeyError at '),
    ('raise InvalidBagError("x" * 2000)', 'long message: InvalidBagError'),
    ('raise InvalidBagError("two\\nlines")', 'message that is not one line'),
    ('raise InvalidBagError("\\x1b[2J")', 'message that is not one line'),
    ('raise InvalidBagError("")', 'message that is not one line'),
    ('sum(range(10 ** 8))', 'slow: accepted'),
    ('bytes(3 * 2 ** 30).count(1)', 'memory: accepted'),
    ('bytes(20 * 2 ** 30)', 'MemoryError at '),
    ('os._exit(3)', 'the process ended with status 3'),
    ('time.sleep(1000)', 'no end within 2 s'),
], ids=lambda value: value[:24])
def test_whatever_is_wrong_is_found(what, kind, tmp_path, monkeypatch):
    (tmp_path / 'fuzz_broken.py').write_text(BROKEN.format(what=what))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'fuzz_broken', raising=False)
    result = fuzzing.run('broken', SEED, range(1), 60.0)
    assert [found.startswith(kind) for found in result.findings] == [True], result.findings


def test_a_refusal_by_name_is_none(tmp_path, monkeypatch):
    (tmp_path / 'fuzz_broken.py').write_text(BROKEN.format(
        what='raise InvalidBagError("damaged; copy it again")'))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'fuzz_broken', raising=False)
    result = fuzzing.run('broken', SEED, range(20), 60.0)
    assert result.outcomes == {'InvalidBagError': 20} and not result.findings
