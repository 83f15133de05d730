"""CIE colorimetry, illuminants, observers and colour appearance."""
