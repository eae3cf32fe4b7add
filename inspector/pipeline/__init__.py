"""The lines' threads: the stages of each line, the watchdog's, and one for each output's heartbeat.

    camera -> [capture] -> frames -> [inspect] -> verdicts -> [deliver] -> log, outputs
                                                                  |
                                                               records -> [record] -> sinks

A package and not one module, because each thread's work is a module of its own, none of which starts a thread:

    pipeline     one line, as its caller sees it
    together     several lines in one process
    run          what the threads of one line share
    stages       wires the stages, starts their threads, joins them, and replaces the one that hangs
    worker       such a thread
    capture      reads the camera, numbers the frames
    judging      judges what is there, in a few threads
    delivery     hands the verdicts out, in frame order
    jobs         does one thing after the other, although some fail or hang
    ledger       exactly one verdict for each captured frame, in time
    watchdog     notices who does not move
    safety       drives the outputs to their safe state
    changeover   loads another product beside the running one
"""

from inspector.pipeline.judging import JUDGES
from inspector.pipeline.pipeline import Pipeline
from inspector.pipeline.together import run_together

__all__ = ["JUDGES", "Pipeline", "run_together"]
