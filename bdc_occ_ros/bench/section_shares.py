# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which stages the time of a joined eight-bit section belongs to, by onnxruntime's profiler."""

from collections import Counter
from collections.abc import Mapping
import json
from pathlib import Path

from torch import nn

from bdc_occ_ros.bench.stage_clock import STAGES
from bdc_occ_ros.network.int8_section import Int8Section

Shares = Mapping[str, Mapping[str, float]]
SUFFIX = '_kernel_time'


def section_shares(network: nn.Module) -> Shares:
    """
    End the profiles of the sections that are stages, some of them several at once.

    :param network: A network that has run; its sections were made with a profile_prefix.
    :return: By the stage that holds a section: stages and their share of its time.
    """
    return {STAGES[name]: _shares(child, STAGES[name])
            for name, child in network.named_children() if isinstance(child, Int8Section)}


def split_by_shares(stage_ms: Mapping[str, float], shares: Shares) -> dict[str, float]:
    """
    Give every stage its part of the section that it was joined into.

    :param stage_ms: Milliseconds per stage, as hooks saw them.
    """
    result = dict(stage_ms)
    for holder, parts in shares.items():
        section_ms = result.pop(holder)
        for stage, share in parts.items():
            result[stage] = result.get(stage, 0.0) + share * section_ms
    return {stage: result[stage] for stage in (*STAGES.values(), *result) if stage in result}


def _shares(section: Int8Section, stage: str) -> dict[str, float]:
    """
    Return the shares of one section.

    A node's name begins with the path of its module, and that of a joined section with the stage.
    Nodes that onnxruntime inserted have no path and count to the stage before them.
    """
    profile = Path(section.session.end_profiling())
    spent: Counter[str] = Counter()
    for event in json.loads(profile.read_text()):
        if event.get('cat') == 'Node' and event['name'].endswith(SUFFIX):
            stage = STAGES.get(event['name'].partition('.')[0], stage)
            spent[stage] += event['dur']
    total = sum(spent.values())
    return {name: time / total for name, time in spent.items()}
