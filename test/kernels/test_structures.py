# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ctypes structures lie in memory as the C compiler lays out those of the header."""

import ctypes
import re
import subprocess

from bdc_occ_ros.kernels import structures
from bdc_occ_ros.kernels.build import CPU_BUILDER, find_compiler
from bdc_occ_ros.kernels.operations import Operation

HEADER = CPU_BUILDER.sources / 'bdc_kernels.h'
MIRRORED = [value for value in vars(structures).values()
            if isinstance(value, type) and issubclass(value, ctypes.Structure)
            and value is not ctypes.Structure]


def c_name(mirrored):
    """BdcRealConvolution is bdc_real_convolution."""
    return re.sub('(?<!^)([A-Z])', r'_\1', mirrored.__name__).lower()


def test_every_structure_of_the_header_is_mirrored():
    declared = re.findall(r'} (bdc_\w+);', HEADER.read_text())
    assert {c_name(mirrored) for mirrored in MIRRORED} | {'bdc_type', 'bdc_kind'} == set(declared)


def test_sizes_and_offsets_are_those_of_the_compiler(tmp_path):
    expected = [f'{c_name(mirrored)} {ctypes.sizeof(mirrored)} ' + ' '.join(
        f'{name.rstrip("_")}:{getattr(mirrored, name).offset}' for name, _ in mirrored._fields_)
        for mirrored in MIRRORED]
    lines = [f'printf("{c_name(mirrored)} %zu", sizeof({c_name(mirrored)}));' + ''.join(
        f'printf(" {field}:%zu", offsetof({c_name(mirrored)}, {field}));'
        for field in (name.rstrip('_') for name, _ in mirrored._fields_)) + 'puts("");'
        for mirrored in MIRRORED]
    source, program = tmp_path / 'offsets.cpp', tmp_path / 'offsets'
    source.write_text('#include <stddef.h>\n#include <stdio.h>\n#include "bdc_kernels.h"\n'
                      'int main() {\n' + '\n'.join(lines) + '\n}\n')
    subprocess.run([*find_compiler(), f'-I{CPU_BUILDER.sources}', source, '-o', program],
                   check=True)
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    assert printed.splitlines() == expected


def test_version_and_numbers_are_those_of_the_header():
    text = HEADER.read_text()
    assert f'#define BDC_ABI_VERSION {structures.ABI_VERSION}\n' in text
    kinds = [name for name, _ in sorted(
        re.findall(r'^  BDC_(\w+) = (\d+),$', text, re.MULTILINE), key=lambda pair: int(pair[1]))]
    assert [c_name(kind) for kind in structures.KINDS] == [f'bdc_{kind.lower()}' for kind in kinds]
    types = dict(re.findall(r'BDC_(F32|BF16|F16|I16|BITS) = (\d)', text))
    assert types == {'F32': '0', 'BF16': '1', 'F16': '2', 'I16': '3', 'BITS': '4'}
    assert {str(dtype): number for dtype, number in structures.REAL_TYPES.items()} == {
        'torch.float32': 0, 'torch.bfloat16': 1, 'torch.float16': 2, 'torch.int16': 3}
    assert structures.BITS == 4


def test_every_operation_has_a_structure():
    names = {f'Bdc{operation.__name__}' for operation in Operation.__args__}
    assert {kind.__name__ for kind in structures.KINDS} == names
