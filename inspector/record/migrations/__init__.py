"""What alembic runs when a record is opened."""
