"""Each performance claim of the project, measured beside its peer in one run: `python -m bench NAME [--mb N]`."""
