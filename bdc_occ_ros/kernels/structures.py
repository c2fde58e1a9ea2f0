# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mirror the structures of src/bdc_kernels.h for ctypes; pointers are plain addresses."""

from ctypes import c_float, c_int32, c_void_p, Structure

import torch

ABI_VERSION = 1
REAL_TYPES = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2, torch.int16: 3}
BITS = 4


def _pointers(*names: str) -> list[tuple[str, type]]:
    return [(name, c_void_p) for name in names]


def _integers(*names: str) -> list[tuple[str, type]]:
    return [(name, c_int32) for name in names]


class BdcMap(Structure):
    _fields_ = [*_pointers('data'),
                *_integers('type', 'batch', 'height', 'width', 'channels', 'stride')]


class BdcSign(Structure):
    _fields_ = _pointers('threshold', 'flip')


class BdcIntegerSign(Structure):
    _fields_ = _pointers('low', 'high', 'flip')


class BdcRprelu(Structure):
    _fields_ = _pointers('before', 'slope', 'after')


class BdcPack(Structure):
    _fields_ = [('in_', BdcMap), ('out', BdcMap), ('sign', BdcSign)]


_EPILOGUE = [*_pointers('scale', 'offset'), ('activation', BdcRprelu),
             *_pointers('sums', 'gate'), ('shortcut', BdcMap),
             *_pointers('shortcut_scale', 'shortcut_offset'),
             ('out', BdcMap), ('bits', BdcMap), ('sign', BdcSign)]


class BdcConvolution(Structure):
    _fields_ = [('in_', BdcMap), *_pointers('weights', 'base'),
                *_integers('out_channels', 'kernel', 'stride'),
                ('bits_of_integer', BdcMap), ('integer_sign', BdcIntegerSign),
                ('integers', BdcMap), *_EPILOGUE]


class BdcRealConvolution(Structure):
    _fields_ = [('in_', BdcMap), *_pointers('weights'), *_integers('out_channels'), *_EPILOGUE]


class BdcBranchLayer(Structure):
    _fields_ = [('sign', BdcSign), *_pointers('weights', 'scale'), ('before', BdcRprelu)]


class BdcGate(Structure):
    _fields_ = [*_pointers('sums'), *_integers('batch', 'rows', 'channels'), ('count', c_float),
                *_pointers('layers'), *_integers('num_layers'), *_pointers('gate')]


class BdcCombine(Structure):
    _fields_ = [('left', BdcMap), ('right', BdcMap),
                ('left_weight', c_float), ('right_weight', c_float),
                ('activation', BdcRprelu), ('out', BdcMap), ('bits', BdcMap), ('sign', BdcSign)]


class BdcAffine(Structure):
    _fields_ = [('in_', BdcMap), *_integers('factor'), *_pointers('scale', 'offset'),
                ('out', BdcMap), ('bits', BdcMap), ('sign', BdcSign)]


class BdcAveragePool(Structure):
    _fields_ = [('in_', BdcMap), ('out', BdcMap)]


class BdcUpsample(Structure):
    _fields_ = [('in_', BdcMap), ('out', BdcMap)]


class BdcSplat(Structure):
    _fields_ = [*_pointers('starts', 'points', 'pixels', 'probability'),
                *_integers('probability_type'), ('context', BdcMap), ('out', BdcMap)]


class BdcSplatTable(Structure):
    _fields_ = [*_pointers('points_m'), *_integers('cameras', 'depths', 'pixels_per_camera'),
                ('lower', c_float * 3), ('size', c_float * 3), *_integers('rows', 'columns'),
                *_pointers('starts', 'points', 'pixels', 'cells')]


class BdcLabels(Structure):
    _fields_ = [('in_', BdcMap), *_integers('classes'), *_pointers('labels')]


class BdcStep(Structure):
    _fields_ = [*_integers('kind'), *_pointers('operation')]


# In the order of bdc_kind.
KINDS = (BdcPack, BdcConvolution, BdcRealConvolution, BdcGate, BdcCombine, BdcAffine,
         BdcAveragePool, BdcUpsample, BdcSplat, BdcSplatTable, BdcLabels)
