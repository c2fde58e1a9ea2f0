# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Build an untrained network for one backend and time its stages and its memory."""

from functools import partial
import gc
from pathlib import Path
import tempfile
from typing import Any

import torch
from torch import Tensor

from bdc_occ_ros.bench.clock import StageClock
from bdc_occ_ros.bench.int8 import quantize_int8, section_shares, session_options, split_by_shares
from bdc_occ_ros.binary.engine_module import STREAM_DTYPE, use_backend
from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.rig_geometry import GeometryCache
from bdc_occ_ros.kernels.selection import choose_backend
from bdc_occ_ros.network.config import load_network_config, NetworkConfig
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network
from bdc_occ_ros.share import share_path

FLOAT, BF16, PACKED, PACKED_BF16 = 'float', 'bf16', 'packed', 'packed_bf16'
INT8, INT8_SPINNING = 'int8', 'int8_spinning'
STREAMS = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}
USUAL_STREAM = next(name for name, dtype in STREAMS.items() if dtype == STREAM_DTYPE)
BACKENDS = (FLOAT, BF16, PACKED, PACKED_BF16, INT8, INT8_SPINNING)
CALIBRATION = 'calibration_nuscenes_n015.yaml'
KIB_PER_MB = 1e6 / 1024


def rig_rays(config: NetworkConfig) -> Tensor:
    """
    Return the ray points of a real rig of six cameras.

    :return: (6, D, h, w, 3) float32, metres, key ego frame.
    """
    rig = load_calibration(share_path('config', CALIBRATION))
    return GeometryCache(config.frustum).of(rig.cameras).rays.in_key_ego()


class NetworkRunner:
    """
    Run an untrained network from normalized images to labels and box maps.

    :param model: Name of a config, or the path of one.
    :param backend: One of BACKENDS.
    :param stream: One of STREAMS, the type of the maps between packed units.
    """

    def __init__(self, model: str, backend: str, threads: int, stream: str) -> None:
        torch.set_num_threads(threads)
        config = load_network_config(model)
        rays_m = rig_rays(config)[None]
        images = torch.randn((*rays_m.shape[:2], 3, config.image.height_px, config.image.width_px),
                             generator=torch.Generator().manual_seed(0))
        torch.manual_seed(0)
        network = _on_backend(OccupancyNetwork(config).eval(), backend, threads, stream)
        with tempfile.TemporaryDirectory() as folder:
            if backend in (INT8, INT8_SPINNING):
                quantize_int8(network, images, rays_m, session_options(
                    threads, spins=backend == INT8_SPINNING,
                    profile_prefix=str(Path(folder, 'profile'))))
            self._predict = torch.inference_mode()(partial(network.predict, images, rays_m))
            self._predict()
            self._predict()
            self._shares = section_shares(network)
        gc.collect()
        Path('/proc/self/clear_refs').write_text('5')
        self._clock = StageClock(network)

    def run(self) -> dict[str, Any]:
        """
        Run the network once.

        :return: stage_ms, total_ms, and peak_rss_mb, the most memory since the network was ready.
        """
        stage_ms, total_ms = self._clock.run(self._predict)
        status = Path('/proc/self/status').read_text().splitlines()
        peak_kib = next(line.split()[1] for line in status if line.startswith('VmHWM'))
        return {'stage_ms': split_by_shares(stage_ms, self._shares), 'total_ms': total_ms,
                'peak_rss_mb': int(peak_kib) / KIB_PER_MB}


def _on_backend(network: OccupancyNetwork, backend: str, threads: int,
                stream: str) -> OccupancyNetwork:
    """Return a float network as it is, in bfloat16 or packed; that for int8 is packed."""
    if backend == FLOAT:
        return network
    if backend == BF16:
        network.image_dtype = torch.bfloat16
        return network.to(torch.bfloat16).to(memory_format=torch.channels_last)
    real_dtype = torch.bfloat16 if backend == PACKED_BF16 else torch.float32
    network = pack_network(network, real_dtype=real_dtype, stream_dtype=STREAMS[stream])
    use_backend(network, choose_backend(threads).backend)
    return network
