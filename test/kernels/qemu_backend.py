# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels for aarch64 on any machine: cross-compiled, run by qemu-user, spoken to by pipes."""

import ctypes
from functools import partial
from pathlib import Path
import shutil
import struct
import subprocess

import torch

from bdc_occ_ros.errors import BackendUnavailableError, InvalidOperationError
from bdc_occ_ros.kernels.build import CPU_BUILDER, CROSS_COMPILERS, find_compiler
from bdc_occ_ros.kernels.checked_memory import address
from bdc_occ_ros.kernels.lowering import Lowering
from bdc_occ_ros.kernels.structures import ABI_VERSION

QEMU = 'qemu-aarch64-static'
SYSTEM_ROOT = '/usr/aarch64-linux-gnu'
RUNNER = Path(__file__).with_name('aarch64_runner.cpp')
ALIGNMENT = 64
REQUEST = struct.Struct('<4i3q16s')
PREPARED_BYTES, PREPARE_WEIGHTS, RUN, ERROR_TEXT = range(4)
CANARY = b'\xa5'


def missing_programs():
    """Return what aarch64 needs and is not installed."""
    return [name for name in (CROSS_COMPILERS['aarch64'], QEMU) if not shutil.which(name)]


def build_runner(folder):
    """Return the program that runs the kernels, built of the present sources."""
    compiler = find_compiler('aarch64')
    library, runner = folder / 'libbdc_kernels.so', folder / 'aarch64_runner'
    if not CPU_BUILDER.is_current(library):
        CPU_BUILDER.build(library, compiler=compiler)
    newest = max(path.stat().st_mtime for path in (library, RUNNER))
    if not runner.is_file() or runner.stat().st_mtime <= newest:
        CPU_BUILDER.run_compiler([*compiler, '-std=c++17', '-O1', f'-I{CPU_BUILDER.sources}',
                                  str(RUNNER), str(library), '-Wl,-rpath,$ORIGIN',
                                  '-o', str(runner)])
    return runner


class Image:
    """
    Memory of this process as it will lie in the runner's: tensors, structures, and between them
    bytes that nobody may change.
    """

    def __init__(self, base, size):
        self.base, self.size = base, size
        self.contents = bytearray(CANARY * ALIGNMENT)
        self._places = {}  # address here -> (size, offset there)

    def place(self, start, size):
        """Copy memory and return its offset; what was placed before is found again."""
        if start not in self._places:
            place = len(self.contents) + (start - len(self.contents)) % ALIGNMENT
            self.contents += CANARY * (place - len(self.contents))
            self.contents += ctypes.string_at(start, size) + CANARY * ALIGNMENT
            self._places[start] = size, place
        assert self._places[start][0] == size
        return self._places[start][1]

    def place_structure(self, structure):
        """Copy a structure or an array of them, its pointers turned into the runner's."""
        offset = self.place(ctypes.addressof(structure), ctypes.sizeof(structure))
        for at in pointers(structure):
            pointer, = struct.unpack_from('<q', self.contents, offset + at)
            if pointer:
                struct.pack_into('<q', self.contents, offset + at, self.translate(pointer))
        return offset

    def translate(self, pointer):
        """Return the runner's address of something that was placed."""
        for start, (size, offset) in self._places.items():
            if start <= pointer < start + max(size, 1):  # an empty array has an address too
                return self.base + offset + pointer - start
        raise AssertionError(f'a pointer to memory that no tensor holds: {pointer:#x}')

    def take_back(self, answer, starts):
        """Copy what the runner left into the memory at these addresses; check all the rest."""
        for start in starts:
            size, offset = self._places[start]
            ctypes.memmove(start, answer[offset:offset + size], size)
            self.contents[offset:offset + size] = answer[offset:offset + size]
        assert answer == self.contents, 'the kernels wrote where no tensor lies'


def pointers(structure):
    """Yield where the pointers of a structure or an array of structures lie."""
    if isinstance(structure, ctypes.Array):
        for index, element in enumerate(structure):
            yield from (index * ctypes.sizeof(element) + at for at in pointers(element))
        return
    for name, kind in structure._fields_:
        offset = getattr(type(structure), name).offset
        if kind is ctypes.c_void_p:
            yield offset
        elif issubclass(kind, ctypes.Structure):
            yield from (offset + at for at in pointers(getattr(structure, name)))


