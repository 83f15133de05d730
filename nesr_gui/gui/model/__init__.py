"""What is open and what is chosen: values and Qt signals, no widgets."""
