"""The figure of the plot: legend, size, text as text, and what other libraries read of it."""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui.gui.app import App
from nesr_gui.gui.figures.spectra import COLUMNS, Figure, FigureExport, FigureStyle, LegendPlace, export_figure, preview
from nesr_gui.gui.model.marks import MarkSpectrum, new_mark
from nesr_gui.gui.model.plot_settings import PlotAxes, PlotContent, Spreads
from nesr_gui.gui.views.dialogs.figures import SpectraFigureDialog
from nesr_gui.spectral import Spectrum, Wavelengths

BANDS = Wavelengths.from_step(400, 700, 1)
SVG = "{http://www.w3.org/2000/svg}"


def ignore(fraction: float) -> None:
    pass


@pytest.fixture
def figure(qapp: object) -> Figure:
    """Eight pins with truth and interval, the second being active."""
    marks, curves = [], {}
    for number in range(1, 9):
        marks.append(new_mark((number, number), [mark.number for mark in marks]))
        values = (0.5 + 0.4 * np.sin(BANDS.nm / 60 + number)).astype(np.float32)
        curves[(number, number)] = MarkSpectrum(
            Spectrum(BANDS, values),
            Spectrum(BANDS, values * 0.9),
            interval=np.stack([values - 0.1, values + 0.1]),
        )
    return Figure(PlotContent(marks, curves, active=2), (400.0, 700.0), "relative reflectance")


def written(figure: Figure, path: Path, **style: object) -> Path:
    export_figure(FigureExport(path, replace(figure, style=replace(figure.style, **style))), ignore)
    return path


def svg_texts(path: Path) -> list[tuple[str, float, float]]:
    """Texts with their positions, as an XML parser reads them."""
    root = ElementTree.parse(path).getroot()
    return [((text.text or "").strip(), float(text.get("x", 0)), float(text.get("y", 0)))
            for text in root.iter(f"{SVG}text")]  # fmt: skip


@pytest.mark.parametrize("place", [place for place in LegendPlace if place is not LegendPlace.NONE])
@pytest.mark.parametrize("width", [COLUMNS["Single column"], COLUMNS["Double column"]])
def test_no_entry_of_the_legend_is_cut(figure: Figure, tmp_path: Path, place: LegendPlace, width: float) -> None:
    """The legend of eight pins with truth was cut ("90 % i…") and took 40 % of the height."""
    path = written(figure, tmp_path / "f.svg", legend=place, width=width)
    texts = [text for text, _, _ in svg_texts(path)]
    wanted = [f"pin {n}" for n in range(1, 9)] + ["estimated", "measured", "90 % prediction interval"]
    assert [text for text in wanted if texts.count(text) != 1] == [] and not any("…" in text for text in texts)


def test_the_legend_leaves_the_page_to_the_curves(figure: Figure, tmp_path: Path) -> None:
    root = ElementTree.parse(written(figure, tmp_path / "f.svg")).getroot()
    height = float(root.get("viewBox", "").split()[3])
    above = [y for text, _, y in svg_texts(tmp_path / "f.svg") if text == "measured"]
    assert max(above) < 0.12 * height


def test_a_legend_that_leaves_no_room_is_refused(figure: Figure, tmp_path: Path) -> None:
    small = FigureStyle(width=40, height=30, font_size=14)
    error = preview(replace(figure, style=small), ignore)
    assert isinstance(error, ValueError) and "choose a larger figure" in str(error)
    with pytest.raises(ValueError, match="choose a larger figure"):
        export_figure(FigureExport(tmp_path / "f.png", replace(figure, style=small)), ignore)
    assert list(tmp_path.iterdir()) == []
    drawn = preview(replace(figure, style=replace(small, legend=LegendPlace.NONE, font_size=5)), ignore)
    assert isinstance(drawn, QImage) and not drawn.isNull()


def test_an_svg_has_the_size_asked_and_clips_its_curves(figure: Figure, tmp_path: Path) -> None:
    plotted = replace(figure.plotted, axes=PlotAxes(value_limits=(0.4, 0.6)))
    path = written(replace(figure, plotted=plotted), tmp_path / "f.svg", width=89.0, height=60.0, font="DejaVu Serif")
    root = ElementTree.parse(path).getroot()
    assert float(root.get("width", "").removesuffix("mm")) == pytest.approx(89, abs=0.01)
    assert float(root.get("height", "").removesuffix("mm")) == pytest.approx(60, abs=0.01)
    assert "clip-path" in path.read_text(encoding="utf-8"), "the curves would run over the legend"
    assert {text.get("font-family") for text in root.iter(f"{SVG}text")} == {"DejaVu Serif"}


def pdf_text(path: Path) -> str:
    """The characters of a PDF, through the tables with which a viewer copies its text."""
    streams = []
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", path.read_bytes(), re.DOTALL):
        try:
            streams.append(zlib.decompressobj().decompress(packed))
        except zlib.error:  # not compressed
            streams.append(packed)
    maps = [stream for stream in streams if b"beginbfrange" in stream or b"beginbfchar" in stream]
    (table,) = [dict(_codes(stream.decode("latin-1"))) for stream in maps]
    pages = [stream.decode("latin-1") for stream in streams if b"BT" in stream and b"Tf" in stream]
    hexes = re.findall(r"<([0-9A-Fa-f]+)>", " ".join(pages))
    return "".join(table.get(run[i : i + 4].lower(), "") for run in hexes for i in range(0, len(run), 4))


