"""Who stands by for the next Run: taken once, missed by nobody, gone with its server."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from kantai import worker, workers
from kantai.events import Finished
from kantai.jobs import Jobs
from kantai.processes import end
from kantai.recipes import Budget
from kantai.registry import Registry, new_secret
from kantai.workers import HOUSE, Workers
from tests.test_jobs import new_run, wait_for

OWNER = new_secret()


@pytest.fixture
def jobs(tmp_path):
    jobs = Jobs(Registry(tmp_path / "runs"), device="cpu", spare=True)
    yield jobs
    for process in (jobs.workers.spare, *jobs.children.values()):
        if process:
            process.kill()
            process.wait()
    for info in jobs.registry.list(OWNER):
        if left := jobs.registry.open(info.id).worker():
            end(left.pid, left.born)


def test_who_stands_by_takes_the_next_run(jobs, paragraphs, tokenizer):
    jobs.workers.make_ready()
    spare = jobs.workers.spare
    jobs.workers.make_ready()
    assert jobs.workers.spare is spare  # one is enough
    first, second = (
        new_run(jobs.registry, paragraphs, tokenizer, Budget(max_steps=steps)) for steps in (4, 3)
    )
    jobs.start(first)
    assert jobs.registry.open(first).worker().pid == spare.pid
    jobs.start(second)
    for run_id, steps in ((first, 4), (second, 3)):
        assert wait_for(jobs, run_id, "finished", "failed").state == "finished"
        run = jobs.registry.open(run_id)
        assert run.result["steps"] == steps and isinstance(run.latest(), Finished)
        assert run.worker() is None
    assert jobs.workers.spare is None  # nobody knew that another training was near


def test_a_dead_one_is_not_missed(jobs, paragraphs, tokenizer):
    jobs.workers.make_ready()
    spare = jobs.workers.spare
    spare.kill()
    spare.wait()
    run_id = new_run(jobs.registry, paragraphs, tokenizer, Budget(max_steps=2))
    jobs.start(run_id)
    assert wait_for(jobs, run_id, "finished", "failed").state == "finished"


def test_none_stands_by_unasked():
    plain = Workers("cpu")
    plain.make_ready()
    assert plain.spare is None


def test_it_ends_with_the_server_that_began_it():
    server = "from kantai.workers import Workers; w = Workers('cpu', spare=True); w.make_ready();"
    server += "print(w.spare.pid, flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HOUSE
    )
    spare = psutil.Process(int(process.stdout.readline()))
    process.kill()
    process.wait()
    spare.wait(timeout=60)


def test_nobody_waits_for_ever_and_no_run_is_given_to_who_was_dismissed(
    jobs, paragraphs, tokenizer, monkeypatch
):
    monkeypatch.setattr(workers, "STANDS_BY", 0.2)
    jobs.workers.make_ready()
    spare = jobs.workers.spare
    assert spare.wait(timeout=60) == 0 and jobs.workers.spare is None
    run_id = new_run(jobs.registry, paragraphs, tokenizer, Budget(max_steps=2))
    jobs.start(run_id)
    assert wait_for(jobs, run_id, "finished", "failed").state == "finished"


def test_a_run_or_a_place_to_wait_but_not_both(tmp_path, capsys):
    for arguments in ([], [str(tmp_path), "--standby"]):
        with pytest.raises(SystemExit) as refused:
            worker.main(arguments)
        assert refused.value.code == 2
    assert "--standby" in capsys.readouterr().err
