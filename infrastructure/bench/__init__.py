"""Measurements behind `recourse bench`: ratios taken in one run, on one machine, in alternating rounds."""
