"""`nesr-gui match`, `classify`, `cluster`, `unmix`, `compute` and `components`: files that other programs read."""

# ruff: noqa: F811  (a fixture that is imported)

import json
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest
import rasterio
import rasterio.features
import tifffile
from scipy import ndimage

import nesr_gui
from nesr_gui import io
from nesr_gui.analysis.classification import Classification, MatchedFilter, SpectralAngleMapper, class_numbers
from nesr_gui.analysis.clustering import Clusters, Feature
from nesr_gui.analysis.components import ComponentKind, Components
from nesr_gui.analysis.continuum import remove_continuum
from nesr_gui.analysis.distances import Distance
from nesr_gui.analysis.expression import Expression
from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.analysis.maps import compute_map
from nesr_gui.analysis.matching import Query, find_metamers, rank_matches
from nesr_gui.analysis.pixelwise import bands_within
from nesr_gui.analysis.unmixing import Unmixing
from nesr_gui.colorimetry.viewing_conditions import CIE_1931, CIE_1964, Illuminant, ViewingConditions
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.georeference import KEY, Georeference
from nesr_gui.io.regions.files import read_regions
from nesr_gui.io.spectra.csv import read_curves, read_table, write_curves
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Spectrum
from tests.analysis.scenes import BANDS, UncertainCube, chart_spectra, field_of, mixed_cube
from tests.cli.test_cli import run  # noqa: F401

VALUES = mixed_cube()
WHERE = Georeference.upright((500_000, 5_400_000), (2.0, 2.0), 32632)


@pytest.fixture
def cube(tmp_path):
    """A georeferenced cube."""
    field = CubeField(VALUES, BANDS, Quantity.REFLECTANCE, {KEY: WHERE.map_info()})
    io.write_cube(tmp_path / "scene.hdr", field, BANDS)
    return tmp_path / "scene.hdr"


@pytest.fixture
def library(tmp_path):
    write_curves(tmp_path / "chart.csv", chart_spectra())
    return tmp_path / "chart.csv"


def test_a_pixel_is_matched(run, cube, library, tmp_path):
    out = tmp_path / "matches.csv"
    code, text, notes = run("match", cube, "--at", "3,4", "--library", library, "-o", out, "--most", 2)
    assert code == 0 and "Measured values" in notes
    rows = read_table(out, ("spectral angle", "gain", "name", "file"))
    angles = SpectralAngleMapper(chart_spectra(), BANDS).scores(VALUES[:, 3, 4])
    assert [row["name"] for row in rows] == [f"patch {at}" for at in np.argsort(angles)]
    assert [float(row["spectral angle"]) for row in rows] == pytest.approx(sorted(angles.tolist()), abs=1e-2)
    lines = text.splitlines()
    assert lines[1].split()[-4:] == ["-", "patch", str(int(np.argmin(angles))), "(chart.csv)"]
    assert len(lines) == 4 and lines[-1] == f"{out}: 6 matches"
    assert "# rests_on: Measured values, linear between the bands." in out.read_text()


@pytest.mark.parametrize("by", ["divergence", "rmse", "colour"])
def test_other_distances_and_a_range(run, cube, library, by):
    words = ["--range", "410-690"] if by != "colour" else []
    code, text, _ = run("match", cube, "--at", "3,4", "--library", library, "--by", by, "--search", "patch 3", *words)
    assert code == 0 and "patch 3 (chart.csv)" in text and "patch 2" not in text


@pytest.fixture
def reconstruction(monkeypatch):
    """Let the commands open a field with intervals of ± 0.02 instead of any file."""
    field = UncertainCube(VALUES, np.full(VALUES.shape[1:], 0.02))
    monkeypatch.setattr("nesr_gui.cli.analysis.open_field", lambda *args: field)
    return field


def test_a_reconstruction_states_what_cannot_be_told_apart(run, reconstruction, tmp_path):
    own = VALUES[:, 3, 4]
    comb = np.where(np.arange(31) % 8 < 4, 0.02, 0.9).astype(np.float32)
    named = (("itself", own), ("near", own + 0.01), ("comb", comb))
    write_curves(tmp_path / "some.csv", [Spectrum(BANDS, values, name) for name, values in named])
    words = ("--library", tmp_path / "some.csv", "-o", tmp_path / "o.csv")
    code, text, notes = run("match", "photo.png", "--at", "3,4", *words)
    assert code == 0 and "Spectra reconstructed from the three colours of a photograph by the model test" in notes
    assert [line[0] for line in text.splitlines()[1:4]] == ["=", "=", " "]
    assert "2 of 3 cannot be told apart: within the interval at 80% or more.\n" in text
    rows = read_table(tmp_path / "o.csv", ("cannot be told apart", "within interval"))
    assert [row["cannot be told apart"] for row in rows] == ["true", "true", "false"]


