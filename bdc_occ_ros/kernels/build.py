# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compile src/*.cpp into the library of CPU kernels that lies beside this file.

Every file is compiled with the same flags, which every g++ from 9 on has. What needs more of the
processor says so itself, by a target pragma inside an #if of its architecture, and is only called
where the processor has it. -fno-trapping-math changes no value; without it g++ makes no vectors of
a product that only one side of a comparison needs. Nothing outside the standard library is
imported here: setup.py calls these functions where the package's needs may be missing.

    python -m bdc_occ_ros.kernels.build [--output FILE] [--sanitize] [--target aarch64]
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
import os
from pathlib import Path
import shlex
import sys
import tempfile

from bdc_occ_ros.errors import BdcOccError
from bdc_occ_ros.kernels.compiler import CROSS_COMPILERS, find_compiler, run_compiler
from bdc_occ_ros.kernels.extension import is_cpu_library_wanted
from bdc_occ_ros.kernels.source_hash import carries_hash, source_hash, sources_in

SOURCES = Path(__file__).resolve().parent / 'src'
LIBRARY = SOURCES.parent / 'libbdc_kernels.so'
COMMAND = 'python -m bdc_occ_ros.kernels.build'
FLAGS = ('-std=c++17', '-O3', '-ffp-contract=off', '-fno-trapping-math', '-fvisibility=hidden',
         '-fvisibility-inlines-hidden', '-fPIC', '-pthread', '-Wall', '-Wextra')
LINK_FLAGS = ('-shared', '-pthread', '-Wl,-z,defs')  # nothing is left to be found when loaded
SANITIZER_FLAGS = ('-g', '-fno-omit-frame-pointer', '-fno-sanitize-recover=all',
                   '-fsanitize=address,undefined', '-Wl,-z,undefs')


def main(argv: Sequence[str] | None = None) -> int:
    """
    Build as the arguments say.

    :param argv: Arguments without the program's name; those of the process if None.
    :return: Exit status: 0, or 2 with a message if the library cannot be built.
    """
    parser = argparse.ArgumentParser(prog=COMMAND, description='Build the library of CPU kernels.')
    parser.add_argument('--output', type=Path, help=f'instead of {LIBRARY.name} beside src')
    parser.add_argument('--sanitize', action='store_true',
                        help='with the address and undefined behaviour sanitizers')
    parser.add_argument('--target', choices=sorted(CROSS_COMPILERS),
                        help='cross-compile for another architecture')
    parsed = parser.parse_args(argv)
    if (parsed.sanitize or parsed.target) and parsed.output is None:
        parser.error('--sanitize and --target need --output, so that the library in use stays')
    try:
        if parsed.output is None and not is_cpu_library_wanted():
            print('no kernels are built: there is no C++ compiler, or BDC_OCC_EXTENSION=off')
            return 0
        compiler = find_compiler(parsed.target)
        library = build(parsed.output or LIBRARY, compiler=compiler,
                        extra_flags=SANITIZER_FLAGS if parsed.sanitize else ())
    except BdcOccError as error:
        print(error, file=sys.stderr)
        return 2
    print(f'built {library} with {shlex.join(compiler)}')
    return 0


def source_identity() -> str:
    """Return the hash of the sources and flags; a library of another hash is stale."""
    return source_hash(FLAGS, sources_in(SOURCES))


def is_current(library: Path) -> bool:
    """
    Return whether a library is there and was built of these sources.

    :param library: Made by build().
    """
    return carries_hash(library, source_identity())


def build(output: Path = LIBRARY, *, compiler: Sequence[str] | None = None,
          extra_flags: Sequence[str] = ()) -> Path:
    """
    Compile every source at once on all cores, link, and only then replace the old library.

    :param compiler: Command of the compiler; what find_compiler finds if None.
    :param extra_flags: Flags behind the usual ones, also when linking.
    :return: The library.
    :raises MissingDependencyError: if there is no compiler.
    :raises KernelBuildError: if it fails; with its message.
    """
    compiler = compiler or find_compiler()
    identity = source_identity()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='.kernels_', dir=output.parent) as folder:
        objects = compile_sources(Path(folder), compiler, (
            *FLAGS, *extra_flags, f'-DBDC_BUILD_IDENTITY="{identity}"'))
        linked = Path(folder, output.name)
        run_compiler([*compiler, *LINK_FLAGS, *extra_flags, '-o', str(linked),
                      *map(str, objects)])
        os.replace(linked, output)
    return output


def compile_sources(folder: Path, compiler: Sequence[str], flags: Sequence[str],
                    pattern: str = '*.cpp') -> list[Path]:
    """
    Compile sources, as many at a time as there are cores.

    :param folder: Where the objects go.
    :param compiler: Command of the compiler.
    :param flags: All of its flags.
    :param pattern: Which files of src.
    :return: The objects.
    :raises KernelBuildError: if the compiler fails.
    """
    objects = {path: folder / f'{path.stem}.o' for path in sources_in(SOURCES)
               if path.match(pattern)}
    largest_first = sorted(objects, key=lambda path: -path.stat().st_size)
    commands = [[*compiler, *flags, '-c', str(path), '-o', str(objects[path])]
                for path in largest_first]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as executor:
        list(executor.map(run_compiler, commands))
    return list(objects.values())


if __name__ == '__main__':
    sys.exit(main())
