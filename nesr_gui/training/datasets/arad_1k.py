"""ARAD_1K, the data of the challenge NTIRE2022 (Arad et al. 2022): 900 training and 50 validation scenes, JPEG."""

from __future__ import annotations

from functools import partial

from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.datasets.dataset import DataSet
from nesr_gui.training.datasets.pairs import paired

ARAD_1K = DataSet(
    name="arad1k",
    title="ARAD_1K",
    expected="ARAD_1K_….mat with `cube` and ARAD_1K_….jpg, as in Train_Spec and Train_RGB, with "
    "split_txt/train_list.txt and valid_list.txt",
    find=partial(paired, prefix="ARAD_1K_", ending=".jpg", arrays={"cube": 1.0}),
    camera=Camera("given"),
    counts=(900, 50),
)
