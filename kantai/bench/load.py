"""A class at once: many watch one live run while others use the page and a training runs.

A real server, a real training, and clients that ask as the page's own script does. The load
comes and goes in turns of some seconds, so that the training's speed with it and without is of
the same minutes of the same machine, and a neighbour's work there weighs on both. The clients
need some of the cores too, which a class's own computers would not take.
"""

from __future__ import annotations

import http.client
import itertools
import json
import statistics
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from kantai.bench.ui import asker, question, served, wait_for_training
from kantai.events import Stepped, Validated
from kantai.workspace import Run

SECONDS, WATCHERS, PEOPLE = 60.0, 60, 10
TURN = 6.0  # seconds with the load, then as many without
SETTLE = 1.0  # seconds at the beginning of a turn that count for neither
PAUSE = 1.0  # seconds between two polls of a watcher
THINK = 5.0  # seconds between two clicks of a person
VOCAB = 1_000
SENTENCE = "The fisherman sat on the quay and mended his <mask>."
MARKS = {"median_seconds": 0.020, "p95_seconds": 0.150, "slowdown": 0.10}
Ask = Callable[[str, int], bytes]


class Line:
    """One connection that stays open, as a browser's does."""

    def __init__(self, url: str):
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def __call__(self, path: str, given: Any = None) -> bytes:
        """The answer's body. Raises RuntimeError for a refusal."""
        body = None if given is None else json.dumps(given)
        try:
            status, content = self._ask(path, body)
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            status, content = self._ask(path, body)  # the server had closed it, being idle
        if status != 200:
            raise RuntimeError(f"{path} answered {status}: {content[:200]!r}")
        return content

    def _ask(self, path: str, body: str | None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        try:
            self.connection.request("POST" if body else "GET", path, body, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()  # the next request opens it anew
            raise


@dataclass
class Watcher:
    """One browser that follows the run: what it was told, and how long each answer took."""

    ask: Ask
    run: str
    cursor: int = 0
    steps: list[tuple[int, float]] = field(default_factory=list)
    looks: list[tuple[int, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def poll(self) -> None:
        """Ask once, and again while there is more, as the page does."""
        more = True
        while more:
            began = time.perf_counter()
            body = self.ask(self.run, self.cursor)
            self.seconds.append(time.perf_counter() - began)
            more = self._take(json.loads(body))

    def _take(self, news: dict[str, Any]) -> bool:
        self.cursor = news["cursor"]
        self.steps += [(row[0], row[4]) for row in news.get("s", ())]
        self.looks += [(row[0], row[2]) for row in news.get("v", ())]
        return bool(news.get("more"))

    def saw_all(self, run: Run) -> bool:
        """Whether its curve is the log's."""
        events = run.events()
        steps = [(e.step, _rounded(e.loss)) for e in events if isinstance(e, Stepped)]
        looks = [(e.step, _rounded(e.loss)) for e in events if isinstance(e, Validated)]
        return self.steps == steps and self.looks == looks


def _rounded(loss: float | None) -> float | None:
    return None if loss is None else round(loss, 4)


@dataclass
class Turns:
    """Whether the load is on; everybody waits here while it is off."""

    on: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    faults: list[str] = field(default_factory=list)

    def work(self, act: Callable[[], object], pause: float, share: float) -> None:
        """Do it every `pause` seconds while the load is on; `share` of a pause later at first."""
        due = time.monotonic() + pause * share
        while not self.over.is_set():
            if not self.on.wait(2.0):
                due = time.monotonic() + pause * share
                continue
            if self.over.wait(max(0.0, due - time.monotonic())):
                return
            try:
                act()
            except Exception as error:  # any of them is a fault of the page under load
                self.faults.append(f"{type(error).__name__}: {error}")
            due = max(due + pause, time.monotonic())


def run(arguments: Namespace, say: Callable[[str, Namespace], None]) -> dict[str, Any]:
    """Start the server and a training, load them, and tell what everybody met."""
    import psutil

    watchers, people = arguments.watchers, arguments.people
    with TemporaryDirectory() as folder, served(Path(folder)) as (url, _, _):
        server = psutil.Process().children()[-1]
        answers = loaded(url, Path(folder) / "runs", server, arguments)
    say(
        f"{watchers} watchers and {people} people: {answers['polls']:,} polls, answered in "
        f"{1e3 * answers['median_seconds']:.1f} ms (95 of 100 in "
        f"{1e3 * answers['p95_seconds']:.1f} ms), {answers['calls']:,} other calls in "
        f"{1e3 * answers['call_median_seconds']:.0f} ms\n"
        f"lost events: {answers['watchers_that_lost']} of {watchers} watchers; "
        f"faults: {len(answers['faults'])} {answers['faults'][:3]}\n"
        f"training: {answers['slowdown']:+.1%} slower with the load (between turns: "
        f"{answers['slowdown_least']:+.1%} to {answers['slowdown_most']:+.1%})\n"
        f"server: {1e3 * answers['cpu_an_answer']:.1f} ms of a core for each answer (clients "
        f"{1e3 * answers['client_cpu_an_answer']:.1f} ms, of the same cores); memory "
        f"{answers['memory_start'] / 1e6:,.0f} MB at the start, "
        f"{answers['memory_end'] / 1e6:,.0f} MB at the end",
        arguments,
    )
    for name, most in MARKS.items():
        word = "met" if answers[name] <= most else "missed"
        say(f"mark {name} <= {most:g}: {word}", arguments)
    return answers


def loaded(url: str, runs: Path, server: Any, arguments: Namespace) -> dict[str, Any]:
    """All figures of one training under the load in turns."""
    import psutil
    from gradio_client import Client

    client = Client(url, verbose=False)
    owner = client.predict(api_name="/new_owner")
    trained = _train(client, owner, 10.0)
    ask = asker(url)
    wait_for_end(ask, trained)
    client.predict(trained, SENTENCE, 5, api_name="/fill_mask")
    watched = _train(client, owner, arguments.seconds or SECONDS)
    wait_for_training(ask, watched)

    given = question(url)
    watchers = [Watcher(own_asker(url, given), watched) for _ in range(arguments.watchers)]
    people = [Person(Line(url), owner, trained, number) for number in range(arguments.people)]
    turns, threads = Turns(), []
    for crowd, pause in ((watchers, PAUSE), (people, THINK)):
        for number, one in enumerate(crowd):
            act = one.poll if isinstance(one, Watcher) else one.act
            given = (act, pause, number / len(crowd))
            threads.append(threading.Thread(target=turns.work, args=given, daemon=True))
    for thread in threads:
        thread.start()
    memory = server.memory_info().rss
    spent = cpu_seconds(server), cpu_seconds(psutil.Process())
    edges = list(_take_turns(turns, Run(runs / watched), ask))
    turns.over.set()
    turns.on.set()
    for thread in threads:
        thread.join(60)
    memory_end = server.memory_info().rss
    spent = cpu_seconds(server) - spent[0], cpu_seconds(psutil.Process()) - spent[1]
    times = [s for w in watchers for s in w.seconds]
    calls = [s for person in people for _, s in person.seconds]
    for watcher in watchers:
        watcher.poll()  # the last news
    return {
        "watchers": len(watchers),
        "people": len(people),
        "polls": len(times),
        "median_seconds": statistics.median(times),
        "p95_seconds": percentile(times, 0.95),
        "calls": len(calls),
        "call_median_seconds": statistics.median(calls) if calls else 0.0,
        "calls_seconds": by_name(people),
        "cpu_an_answer": spent[0] / max(1, len(times) + len(calls)),
        "client_cpu_an_answer": spent[1] / max(1, len(times) + len(calls)),
        "watchers_that_lost": sum(not w.saw_all(Run(runs / watched)) for w in watchers),
        "faults": turns.faults,
        **slowdown(Run(runs / watched), edges),
        "memory_start": memory,
        "memory_end": memory_end,
    }


def cpu_seconds(process: Any) -> float:
    """Seconds of a core that the process itself has spent."""
    times = process.cpu_times()
    return times.user + times.system


def _train(client: Any, owner: str, seconds: float) -> str:
    run = client.predict(owner, "", "", api_name="/new_run")
    run = client.predict(run, owner, VOCAB, 2, api_name="/learn_tokenizer")
    return client.predict(run, owner, "playground", "seconds", seconds, api_name="/start")


def wait_for_end(ask: Ask, run: str) -> None:
    """Until the training has ended."""
    while json.loads(ask(run, 0))["status"]["state"] in ("waiting", "preparing", "training"):
        time.sleep(0.5)


def own_asker(url: str, given: dict[str, Any]) -> Ask:
    """The same question over a connection of one's own."""
    line = Line(url)
    return lambda run, cursor: line(
        "/gradio_api/component_server", {**given, "data": [run, cursor]}
    )


class Person:
    """Somebody who uses the other tabs: one thing after another, with time to think."""

    def __init__(self, line: Line, owner: str, run: str, number: int):
        """Numbers begin with different things."""
        things = [
            ("text_report", [run]),
            ("tokenize", [run, SENTENCE]),
            ("parameters", [run]),
            ("fill_mask", [run, SENTENCE, 5]),
            ("state", [run]),
            ("runs", [owner]),
            ("compare", [run, run]),
        ]
        self.line, self.session = line, f"bench-{number}"  # a browser's is its own, and stays
        self.seconds: list[tuple[str, float]] = []
        self.things = itertools.islice(itertools.cycle(things), number % len(things), None)

    def act(self) -> None:
        """One call of an endpoint, to its answer."""
        name, given = next(self.things)
        began = time.perf_counter()
        asked = json.loads(
            self.line(f"/gradio_api/call/{name}", {"data": given, "session_hash": self.session})
        )
        answer = self.line(f"/gradio_api/call/{name}/{asked['event_id']}")
        self.seconds.append((name, time.perf_counter() - began))
        if b"event: complete" not in answer:
            raise RuntimeError(f"{name} answered {answer[:200]!r}")


def by_name(people: list[Person]) -> dict[str, float]:
    """Endpoint -> the median of its seconds."""
    calls = sorted(call for person in people for call in person.seconds)
    return {
        name: statistics.median(seconds for _, seconds in group)
        for name, group in itertools.groupby(calls, key=lambda call: call[0])
    }


@dataclass(frozen=True)
class Edge:
    """Where the training was when a turn had settled, and when it ended."""

    loaded: bool
    first: int
    last: int


def _take_turns(turns: Turns, run: Run, ask: Ask) -> Iterator[Edge]:
    """Switch the load on and off until the training ends."""
    for loaded in itertools.cycle((True, False)):
        (turns.on.set if loaded else turns.on.clear)()
        time.sleep(SETTLE)
        first = _step(run)
        until = time.monotonic() + TURN - SETTLE
        while time.monotonic() < until and run.result is None:
            time.sleep(0.1)
        if json.loads(ask(run.folder.name, run.log_size))["status"]["state"] != "training":
            return
        yield Edge(loaded, first, _step(run))


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


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)))]