def test_metamers_under_a_light(run, cube, tmp_path):
    own = Spectrum(BANDS, VALUES[:, 3, 4], "itself")
    write_curves(tmp_path / "own.csv", [own, *chart_spectra(2)])
    code, text, _ = run("match", cube, "--at", "3,4", "--library", tmp_path / "own.csv", "--metamers", "--light", "A")
    assert code == 0 and "itself (own.csv)" in text
    assert text.splitlines()[-1] == "1 of 3 spectra have the colour of the pixel under A, CIE 1931 2°."
    words = ("--metamers", "--observer", "3")
    assert "'3' is no observer; choose 2 or 10" in run("match", cube, "--at", "3,4", "--library", cube, *words)[2]


def expected_classes(threshold):
    analysis = Classification(SpectralAngleMapper(chart_spectra(), BANDS), threshold)
    return compute_map(field_of(VALUES), analysis).values[0].astype(np.uint8)


def test_classes_as_geotiff_png_and_areas(run, cube, library, tmp_path):
    expected = expected_classes(12)
    for name in ("classes.tif", "classes.png", "classes.geojson"):
        words = ("--library", library, "--threshold", 12, "-o", tmp_path / name)
        code, text, _ = run("classify", cube, *words, "--statistics", tmp_path / "stats.csv")
        assert code == 0 and f"1 patch 0: {(expected == 1).sum()} pixels" in text
    with rasterio.open(tmp_path / "classes.tif") as file:
        np.testing.assert_array_equal(file.read(1), expected)
        assert file.crs.to_epsg() == 32632 and file.descriptions == ("class",) and file.nodata == 255
        assert list(file.transform)[:6] == list(WHERE.transform)
        written = json.loads(file.tags()["TIFFTAG_IMAGEDESCRIPTION"])
    assert written["threshold"] == "at most 12°" and written["classes"].startswith("0 none; 1 patch 0; 2 patch 1")
    np.testing.assert_array_equal(iio.imread(tmp_path / "classes.png"), expected)
    areas = json.loads((tmp_path / "classes.geojson").read_text())
    shapes = [(f["geometry"], int(f["properties"]["name"].split()[1]) + 1) for f in areas["features"]]
    filled = rasterio.features.rasterize(shapes, expected.shape, transform=rasterio.Affine(*WHERE.transform))
    np.testing.assert_array_equal(filled, expected)
    assert areas["provenance"]["rests_on"] == "Measured values, linear between the bands."
    mean = next(curve for curve in read_curves(tmp_path / "stats.csv") if curve.name == "patch 0 mean")
    np.testing.assert_allclose(mean.values, VALUES[:, expected == 1].mean(1), rtol=1e-4)


def test_classes_of_pixels_of_the_image_in_a_region(run, cube, tmp_path):
    words = ("--at", "3,4=leaf", "--at", "20,28", "--region", "rectangle 2,3 12,20", "--threshold", 90)
    assert run("classify", cube, *words, "-o", tmp_path / "c.tif")[0] == 0
    spectra = [Spectrum(BANDS, VALUES[:, row, col]) for row, col in ((3, 4), (20, 28))]
    expected = 1 + SpectralAngleMapper(spectra, BANDS).scores(VALUES).argmin(0)[2:12, 3:20]
    with rasterio.open(tmp_path / "c.tif") as file:
        np.testing.assert_array_equal(file.read(1), expected)
        assert (file.transform.c, file.transform.f) == (500_006, 5_399_996)
        assert "1 leaf; 2 row 20 col 28" in file.tags()["TIFFTAG_IMAGEDESCRIPTION"]
    assert run("classify", cube, *words, "-o", tmp_path / "c.geojson")[0] == 0
    areas = json.loads((tmp_path / "c.geojson").read_text())["features"]
    shapes = [(area["geometry"], 1 if area["properties"]["name"].startswith("leaf") else 2) for area in areas]
    filled = rasterio.features.rasterize(shapes, VALUES.shape[1:], transform=rasterio.Affine(*WHERE.transform))
    np.testing.assert_array_equal(filled[2:12, 3:20], expected)
    assert filled.sum() == expected.sum()


