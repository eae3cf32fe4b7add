"""The verbs around training."""

from inspector.cli import Verb

VERBS = (
    Verb(
        "demo",
        "make a small set of parts, learn them, and inspect them as a line",
        "line-inspector demo",
        "export.verbs.demo",
    ),
    Verb(
        "train",
        "learn a product from images of good parts, and export the model",
        "line-inspector train --product bottle --data data/bottle",
        "export.verbs.train",
    ),
    Verb(
        "calibrate",
        "set the threshold of a product, from good parts or by hand",
        "line-inspector calibrate --product bottle --data data/bottle --false-rejects 0.01",
        "export.verbs.calibrate",
    ),
    Verb(
        "evaluate",
        "measure a product on a labelled test set",
        "line-inspector evaluate --product bottle --data data/bottle --report bottle.html",
        "export.verbs.evaluate",
    ),
    Verb(
        "compare",
        "put the results of several evaluations into one table",
        "line-inspector compare results/*.json --format html",
        "export.verbs.compare",
    ),
    Verb(
        "bench",
        "measure how fast a product is judged on this machine",
        "line-inspector bench --product bottle --image data/bottle/test/good/000.png",
        "export.verbs.bench",
    ),
)
