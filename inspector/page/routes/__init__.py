"""The addresses, a module for each page."""

from inspector.page.routes import api, health, line

ROUTERS = (line.router, api.router, health.router)
