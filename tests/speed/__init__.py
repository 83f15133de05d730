"""Speed of the parts that users wait for, recorded from version to version: `make speed`."""
