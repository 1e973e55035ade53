"""A class at once: many watch one live run while others use the page and a training runs.

A real server, a real training, and clients that ask as the page's own script does. At first the
load comes and goes in turns of some seconds, so that the training's speed with it and without is
of the same minutes of the same machine, and a neighbour's work there weighs on both. Then come
all the polls and calls of `--hours` at six times the pace of people, or as fast as they are
answered, while the same training runs: that shows whether the server's memory stays flat. The
clients need some of the cores too, which a class's own computers would not take. What a server
loads and holds at first use is asked for before, by a share of the calls, so that the slope is that
of the hours. With `--password` everybody signs in first, and the polls go all of Gradio's way.
"""

from __future__ import annotations

import itertools
import statistics
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kantai.bench.crowd import SENTENCE, Crowd, Person, Watcher
from kantai.bench.server import (
    Asker,
    Server,
    begin_training,
    percentile,
    question,
    served,
    wait_for_end,
    wait_for_training,
)
from kantai.events import Stepped
from kantai.workspace import Run

SECONDS = 120.0  # of the turns
HOURS = 1.0  # whose polls follow
TURN = 6.0  # seconds with the load, then as many without
SETTLE = 1.0  # seconds at the beginning of a turn that count for neither
PAUSE = 1.0  # seconds between two polls of a watcher
THINK = 5.0  # seconds between two clicks of a person
FASTER = 6.0  # than people, in the hours
HOUR = 3_600.0
FIRST_CALLS = 8_000  # before the first look at the memory; fewer for less than an hour
VOCAB = 1_000
# What is measured -> the most it may be; memory is what it grows in an hour, as a share.
MARKS = {
    "median_seconds": 0.020,
    "p95_seconds": 0.150,
    "watchers_that_lost": 0,
    "faults": 0,
    "slowdown": 0.10,
    "memory_growth": 0.05,
}


def run(arguments: Namespace, say: Callable[[str, Namespace], None]) -> dict[str, Any]:
    """Start the server and a training, load them, and tell what everybody met."""
    with TemporaryDirectory() as folder, served(Path(folder), arguments.password) as server:
        answers = loaded(server, arguments)
    say(
        f"{answers['watchers']} watchers and {answers['people']} people: {answers['polls']:,} "
        f"polls, answered in {1e3 * answers['median_seconds']:.1f} ms (95 of 100 in "
        f"{1e3 * answers['p95_seconds']:.1f} ms), {answers['calls']:,} other calls in "
        f"{1e3 * answers['call_median_seconds']:.0f} ms\n"
        f"lost events: {answers['watchers_that_lost']} of {answers['watchers']} watchers; "
        f"faults: {answers['faults']} {answers['fault_examples']}\n"
        f"training: {answers['slowdown']:+.1%} slower with the load (between turns: "
        f"{answers['slowdown_least']:+.1%} to {answers['slowdown_most']:+.1%})\n"
        f"server: {1e3 * answers['cpu_an_answer']:.1f} ms of a core for each answer (clients "
        f"{1e3 * answers['client_cpu_an_answer']:.1f} ms, of the same cores)\n"
        f"memory: {answers['memory_first'] / 1e6:,.0f} MB before any call, "
        f"{answers['memory_start'] / 1e6:,.0f} MB after {answers['first_calls']:,}, "
        f"{answers['memory_end'] / 1e6:,.0f} MB after {answers['calls_in_all']:,} and "
        f"{answers['polls_in_all']:,} polls, the watching of {answers['hours']:.2f} hours",
        arguments,
    )
    for name, most in MARKS.items():
        value = answers[name]
        word = "not measured" if value is None else "met" if value <= most else "missed"
        shown = "" if value is None else f" ({value:.4g})"
        say(f"mark {name} <= {most:g}: {word}{shown}", arguments)
    return answers


def loaded(server: Server, arguments: Namespace) -> dict[str, Any]:
    """All figures of one training: under the load in turns, then under that of the hours."""
    import psutil

    client, line = server.client(), server.line()
    owner, given = client.predict(api_name="/new_owner"), question(server.url, line)
    trained = begin_training(client, owner, "max_steps", 20, VOCAB)
    wait_for_end(Asker(line, given, trained))
    client.predict(trained, SENTENCE, 5, api_name="/fill_mask")
    seconds = arguments.seconds or SECONDS
    hours = HOURS if arguments.hours is None else arguments.hours
    watched = begin_training(client, owner, "seconds", seconds + HOUR * max(1.0, hours), VOCAB)
    wait_for_training(Asker(line, given, watched))

    run, crowd = Run(server.runs / watched), Crowd()
    watchers = [Watcher(Asker(server.line(), given, watched)) for _ in range(arguments.watchers)]
    people = [Person(server.line(), owner, trained, n) for n in range(arguments.people)]
    ours, theirs = psutil.Process(), psutil.Process(server.pid)
    first = theirs.memory_info().rss
    first_calls = warm_up(people, round(FIRST_CALLS * min(1.0, hours)))
    crowd.join([watcher.act for watcher in watchers], PAUSE)
    crowd.join([person.act for person in people], THINK)
    spent = cpu_seconds(theirs), cpu_seconds(ours)
    memory = [(0, theirs.memory_info().rss)]
    edges = list(_take_turns(crowd, run, seconds))
    figures = latencies(watchers, people)
    answered = max(1, figures["polls"] + figures["calls"])
    figures["cpu_an_answer"] = (cpu_seconds(theirs) - spent[0]) / answered
    figures["client_cpu_an_answer"] = (cpu_seconds(ours) - spent[1]) / answered
    memory += _live_through(hours, crowd, watchers, theirs)
    crowd.leave()
    client.predict(watched, owner, api_name="/stop")
    wait_for_end(Asker(line, given, watched))
    for watcher in watchers:
        watcher.act()  # the last news
    return figures | {
        "watchers_that_lost": sum(not watcher.saw_all(run) for watcher in watchers),
        "faults": len(crowd.faults),
        "fault_examples": crowd.faults[:3],
        "first_calls": first_calls,
        "calls_in_all": first_calls + sum(len(person.seconds) for person in people),
        "memory_first": first,
        **slowdown(run, edges),
        **growth(memory, len(watchers), hours),
    }


