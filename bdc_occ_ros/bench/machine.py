# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Describe what a measurement was taken on: processor, threads, versions, state of the sources."""

from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
import os
from pathlib import Path
import platform
import shutil
import subprocess
import sys

import bdc_occ_ros

PACKAGES = ('torch', 'onnxruntime', 'openvino')
CURE = 'python -m pip install "bdc_occ_ros[bench]"'


def has_packages(what: str, packages: Sequence[str]) -> bool:
    """Return whether packages are installed, and say on standard error if not."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        print(f'without {what}: {" and ".join(missing)} not installed; {CURE}', file=sys.stderr)
    return not missing


def describe_machine(threads: int) -> dict[str, str | int]:
    """
    Return the hardware and versions that belong to every measured time.

    :param threads: Threads that were used.
    """
    return {'cpu': _cpu_model(), 'cores': os.cpu_count() or 0, 'threads': threads,
            'bdc_occ_ros': bdc_occ_ros.__version__, 'commit': _commit(),
            **{name: _version(name) for name in PACKAGES}}


def machine_line(machine: dict[str, str | int]) -> str:
    """Return the machine's description in one line."""
    versions = ', '.join(f'{name} {machine[name]}' for name in ('bdc_occ_ros', *PACKAGES))
    return (f'{machine["cpu"]}, {machine["cores"]} cores, {machine["threads"]} threads; '
            f'{versions}; commit {machine["commit"]}')


def _cpu_model() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = {key.strip(): value.strip() for key, _, value in
              (line.partition(':') for line in reversed(lines))}
    model = fields.get('model name') or fields.get('Model') or platform.machine()
    if 'cpu family' not in fields:
        return model
    return f'{model} (family {fields["cpu family"]} model {fields["model"]})'


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return 'absent'


def _commit() -> str:
    """Return the commit of the sources, marked where they differ from it."""
    if shutil.which('git') is None:
        return 'unknown'
    done = subprocess.run(
        ['git', '-C', str(Path(bdc_occ_ros.__file__).parent), 'describe', '--always', '--dirty',
         '--exclude', '*'], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else 'unknown'
