"""Observable document model: values and Qt signals, without widgets."""
