# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Build the libraries of kernels, src/ for CPUs and cuda/ for NVIDIA GPUs, beside this file.

For CPUs every file is compiled with the same flags, which every g++ from 9 on has. What needs more
of the processor says so itself, by a target pragma inside an #if of its architecture, and is only
called where the processor has it. -fno-trapping-math changes no value; without it g++ makes no
vectors of a product that only one side of a comparison needs.

For GPUs the library holds machine code for every target and nothing that a driver could translate
for others: from compute capability 10.0 on (Blackwell, Thor) there are no native products of bits,
and an emulation of them would run unnoticed and slowly. Machine code needs a driver that is not
older than the nvcc that made it: build with CUDA 12 for JetPack 6.

Nothing outside the standard library is imported here: setup.py calls these functions where the
package's needs may be missing.

    python -m bdc_occ_ros.kernels.build [cpu|cuda] [--output FILE] [--sanitize] [--target aarch64]
"""

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import hashlib
import os
from pathlib import Path
import shlex
import shutil
import subprocess
import sys
import tempfile

from bdc_occ_ros.errors import (
    BdcOccError,
    InvalidSettingError,
    KernelBuildError,
    MissingDependencyError,
)

VARIABLE = 'BDC_OCC_EXTENSION'
CHOICES = ('off', 'cpu', 'cuda', 'auto')
CROSS_COMPILERS = {'aarch64': 'aarch64-linux-gnu-g++'}
NVCC_FOLDERS = ('/usr/local/cuda/bin', '/usr/lib/nvidia-cuda-toolkit/bin')  # JetPack's, Debian's
CUDA_TARGETS = ('80', '86', '87', '89', '90')
SANITIZER_FLAGS = ('-g', '-fno-omit-frame-pointer', '-fno-sanitize-recover=all',
                   '-fsanitize=address,undefined', '-Wl,-z,undefs')
_FOLDER = Path(__file__).resolve().parent
_SUFFIXES = ('.cpp', '.h', '.inl', '.cu', '.cuh')


def extension_choice() -> str:
    """
    Read BDC_OCC_EXTENSION; the one place that does.

    off never builds nor loads a library, cpu needs that of the CPU, cuda also that of the GPU,
    auto (the default) needs that of the CPU where a C++ compiler is found and builds that of the
    GPU where nvcc is found.

    :return: One of CHOICES.
    :raises InvalidSettingError: if it is none of them.
    """
    choice = os.environ.get(VARIABLE, 'auto')
    if choice not in CHOICES:
        raise InvalidSettingError(f'{VARIABLE} is one of {", ".join(CHOICES)}; got {choice!r}')
    return choice


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


def find_nvcc() -> list[str]:
    """Return the command of nvcc, wherever it is usual; or raise MissingDependencyError."""
    if nvcc := _nvcc():
        return [nvcc]
    raise MissingDependencyError(
        'building the GPU kernels needs nvcc, and it is neither on PATH nor in $CUDA_HOME/bin '
        f'nor in {" or ".join(NVCC_FOLDERS)}; '
        'install the CUDA toolkit (12.0 or later), set CUDA_HOME, or set BDC_OCC_EXTENSION=cpu to '
        'do without the GPU kernels')


def _nvcc() -> str | None:
    home = os.environ.get('CUDA_HOME')
    folders = [os.environ.get('PATH', os.defpath), *([f'{home}/bin'] if home else []),
               *NVCC_FOLDERS]
    return shutil.which('nvcc', path=os.pathsep.join(folders))


@dataclass
class LibraryBuilder:
    """
    Compile one library, and tell whether one is of the sources as they are.

    :param kind: What the library holds, for messages.
    :param command: That builds it.
    :param library: Where it lies.
    :param sources: Flat folder, since only what lies directly in it is installed.
    :param headers: Other files that its sources include.
    :param choices: Values of BDC_OCC_EXTENSION that need it; auto does if has_compiler().
    :param compiler_name: What its compiler is called in messages.
    :param cure: What to do where the compiler fails.
    """

    kind: str
    command: str
    library: Path
    sources: Path
    headers: tuple[Path, ...]
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    choices: tuple[str, ...]
    has_compiler: Callable[[], bool]
    find_compiler: Callable[[], list[str]]
    compiler_name: str
    cure: str

    def is_wanted(self) -> bool:
        """Return whether BDC_OCC_EXTENSION and the compilers found here ask for the library."""
        choice = extension_choice()
        return choice in self.choices or (choice == 'auto' and self.has_compiler())

    def source_hash(self) -> str:
        """Return the hash of sources and flags, which the library has among its strings."""
        digest = hashlib.sha256(shlex.join(self.flags).encode())
        for path in (*self.headers, *self._files()):
            digest.update(f'\0{path.name}\0'.encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def is_current(self, library: Path) -> bool:
        """Return whether a library is there and was built of these sources."""
        return library.is_file() and self.source_hash().encode() in library.read_bytes()

    def build(self, output: Path | None = None, *, compiler: Sequence[str] | None = None,
              extra_flags: Sequence[str] = ()) -> str:
        """
        Compile every source at once on all cores, link, and only then replace the old library.

        :param output: Instead of the library beside the sources.
        :param compiler: Command of the compiler; what find_compiler finds if None.
        :param extra_flags: Flags behind the usual ones, also when linking.
        :return: What the compiler said.
        :raises MissingDependencyError: if there is no compiler.
        :raises KernelBuildError: if it fails; with its message.
        """
        output = output or self.library
        compiler = compiler or self.find_compiler()
        flags = *self.flags, *extra_flags, f'-DBDC_BUILD_IDENTITY="{self.source_hash()}"'
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.kernels_', dir=output.parent) as folder:
            objects, report = self.compile_sources(Path(folder), compiler, flags)
            linked = Path(folder, output.name)
            self.run_compiler([*compiler, *self.link_flags, *extra_flags, '-o', str(linked),
                               *map(str, objects)])
            os.replace(linked, output)
        return report

    def compile_sources(self, folder: Path, compiler: Sequence[str], flags: Sequence[str],
                        pattern: str = '*') -> tuple[list[Path], str]:
        """
        Compile sources, as many at a time as there are cores.

        :param folder: Where the objects go.
        :param flags: All flags of the compiler.
        :param pattern: Which files of the sources.
        :return: The objects, and what the compiler said.
        :raises KernelBuildError: if the compiler fails.
        """
        objects = {path: folder / f'{path.stem}.o' for path in self._files()
                   if path.suffix in ('.cpp', '.cu') and path.match(pattern)}
        largest_first = sorted(objects, key=lambda path: -path.stat().st_size)
        commands = [[*compiler, *flags, '-c', str(path), '-o', str(objects[path])]
                    for path in largest_first]
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as executor:
            reports = list(executor.map(self.run_compiler, commands))
        return list(objects.values()), ''.join(reports)

    def run_compiler(self, command: Sequence[str]) -> str:
        """
        Run a compiler and pass its warnings on.

        :return: What it said on stderr.
        :raises KernelBuildError: with the compiler's message if it does not end well.
        """
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise KernelBuildError(
                f'{self.compiler_name} ended with status {done.returncode}: '
                f'{shlex.join(command)}\n{done.stderr.strip()}\n{self.cure}')
        sys.stderr.write(done.stderr)
        return done.stderr

    def _files(self) -> list[Path]:
        """List the sources; not what an editor keeps beside them."""
        return sorted(path for path in self.sources.glob('[!.]*') if path.suffix in _SUFFIXES)


CPU_BUILDER = LibraryBuilder(
    kind='CPU kernels', command='python -m bdc_occ_ros.kernels.build',
    library=_FOLDER / 'libbdc_kernels.so', sources=_FOLDER / 'src', headers=(),
    flags=('-std=c++17', '-O3', '-ffp-contract=off', '-fno-trapping-math', '-fvisibility=hidden',
           '-fvisibility-inlines-hidden', '-fPIC', '-pthread', '-Wall', '-Wextra'),
    link_flags=('-shared', '-pthread', '-Wl,-z,defs'),  # nothing is left to be found when loaded
    choices=('cpu', 'cuda'), has_compiler=has_compiler, find_compiler=find_compiler,
    compiler_name='the compiler',
    cure='It must be g++ 9 or later; name another by CXX, or set BDC_OCC_EXTENSION=off to do '
         'without the kernels')

_CUDA_FLAGS = ('-std=c++17', '-O3', '-fmad=false',
               '-Xcompiler=-fPIC,-Wall,-Wextra,-ffp-contract=off,-fvisibility=hidden',
               *(f'-gencode=arch=compute_{target},code=sm_{target}' for target in CUDA_TARGETS))
CUDA_BUILDER = LibraryBuilder(
    kind='GPU kernels', command=f'{CPU_BUILDER.command} cuda',
    library=_FOLDER / 'libbdc_cuda.so', sources=_FOLDER / 'cuda',
    headers=(CPU_BUILDER.sources / 'bdc_kernels.h',), flags=_CUDA_FLAGS,
    link_flags=(*_CUDA_FLAGS, '-shared', '-cudart=static'), choices=('cuda',),
    has_compiler=lambda: _nvcc() is not None, find_compiler=find_nvcc, compiler_name='nvcc',
    cure='It must be that of CUDA 12.0 or later with a g++ that it supports; or set '
         'BDC_OCC_EXTENSION=cpu to do without the GPU kernels')
BUILDERS = {'cpu': CPU_BUILDER, 'cuda': CUDA_BUILDER}
_UNWANTED = {
    'cpu': 'no kernels are built: there is no C++ compiler, or BDC_OCC_EXTENSION=off',
    'cuda': 'no GPU kernels are built: there is no nvcc, or BDC_OCC_EXTENSION is off or cpu'}


def main(argv: Sequence[str] | None = None) -> int:
    """
    Build as the arguments say.

    :param argv: Arguments without the program's name; those of the process if None.
    :return: Exit status: 0, or 2 with a message if the library cannot be built.
    """
    parser = argparse.ArgumentParser(prog=CPU_BUILDER.command,
                                     description='Build a library of kernels.')
    parser.add_argument('library', nargs='?', choices=BUILDERS, default='cpu', help='default: cpu')
    parser.add_argument('--output', type=Path, help='instead of the library beside the sources')
    parser.add_argument('--sanitize', action='store_true',
                        help='with the address and undefined behaviour sanitizers (cpu)')
    parser.add_argument('--target', choices=sorted(CROSS_COMPILERS),
                        help='cross-compile for another architecture (cpu)')
    parsed = parser.parse_args(argv)
    builder = BUILDERS[parsed.library]
    if (parsed.sanitize or parsed.target) and (parsed.output is None or builder is CUDA_BUILDER):
        parser.error('--sanitize and --target are for cpu and need --output, so that the library '
                     'in use stays')
    try:
        if parsed.output is None and not builder.is_wanted():
            print(_UNWANTED[parsed.library])
            return 0
        compiler = find_compiler(parsed.target) if parsed.target else builder.find_compiler()
        builder.build(parsed.output, compiler=compiler,
                      extra_flags=SANITIZER_FLAGS if parsed.sanitize else ())
    except BdcOccError as error:
        print(error, file=sys.stderr)
        return 2
    print(f'built {parsed.output or builder.library} with {shlex.join(compiler)}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