def warm_up(people: list[Person], calls: int) -> int:
    """Let people make so many calls in all, which count for no latency; how many they made."""
    each = -(-calls // len(people)) if people else 0
    with ThreadPoolExecutor(max(1, len(people))) as pool:
        list(pool.map(lambda person: [person.act() for _ in range(each)], people))
    made = sum(len(person.seconds) for person in people)
    for person in people:
        person.seconds.clear()
    return made


def latencies(watchers: list[Watcher], people: list[Person]) -> dict[str, Any]:
    """How long polls and other calls took."""
    times = [s for watcher in watchers for s in watcher.ask.seconds]
    calls = sorted(call for person in people for call in person.seconds)
    by_name = itertools.groupby(calls, key=lambda call: call[0])
    return {
        "watchers": len(watchers),
        "people": len(people),
        "polls": len(times),
        "median_seconds": statistics.median(times),
        "p95_seconds": percentile(times, 0.95),
        "calls": len(calls),
        "call_median_seconds": statistics.median(s for _, s in calls) if calls else 0.0,
        "calls_seconds": {n: statistics.median(s for _, s in group) for n, group in by_name},
    }


def cpu_seconds(process: Any) -> float:
    """Seconds of a core that the process itself has spent."""
    times = process.cpu_times()
    return times.user + times.system


# --- the training's speed, with the load and without ----------------------------------------------


@dataclass(frozen=True)
class Edge:
    """Where the training was when a turn had settled, and when it ended."""

    loaded: bool
    first: int
    last: int


def _take_turns(crowd: Crowd, run: Run, seconds: float) -> Iterator[Edge]:
    """Switch the load on and off for so long; it is off at the end."""
    over = time.monotonic() + seconds
    for loaded in itertools.cycle((True, False)):
        (crowd.on.set if loaded else crowd.on.clear)()
        time.sleep(SETTLE)
        first = _step(run)
        time.sleep(TURN - SETTLE)
        yield Edge(loaded, first, _step(run))
        if time.monotonic() > over and not loaded:
            return


def _step(run: Run) -> int:
    step = run.latest(Stepped)
    return step.step if step else 0


def slowdown(run: Run, edges: list[Edge]) -> dict[str, float]:
    """How much slower the training was in turns with the load than in the one after each.

    Tokens a second of its steps; the median of all pairs of neighbours, the least and the most.
    """
    steps = [event for event in run.events() if isinstance(event, Stepped)]
    speeds = [(edge.loaded, _speed(steps, edge)) for edge in edges]
    ratios = [
        1 - (here / there if loaded else there / here)
        for (loaded, here), (_, there) in itertools.pairwise(speeds)
        if here and there
    ] or [0.0]
    return {
        "slowdown": statistics.median(ratios),
        "slowdown_least": min(ratios),
        "slowdown_most": max(ratios),
        "turns": len(edges),
    }


def _speed(steps: list[Stepped], edge: Edge) -> float:
    """Tokens a second between two steps; the harmonic mean, for steps of the same length."""
    speeds = [s.tokens_per_second for s in steps if edge.first < s.step <= edge.last]
    return statistics.harmonic_mean(speeds) if speeds else 0.0


# --- the server's memory --------------------------------------------------------------------------


def _live_through(
    hours: float, crowd: Crowd, watchers: list[Watcher], server: Any
) -> Iterator[tuple[int, int]]:
    """All the polls of so many hours; every second (polls so far, the server's bytes)."""
    if not hours:
        return
    target = _polls(watchers) + hours * HOUR / PAUSE * len(watchers)
    late = time.monotonic() + hours * HOUR  # slower than people is no load
    crowd.faster = FASTER
    crowd.on.set()
    while (polls := _polls(watchers)) < target and time.monotonic() < late:
        yield polls, server.memory_info().rss
        time.sleep(1.0)
    yield polls, server.memory_info().rss


def _polls(watchers: list[Watcher]) -> int:
    return sum(len(watcher.ask.seconds) for watcher in watchers)


def growth(memory: list[tuple[int, int]], watchers: int, hours: float) -> dict[str, Any]:
    """What the server's memory grows in an hour, as a share of what it began with.

    The slope of a line through all looks but those of the first tenth of the polls, when what
    is loaded at first use comes. memory: (polls, bytes) at each look.
    """
    (_, start), (polls, end) = memory[0], memory[-1]
    later = [(x, y) for x, y in memory[1:] if x >= polls / 10]
    share = None
    if hours and len({x for x, _ in later}) > 1:
        slope = statistics.linear_regression(*zip(*later, strict=True)).slope
        share = slope * HOUR / PAUSE * watchers / start
    return {
        "memory_start": start,
        "memory_end": end,
        "memory_growth": share,
        "polls_in_all": polls,
        "hours": polls * PAUSE / HOUR / watchers,
    }
