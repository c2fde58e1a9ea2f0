# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""On what a measurement was taken: processor, threads, versions and state of the sources."""

from importlib import metadata
import os
from pathlib import Path
import platform
import shutil
import subprocess

import bdc_occ_ros

PACKAGES = ('torch', 'onnxruntime', 'openvino')


def describe_machine(threads: int) -> dict[str, str | int]:
    """
    Return what must be told with every time.

    :param threads: Threads that were used.
    """
    return {'cpu': _cpu_model(), 'cores': os.cpu_count() or 0, 'threads': threads,
            'bdc_occ_ros': bdc_occ_ros.__version__, 'commit': _commit(),
            **{name: _version(name) for name in PACKAGES}}


def machine_line(machine: dict[str, str | int]) -> str:
    """Return it in one line."""
    versions = ', '.join(f'{name} {machine[name]}' for name in ('bdc_occ_ros', *PACKAGES))
    return (f'{machine["cpu"]}, {machine["cores"]} cores, {machine["threads"]} threads; '
            f'{versions}; commit {machine["commit"]}')


def _cpu_model() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    model = next((line.partition(':')[2].strip() for line in lines
                  if line.startswith(('model name', 'Model'))), platform.machine())
    numbers = [line.partition(':')[2].strip() for key in ('cpu family', 'model\t')
               for line in lines if line.startswith(key)]
    return f'{model} (family {numbers[0]} model {numbers[-1]})' if numbers else model


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return 'absent'


def _commit() -> str:
    """Return the commit of the sources, marked where they differ from it."""
    folder = Path(bdc_occ_ros.__file__).parent
    if shutil.which('git') is None:
        return 'unknown'
    done = subprocess.run(
        ['git', '-C', str(folder), 'describe', '--always', '--dirty', '--exclude', '*'],
        capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else 'unknown'
