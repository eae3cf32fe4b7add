"""Where verdicts go: each sink takes every inspection of a run, in frame order."""
