"""The threads of the lines: no other package starts one for a frame's way.

    camera -> [capture] -> frames -> [inspect] -> verdicts -> [deliver] -> log, outputs
                                                                  |
                                                               records -> [record] -> sinks

From the caller's view down; each module says which of its functions run on which thread:

    pipeline     one line, and several in one process; the watchdog's thread
    stages       wires the stages, starts their threads, joins them, and replaces one that hangs
    capture      reads the camera, numbers the frames
    judging      judges what is there, in a few threads
    delivery     hands the verdicts out, in frame order, and does one job after the other, although some fail or hang
    changeover   loads another product beside the running one
    ledger       the account: exactly one verdict for each captured frame, in time
    run          what the threads share, and which of them may change it; the outputs, and their way to the safe state
    watchdog     notices stages that hang
"""

from inspector.pipeline.pipeline import Pipeline, run_together

__all__ = ["Pipeline", "run_together"]
