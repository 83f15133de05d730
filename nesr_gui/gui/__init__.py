"""The window: everything that knows Qt. `app.py` is where to start reading: the parts are connected there."""

import PySide6  # noqa: F401  before pyqtgraph, which takes the Qt that it finds imported
