"""Telling dead processes from living ones."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from studio.works.keeper import Keeper


def test_this_process_lives_and_reads_back() -> None:
    this = Keeper.this()
    assert Keeper.read(str(this)) == this
    assert not this.dead
    assert not this.elsewhere
    assert len(str(this)) <= 200
    assert "/" not in str(this)
    assert Keeper.read("") is Keeper.read("a~b~c") is None


def test_an_ended_process_is_dead_even_before_its_parent_asks_for_it() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "from studio.works.keeper import Keeper; print(Keeper.this())"],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    keeper = Keeper.read(child.stdout.read().decode().strip())
    assert keeper is not None
    assert keeper.pid == child.pid
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the table of processes
    assert keeper.dead
    child.communicate()
    assert keeper.dead


def test_a_number_used_again_is_another_process() -> None:
    assert replace(Keeper.this(), began="long ago").dead


def test_nobody_can_say_that_a_process_of_another_machine_is_dead() -> None:
    stranger = replace(Keeper.this(), host="another-machine.1", began="long ago")
    assert stranger.elsewhere
    assert not stranger.dead
