# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Build a C++ driver and the kernels with sanitizers; run as a program, fuzz the kernels' sizes.

    python test/kernels/sanitized_build.py SECONDS [SEED]
"""

from pathlib import Path
import subprocess
import sys
import tempfile
import time

from bdc_occ_ros.kernels.build import CPU_BUILDER, find_compiler

FOLDER = Path(__file__).resolve().parent / 'fuzz'
CHECKED = (*CPU_BUILDER.flags, '-g1', '-fno-sanitize-recover=all',
           '-DBDC_BUILD_IDENTITY="sanitized"')
MEMORY = '-fsanitize=address,undefined'
THREADS = '-fsanitize=thread'


def build_driver(name: str, folder: Path, sanitizer: str, pattern: str = '*.cpp', *,
                 level: str = '-O1') -> Path:
    """
    Compile a driver of fuzz/ and the kernels.

    :param name: Of the driver, without .cpp.
    :param folder: Where objects and program go.
    :param sanitizer: MEMORY or THREADS.
    :param pattern: Which of the kernels' sources the driver needs.
    :param level: -O0 is compiled in a third of the time and runs at half the speed.
    :return: The program.
    """
    compiler, flags = find_compiler(), (*CHECKED, level, sanitizer)
    objects, _ = CPU_BUILDER.compile_sources(folder, compiler, flags, pattern)
    program = folder / name
    CPU_BUILDER.run_compiler([*compiler, *flags, f'-I{CPU_BUILDER.sources}',
                              str(FOLDER / f'{name}.cpp'), *map(str, objects),
                              '-o', str(program)])
    return program


def main(seconds: str, seed: str | None = None) -> int:
    """Fuzz the sizes for a while; return the driver's exit status."""
    seed = seed or str(int(time.time()))
    with tempfile.TemporaryDirectory(prefix='fuzz_') as folder:
        program = build_driver('fuzz_sizes', Path(folder), MEMORY)
        print(f'seed {seed}', flush=True)
        return subprocess.run([program, seconds, seed]).returncode


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
