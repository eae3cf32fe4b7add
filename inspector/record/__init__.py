"""The record: what became of every part, in a database, and the pictures that are kept of some.

Needs the extra `station`. `opening.open_store` opens it and says in one line what is missing.
"""