def test_the_matched_filter(run, cube, library, tmp_path):
    words = ("--library", library, "--name", "patch 2", "--by", "filter", "--threshold", 0.3)
    code, text, _ = run("classify", cube, *words, "-o", tmp_path / "f.png")
    assert code == 0 and "1 patch 2: " in text
    assert set(np.unique(iio.imread(tmp_path / "f.png")).tolist()) == {0, 1}


@pytest.mark.parametrize("feature", ["spectra", "shapes", "components"])
def test_clusters(run, cube, tmp_path, feature):
    words = (
        "--of",
        feature,
        "-n",
        4,
        "--components",
        3,
        "--centres",
        tmp_path / "centres.csv",
        "-o",
        tmp_path / "k.tif",
    )
    assert run("cluster", cube, *words)[0] == 0
    with rasterio.open(tmp_path / "k.tif") as file:
        numbers = file.read(1)
        assert json.loads(file.tags()["TIFFTAG_IMAGEDESCRIPTION"])["seed"] == "0"
    sizes = np.bincount(numbers.ravel(), minlength=5)
    assert sizes[0] == 0 and sizes[1:].tolist() == sorted(sizes[1:].tolist(), reverse=True)
    assert [curve.name for curve in read_curves(tmp_path / "centres.csv")] == [f"cluster {at}" for at in range(1, 5)]


def test_abundances(run, cube, library, tmp_path):
    assert run("unmix", cube, "--library", library, "-o", tmp_path / "a.tif")[0] == 0
    expected = compute_map(field_of(VALUES), Unmixing(chart_spectra(), BANDS)).values
    with rasterio.open(tmp_path / "a.tif") as file:
        np.testing.assert_allclose(file.read(), expected, atol=1e-5)
        assert file.descriptions == (*(f"patch {at}" for at in range(6)), "error (RMSE)")


def test_expressions_and_indices(run, cube, tmp_path):
    for text, name in (("b550 / mean(600, 650)", "e.tif"), ("gli", "g.tif"), ("vari", "v.exr")):
        code, said, _ = run("compute", text, cube, "-o", tmp_path / name)
        assert code == 0 and "1 layer of 31×24 pixels. Measured values" in said
    field = field_of(VALUES)
    expected = compute_map(field, Expression.parse("b550 / mean(600, 650)").for_field(field)).values[0]
    with rasterio.open(tmp_path / "e.tif") as file:
        np.testing.assert_allclose(file.read(1), expected, rtol=1e-5)
    with rasterio.open(tmp_path / "g.tif") as file:
        assert file.descriptions == ("GLI",) and np.isnan(file.nodata)


def test_a_comparison_is_a_mask(run, cube, tmp_path):
    expected = VALUES[15] > np.float32(0.15)
    for name in ("m.png", "m.geojson", "m.tif"):
        code, _, error = run("compute", "b550 > 0.15", cube, "-o", tmp_path / name)
        assert code == 0, error
    np.testing.assert_array_equal(iio.imread(tmp_path / "m.png") == 1, expected)
    assert len(read_regions(tmp_path / "m.geojson", WHERE)) >= 1
    code, _, error = run("compute", "b550", cube, "-o", tmp_path / "m.png")
    assert code == 2 and error == "nesr-gui: a map of values cannot be written as .png; choose .tif, .tiff, .exr\n"


def test_components_and_their_loadings(run, cube, tmp_path):
    words = ("-n", 3, "-o", tmp_path / "p.tif", "--loadings", tmp_path / "l.csv")
    code, text, _ = run("components", cube, *words)
    found = Components.fit(field_of(VALUES), BANDS, 3)
    assert code == 0 and text.startswith(f"PC 1: {found.explained[0]:.2%} of the variance\n")
    with rasterio.open(tmp_path / "p.tif") as file:
        np.testing.assert_allclose(file.read(), found.values(VALUES), atol=2e-5)
    mean, first, *_ = read_curves(tmp_path / "l.csv")
    np.testing.assert_allclose(mean.values, found.mean, rtol=1e-4)
    np.testing.assert_allclose(first.values, found.loadings[0], atol=1e-4)
    assert run("components", cube, "--kind", "mnf", "-o", tmp_path / "n.tif")[1].startswith("MNF 1: signal-to-noise")


