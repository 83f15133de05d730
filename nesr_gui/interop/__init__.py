"""Fields in other programs and notebooks: xarray, Jupyter and napari."""
