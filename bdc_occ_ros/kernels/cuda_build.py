# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compile cuda/ into the library of kernels for NVIDIA GPUs that lies beside this file.

It holds machine code for every target and nothing that a driver could translate for others: from
compute capability 10.0 on (Blackwell, Thor) there are no native products of bits, and an emulation
of them would run unnoticed and slowly. Machine code needs a driver that is not older than the
nvcc that made it: build with CUDA 12 for JetPack 6.

    python -m bdc_occ_ros.kernels.cuda_build [--output FILE]
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
import os
from pathlib import Path
import shlex
import shutil
import subprocess
import sys
import tempfile

from bdc_occ_ros.errors import BdcOccError, KernelBuildError, MissingDependencyError
from bdc_occ_ros.kernels.extension import extension_choice
from bdc_occ_ros.kernels.source_hash import carries_hash, source_hash, sources_in

SOURCES = Path(__file__).resolve().parent / 'cuda'
INTERFACE = SOURCES.parent / 'src' / 'bdc_kernels.h'
LIBRARY = SOURCES.parent / 'libbdc_cuda.so'
COMMAND = 'python -m bdc_occ_ros.kernels.cuda_build'
TARGETS = ('80', '86', '87', '89', '90')
FLAGS = ('-std=c++17', '-O3', '-fmad=false',
         '-Xcompiler=-fPIC,-Wall,-Wextra,-ffp-contract=off,-fvisibility=hidden',
         *(f'-gencode=arch=compute_{target},code=sm_{target}' for target in TARGETS))


def main(argv: Sequence[str] | None = None) -> int:
    """
    Build as the arguments say.

    :param argv: Arguments without the program's name; those of the process if None.
    :return: Exit status: 0, or 2 with a message if the library cannot be built.
    """
    parser = argparse.ArgumentParser(prog=COMMAND, description='Build the library of GPU kernels.')
    parser.add_argument('--output', type=Path, default=LIBRARY,
                        help=f'instead of {LIBRARY.name} beside the sources')
    output = parser.parse_args(argv).output
    try:
        if not is_cuda_library_wanted():
            print('no GPU kernels are built: there is no nvcc, or BDC_OCC_EXTENSION is off or cpu')
            return 0
        build(output)
    except BdcOccError as error:
        print(error, file=sys.stderr)
        return 2
    print(f'built {output} for sm_{", sm_".join(TARGETS)}')
    return 0


def is_cuda_library_wanted() -> bool:
    """Return whether BDC_OCC_EXTENSION and the compilers found here ask for GPU kernels."""
    choice = extension_choice()
    return choice == 'cuda' or (choice == 'auto' and not is_nvcc_missing())


def is_nvcc_missing() -> bool:
    """Return whether there is no nvcc."""
    return _nvcc() is None


def find_nvcc() -> str:
    """
    Return the path of nvcc: on PATH, or in CUDA_HOME.

    :raises MissingDependencyError: if it is in neither.
    """
    nvcc = _nvcc()
    if nvcc is None:
        raise MissingDependencyError(
            'building the GPU kernels needs nvcc, and it is neither on PATH nor in '
            '$CUDA_HOME/bin; install the CUDA toolkit (12.0 or later), set CUDA_HOME, or set '
            'BDC_OCC_EXTENSION=cpu to do without the GPU kernels')
    return nvcc


def _nvcc() -> str | None:
    """Return the path of nvcc, or nothing."""
    home = os.environ.get('CUDA_HOME')
    return shutil.which('nvcc') or (shutil.which('nvcc', path=Path(home, 'bin')) if home else None)


def source_identity() -> str:
    """Return the hash of the sources and flags; a library of another hash is stale."""
    return source_hash(FLAGS, (INTERFACE, *sources_in(SOURCES)))


def is_current(library: Path) -> bool:
    """
    Return whether a library is there and was built of these sources.

    :param library: Made by build().
    """
    return carries_hash(library, source_identity())


def build(output: Path = LIBRARY, *, extra_flags: Sequence[str] = ()) -> str:
    """
    Compile every source at once on all cores, link, and only then replace the old library.

    :param extra_flags: Flags behind the usual ones.
    :return: What the compiler said.
    :raises MissingDependencyError: if there is no nvcc.
    :raises KernelBuildError: if it fails; with its message.
    """
    nvcc = find_nvcc()
    flags = (*FLAGS, *extra_flags, f'-DBDC_BUILD_IDENTITY="{source_identity()}"')
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='.cuda_', dir=output.parent) as folder:
        objects = {path: f'{folder}/{path.stem}.o' for path in sources_in(SOURCES)
                   if path.suffix in ('.cu', '.cpp')}
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as executor:
            reports = list(executor.map(_run, (
                [nvcc, *flags, '-c', str(path), '-o', target]
                for path, target in objects.items())))
        linked = Path(folder, output.name)
        _run([nvcc, *FLAGS, '-shared', '-cudart=static', '-o', str(linked), *objects.values()])
        os.replace(linked, output)
    return ''.join(reports)


def _run(command: Sequence[str]) -> str:
    """Run nvcc; return what it says."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise KernelBuildError(
            f'nvcc ended with status {done.returncode}: {shlex.join(command)}\n'
            f'{done.stderr.strip()}\nIt must be that of CUDA 12.0 or later with a g++ that it '
            'supports; or set BDC_OCC_EXTENSION=cpu to do without the GPU kernels')
    return done.stderr


if __name__ == '__main__':
    sys.exit(main())
