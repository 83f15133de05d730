"""Batches as a user types them."""

from __future__ import annotations

import sys

import pytest

from nesr_gui import cli


@pytest.fixture
def run(monkeypatch, capsys):
    """Call `nesr-gui reconstruct` with words; returns (exit code, stdout, stderr)."""

    def called(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nesr-gui", "reconstruct", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capsys.readouterr()
        return stopped.value.code or 0, captured.out, captured.err

    return called


def test_many_into_a_folder(run, photo, model_file, tmp_path):
    bad, other = tmp_path / "bad.png", tmp_path / "other.png"
    bad.write_text("no photograph")
    other.write_bytes(photo.read_bytes())  # the same photograph under another name is another cube
    command = (photo, bad, other, "-o", tmp_path / "out", "--format", "npy", "--model", model_file)
    code, text, error = run(*command)
    assert code == 1
    assert text.splitlines()[-1] == "2 written, 1 failed"
    assert f"Wrote {tmp_path / 'out' / 'photo.npy'}: 31 bands of 16×12 pixels" in text
    assert len(error.splitlines()) == 1 and error.startswith(f"failed: {bad}: bad.png is not a photograph")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"photo.npy", "photo.npy.json", "other.npy", "other.npy.json"}
    code, text, _ = run(*command)
    assert code == 1 and text.splitlines()[-1] == "2 already complete, 1 failed"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["PHOTO", "-o", "o.h5", "--jobs", "2"], "a single one uses all cores"),
        (["PHOTO", "PHOTO", "-o", "o", "--jobs", "2", "--scheduler", "x"], "--jobs and --scheduler exclude each other"),
        (["PHOTO", "-o", "o.h5", "--scheduler", "x"], "name it o.zarr"),
        (["PHOTO", "-o", "o", "--format", "docx"], "photograph.docx has the extension '.docx'"),
        (["PHOTO", "-o", "MODEL", "--format", "h5"], "tiny.safetensors is a file; for several photographs"),
        (["PHOTO", "-o", "o", "--format", "folder"], "cannot store float32"),
        (["PHOTO", "-o", "o", "--format", "h5", "--wavelengths", "380,500"], "400-700 nm; asked for"),
    ],
)
def test_what_cannot_be(run, photo, model_file, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    code, _, error = run(
        *({"PHOTO": photo, "MODEL": model_file}.get(word, word) for word in words), "--model", model_file
    )
    assert code == 2 and message in error and len(error.splitlines()) == 1
    assert not (tmp_path / "o").exists()


def test_one_photograph_into_a_folder_of_cubes_or_of_bands(run, photo, model_file, tmp_path):
    (tmp_path / "cubes").mkdir()
    few = ("--bands", "2", "--dtype", "uint16", "--model", model_file)
    for _ in range(2):  # the second time the folder of bands is there
        assert run(photo, "-o", tmp_path / "bands", *few)[0] == 0
        assert len(list((tmp_path / "bands").glob("*.png"))) == 2
    assert run(photo, "-o", tmp_path / "cubes", *few)[0] == 0
    assert [path.name for path in (tmp_path / "cubes").iterdir()] == ["photo.h5"]
