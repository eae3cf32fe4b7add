"""The addresses, a module for each page."""

from inspector.page.routes import (
    account,
    api,
    area,
    changeover,
    health,
    history,
    line,
    parts,
    rejects,
    setup,
    starting,
    threshold,
)

ROUTERS = (
    line.router,
    rejects.router,
    threshold.router,
    changeover.router,
    history.router,
    setup.router,
    starting.router,
    area.router,
    account.router,
    api.router,
    parts.router,
    health.router,
)