def test_a_photograph_is_reconstructed_by_the_chosen_model(run, photo, model_file, tmp_path):
    words = ("-o", tmp_path / "b.tif", "--model", model_file)
    code, text, error = run("compute", "b550.5", photo, *words)
    assert code == 0, error
    assert f"{tmp_path / 'b.tif'}: 1 layer of 16×12 pixels. Spectra reconstructed from the three colours" in text
    field = nesr_gui.reconstruct(photo, nesr_gui.load_model(model_file))
    np.testing.assert_allclose(tifffile.imread(tmp_path / "b.tif"), field.band(550.5), atol=1e-6)


REGION, RANGE = Region.parse("ellipse 6,8 40,56"), (450.0, 600.0)
AREA, NM = ("--region", str(REGION)), ("--range", "450-600")
SPOTS = ("--at", "7,9=a", "--at", "20,30=b", "--at", "41,57=c")
"""In source pixels, two of which are a pixel along each side."""


def spots(bands):
    at = np.searchsorted(BANDS.nm, bands.nm)
    return [
        Spectrum(bands, VALUES[at, row, col], name) for row, col, name in ((3, 4, "a"), (10, 15, "b"), (20, 28, "c"))
    ]


def clusters(field, bands):
    components = Components.fit(field, bands, 2, region=REGION)
    return Clusters.fit(field, bands, 4, Feature.COMPONENTS, components=components, seed=5, region=REGION)


OPTIONS = {
    "angle": (("classify", *SPOTS, *NM, *AREA, "--threshold", 3, "--threshold", 9, "--threshold", 6),
              lambda field, bands: Classification(SpectralAngleMapper(spots(bands), bands), (3, 9, 6))),
    "filter": (("classify", *SPOTS, *NM, *AREA, "--by", "filter"),
               lambda field, bands: Classification(MatchedFilter.fit(field, spots(bands), bands, region=REGION), 0.5)),
    "clusters": (("cluster", *NM, *AREA, "-n", 4, "--of", "components", "--components", 2, "--seed", 5), clusters),
    "unmixing": (("unmix", *SPOTS, *NM, *AREA, "--any-sum", "--difference", 0.3),
                 lambda field, bands: Unmixing(spots(bands), bands, sums_to_one=False, difference=0.3)),
    "components": (("components", *NM, *AREA, "-n", 3, "--difference", 0.1),
                   lambda field, bands: replace(Components.fit(field, bands, 3, region=REGION), difference=0.1)),
    "fractions": (("components", *NM, *AREA, "-n", 3, "--kind", "mnf", "--difference", 5),
                  lambda field, bands: replace(
                      Components.fit(field, bands, 3, ComponentKind.MNF, region=REGION), difference=5)),
    "expression": (("compute", "b550 - b450", *AREA, "--difference", 0.05),
                   lambda field, bands: Expression.parse("b550 - b450").for_field(field, 0.05)),
}  # fmt: skip


@pytest.mark.parametrize("case", OPTIONS)
@pytest.mark.parametrize("abstains", [True, False])
def test_options_have_the_effect_of_the_same_arguments_in_python(run, reconstruction, tmp_path, case, abstains):
    """Of a reconstruction at a reduced resolution, some of whose pixels are uncertain."""
    reconstruction.binning, reconstruction.source_shape = 2, (48, 62)
    reconstruction.half_width = np.where(np.arange(31) < 16, 0.03, 0.001) * np.ones((24, 1), np.float32)
    (command, *words), analysis_of = OPTIONS[case]
    words = [*words[:1], "photo.png", *words[1:]] if command == "compute" else ["photo.png", *words]
    code, _, error = run(command, *words, "-o", tmp_path / "o.tif", "--abstain" if abstains else "--no-abstain")
    assert code == 0, error
    made = compute_map(
        reconstruction, analysis_of(reconstruction, bands_within(reconstruction, RANGE)), region=REGION,
        intervals=abstains,
    )  # fmt: skip
    assert made.abstained().any() == abstains
    found = tifffile.imread(tmp_path / "o.tif")
    if command in ("classify", "cluster"):
        np.testing.assert_array_equal(found, class_numbers(made.values[0], made.abstained()))
    else:
        expected = np.stack([made.answers(layer) for layer in range(len(made.layers))])
        np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=1e-5)


