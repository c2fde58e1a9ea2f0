# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find compilers and run them; one that fails is an error with its own message."""

from collections.abc import Sequence
import os
import shlex
import shutil
import subprocess
import sys

from bdc_occ_ros.errors import KernelBuildError, MissingDependencyError

CROSS_COMPILERS = {'aarch64': 'aarch64-linux-gnu-g++'}


def find_compiler(target: str | None = None) -> list[str]:
    """
    Return the command of the C++ compiler: CXX if that is set, else g++, else c++.

    The sources ask for processors by pragmas that only g++ has.

    :param target: aarch64 for the cross compiler of that architecture, which CXX does not replace.
    :raises MissingDependencyError: if it is not installed.
    """
    if target:
        names = [CROSS_COMPILERS[target]]
    else:
        names = [os.environ['CXX']] if os.environ.get('CXX') else ['g++', 'c++']
    for name in names:
        command = shlex.split(name)
        if shutil.which(command[0]):
            return command
    package = f'g++-{target}-linux-gnu' if target else 'g++'
    raise MissingDependencyError(
        f'building the kernels needs a C++ compiler, and {" or ".join(names)} is not there; '
        f'install the package {package}, name a compiler by CXX, or set BDC_OCC_EXTENSION=off to '
        'do without the kernels')


def has_compiler() -> bool:
    """Return whether a C++ compiler is there or named by CXX; then it must work."""
    return bool(os.environ.get('CXX') or shutil.which('g++') or shutil.which('c++'))


def run_compiler(command: Sequence[str]) -> None:
    """
    Run a compiler and pass its warnings on.

    :raises KernelBuildError: with the compiler's message if it does not end well.
    """
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise KernelBuildError(
            f'the compiler ended with status {done.returncode}: {shlex.join(command)}\n'
            f'{done.stderr.strip()}\nIt must be g++ 9 or later; name another by CXX, or set '
            'BDC_OCC_EXTENSION=off to do without the kernels')
    sys.stderr.write(done.stderr)
