from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.inference.process_memory import find_cgroup_limit, find_limit, read_process_memory


def test_status_is_read_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "status").write_text(
        "Name:\tpython\nVmHWM:\t    900 kB\nVmRSS:\t    800 kB\nRssAnon:\t    500 kB\n"
        "RssFile:\t    290 kB\nRssShmem:\t     10 kB\nThreads:\t3\n"
    )
    memory = read_process_memory(tmp_path / "status")
    assert memory.rss_bytes == 800 * 1024
    assert memory.anonymous_bytes == 510 * 1024
    assert memory.file_bytes == 290 * 1024
    assert memory.peak_rss_bytes == 900 * 1024


def test_without_proc_the_peak_is_told(tmp_path: Path) -> None:
    before = read_process_memory(tmp_path / "absent")
    block = bytearray(before.rss_bytes + 64 * 1024 * 1024 - read_process_memory().rss_bytes)
    block[::4096] = b"x" * len(block[::4096])
    after = read_process_memory(tmp_path / "absent")
    assert after.peak_rss_bytes >= before.peak_rss_bytes + 32 * 1024 * 1024
    assert after.rss_bytes == after.anonymous_bytes == after.peak_rss_bytes


def test_a_limit_that_cannot_be_watched_is_not_kept_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inference.process_memory._STATUS_PATH", tmp_path / "absent")
    with capture_logs() as lines:
        assert find_limit(700_000_000) is None
    assert [line["event"] for line in lines] == ["memory_limit_not_kept"]


def test_this_process_sees_its_own_growth() -> None:
    before = read_process_memory().anonymous_bytes
    block = bytearray(64 * 1024 * 1024)
    block[::4096] = b"x" * len(block[::4096])
    assert read_process_memory().anonymous_bytes - before > 60 * 1024 * 1024


def write_group(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def test_the_lowest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    write_group(root, {"cgroup.procs": ""})
    write_group(
        root / "host", {"memory.max": "2000000\n", "memory.stat": "anon 700000\nfile 9\nshmem 5000\n"}
    )
    write_group(root / "host" / "job", {"memory.max": "max\n"})
    (tmp_path / "self").write_text("0::/host/job\n")
    limit = find_cgroup_limit(tmp_path / "self", root)
    assert limit is not None
    assert limit.limit_bytes == 2_000_000
    assert limit.read_used_bytes() == 705_000


def test_inside_a_container_the_mount_itself_is_the_group(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    write_group(root, {"memory.max": "536870912\n", "memory.stat": "anon 100\nshmem 0\n"})
    (tmp_path / "self").write_text("0::/../../docker/abc\n")
    limit = find_cgroup_limit(tmp_path / "self", root)
    assert limit is not None
    assert (limit.limit_bytes, limit.read_used_bytes()) == (536_870_912, 100)


def test_version_1_limits_are_read_too(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    write_group(
        root / "memory" / "job",
        {"memory.limit_in_bytes": "3000000\n", "memory.stat": "rss 1\ntotal_rss 40\ntotal_shmem 2\n"},
    )
    (tmp_path / "self").write_text("5:cpu,cpuacct:/x\n4:memory:/job\n")
    limit = find_cgroup_limit(tmp_path / "self", root)
    assert limit is not None
    assert (limit.limit_bytes, limit.read_used_bytes()) == (3_000_000, 42)


@pytest.mark.parametrize("text", ["max\n", "9223372036854771712\n", ""])
def test_no_limit_is_no_limit(tmp_path: Path, text: str) -> None:
    root = tmp_path / "cgroup"
    write_group(root, {"memory.max": text})
    write_group(root / "memory", {"memory.limit_in_bytes": text})
    (tmp_path / "self").write_text("4:memory:/\n0::/\n")
    assert find_cgroup_limit(tmp_path / "self", root) is None
    assert find_cgroup_limit(tmp_path / "absent", root) is None


def test_the_setting_wins_and_counts_this_process_alone() -> None:
    limit = find_limit(700_000_000)
    assert limit is not None
    assert limit.limit_bytes == 700_000_000
    assert limit.read_used_bytes() == pytest.approx(read_process_memory().anonymous_bytes, rel=0.05)
