"""The station's pages and API: what people see and change while the line runs.

    feed         what one camera's line has judged lately: a sink
    live         all feeds and controls of this process
    video        the annotated view as JPEG, once for all who look
    control      what a page may do to a line
    line_process a line in a process of its own, started from the pages
    sources      cameras, by the names that Setup has for them
    diagnosis    whether a camera works, step by step
    collecting   pictures of good parts
    training     `train` in a process of its own
    drafts       recipes and models that no line uses yet
    teaching     from good parts to a product in use
    part_views   good parts as their model sees them
    alarms       what needs somebody, and what to do
    badges       the state of camera, trigger, model, controller and disk
    schemas      what the API says, typed
    snapshot     the live state of all lines, as the API says it
    access       who asks, and what they may
    context      what every route needs
    app          the routes put together
    server       the app on a port, in a thread of its own

Needs the extra `station`; only this package imports FastAPI, Starlette, uvicorn and Jinja2.
"""
