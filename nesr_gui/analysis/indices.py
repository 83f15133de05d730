"""Published indices that need only 400-700 nm, as expressions of band math.

Blue, green and red are the means over 450-495, 520-570 and 620-680 nm: broad bands like those of the cameras for which
the indices of this kind were published. Indices of narrow bands use the wavelengths of their publication. Those that
need the red edge or the near infrared, such as the NDVI, are impossible in this range and not here.
"""

from __future__ import annotations

from dataclasses import dataclass

BLUE, GREEN, RED = "mean(450, 495)", "mean(520, 570)", "mean(620, 680)"


@dataclass(frozen=True)
class Index:
    """A published index: short and long name, expression, and source."""

    name: str
    title: str
    expression: str
    source: str


def _broad(formula: str) -> str:
    """Formula with broad bands for G, R and B."""
    return formula.replace("G", GREEN).replace("R", RED).replace("B", BLUE)


_TABLE = (
    Index("GLI", "Green leaf index", _broad("(2 * G - R - B) / (2 * G + R + B)"),
          "Louhaichi et al. 2001, doi 10.1080/10106040108542184"),
    Index("VARI", "Visible atmospherically resistant index", _broad("(G - R) / (G + R - B)"),
          "Gitelson et al. 2002, doi 10.1016/S0034-4257(01)00289-9"),
    Index("NGRDI", "Normalised green-red difference index", _broad("(G - R) / (G + R)"),
          "Tucker 1979, doi 10.1016/0034-4257(79)90013-0"),
    Index("TGI", "Triangular greenness index", "-0.5 * (190 * (b670 - b550) - 120 * (b670 - b480))",
          "Hunt et al. 2013, doi 10.1016/j.jag.2012.07.020"),
    Index("PRI", "Photochemical reflectance index", "(b531 - b570) / (b531 + b570)",
          "Gamon et al. 1992, doi 10.1016/0034-4257(92)90059-S"),
    Index("CRI550", "Carotenoid reflectance index", "1 / b510 - 1 / b550",
          "Gitelson et al. 2002, doi 10.1562/0031-8655(2002)0750272ACCIPL2.0.CO2"),
    Index("CRI700", "Carotenoid reflectance index", "1 / b510 - 1 / b700",
          "Gitelson et al. 2002, doi 10.1562/0031-8655(2002)0750272ACCIPL2.0.CO2"),
    Index("ARI", "Anthocyanin reflectance index", "1 / b550 - 1 / b700",
          "Gitelson et al. 2001, doi 10.1562/0031-8655(2001)074<0038:OPANEO>2.0.CO;2"),
    Index("CTR1", "Carter's stress ratio", "b695 / b420", "Carter 1994, doi 10.1080/01431169408954109"),
)  # fmt: skip
INDICES = {index.name: index for index in _TABLE}
"""Indices by their short names."""


def expression_of(text: str) -> tuple[str, str]:
    """Expression and name of an index by its short name in any case; any other text is an expression without name."""
    index = INDICES.get(text.strip().upper())
    return (index.expression, index.name) if index is not None else (text, "")
