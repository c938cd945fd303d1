from __future__ import annotations

import asyncio

from app.db.login import SECRET_BYTES, login_secret
from app.db.pool import Database


async def test_replicas_that_start_at_once_share_one_secret_that_stays(database: Database) -> None:
    secrets = await asyncio.gather(*(login_secret(database) for _ in range(4)))
    assert len(set(secrets)) == 1
    assert len(secrets[0]) == SECRET_BYTES
    assert await login_secret(database) == secrets[0]
    async with database.connection() as connection:
        await connection.execute("DELETE FROM login_secret")
    assert await login_secret(database) != secrets[0]