class QemuLibrary:
    """What KernelLibrary is, in another process."""

    def __init__(self, runner, cpu):
        self._process = subprocess.Popen(
            (QEMU, '-L', SYSTEM_ROOT, '-cpu', cpu, runner), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        version, identity, *memory = self._process.stdout.readline().split()
        assert (int(version), identity.decode()) == (ABI_VERSION, CPU_BUILDER.source_hash())
        self._memory = int(memory[0]), int(memory[1])
        self._backends = {name: supported == '1' for name, supported in (
            backend.decode().split(':') for backend in memory[2:])}

    def close(self):
        """End the process, and see that it ends well."""
        self._process.stdin.close()
        assert self._process.wait(timeout=10) == 0
        self._process.stdout.close()

    def image(self):
        """Return an empty image of the runner's memory."""
        return Image(*self._memory)

    def backend_names(self):
        return list(self._backends)

    def is_supported(self, backend):
        return self._backends.get(backend, False)

    def prepared_bytes(self, backend, *sizes):
        size = self._call(PREPARED_BYTES, backend, sizes)[0]
        if size < 0:
            raise InvalidOperationError(f'{backend} has no convolution of {sizes}')
        return size

    def prepare(self, backend, weights, in_channels):
        sizes = len(weights), in_channels, weights.shape[1]
        prepared = torch.empty(self.prepared_bytes(backend, *sizes), dtype=torch.uint8)
        image = self.image()
        offsets = (image.place(weights.data_ptr(), weights.nbytes),
                   image.place(prepared.data_ptr(), prepared.nbytes))
        code, answer = self._call(PREPARE_WEIGHTS, backend, sizes, offsets, image.contents)
        self._check(code)
        image.take_back(answer, [prepared.data_ptr()])
        return prepared

    def run(self, backend, count, threads, offset, contents):
        """Run steps that lie at an offset of an image; return the image after it."""
        code, answer = self._call(RUN, backend, (count, threads, 0), (offset, 0), contents)
        self._check(code)
        return answer

    def _check(self, code):
        if code:
            text = self._call(ERROR_TEXT, '', (code, 0, 0), image=bytes(256))[1]
            raise InvalidOperationError(text.split(b'\0')[0].decode())

    def _call(self, kind, backend, arguments, offsets=(0, 0), image=b''):
        """Send a request; return the result and the image after it."""
        self._process.stdin.write(REQUEST.pack(
            kind, *arguments, *offsets, len(image), backend.encode()))
        self._process.stdin.write(image)
        self._process.stdin.flush()
        answer = self._process.stdout.read(8 + len(image))
        if len(answer) < 8 + len(image):
            raise ChildProcessError(f'the runner ended with {self._process.wait(timeout=10)}')
        return int.from_bytes(answer[:8], 'little', signed=True), answer[8:]


class QemuBackend:
    """A backend of the library for aarch64; see bdc_occ_ros.kernels.operations.Backend."""

    def __init__(self, name, library, threads=1):
        self.name, self.threads, self.library = name, threads, library
        if not library.is_supported(name):
            raise BackendUnavailableError(f'this processor has no backend {name!r}')

    def compile(self, operations):
        """Prepare operations whose buffers are all allocated."""
        lowering = Lowering(partial(self.library.prepare, self.name))
        steps = lowering.steps(operations)

        def run():
            lowering.point_at_external_buffers()
            image = self.library.image()
            starts = self._place_tensors(image, lowering)
            for kept in lowering.kept:
                if isinstance(kept, ctypes.Structure | ctypes.Array):
                    image.place_structure(kept)
            offset = image.place_structure(steps)
            image.take_back(self.library.run(
                self.name, len(steps), self.threads, offset, image.contents), starts)

        return run

    def _place_tensors(self, image, lowering):
        """Place all memory that the operations name; return its addresses."""
        tensors = [kept for kept in lowering.kept if isinstance(kept, torch.Tensor)]
        tensors += [source.buffer.tensor for _, source, _ in lowering.external]
        storages = {storage.data_ptr(): storage.nbytes() for storage in (
            tensor.untyped_storage() for tensor in tensors) if storage.nbytes()}
        storages[address(torch.empty(0))] = ALIGNMENT
        for start, size in storages.items():
            image.place(start, size)
        return list(storages)