def test_a_map_lies_where_the_file_of_the_image_says(run, reconstruction, tmp_path):
    """The georeference of a photograph is that of its GeoTIFF, which the reconstruction does not state."""
    (out := tmp_path / "out").mkdir()
    with rasterio.open(
        tmp_path / "photo.tif", "w", driver="GTiff", width=31, height=24, count=3, dtype="uint8", crs="EPSG:32632",
        transform=rasterio.Affine(*WHERE.transform),
    ):  # fmt: skip
        pass
    words = ("b550 - b450", tmp_path / "photo.tif", "--region", "rectangle 4,6 20,30", "-o", out / "m.tif")
    code, _, error = run("compute", *words)
    assert code == 0, error
    with rasterio.open(out / "m.tif") as file:
        assert (file.crs.to_epsg(), file.transform.c, file.transform.f) == (32632, 500_012, 5_399_992)


def sample(path, places):
    """What GDAL reads at map coordinates: (N, bands)."""
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == 3035, "a coordinate system that only the tags of the file state"
        return np.array(list(file.sample(places)))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("compute", ("b550",)),
        ("classify", ("--threshold", 12)),
        ("cluster", ("-n", 4)),
        ("unmix", ()),
        ("components", ("-n", 2)),
    ],
)
def test_a_map_has_the_values_of_its_source_at_the_same_coordinates(run, library, tmp_path, command, words):
    """Also of a cube whose rows are stored from south to north, and shown north up."""
    where = Georeference.upright((4_500_000, 2_900_000), (2.0, 3.0))
    rows, cols = np.indices(VALUES.shape[1:]).reshape(2, -1) + 0.5
    places = where.to_map(np.stack([rows, cols], axis=1)).tolist()
    maps = []
    for name, stored, values in (("north", where, VALUES), ("south", where.flipped(24), VALUES[:, ::-1])):
        source, out = tmp_path / f"{name}.tif", tmp_path / f"{name}_map.tif"
        with rasterio.open(
            source, "w", driver="GTiff", width=31, height=24, count=31, dtype="float32", crs="EPSG:3035",
            transform=rasterio.Affine(*stored.transform),
        ) as file:  # fmt: skip
            file.write(values)
            for band, nm in enumerate(BANDS, 1):
                file.update_tags(band, wavelength=nm, wavelength_units="nm")
        np.testing.assert_array_equal(sample(source, places), VALUES.reshape(31, -1).T)
        references = ("--library", library) if command in ("classify", "unmix") else ()
        arguments = (*words, source) if command == "compute" else (source, *words)
        code, _, error = run(command, *arguments, *references, "-o", out)
        assert code == 0, error
        maps.append(sample(out, places))
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-5)
    if command == "compute":
        np.testing.assert_array_equal(maps[1][:, 0], VALUES[15].ravel())


def test_statistics_and_areas_are_of_certain_pixels_of_the_region(run, reconstruction, tmp_path):
    reconstruction.half_width = np.where(np.arange(31) < 16, 0.03, 0.001) * np.ones((24, 1), np.float32)
    words = ("--at", "3,4=a", "--at", "20,28=b", "--region", "rectangle 2,3 20,29", "--threshold", 30)
    outputs = ("-o", tmp_path / "c.png", "--statistics", tmp_path / "s.csv")
    assert run("classify", "photo.png", *words, *NM, *outputs)[0] == 0
    numbers = iio.imread(tmp_path / "c.png")
    curves = {curve.name: curve for curve in read_curves(tmp_path / "s.csv")}
    for number, name in ((1, "a"), (2, "b")):
        own = VALUES[5:21, 2:20, 3:29][:, numbers == number]
        np.testing.assert_allclose(curves[f"{name} mean"].values, own.mean(1), rtol=1e-4)
        np.testing.assert_allclose(curves[f"{name} highest"].values, own.max(1), rtol=1e-5)
    assert (numbers == 255).any()
    sizes = [np.bincount(ndimage.label(numbers == number)[0].ravel())[1:] for number in (1, 2)]
    least = int(np.concatenate(sizes).max())  # others are left out
    assert sum(map(len, sizes)) > 1
    for smallest in (1, least):
        assert (
            run("classify", "photo.png", *words, *NM, "-o", tmp_path / "c.geojson", "--least-pixels", smallest)[0] == 0
        )
        areas = json.loads((tmp_path / "c.geojson").read_text())["features"]
        assert len(areas) == sum((each >= smallest).sum() for each in sizes)


