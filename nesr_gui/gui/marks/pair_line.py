"""Under the table: how far apart two selected marks are, in colour and in shape."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QLabel, QWidget

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.gui.model.marks import Curve, Finding, Mark


class PairLine(QLabel):
    """Shows ΔE2000 and the spectral angle of two marks, when two are selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Difference of two marks")
        self.setContentsMargins(12, 2, 12, 6)
        self.setWordWrap(True)
        self.hide()

    def show_pair(self, pair: list[tuple[Mark, Curve | None, Finding | None]]) -> None:
        """Any other number of marks than two, or two without curves, show nothing."""
        parts = []
        if len(pair) == 2:
            (first, curve, finding), (second, other, other_finding) = pair
            seen = [each.appearance for each in (finding, other_finding) if each is not None and each.appearance]
            if len(seen) == 2:
                parts.append(f"ΔE2000 {cie.delta_e(seen[0].lab, seen[1].lab):.2f}")
            if curve is not None and other is not None:
                values = [each.spectrum.values.astype(np.float64)[None] for each in (curve, other)]  # (1, L)
                parts.append(f"spectral angle {metrics.spectral_angle(*values)[0]:.2f}°")
            if parts:
                parts[0] = f"{first.title} and {second.title}:  {parts[0]}"
        self.setText("  ·  ".join(parts))
        self.setVisible(bool(parts))
