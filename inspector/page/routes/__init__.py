"""The addresses, a module for each page."""

from inspector.page.routes import account, api, health, history, line, parts, rejects, setup

ROUTERS = (
    line.router,
    rejects.router,
    history.router,
    setup.router,
    account.router,
    api.router,
    parts.router,
    health.router,
)
