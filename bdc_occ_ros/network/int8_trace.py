# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Real-valued layers as a graph with batch norms folded, and the values seen at every step."""

from collections.abc import Sequence
import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn, Tensor
from torch.nn.utils.fusion import fuse_conv_bn_eval


@dataclass
class Observed:
    """
    The tensors that a step of the graph returned.

    :param shape: Their common shape.
    :param low: Smallest number over all samples, 0 included.
    :param high: Largest number over all samples, 0 included.
    """

    shape: torch.Size
    low: float = 0.0
    high: float = 0.0


class _Observer(fx.Interpreter):
    """Runs a graph and keeps the range of every step."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.observed: dict[fx.Node, Observed] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            low, high = (float(bound) for bound in result.aminmax())
            before = self.observed.setdefault(n, Observed(result.shape))
            before.low, before.high = min(before.low, low), max(before.high, high)
        return result


def trace(module: nn.Module) -> fx.GraphModule:
    """
    Return a copy of a module as a graph, batch norms folded into their convolutions.

    :param module: Layers of torch.nn and of this package, in eval mode.
    """
    graph = fx.symbolic_trace(copy.deepcopy(module).eval())
    modules = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        if node.op != 'call_module' or not isinstance(modules[node.target], nn.BatchNorm2d):
            continue
        before = node.args[0]
        is_conv = before.op == 'call_module' and isinstance(modules[before.target], nn.Conv2d)
        if is_conv and len(before.users) == 1:
            graph.add_submodule(before.target, fuse_conv_bn_eval(
                modules[before.target], modules[node.target]))
            node.replace_all_uses_with(before)
            graph.graph.erase_node(node)
    graph.recompile()
    return graph


@torch.inference_mode()
def observe(graph: fx.GraphModule,
            samples: Sequence[tuple[Tensor, ...]]) -> dict[fx.Node, Observed]:
    """
    Run samples through a graph; steps that return no tensor are left out.

    :param samples: Inputs, all of the same shapes, at least one.
    """
    observer = _Observer(graph)
    for sample in samples:
        observer.run(*sample)
    return observer.observed
