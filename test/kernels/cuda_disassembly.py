# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Machine code of GPU kernels as text, where a disassembler is installed."""

from functools import cache
import importlib.util
import os
from pathlib import Path
import re
import shutil
import subprocess
from typing import NamedTuple

import pytest

PROGRAM = 'cuobjdump'
_LINE = re.compile(r'^\s*/\*([0-9a-f]{4,})\*/\s+(.*?)\s*;')


def program_or_skip() -> str:
    """Return a disassembler: on PATH, in CUDA_HOME, or the one that comes with triton; or skip."""
    places = [None]
    if home := os.environ.get('CUDA_HOME'):
        places.append(str(Path(home, 'bin')))
    if triton := importlib.util.find_spec('triton'):
        places += [str(Path(folder, 'backends/nvidia/bin'))
                   for folder in triton.submodule_search_locations]
    for place in places:
        if found := shutil.which(PROGRAM, path=place):
            return found
    pytest.skip(f'no {PROGRAM}: not on PATH, not in CUDA_HOME, and no triton that brings one')


class BuildResult(NamedTuple):
    """
    A library and what the compiler said.

    :param library: Path of the library.
    :param report: With registers and spills per kernel.
    """

    library: Path
    report: str

    def machine_code(self, target: str) -> dict[str, list[str]]:
        """Return the instructions of every kernel by its name, as 'address instruction'."""
        return _machine_code(self.library, target)


@cache
def _machine_code(library: Path, target: str) -> dict[str, list[str]]:
    """Disassemble the kernels for one target."""
    program = program_or_skip()
    path = os.pathsep.join((str(Path(program).parent), os.environ.get('PATH', '')))
    text = subprocess.run([program, '--dump-sass', '--gpu-architecture', f'sm_{target}', library],
                          capture_output=True, text=True, check=True,
                          env={**os.environ, 'PATH': path}).stdout
    kernels: dict[str, list[str]] = {}
    for line in text.splitlines():
        if 'Function :' in line:
            kernels[line.split(':')[1].strip()] = code = []
        elif found := _LINE.match(line):
            code.append(' '.join(found.groups()))
    return kernels


def address(line: str) -> int:
    """Return where an instruction lies."""
    return int(line.split()[0], 16)


def main_loop(code: list[str]) -> list[str]:
    """Return the instructions of the loop around the first product, jump back included."""
    first = next(address(line) for line in code if 'MMA' in line)
    for line in code:
        jump = re.search(r'BRA (?:\S+, )?`?\(?(0x[0-9a-f]+)', line)
        if jump and int(jump[1], 16) <= first < address(line):
            return [inside for inside in code
                    if int(jump[1], 16) <= address(inside) <= address(line)]
    raise AssertionError('no loop around the products')


def calls(code: list[str]) -> list[str]:
    """
    Return the calls of functions.

    The compiler leaves some loops by a CALL over the jump back; nothing returns from there.
    """
    found = []
    for index, line in enumerate(code):
        target = re.search(r'CALL\S* .*?(0x[0-9a-f]+)', line)
        is_exit = (target and index + 2 < len(code) and 'BRA' in code[index + 1]
                   and int(target[1], 16) == address(code[index + 2]))
        if 'CALL' in line and not is_exit:
            found.append(line)
    return found
