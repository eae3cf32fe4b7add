"""The addresses, a module for each page."""

from inspector.page.routes import (
    account,
    api,
    changeover,
    health,
    history,
    line,
    parts,
    rejects,
    setup,
    threshold,
)

ROUTERS = (
    line.router,
    rejects.router,
    threshold.router,
    changeover.router,
    history.router,
    setup.router,
    account.router,
    api.router,
    parts.router,
    health.router,
)
