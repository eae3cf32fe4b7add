"""The addresses, a module for each page."""

from inspector.page.routes import account, api, health, line

ROUTERS = (line.router, account.router, api.router, health.router)
