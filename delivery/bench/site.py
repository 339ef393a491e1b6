"""A measurement's own place: a temporary folder, a database made and dropped again, a queue nobody else listens to."""

import json
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

FOLDER, SERVER = "SCRIBEPORT_BENCH_FOLDER", "SCRIBEPORT_BENCH_SERVER"
POSTGRES = "postgres://root@127.0.0.1:5432/postgres"
REDIS = "redis://127.0.0.1:6379/0"
KEPT = "place.json"  # in the folder of a place that was kept: the environment that belongs to it


@dataclass(frozen=True)
class Site:
    """What the environment says of the place, after `environment` made it."""

    folder: Path
    server: str  # PostgreSQL's address for making and dropping; "" with SQLite
    database_url: str
    redis_url: str
    queue: str

    @property
    def database(self) -> str:
        """The name of the PostgreSQL database."""
        return urlsplit(self.database_url).path[1:]

    def keep(self) -> None:
        """Leave everything, with what it takes to come back (`kept`)."""
        own = (FOLDER, SERVER, "SCRIBEPORT_DATA", "SCRIBEPORT_QUEUE", "DATABASE_URL", "REDIS_URL")
        with open(self.folder / KEPT, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump({name: os.environ[name] for name in own}, file)

    def remove(self) -> None:
        """Leave nothing behind."""
        if self.server:
            with psycopg.connect(self.server, autocommit=True) as admin:
                admin.execute(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)".encode())
        if self.redis_url:
            redis.Redis.from_url(self.redis_url).delete(self.queue, f"_kombu.binding.{self.queue}")
        shutil.rmtree(self.folder, ignore_errors=True)


def environment(kind: str, name: str = "bench") -> dict[str, str]:
    """Make the place and return the environment of everything that runs in it. `kind` is postgres or sqlite."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SCRIBEPORT_PRODUCTION")}
    folder = tempfile.mkdtemp(prefix=f"scribeport-{name}-")
    mark = f"scribeport_{name}_{secrets.token_hex(4)}"
    env |= {FOLDER: folder, "SCRIBEPORT_DATA": folder, "SCRIBEPORT_QUEUE": mark, SERVER: ""}
    env["SCRIBEPORT_DOUBT_SETTLE_SECONDS"] = "2"  # the simulated eCW files at once
    if kind == "sqlite":
        return env | {"DATABASE_URL": f"sqlite:///{folder}/{name}.sqlite3", "REDIS_URL": ""}
    given = os.environ.get("DATABASE_URL", "")
    server = given if given.startswith("postgres") else POSTGRES
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {mark}".encode())
    url = urlsplit(server)._replace(path=f"/{mark}").geturl()
    return env | {SERVER: server, "DATABASE_URL": url, "REDIS_URL": reachable_redis()}


def kept(folder: Path) -> dict[str, str]:
    """The environment of a place that `keep` left; raises OSError where there is none."""
    return dict(os.environ) | json.loads((folder / KEPT).read_text())


def here() -> Site:
    """The place this process runs in."""
    return Site(
        folder=Path(os.environ[FOLDER]),
        server=os.environ[SERVER],
        database_url=os.environ["DATABASE_URL"],
        redis_url=os.environ["REDIS_URL"],
        queue=os.environ["SCRIBEPORT_QUEUE"],
    )


def reachable_redis() -> str:
    """REDIS_URL, or the local Redis if it answers; "" for the embedded broker."""
    given = os.environ.get("REDIS_URL", "")
    if given:
        return given
    try:
        redis.Redis.from_url(REDIS, socket_connect_timeout=1).ping()
    except redis.RedisError:
        return ""
    return REDIS
