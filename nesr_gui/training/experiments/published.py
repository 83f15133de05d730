"""What the paper's tables say: MRAE and RMSE, by table, row and column."""

from __future__ import annotations

from collections.abc import Mapping

Figures = tuple[float, float]
"""MRAE and RMSE."""

COLUMNS1 = ("ntire2020-clean", "ntire2020-real", "cave", "ntire2018-clean", "ntire2018-real")

_TABLE1 = {
    "bi": (0.16566, 0.04551, 0.17451, 0.04307, 5.74425, 0.16886, 0.12524, 0.01941, 0.15862, 0.02375),
    "hscnn-r": (0.04128, 0.01515, 0.07278, 0.01892, 0.19613, 0.03535, 0.01943, 0.00389, 0.03437, 0.00621),
    "hscnn-r+nesr": (0.03832, 0.01323, 0.06978, 0.01814, 0.15353, 0.03304, 0.01611, 0.00383, 0.03171, 0.00584),
    "hrnet": (0.04007, 0.01401, 0.06756, 0.01821, 0.17219, 0.02987, 0.01521, 0.00368, 0.02985, 0.00571),
    "hrnet+nesr": (0.03701, 0.01284, 0.06691, 0.01797, 0.16431, 0.02977, 0.01466, 0.00351, 0.02895, 0.00557),
    "awan": (0.03441, 0.01215, 0.06883, 0.01711, 0.19156, 0.03752, 0.01226, 0.00255, 0.03121, 0.00577),
    "awan+nesr": (0.02996, 0.00989, 0.06661, 0.01632, 0.13226, 0.02789, 0.01159, 0.00229, 0.03003, 0.00552),
}
_TABLE2 = {
    "bi": (0.15573, 0.02941, 0.16611, 0.03052, 0.19012, 0.03293, 0.20214, 0.03276),
    "sparse-coding": (0.04843, 0.01116, 0.05722, 0.01287, 0.07681, 0.01451, 0.09841, 0.02079),
    "awan-d": (0.02298, 0.00534, 0.02313, 0.00544, 0.02412, 0.00565, 0.02535, 0.00578),
    "awan-s": (0.02212, 0.00530, 0.02241, 0.00543, 0.02347, 0.00567, 0.02484, 0.00571),
    "awan+nesr": (0.02001, 0.00498, 0.02024, 0.00505, 0.02129, 0.00522, 0.02119, 0.00541),
}
_EXTREME = {
    "bi": (0.14844, 0.02868, 0.14962, 0.02978, 0.14914, 0.03169),
    "awan+bi": (0.03593, 0.00848, 0.03375, 0.00791, 0.03332, 0.00771),
    "awan+nesr": (0.02689, 0.00728, 0.02655, 0.00722, 0.02677, 0.00704),
}
_SUPER_RESOLUTION = {
    "bi": (0.01521, 0.00578, 0.01837, 0.00576),
    "awan": (0.01285, 0.00271, 0.01346, 0.00296),
    "awan+nesr": (0.01232, 0.00245, 0.01312, 0.00278),
}
_TABLE4 = {
    "awan": (0.03441, 0.01215),
    "awan+mlp": (0.03387, 0.01211),
    "awan+mlp+spi": (0.03139, 0.01102),
    "awan+mlp+spi+nam": (0.02996, 0.00989),
    "spectral": (0.03214, 0.01001),
    "spatial": (0.03222, 0.01032),
    "spatial-spectral": (0.02996, 0.00989),
}


def _paired(rows: Mapping[str, tuple[float, ...]], columns: tuple[str, ...]) -> dict[tuple[str, str], Figures]:
    return {
        (row, column): (figures[2 * index], figures[2 * index + 1])
        for row, figures in rows.items()
        for index, column in enumerate(columns)
    }


_ALL = {
    "table1": _paired(_TABLE1, COLUMNS1),
    "fig3": _paired(_TABLE1, COLUMNS1),
    "table2": _paired(_TABLE2, ("31", "16", "11", "7")),
    "table3": _paired(_EXTREME, ("61", "51", "41")) | _paired(_SUPER_RESOLUTION, ("16-31", "16-61")),
    "table4": _paired(_TABLE4, ("31",)),
}


def published(experiment: str, row: str, column: str, dataset: str) -> Figures | None:
    """What the paper says of a row at a column, of Table 1 on that data set; None where it says nothing."""
    return _ALL[experiment].get((row, dataset if experiment in ("table1", "fig3") else column))
