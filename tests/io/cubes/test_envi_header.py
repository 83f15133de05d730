"""Headers of ENVI files: whatever is written is read back, and any text gives a header or a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nesr_gui.io.cubes.envi_header import Header, header_text, parse_header
from nesr_gui.io.errors import UnreadableFile

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="{}[],;=\r\n", exclude_categories=["Cc", "Zl", "Zp"]))
KEYS = st.from_regex(r"[a-z][a-z ]{0,12}[a-z]", fullmatch=True).map(lambda key: " ".join(key.split()))
HERE = Path("c.hdr")


def parsed(text: str) -> Header:
    return parse_header(HERE, text)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(numbers=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), samples=st.integers(1, 10**6),
       provenance=st.dictionaries(KEYS, st.text(st.characters(codec="utf-8")), max_size=4))  # fmt: skip
def test_what_is_written_is_read_back(numbers: list[float], samples: int, provenance: dict[str, str]) -> None:
    listed = [repr(number) for number in numbers]
    header = parsed(header_text({"samples": samples, "wavelength": listed}, provenance))
    read = header.numbers("wavelength")
    assert read is not None and read.tolist() == numbers and header.integer("samples") == samples
    assert header.own() == provenance and not header.unclosed


@settings(max_examples=200, deadline=None, derandomize=True)
@given(items=st.lists(PLAIN.map(lambda text: " ".join(text.split())).filter(bool), min_size=1, max_size=8),
       gap=st.sampled_from([",", ", ", ",\n  ", " ,\n"]), key=KEYS)  # fmt: skip
def test_lists_over_lines(items: list[str], gap: str, key: str) -> None:
    header = parsed(f"ENVI\n{key} = {{\n{gap.join(items)}}}\nsamples = 7\n")
    if key != "samples":
        assert header.values[key] == items and header.integer("samples") == 7


@settings(max_examples=500, deadline=None, derandomize=True)
@given(text=st.text(alphabet="samples bands={}[],;0123456789.e-\n\r\tENVIwavelth", max_size=200))
def test_any_text_gives_a_header_or_a_sentence(text: str) -> None:
    try:
        header = parsed("ENVI\n" + text)
        for key in header.values:
            found = header.numbers(key)
            assert found is None or found.dtype == np.float64
        header.integer("samples", 1)
        header.own()
    except UnreadableFile as error:
        assert "c.hdr" in str(error) and "\n" not in str(error)