def _codes(cmap: str) -> list[tuple[str, str]]:
    codes = []
    for block in re.findall(r"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        for first, _, texts in re.findall(r"<(\w+)>\s*<(\w+)>\s*\[(.*?)\]", block, re.DOTALL):
            for step, text in enumerate(re.findall(r"<(\w+)>", texts)):
                codes.append((f"{int(first, 16) + step:04x}", chr(int(text, 16))))
        for first, last, text in re.findall(r"<(\w+)>\s*<(\w+)>\s*<(\w+)>", re.sub(r"\[.*?\]", "", block)):
            for step in range(int(last, 16) - int(first, 16) + 1):
                codes.append((f"{int(first, 16) + step:04x}", chr(int(text, 16) + step)))
    for block in re.findall(r"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        codes += [(code.lower(), chr(int(text, 16))) for code, text in re.findall(r"<(\w+)>\s*<(\w+)>", block)]
    return codes


def test_text_in_a_pdf_is_text(figure: Figure, tmp_path: Path) -> None:
    text = "".join(unicodedata.normalize("NFKC", pdf_text(written(figure, tmp_path / "f.pdf"))).split())  # no ligatures
    for part in ("pin1", "90%predictioninterval", "wavelength(nm)", "relativereflectance"):
        assert part in text


@pytest.mark.parametrize("dpi", [150, 600])
def test_a_png_states_its_dpi(figure: Figure, tmp_path: Path, dpi: int) -> None:
    with Image.open(written(figure, tmp_path / "f.png", width=100.0, height=50.0, dpi=dpi)) as image:
        assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.05)
        assert image.size == pytest.approx((100 / 25.4 * dpi, 50 / 25.4 * dpi), abs=1)


def test_every_choice_changes_the_drawing(figure: Figure, tmp_path: Path) -> None:
    """Also that the limits and the scale of the plot are those of the figure."""
    plain = iio.imread(written(figure, tmp_path / "a.png", dpi=72))
    for change in (
        {"font_size": 11}, {"line_width": 3.0}, {"spreads": Spreads.ALL}, {"spreads": Spreads.NONE},
        {"legend": LegendPlace.NONE}, {"legend": LegendPlace.LINE_ENDS}, {"legend": LegendPlace.UPPER_LEFT},
    ):  # fmt: skip
        assert (iio.imread(written(figure, tmp_path / "b.png", dpi=72, **change)) != plain).any(), change
    for axes in (PlotAxes(is_logarithmic=True), PlotAxes(nm_limits=(450, 600)), PlotAxes(value_limits=(0.1, 0.5))):
        other = replace(figure, plotted=replace(figure.plotted, axes=axes))
        assert (iio.imread(written(other, tmp_path / "b.png", dpi=72)) != plain).any(), axes


@pytest.mark.parametrize(
    "style",
    [{"width": 3.0}, {"height": 900.0}, {"font_size": 2}, {"line_width": 0.0}, {"dpi": 10}],
)
def test_a_style_out_of_range_is_refused(style: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is not possible; choose"):
        FigureStyle(**style)  # type: ignore[arg-type]


def test_the_dialog_previews_exports_and_remembers(
    opened: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.document.add_pin(3, 4)
    qtbot.waitUntil(lambda: bool(opened.document.curves))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out"), "SVG drawing (*.svg)"))

    def dialog() -> SpectraFigureDialog:
        opened.exporter.export_figure()
        return opened.window.findChildren(SpectraFigureDialog)[-1]

    first = dialog()
    qtbot.waitUntil(lambda: not first.picture.pixmap().isNull())
    first.columns.setCurrentText("Single column")
    assert first.width_mm.value() == 89 and not first.width_mm.isEnabled() and "89×61 mm" in first.summary.text()
    first.columns.setCurrentText("Other width")
    first.width_mm.setValue(40)
    first.font_size.setValue(24)
    qtbot.waitUntil(lambda: not first.accept_button.isEnabled())
    assert "leaves too little room" in first.summary.text()
    first.width_mm.setValue(120)
    first.font_size.setValue(9)
    first.line_width.setValue(2.0)
    first.legend.setCurrentIndex(first.legend.findData(LegendPlace.RIGHT))
    first.spreads.setCurrentIndex(first.spreads.findData(Spreads.ALL))
    first.is_proportional.setChecked(False)
    first.height_mm.setValue(70)
    first.dpi.setValue(450)
    chosen = first.style_chosen()
    assert first.accept_button.isEnabled()
    first.accept()
    qtbot.waitUntil(lambda: (tmp_path / "out.svg").exists())
    assert "pin 1" in [text for text, _, _ in svg_texts(tmp_path / "out.svg")]
    again = dialog()
    assert again.style_chosen() == chosen
    again.reject()
