# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
One network on one backend in a process of its own, so that its peak memory can be told.

The argument is a JSON object with model, backend, threads and stream. The process answers every
line of standard input with a line of JSON: stage_ms and total_ms of one run from normalized images
to labels and box maps, and peak_rss_mb, the most memory since the network was ready.
"""

from functools import partial
import gc
import json
from pathlib import Path
import sys
import tempfile

import torch
from torch import Tensor

from bdc_occ_ros.bench.rig import rig_rays
from bdc_occ_ros.bench.section_shares import section_shares, split_by_shares
from bdc_occ_ros.bench.stage_clock import StageClock
from bdc_occ_ros.binary.engine_module import STREAM_DTYPE, use_backend
from bdc_occ_ros.kernels.selection import choose_backend
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.int8_network import put_on_8_bits
from bdc_occ_ros.network.int8_section import SessionSettings
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network

FLOAT, BF16, PACKED, PACKED_BF16 = 'float', 'bf16', 'packed', 'packed_bf16'
INT8, INT8_SPINNING = 'int8', 'int8_spinning'
STREAMS = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}
USUAL_STREAM = next(name for name, dtype in STREAMS.items() if dtype == STREAM_DTYPE)
BACKENDS = (FLOAT, BF16, PACKED, PACKED_BF16, INT8, INT8_SPINNING)
KIB_PER_MB = 1e6 / 1024


def build(model: str, backend: str, images: Tensor, rays_m: Tensor, threads: int,
          stream: str, folder: Path) -> OccupancyNetwork:
    """
    Build an untrained network.

    :param model: Name of a config, or the path of one.
    :param images: (1, N, 3, H, W) normalized, from which ranges of eight bits are taken.
    :param rays_m: (1, N, D, h, w, 3) float32, metres.
    :param stream: One of STREAMS, the type of the maps between packed units.
    :param folder: Where onnxruntime may write profiles.
    """
    torch.manual_seed(0)
    network = OccupancyNetwork(load_network_config(model)).eval()
    if backend == FLOAT:
        return network
    if backend == BF16:
        network.image_dtype = torch.bfloat16
        return network.to(torch.bfloat16).to(memory_format=torch.channels_last)
    dtype = torch.bfloat16 if backend == PACKED_BF16 else torch.float32
    network = pack_network(network, real_dtype=dtype,
                           stream_dtype=STREAMS[stream])
    use_backend(network, choose_backend(threads).backend)
    if backend in (INT8, INT8_SPINNING):
        put_on_8_bits(network, images, rays_m, SessionSettings(
            threads, backend == INT8_SPINNING, str(folder / 'profile')))
    return network


def serve(model: str, backend: str, threads: int, stream: str) -> None:
    """
    Build a network and run it once per line of standard input.

    :param model: Name of a config, or the path of one.
    """
    torch.set_num_threads(threads)
    config = load_network_config(model)
    rays_m = rig_rays(config)[None]
    images = torch.randn((*rays_m.shape[:2], 3, config.image.height_px, config.image.width_px),
                         generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        network = build(model, backend, images, rays_m, threads, stream, Path(folder))
        predict = torch.inference_mode()(partial(network.predict, images, rays_m))
        predict()
        predict()
        shares = section_shares(network)
    gc.collect()
    Path('/proc/self/clear_refs').write_text('5')
    clock = StageClock(network)
    for _ in sys.stdin:
        stage_ms, total_ms = clock.run(predict)
        print(json.dumps({'stage_ms': split_by_shares(stage_ms, shares), 'total_ms': total_ms,
                          'peak_rss_mb': _peak_mb()}), flush=True)


def _peak_mb() -> float:
    """Return the largest resident memory since it was last reset."""
    status = Path('/proc/self/status').read_text().splitlines()
    peak = next(line for line in status if line.startswith('VmHWM'))
    return int(peak.split()[1]) / KIB_PER_MB


if __name__ == '__main__':
    serve(**json.loads(sys.argv[1]))
