"""The secret that all replicas seal login cookies with."""

from __future__ import annotations

import secrets

from app.db.pool import Database

SECRET_BYTES = 32


async def login_secret(database: Database) -> bytes:
    """The secret of this database; the first one who asks makes it.

    Raises:
        SearchTimeout: a statement was cancelled.
        DatabaseUnavailable: the database cannot be reached.
    """
    # STATEMENT_TIMEOUT_MS is made for searches: a service must start with a short one, too.
    async with database.transaction(limit_statements=False) as connection:
        # Of replicas that start at once, the first one's offer is taken by all.
        await connection.execute(database.queries["offer_login_secret"], secrets.token_bytes(SECRET_BYTES))
        secret: bytes = await connection.fetchval(database.queries["get_login_secret"])
    return secret
