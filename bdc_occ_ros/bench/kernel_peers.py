# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who else computes a layer, a unit or a splat, as far as installed and right."""

from collections.abc import Sequence
import sys
from types import TracebackType

import numpy as np
import torch

from bdc_occ_ros.bench.alternation import Contestant, timed
from bdc_occ_ros.bench.layers import Layer, UnitShape
from bdc_occ_ros.bench.onnxruntime_peer import Int8Convolution
from bdc_occ_ros.bench.openvino_peer import layer_chain, OpenVinoPeer
from bdc_occ_ros.bench.packed_layers import chained_layers, LayerData, seeded_data
from bdc_occ_ros.bench.packed_splat import SeededSplat
from bdc_occ_ros.bench.peer_packages import has_packages
from bdc_occ_ros.bench.torch_peer import torch_convolution, torch_module
from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.kernels.operations import Backend

TORCH = {'torch_fp32': torch.float32, 'torch_bf16': torch.bfloat16}
PEERS = (*TORCH, 'ort_int8', 'openvino_binary')
CAPPED = 'openvino_binary_avx2'


class KernelPeers:
    """
    The peers of one measurement; a context manager, since OpenVINO runs in processes of its own.

    :param names: Those of PEERS that are wanted.
    :param backends: Ours; the first judges OpenVINO's results. Beside avx2 OpenVINO runs once more
        without AVX-512.
    """

    def __init__(self, names: Sequence[str], backends: Sequence[Backend], threads: int) -> None:
        self._torch = {name: dtype for name, dtype in TORCH.items() if name in names}
        self._has_onnxruntime = 'ort_int8' in names and has_packages(
            'onnxruntime int8', ('onnx', 'onnxruntime'))
        self._judge = backends[0]
        self._threads = threads
        self._openvino: dict[str, OpenVinoPeer] = {}
        if 'openvino_binary' in names and has_packages("OpenVINO's BinaryConvolution",
                                                       ('openvino',)):
            self._openvino['openvino_binary'] = OpenVinoPeer(threads)
            if any(backend.name == 'avx2' for backend in backends):
                self._openvino[CAPPED] = OpenVinoPeer(threads, 'AVX2')

    def __enter__(self) -> 'KernelPeers':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for peer in self._openvino.values():
            peer.close()

    def of_layer(self, layer: Layer, data: LayerData) -> dict[str, Contestant]:
        """
        Return who computes a layer.

        :param data: Its input and weights.
        """
        peers = {name: timed(torch_convolution(layer, data, dtype))
                 for name, dtype in self._torch.items()}
        if self._has_onnxruntime:
            peers['ort_int8'] = timed(Int8Convolution(layer, data, self._threads))
        return {**peers, **self._openvino_of(layer)}

    def of_unit(self, shape: UnitShape, unit: BdcUnit) -> dict[str, Contestant]:
        """Return who computes a unit."""
        source = torch.randn((1, shape.in_channels, shape.height, shape.width))
        return {name: timed(torch_module(unit, source, dtype))
                for name, dtype in self._torch.items()}

    def of_splat(self, splat: SeededSplat) -> dict[str, Contestant]:
        """Return who computes a splat."""
        return {name: timed(splat.torch_lift(dtype)) for name, dtype in self._torch.items()}

    def _openvino_of(self, layer: Layer) -> dict[str, Contestant]:
        """Return OpenVINO's layer, unless a chain of it computes something else than ours."""
        if not self._openvino:
            return {}
        chain = layer_chain(layer)
        data = [seeded_data(part, seed) for seed, part in enumerate(chain)]
        operations, expected = chained_layers(chain, data)
        self._judge.compile(operations)()
        peers = {}
        for name, peer in self._openvino.items():
            if np.array_equal(peer.load(chain, data), expected.numpy()):
                peers[name] = peer.run
            else:
                print(f'{layer.name}: {name} computes something else than {self._judge.name}; '
                      'its time is left out', file=sys.stderr)
        return peers
