"""The verbs that need no training code."""

from inspector.cli import Verb

VERBS = (
    Verb(
        "run",
        "inspect a camera, a video or a folder of images, part by part",
        "line-inspector run --product bottle --source 0 --save-overlays overlays --window",
        "inspector.verbs.run",
        unattended=True,
    ),
    Verb("doctor", "say what this machine has and lacks", "line-inspector doctor", "inspector.verbs.doctor"),
)
