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
    Verb(
        "serve",
        "show the record's pages, from which a line can be started",
        "line-inspector serve 127.0.0.1:8080 --record record.db",
        "inspector.verbs.serve",
    ),
    Verb(
        "account",
        "say who may act on a station by its pages",
        "line-inspector account add maria --role engineer",
        "inspector.verbs.account",
    ),
    Verb(
        "audit",
        "check the trail of who changed what",
        "line-inspector audit verify",
        "inspector.verbs.audit",
    ),
    Verb(
        "report",
        "say what happened in a shift or a day, from the record",
        "line-inspector report --shift 1 --html shift.html --csv shift.csv",
        "inspector.verbs.report",
    ),
    Verb(
        "rejudge",
        "judge archived parts by another model or threshold, and say which change sides",
        "line-inspector rejudge --product bottle --threshold 1.2 --day",
        "inspector.verbs.rejudge",
    ),
    Verb(
        "feedback",
        "make images to learn from, and to be tested on, of parts that people judged",
        "line-inspector feedback --product bottle --data data/bottle",
        "inspector.verbs.feedback",
    ),
    Verb("doctor", "say what this machine has and lacks", "line-inspector doctor", "inspector.verbs.doctor"),
)