@pytest.mark.parametrize("observer", ["2", "10"])
@pytest.mark.parametrize("metamers", [True, False])
def test_matches_are_those_of_the_pixel_range_light_and_observer(run, reconstruction, tmp_path, metamers, observer):
    reconstruction.binning, reconstruction.source_shape = 2, (48, 62)
    mixed = 0.9 * VALUES[:, 3, 4:5] + 0.1 * VALUES.reshape(31, -1)[:, ::20]
    near = [Spectrum(BANDS, values, f"mixture {at}") for at, values in enumerate(mixed.T)]
    write_curves(tmp_path / "near.csv", near)
    words = ("--library", tmp_path / "near.csv", "-o", tmp_path / "o.csv", "--light", "FL11", "--observer", observer)
    words += ("--metamers",) if metamers else ("--by", "colour", "--range", "400-690")
    code, _, error = run("match", "photo.png", "--at", "7,9", *words)
    assert code == 0, error
    viewing = ViewingConditions(Illuminant("FL11"), {"2": CIE_1931, "10": CIE_1964}[observer])
    query = Query.at_pixel(reconstruction, 3, 4, None if metamers else (400, 690))
    library = SpectralLibrary.of(near)
    expected = (
        find_metamers(query, library, viewing) if metamers
        else rank_matches(query, library, Distance.COLOUR, viewing=viewing)
    )  # fmt: skip
    rows = read_table(tmp_path / "o.csv", ("ΔE2000", "within interval", "name"))
    assert [row["name"] for row in rows] == [match.entry.name for match in expected]
    assert len(rows) > 1 and (len(rows) < len(near)) == metamers
    assert [float(row["ΔE2000"]) for row in rows] == pytest.approx([m.distance for m in expected], abs=1e-4)
    assert [float(row["within interval"]) for row in rows] == pytest.approx([m.cover for m in expected], abs=1e-3)


