# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A fixed number of cases of every target, from a fixed seed; and a harness that finds things."""

import json
import os
from pathlib import Path
import subprocess
import sys

import pytest

PROGRAM = Path(__file__).with_name('fuzzing.py')
TARGETS = sorted(path.stem.removeprefix('fuzz_') for path in PROGRAM.parent.glob('fuzz_*.py'))
NEED_ROS = ('configs', 'messages', 'node')
SEED = 'tests'
BROKEN = '''
import os, time
from bdc_occ_ros.errors import InvalidBagError
from fuzzing import Target
class RawError(InvalidBagError):
    __str__ = ValueError.__str__
def attempt(rng, prepared, folder):
    {what}
TARGET = Target(lambda folder: None, attempt, 3, max_cpu_s=1.0, max_wall_s=15.0, max_bytes=2 ** 28)
'''


@pytest.fixture
def fuzz(tmp_path):
    """Return a function that runs a target and returns the exit status, its result and output."""
    def run(name, *arguments):
        done = subprocess.run(
            [sys.executable, PROGRAM, name, '--seed', SEED, '--json', tmp_path / 'results',
             *arguments], capture_output=True, text=True,
            env={**os.environ, 'PYTHONPATH': str(tmp_path)})
        said = done.stdout + done.stderr
        assert done.returncode in (0, 1), said
        result = json.loads((tmp_path / 'results').read_text())[name]
        assert bool(result['findings']) == bool(done.returncode), said
        return result, said
    return run


@pytest.mark.parametrize('name', TARGETS)
def test_nothing_is_found(name, fuzz):
    if name in NEED_ROS:
        pytest.importorskip('rclpy', reason='rclpy is not installed')
    result, said = fuzz(name)
    assert not result['findings'], said
    assert result['cases'] == result['planned'] > 0


@pytest.mark.parametrize('what, kind', [
    ('raise KeyError(7)', 'KeyError at '),
    ('raise RawError("x" * 2000)', 'long message: RawError'),
    ('raise RawError("two\\nlines")', 'message that is not one line'),
    ('raise RawError("\\x1b[2J")', 'message that is not one line'),
    ('raise InvalidBagError("")', 'message that is not one line'),
    ('while time.process_time() < 2.0: pass', 'slow: accepted'),
    ('bytearray(b"x") * 2 ** 29', 'memory: accepted'),
    ('bytes(20 * 2 ** 30)', 'MemoryError at '),
    ('os._exit(3)', 'the process ended with status 3'),
    ('time.sleep(1000)', 'no end within 15 s'),
])
def test_whatever_is_wrong_is_found(what, kind, fuzz, tmp_path):
    (tmp_path / 'fuzz_broken.py').write_text(BROKEN.format(what=what))
    result, said = fuzz('broken', '--case', '1')
    found, = result['findings']
    assert found.startswith(kind) and result['findings'][found] == 1
    assert f'broken --seed {SEED} --case 1\n' in said


def test_a_refusal_by_name_is_none(fuzz, tmp_path):
    (tmp_path / 'fuzz_broken.py').write_text(BROKEN.format(
        what='raise InvalidBagError("damaged; copy it again")'))
    result, _ = fuzz('broken')
    assert result == {'planned': 3, 'cases': 3, 'outcomes': {'InvalidBagError': 3}, 'findings': {}}
