"""JCAMP-DX spectra, as spectrometers export them: a row of the format table of nesr_gui.

Values are read from tables `(X++(Y..Y))` and `(XY..XY)` of plain numbers; compressed tables are refused. X is in
nanometres, micrometres or 1/cm. The format is described by McDonald and Wilks, Appl. Spectrosc. 42 (1988) 151.
"""

from __future__ import annotations

from nesr_gui.io.registry import FileKind, Format


def read(path):
    """The spectra of a file, one for each of its blocks that has a table."""
    import re

    import numpy as np  # the table is built at the start; libraries are imported when they are used

    from nesr_gui.io.errors import UnreadableFile
    from nesr_gui.spectral import Spectrum, Wavelengths

    to_nm = {
        "NANOMETERS": lambda x: x, "MICROMETERS": lambda x: 1000 * x, "1/CM": lambda x: 1e7 / x,
    }  # fmt: skip
    spectra = []
    for block in path.read_text(encoding="latin-1").split("##TITLE=")[1:]:
        labels = {}
        for entry in f"TITLE={block}".split("##"):
            label, _, text = entry.partition("=")
            labels[label.strip().upper().replace(" ", "")] = re.sub(r"\$\$.*", "", text).strip()
        kind, _, table = (labels.get("XYDATA") or labels.get("XYPOINTS") or "").partition("\n")
        if not table:
            continue  # the block of a compound file
        units = labels.get("XUNITS", "").upper()
        try:
            lines = [[float(word) for word in re.findall(r"[^\s,;]+", line)] for line in table.splitlines()]
            factors = [float(labels.get(name, "1")) for name in ("XFACTOR", "YFACTOR")]
            if kind.strip().upper() == "(X++(Y..Y))":
                y = np.array([value for line in lines for value in line[1:]])
                if len(y) != (stated := int(labels.get("NPOINTS", len(y)))):
                    raise ValueError(f"{len(y)} of {stated} values")
                x = np.linspace(float(labels["FIRSTX"]), float(labels["LASTX"]), len(y))
            else:
                x, y = factors[0] * np.array([value for line in lines for value in line]).reshape(-1, 2).T
                y = y / factors[0]
            nm = to_nm[units](x)
            order = np.argsort(nm)
            wavelengths = Wavelengths(nm[order])
        except (KeyError, ValueError) as error:
            raise UnreadableFile(
                f"cannot read {path.name}: {error}; expected plain numbers in nanometers, micrometers or 1/cm"
            ) from error
        values = (factors[1] * y)[order].astype(np.float32)
        spectra.append(Spectrum(wavelengths, values, labels["TITLE"].partition("\n")[0].strip() or path.stem))
    if not spectra:
        raise UnreadableFile(f"{path.name} contains no JCAMP-DX table")
    return spectra


JCAMP = Format("JCAMP-DX", (".jdx", ".dx", ".jcm"), FileKind.CURVES, read=read)
