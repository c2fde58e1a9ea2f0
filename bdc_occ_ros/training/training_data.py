# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Open training samples by name: world:SEEDS is made up, all else is a data set's folder."""

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from bdc_occ_ros.dataset.batch import TrainingSource
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.training.dataroot_source import DatarootSource
from bdc_occ_ros.world.dataroot_making import SETTINGS_FILE
from bdc_occ_ros.world.seeds import parse_seeds, seed_of, sources_fingerprint
from bdc_occ_ros.world.sensor_timing import published_rigs
from bdc_occ_ros.world.variety import PLAIN, Variety
from bdc_occ_ros.world.world_source import WorldSource

WORLD = 'world:'


@dataclass(frozen=True)
class DataChoice:
    """
    Choose samples to learn from or to be validated on.

    :param name: world:SEEDS, as in world:0-999,2000, or the folder of a data set in nuScenes'
        format.
    :param keyframes_per_scene: Of a made-up scene, up to 40.
    :param version: Folder of a data set's tables.
    :param cache: Folder where prepared samples are kept, or None.
    :param rigs: Calibrations of the vehicles of made-up scenes; empty for nuScenes' three.
    :param variety: What is varied from one made-up scene to the next.
    """

    name: str
    keyframes_per_scene: int = 40
    version: str = 'v1.0-trainval'
    split: str = 'train'
    cache: Path | None = None
    rigs: tuple[Path, ...] = ()
    variety: Variety = PLAIN

    def open(self, config: NetworkConfig) -> TrainingSource:
        """
        Return the samples as a network takes them.

        :raises UsageError: if seeds are no numbers.
        :raises InvalidDatasetError: if there is no such data set or split.
        """
        if not self.name.startswith(WORLD):
            dataset = NuscenesDataset(Path(self.name), self.version, self.split)
            return DatarootSource(dataset, config, cache=self.cache)
        rigs = tuple(map(load_calibration, self.rigs)) or published_rigs()
        return WorldSource(parse_seeds(self.name.removeprefix(WORLD)), config.frustum, rigs,
                           self.keyframes_per_scene, self.cache, self.variety)

    def scenes(self, source: TrainingSource) -> set[tuple[str, str | int]]:
        """
        Return the scenes, each by where it comes from and its seed or name.

        Drives of the world are the same whether they stream or lie in a data set.
        """
        if self.name.startswith(WORLD):
            return {(WORLD, seed) for seed in parse_seeds(self.name.removeprefix(WORLD))}
        if (Path(self.name) / self.version / SETTINGS_FILE).is_file():
            return {(WORLD, seed_of(name)) for name in source.scene_names}
        return {(str(Path(self.name).resolve()), name) for name in source.scene_names}

    def __str__(self) -> str:
        """Return a name that is the same for the same samples."""
        if self.name.startswith(WORLD):
            rigs = f', rigs {" ".join(rig.name for rig in self.rigs)}' if self.rigs else ''
            varied = ''.join(f', varied {name}' for name, wanted in vars(self.variety).items()
                             if wanted)
            return (f'{self.name}, {self.keyframes_per_scene} keyframes per scene{rigs}{varied}, '
                    f'world {sources_fingerprint()[:12]}')
        return f'{Path(self.name).name}, {self.version}, {self.split}'


def require_apart(learned: Set[tuple[str, str | int]], tried: Set[tuple[str, str | int]]) -> None:
    """
    Refuse to validate a network on scenes that it was trained on.

    :raises UsageError: if a scene is in both.
    """
    shared = sorted(str(name) for _, name in learned & tried)
    if shared:
        raise UsageError(f'--validate: {len(shared)} of its {len(tried)} scenes are learned from '
                         f'too, {", ".join(shared[:3])} among them; name scenes that --data does '
                         'not have')
