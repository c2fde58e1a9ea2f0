# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sizes of every kind and threads of several callers, under the compiler's sanitizers."""

import subprocess

import pytest
import sanitized_build

from bdc_occ_ros.kernels.build import find_compiler

FUZZ_SECONDS = 6
RACE_SECONDS = 1


def build_or_skip(name, folder, sanitizer, pattern='*.cpp'):
    """Build a driver; skip where the compiler comes without its sanitizers."""
    probe = subprocess.run(
        [*find_compiler(), sanitizer, '-x', 'c++', '-', '-o', folder / 'probe'],
        input='int main() {}', text=True, capture_output=True)
    if probe.returncode:
        pytest.skip(f'no {sanitizer}: {probe.stderr.strip().splitlines()[-1]}')
    return sanitized_build.build_driver(name, folder, sanitizer, pattern, level='-O0')


def test_kernels_of_any_size_touch_nothing_else(tmp_path):
    program = build_or_skip('fuzz_sizes', tmp_path, sanitized_build.MEMORY)
    done = subprocess.run([program, str(FUZZ_SECONDS), '1'], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:5000]
    count, _, _, *backends = done.stdout.split()
    assert int(count) > 100 and 'scalar' in backends


def test_threads_do_every_item_once_without_races(tmp_path):
    program = build_or_skip('thread_races', tmp_path, sanitized_build.THREADS, 'thread_pool.cpp')
    done = subprocess.run([program, str(RACE_SECONDS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:5000]
    assert all(int(runs) > 100 for runs in done.stdout.split()[:-1])
