# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO's BinaryConvolution as a peer: asked over pipes, checked before it is timed."""

from collections.abc import Sequence
from pathlib import Path
import tempfile

import numpy as np
from numpy.typing import NDArray
import torch

from bdc_occ_ros.bench.asked_process import AskedProcess
from bdc_occ_ros.bench.packed_layers import Layer, LayerData

REPEATS = 3
PROGRAM = 'bdc_occ_ros.bench.openvino_chain'


def layer_chain(layer: Layer) -> list[Layer]:
    """
    Return the chain in which a layer is measured.

    :param layer: The layer; it stands three times in the chain where its shape allows that.
    """
    keeps_shape = layer.in_channels == layer.out_channels and layer.stride == 1
    channels = layer.out_channels
    return [layer] * (REPEATS if keeps_shape else 1) + [Layer(1, channels, channels,
                                                              *layer.out_size)]


class OpenVinoPeer:
    """
    A process that runs chains; close it when done.

    :param isa: Instruction set that oneDNN may use at most, as ONEDNN_MAX_CPU_ISA has it, or
        empty.
    """

    def __init__(self, threads: int, isa: str = '') -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._process = AskedProcess(PROGRAM, str(threads),
                                     {'ONEDNN_MAX_CPU_ISA': isa} if isa else {})

    def load(self, chain: Sequence[Layer], data: Sequence[LayerData]) -> NDArray[np.float32]:
        """
        Make a chain and run it.

        :param chain: Layers in a row.
        :param data: The input of the first and the weights of all.
        :return: What it computes, (1, H', W', Co), integers.
        """
        path = Path(self._folder.name, 'chain.npz')
        weights = {f'weight_{index}': (drawn.weight > 0).to(torch.uint8).numpy()
                   for index, drawn in enumerate(data)}
        np.savez(path, real=data[0].real.contiguous().numpy(), **weights,
                 strides=[layer.stride for layer in chain])
        self._process.ask(str(path))
        return np.load(path.with_suffix('.npy')).transpose(0, 2, 3, 1)

    def run(self) -> float:
        """Run the chain and return the milliseconds of its quickest measured layer."""
        return float(self._process.ask(''))

    def close(self) -> None:
        """End the process."""
        self._process.close()
        self._folder.cleanup()
