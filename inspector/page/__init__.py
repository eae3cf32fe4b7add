"""The station's pages and API: what people see and change while the line runs.

    feed            what one camera's line has judged lately: a sink
    live            all feeds and controls of this process
    control         what a page may do to a line
    trials          golden parts judged while the line runs
    alarms, badges  what needs somebody, and what to do; the state of camera, trigger, model, controller and disk
    snapshot        the live state of all lines, as the API says it
    video           the annotated view as JPEG, once for all who look
    broadcast       states and pictures as a stream of events, once for all who look
    metrics         the lines' figures for Prometheus
    recorded        parts of the record as the pages name and show them; part_pictures: their pictures
    record_link     the record, opened when it can be; shift: what it counts of the present shift
    threshold       what another threshold would do, and how it is moved
    line_process    a line in a process of its own, started from the pages
    sources         cameras, by the names that Setup has for them; diagnosis: whether one works, step by step
    teaching        a new product, from pictures to a running line: collecting, training
    unfinished      what must be known of it after a restart
    drafts          recipes and models that no line uses yet; part_views: good parts as their model sees them
    former_models   which of the models that were in use before may go
    schemas         what the API says, typed
    access          who asks, and what they may; passwords: their check
    context         what every route needs
    app             the routes put together
    server          the app on a port, in a thread of its own

Needs the extra `station`; only this package imports FastAPI, Starlette, uvicorn and Jinja2.
"""
