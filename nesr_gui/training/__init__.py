"""Training, calibration and evaluation of models, and the experiments of the paper."""
