"""The addresses, a module for each page."""

from inspector.page.routes import account, api, changeover, health, line, threshold

ROUTERS = (line.router, threshold.router, changeover.router, account.router, api.router, health.router)
