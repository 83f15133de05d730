"""The paper's tables as they are told, and what they say."""

from __future__ import annotations

import pytest

from nesr_gui.cli.train import NAMES
from nesr_gui.networks.registry import SYSTEMS
from nesr_gui.training.datasets import DATASETS
from nesr_gui.training.experiments import plan
from nesr_gui.training.experiments.definitions import EXPERIMENTS, PAPER_HALVINGS, Experiment, Settings
from nesr_gui.training.experiments.tables import COLUMNS1, published
from nesr_gui.training.trainer import Budget


def cells(experiment: Experiment):
    return [(row, column) for section in experiment.sections for row in section.rows for column in section.columns]


def test_the_command_line_offers_every_experiment():
    assert list(EXPERIMENTS) == list(NAMES)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_row_of_the_paper_has_its_figures_and_no_other(name):
    experiment = EXPERIMENTS[name].chosen((), None, "AWAN")
    assert not any(row.extra for row, _ in cells(experiment))
    for row, column in cells(experiment):
        for dataset in COLUMNS1 if experiment.dataset is None else (experiment.dataset,):
            figures = published(name, row.name, column.key, dataset)
            assert figures is not None and figures[0] > figures[1] > 0, (row.name, column.key)
    assert published(name, "mst++", "31", "cave") is None


@pytest.mark.parametrize(
    ("cell", "figures"),
    [
        (("table1", "bi", "31", "cave"), (5.74425, 0.16886)),
        (("table1", "awan+nesr", "31", "ntire2018-real"), (0.03003, 0.00552)),
        (("fig3", "hrnet", "31", "ntire2020-clean"), (0.04007, 0.01401)),
        (("table2", "awan-s", "11", "icvl"), (0.02347, 0.00567)),
        (("table3", "awan+bi", "51", "icvl"), (0.03375, 0.00791)),
        (("table3", "awan", "16-61", "icvl"), (0.01346, 0.00296)),
        (("table4", "spatial", "31", "ntire2020-clean"), (0.03222, 0.01032)),
    ],
)
def test_figures_are_the_paper_s(cell, figures):
    assert published(*cell) == figures


def test_the_data_sets_of_the_paper_are_there():
    assert {*COLUMNS1, *(e.dataset for e in EXPERIMENTS.values() if e.dataset)} <= set(DATASETS)


def test_rows_are_chosen_by_name():
    chosen = EXPERIMENTS["table1"].chosen(("mst++", "bi"), None, "AWAN")
    assert [row.name for row, _ in cells(chosen)] == ["bi", "mst++"]
    with pytest.raises(ValueError, match=r"table1 has no row nesr; there are bi, hscnn-r, hscnn-r\+nesr, hrnet"):
        EXPERIMENTS["table1"].chosen(("nesr",), None, "AWAN")
    with pytest.raises(ValueError, match=r"table3 evaluates hscnn-r\+bi at 61, 51, 41, not at 16-61; name one of"):
        EXPERIMENTS["table3"].chosen(("hscnn-r+bi",), "hscnn-r", "HSCNN-R", ("16-61",))


def test_systems_with_a_skip_are_rows_on_request():
    names = [row.name for row, _ in cells(EXPERIMENTS["table1"].chosen(("hscnn-r+skip", "awan+skip+nesr"), None, ""))]
    assert names == ["hscnn-r+skip", "awan+skip+nesr"]
    assert not any("skip" in row.name for row, _ in cells(EXPERIMENTS["table1"].chosen((), None, "AWAN")))
    table2 = EXPERIMENTS["table2"].chosen(("hscnn-r+skip-s", "hscnn-r+skip+nesr"), "hscnn-r+skip", "HSCNN-R, skip")
    assert [row.system for row in table2.sections[0].rows] == ["hscnn-r+skip", "hscnn-r+skip+nesr"]


def test_every_network_has_the_requested_size_of_the_encoder():
    names = ("hscnn-r", "hscnn-r+nesr", "hscnn-r+skip+nesr", "hscnn-r+factorised", "hscnn-r+factorised+mlp")
    chosen = EXPERIMENTS["table1"].chosen(names, None, "")
    jobs = [cell.job for cell in plan.cells(chosen, 1, DATASETS["cave"].bands, Settings(features=24, blocks=3))]
    assert len(jobs) == len({job.name for job in jobs}) == 5
    assert {(job.config.features, job.config.blocks) for job in jobs} == {(24, 3)}


def test_another_encoder_takes_awan_s_place():
    chosen = EXPERIMENTS["table2"].chosen((), "hscnn-r", "HSCNN-R")
    rows = {row.name: (row.title, row.system) for row, _ in cells(chosen)}
    assert rows["hscnn-r-d"] == ("HSCNN-R (-D)", "hscnn-r")
    assert rows["hscnn-r+nesr"] == ("HSCNN-R + NeSR", "hscnn-r+nesr")
    assert published("table2", "hscnn-r-d", "31", "icvl") is None
    with pytest.raises(ValueError, match="table1 compares encoders already"):
        EXPERIMENTS["table1"].chosen((), "hscnn-r", "HSCNN-R")


def test_a_section_without_rows_is_left_out():
    assert len(EXPERIMENTS["table4"].chosen(("spectral",), None, "AWAN").sections) == 1


@pytest.mark.parametrize(
    ("text", "steps", "seconds"),
    [("paper", 300_000, None), ("steps=20", 20, None), ("hours=1.5", None, 5400), ("hours=.5", None, 1800)],
)
def test_budgets_are_read(text, steps, seconds):
    assert Budget.parse(text) == Budget(steps, seconds)


@pytest.mark.parametrize(
    "text", ["", "1h", "hours=0", "steps=0", "steps=1.5", "steps=.5", "steps=-3", "hours=.", "hours=1.", "papers"]
)
def test_other_budgets_are_refused(text):
    with pytest.raises(ValueError, match=r"write paper, hours=1.5 or steps=2000"):
        Budget.parse(text)


def test_the_learning_rate_is_the_paper_s():
    settings = Settings()
    for step in range(0, 300_000, 9_999):
        spent = settings.budget.spent(step, 0)
        assert settings.optimizer.rate_at(0, spent) == pytest.approx(1e-4 * 0.5 ** (step // 20_000))
    assert PAPER_HALVINGS == settings.halvings == 15
    assert Settings(halvings=0).optimizer.rate_at(0, 1.0) == 1e-4


def test_hours_are_spent_by_the_clock():
    budget = Budget.parse("hours=2")
    assert [budget.spent(10**9, seconds) for seconds in (0, 3600, 7200, 9000)] == [0, 0.5, 1, 1]
    assert str(budget) == "2 hours" and str(Budget()) == "300,000 steps"


@pytest.mark.parametrize(
    ("window", "patch", "sides"),
    [(None, 64, (0, 16, 8)), (None, 12, (0, 12, 8)), (0, 64, (0, 0, 0)), (6, 64, (0, 6, 6))],
)
def test_the_window_of_a_network(window, patch, sides):
    """A spectrum is compared everywhere, so a smaller part of the answer is enough."""
    settings = Settings(patch=patch, window=window)
    systems = ("hscnn-r+skip", "hscnn-r+nesr", "hscnn-r+skip+nesr")
    assert tuple(settings.window_for(SYSTEMS[name].config) for name in systems) == sides
    assert tuple(settings.loss(SYSTEMS[name].config).window for name in systems) == sides


def test_a_window_fits_into_its_patch():
    with pytest.raises(ValueError, match="a window of 20 pixels was requested; a patch has 16"):
        Settings(patch=16, window=20)
