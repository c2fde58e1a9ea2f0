# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Build a C++ driver and the kernels with sanitizers; run as a program, fuzz the kernels' sizes.

    python test/kernels/sanitized_build.py SECONDS [SEED]

With clang++ the driver of the sizes becomes a libFuzzer target, otherwise it draws its bytes from
a seeded generator.
"""

from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
import time

from bdc_occ_ros.kernels.build import compile_sources
from bdc_occ_ros.kernels.build import FLAGS
from bdc_occ_ros.kernels.build import SOURCES
from bdc_occ_ros.kernels.compiler import find_compiler
from bdc_occ_ros.kernels.compiler import run_compiler

FOLDER = Path(__file__).resolve().parent / 'fuzz'
# Without inlining some thousand lines into one function the sanitizers take half the time.
CHECKED = (*FLAGS, '-O1', '-g1', '-fno-sanitize-recover=all', '-DBDC_BUILD_IDENTITY="sanitized"')
MEMORY = '-fsanitize=address,undefined'
THREADS = '-fsanitize=thread'


def build_driver(name: str, folder: Path, *flags: str, pattern: str = '*.cpp',
                 compiler: tuple[str, ...] = ()) -> Path:
    """
    Compile a driver of fuzz/ and the kernels.

    :param name: Of the driver, without .cpp.
    :param folder: Where objects and program go.
    :param flags: The sanitizer, and more.
    :param pattern: Which of the kernels' sources the driver needs.
    :param compiler: Command of the compiler.
    :return: The program.
    """
    command = list(compiler) or find_compiler()
    objects = compile_sources(folder, command, (*CHECKED, *flags), pattern)
    program = folder / name
    run_compiler([*command, *CHECKED, *flags, f'-I{SOURCES}', str(FOLDER / f'{name}.cpp'),
                  *map(str, objects), '-o', str(program)])
    return program


def main(seconds: str, seed: str | None = None) -> int:
    """Fuzz the sizes for a while; return the driver's exit status."""
    seed = seed or str(int(time.time()))
    with tempfile.TemporaryDirectory(prefix='fuzz_') as folder:
        if shutil.which('clang++'):
            program = build_driver('fuzz_sizes', Path(folder), '-fsanitize=fuzzer-no-link', MEMORY,
                                   '-DLIBFUZZER', '-fsanitize=fuzzer', compiler=('clang++',))
            return subprocess.run([program, f'-max_total_time={seconds}', f'-seed={seed}']
                                  ).returncode
        program = build_driver('fuzz_sizes', Path(folder), MEMORY)
        print(f'seed {seed}', flush=True)
        return subprocess.run([program, seconds, seed]).returncode


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