def test_a_reconstruction_abstains_and_says_so(run, reconstruction, tmp_path):
    reconstruction.half_width = np.where(np.arange(31) < 10, 0.04, 0.01) * np.ones((24, 1), np.float32)
    code, text, _ = run("compute", "b550", "photo.png", "-o", tmp_path / "b.tif", "--difference", "0.05")
    assert code == 0 and f"b550 abstains in {10 / 31:.1%} of the pixels" in text
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        np.testing.assert_array_equal(np.isnan(file.asarray()), np.broadcast_to(np.arange(31) < 10, (24, 31)))
        written = json.loads(file.pages[0].description)
    assert written["abstained"] == f"share of the pixels: b550 {10 / 31:.2%}" and written["differences"] == [0.05]
    assert "they are estimates, not measurements" in written["rests_on"] and written["photograph"] == "p.png"
    run("compute", "b550", "photo.png", "-o", tmp_path / "b.tif", "--difference", "0.05", "--no-abstain")
    assert np.isfinite(tifffile.imread(tmp_path / "b.tif")).all()
    code, text, _ = run("classify", "photo.png", "--at", "3,4", "--threshold", "5", "-o", tmp_path / "c.png")
    numbers = iio.imread(tmp_path / "c.png")
    assert (numbers == 255).any() and f" 255 abstained: {(numbers == 255).sum()} pixels" in text
    reconstruction.half_width[:] = 1
    code, _, error = run("classify", "photo.png", "--at", "3,4", "--threshold", "5", "-o", tmp_path / "c.geojson")
    assert code == 2 and "no pixel has a class that is certain (the map abstains in " in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("classify", "CUBE", "-o", "c.tif"), "no reference spectrum given; add --library FILE, or --at ROW,COL"),
        (("classify", "CUBE", "-o", "c.jpg", "--at", "1,1"), "a map of classes cannot be written as .jpg"),
        (("classify", "CUBE", "-o", "c.tif", "--name", "x"), "--name chooses spectra of a library; add --library"),
        (("classify", "CUBE", "-o", "c.tif", "--at", "99,1"), "the image has rows 0-23"),
        (("unmix", "CUBE", "-o", "c.png", "--at", "1,1"), "abundance maps cannot be written as .png"),
        (("unmix", "CUBE", "-o", "c.tif", "--at", "1,1"), "2 to 30 endmembers can be unmixed, and 1 is given"),
        (("compute", "b550 +", "CUBE", "-o", "c.tif"), "the expression ends too early at position 7"),
        (("compute", "b550 + b800", "CUBE", "-o", "c.tif"), "asks for 800 nm at position 8"),
        (("cluster", "CUBE", "-n", "1", "-o", "c.tif"), "1 clusters requested; 2 to 254"),
        (("components", "CUBE", "-n", "50", "-o", "c.tif"), "50 components requested; 31 wavelengths"),
        (("components", "CUBE", "--range", "1-2", "-o", "c.tif"), "the range 1-2 nm holds 0 of the image's 31 bands"),
        (("match", "CUBE", "--at", "1,1", "--library", "none.csv"), "there is no file none.csv"),
    ],
)
def test_mistakes_are_one_line(run, cube, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    code, _, error = run(*(cube if word == "CUBE" else word for word in words))
    assert code == 2 and message in error and error.count("\n") == 1 and error.startswith("nesr-gui: ")
    assert {path.suffix for path in tmp_path.iterdir()} == {".hdr", ".img"}


def test_statistics_of_a_region_within_a_range_are_tabulated(run, cube, tmp_path):
    out = tmp_path / "statistics.csv"
    code, text, _ = run("statistics", cube, "-o", out, "--range", "450-550", "--region", "rectangle 2,3 8,9")
    assert code == 0, text
    bands = (BANDS.nm >= 450) & (BANDS.nm <= 550)
    chosen = VALUES[bands, 2:8, 3:9].reshape(bands.sum(), -1).astype(float)
    rows = read_table(out, ("nm", "mean", "SD", "lowest", "5 %", "median", "highest"))
    assert [row["nm"] for row in rows[1:]] == [f"{nm:g}" for nm in BANDS.nm[bands]]
    for name, values in {
        "mean": chosen.mean(axis=1), "SD": chosen.std(axis=1, ddof=1), "lowest": chosen.min(axis=1),
        "5 %": np.percentile(chosen, 5, axis=1), "highest": chosen.max(axis=1),
    }.items():  # fmt: skip
        np.testing.assert_allclose([float(row[name]) for row in rows[1:]], values, rtol=1e-4, err_msg=name)
    of_pixels = np.trapezoid(chosen, BANDS.nm[bands], axis=0)
    assert float(rows[0]["mean"]) == pytest.approx(of_pixels.mean() / 100, rel=1e-4)
    assert float(text.split("integral of the mean ")[1]) == pytest.approx(of_pixels.mean(), rel=1e-4)
    assert "# statistics_of: rectangle 2,3 8,9: 36 pixels." in out.read_text()


def test_a_transect_is_tabulated(run, cube, tmp_path):
    out = tmp_path / "transect.csv"
    given = ("transect", cube, "--through", "2,3", "--through", "2,13", "-o", out)
    code, text, _ = run(*given, "--wavelengths", "450,500")
    assert code == 0 and text == f"{out}: 11 points over 10 pixels\n"
    rows = read_table(out, ("distance_px", "distance_m", "row", "col", "450 nm", "500 nm"))
    assert [float(row["distance_m"]) for row in rows] == [2.0 * at for at in range(11)]
    field = CubeField(VALUES, BANDS)
    # the line runs along the upper edge of row 2: halfway between the centres of rows 1 and 2, and of the columns
    band = field.band(450)
    between = (band[1, 2:13] + band[1, 3:14] + band[2, 2:13] + band[2, 3:14]) / 4
    np.testing.assert_allclose([float(row["450 nm"]) for row in rows], between, rtol=1e-5)
    assert "# transect: from row 2, column 3 to row 2, column 13 of the source image" in out.read_text()
    assert run(*given[:-2], "-o", tmp_path / "transect.png")[0] == 2


def test_pixels_are_counted_in_the_plane_of_two_values(run, cube, tmp_path):
    out = tmp_path / "joint.csv"
    code, text, _ = run("scatter", "b450", "b450 / b550", cube, "-o", out, "--cells", 16)
    assert code == 0, text
    rows = [[float(value) for value in row.values()] for row in read_table(out, ("b450 (x)", "pixels"))]
    field = CubeField(VALUES, BANDS)
    x, y = field.band(450).ravel(), (field.band(450) / field.band(550)).ravel()
    assert 0.98 * x.size < sum(count for *_, count in rows) <= x.size
    width, height = (min(np.diff(sorted({row[axis] for row in rows}))) for axis in (0, 1))
    for left, middle, count in rows:
        inside = (abs(x - left) <= width / 2 * 1.0001) & (abs(y - middle) <= height / 2 * 1.0001)
        assert inside.sum() == pytest.approx(count, abs=2)


def test_spectra_are_divided_by_their_continuum(run, cube, tmp_path):
    out = tmp_path / "ratio.csv"
    code, _, notes = run("spectrum", cube, "--at", "3,4", "--wavelengths", "400:700:10", "--continuum", "-o", out)
    (curve,) = read_curves(out)
    values = VALUES[:, 3, 4]
    ratio = remove_continuum(values, BANDS)
    np.testing.assert_allclose(curve.values, ratio, atol=1e-5)
    deepest = int(ratio.argmin())
    assert code == 0 and f"row 3 col 4: band of depth {1 - ratio[deepest]:.4g}" in notes
    assert f"at {BANDS.nm[deepest]:g} nm" in notes and "# processing: divided by the continuum" in out.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("compute", "b550", "IMAGE", "-o", "IMAGE"),
        ("classify", "IMAGE", "--at", "3,4", "-o", "IMAGE"),
        ("classify", "IMAGE", "--library", "LIBRARY", "-o", "map.png", "--statistics", "LIBRARY"),
        ("cluster", "IMAGE", "-o", "IMAGE"),
        ("cluster", "IMAGE", "-o", "map.png", "--centres", "IMAGE"),
        ("unmix", "IMAGE", "--at", "3,4", "-o", "IMAGE"),
        ("components", "IMAGE", "-o", "IMAGE"),
        ("components", "IMAGE", "-o", "map.tif", "--loadings", "IMAGE"),
        ("match", "IMAGE", "--at", "3,4", "--library", "LIBRARY", "-o", "LIBRARY"),
        ("statistics", "TABLE", "-o", "TABLE"),
        ("transect", "TABLE", "--through", "1,1", "--through", "3,4", "-o", "TABLE"),
        ("scatter", "b500", "b600", "TABLE", "-o", "TABLE"),
        ("spectrum", "IMAGE", "--at", "3,4", "-o", "IMAGE"),
    ],
)
def test_a_result_does_not_replace_a_file_that_is_read(run, cube, library, tmp_path, monkeypatch, words):
    """TIFF is a format of cubes and of maps; a file may have any name."""
    monkeypatch.chdir(tmp_path)
    measured = io.open_cube(cube)
    io.write_cube(tmp_path / "scene.tif", measured, measured.bands)
    (tmp_path / "scene.csv").symlink_to(tmp_path / "scene.tif")
    files = {"IMAGE": tmp_path / "scene.tif", "TABLE": tmp_path / "scene.csv", "LIBRARY": library}
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    code, text, error = run(*(files.get(word, word) for word in words))
    assert (code, text, error.count("\n")) == (2, "", 1)
    assert f"would replace {files[words[-1]]}, a file that is in use; choose another name" in error
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "words",
    [
        ("compute", "b550", "CUBE", "-o", "gone/map.tif"),
        ("cluster", "CUBE", "-o", "map.tif", "--statistics", "gone/clusters.csv"),
        ("statistics", "CUBE", "-o", "gone/table.csv"),
    ],
)
def test_a_missing_folder_is_noticed_before_the_work(run, cube, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nesr_gui.cli.analysis.open_field", pytest.fail)
    before = sorted(tmp_path.iterdir())
    code, _, error = run(*(cube if word == "CUBE" else word for word in words))
    assert code == 2 and f"there is no folder {tmp_path / 'gone'}" in error
    assert sorted(tmp_path.iterdir()) == before


def test_a_seed_of_clusters_is_not_negative(run, cube, tmp_path):
    code, _, error = run("cluster", cube, "-o", tmp_path / "map.tif", "--seed", -1)
    assert code == 2 and "--seed" in error


@pytest.mark.parametrize("difference", [-1, "nan", "inf"])
@pytest.mark.parametrize(
    "words", [("compute", "b550", "CUBE"), ("components", "CUBE"), ("unmix", "CUBE", "--at", "3,4")]
)
def test_a_difference_is_a_number_of_0_or_more(run, cube, tmp_path, words, difference):
    """Below 0 every pixel of a reconstruction was left out, and with NaN none."""
    files = [cube if word == "CUBE" else word for word in words]
    code, text, error = run(*files, "-o", tmp_path / "map.tif", "--difference", difference)
    assert (code, text, error.count("\n")) == (2, "", 1) and f"a difference of {difference} asked about" in error
    assert not (tmp_path / "map.tif").exists()


def test_a_search_that_finds_nothing_is_named(run, cube, library):
    code, _, error = run("match", cube, "--at", "3,4", "--library", library, "--search", "gras")
    assert code == 2 and "no spectrum of the library is called 'gras'" in error
