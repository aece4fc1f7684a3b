"""Clock, disk and service of the machine."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.doctor import clock, processes, service
from deploy.doctor.disk import disk_check, judge_free
from deploy.doctor.findings import Mark, Text
from tests.deploy.doctor.findings import found, look

_2026 = 1_790_000_000.0
IDLE = Text("oye", "heard")


def test_the_clock() -> None:
    assert found([clock.judge(_2026, 12, True, False)]) == {"clock": Mark.OK}
    assert found([clock.judge(_2026, None, True, True)]) == {"clock_trusted": Mark.OK}
    assert found([clock.judge(_2026, None, True, False)]) == {"clock_unsynchronised": Mark.ATTENTION}
    for never in (0.0, 1.5e9, 5e9):  # a Pi without a battery wakes in 1970
        assert found([clock.judge(never, 12, True, True)]) == {"clock_implausible": Mark.WRONG}
    assert len(look([clock.clock_check()])) == 1


def test_how_much_room_is_enough() -> None:
    assert found([judge_free(20_000_000_000, 32_000_000_000, "/")]) == {"disk": Mark.OK}
    assert found([judge_free(2_000_000_000, 32_000_000_000, "/")]) == {"disk_low": Mark.ATTENTION}
    assert found([judge_free(50_000_000, 32_000_000_000, "/")]) == {"disk_full": Mark.WRONG}
    assert found([judge_free(9_000_000_000, 32_000_000_000, "/", no_files_left=True)]) == {"disk_full": Mark.WRONG}
    assert found([judge_free(9_000_000_000, 10**12, "/")]) == {"disk": Mark.OK}, (
        "a large disk at 1 % has room all the same"
    )


def test_a_directory_that_is_not_there_yet_is_judged_by_its_parent(tmp_path: Path) -> None:
    (finding,) = look([disk_check(tmp_path / "not" / "yet")])
    assert finding.where == str(tmp_path)


def test_the_service_by_its_lock_and_by_systemd() -> None:
    me = processes.process(os.getpid())
    active, failing = (
        service.Unit("active", "running", "enabled", "0"),
        service.Unit("failed", "failed", "enabled", "9"),
    )
    cases = {
        (me, None): {"service": Mark.OK},
        (me, active): {"service": Mark.OK},
        (None, None): {"service_stopped": Mark.WRONG},
        (None, service.Unit("inactive", "dead", "disabled", "0")): {"service_stopped": Mark.WRONG},
        (None, active): {"service_without_file": Mark.WRONG},
        (None, failing): {"service_failing": Mark.WRONG},
        (me, active._replace(enabled="disabled")): {"service": Mark.OK, "service_not_enabled": Mark.ATTENTION},
    }
    for (holder, unit), expected in cases.items():
        assert found(service.judge("vigia-gateway", IDLE, holder, unit)) == expected


def test_the_holder_of_a_lock_is_whom_the_kernel_names(tmp_path: Path) -> None:
    kept = tmp_path / "outbox.db"
    assert processes.lock_holder(kept) is None
    with (tmp_path / "outbox.db.lock").open("w") as lock:
        assert processes.lock_holder(kept) is None, "a file that was left behind is no lock"
        fcntl.flock(lock, fcntl.LOCK_EX)
        holder = processes.lock_holder(kept)
        assert holder is not None
        assert holder.pid == os.getpid()
    assert processes.lock_holder(kept) is None


def test_a_process_is_known_by_its_command() -> None:
    for command in (
        ("/opt/vigia/bin/python3", "/opt/vigia/bin/vigia", "gateway", "run", "x.toml"),
        ("/usr/bin/python3", "-m", "deploy.cli", "gateway", "run", "x.toml"),
        ("/usr/bin/python3", "-P", "-m", "deploy.daemon", "gateway", "run", "x.toml", "INFO", "es"),
    ):
        assert processes.Process(1, command).is_vigia("gateway", "run")
        assert not processes.Process(1, command).is_vigia("sensors", "simulate")
    assert processes.Process(1, ("/usr/bin/minicom", "-D", "/dev/ttyUSB0")).name == "minicom"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_who_may_not_look_is_told_to_use_sudo_and_not_that_all_is_broken(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "gateway.toml").write_text("[station]\nname = 'boca'\n")
    code = (
        "import os, pathlib, sys\n"
        "import deploy.doctor.post as post, deploy.doctor.service as service, deploy.doctor.outbox as outbox\n"
        "from deploy.doctor.findings import Text\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "hidden = pathlib.Path(sys.argv[1])\n"
        "told = [t.finding for t in post.examine_post(hidden / 'gateway.toml')]\n"
        "told += service.service_check('no-such-unit', Text('x', 'x'), hidden / 'outbox.db').look()\n"
        "told += [f for c in outbox.outbox_checks(hidden / 'outbox.db', 1) for f in c.look()]\n"
        "print(*sorted(f.code for f in told if f.mark.value == 'unseen'))\n"
        "print(*sorted(f.code for f in told if f.mark.value == 'wrong'))\n"
    )
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:  # pytest's own directories are for their owner alone
        parent.chmod(0o755)
    told = subprocess.run(
        [sys.executable, "-B", "-c", code, str(hidden)], capture_output=True, text=True, timeout=60, check=False
    )
    assert told.stdout.splitlines() == ["outbox_unseen service_unseen settings_unseen", ""], told.stderr
