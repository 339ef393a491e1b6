"""CPU time and memory of groups of processes, sampled while they run."""

import threading
from collections.abc import Callable, Iterable, Mapping

import psutil

MIB = 2**20
SAMPLE_SECONDS = 1.0
Processes = Callable[[], Iterable[psutil.Process]]


def tree(pid: int) -> list[psutil.Process]:
    """A process and everything it started."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def backends(database: str) -> list[psutil.Process]:
    """PostgreSQL's processes for one database, where they run on this machine."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres" and database in " ".join(process.info["cmdline"] or ())
    ]


def pss(processes: Iterable[psutil.Process]) -> float:
    """Memory in MiB, shared pages divided among those who share them; 0 where it cannot be read."""
    total = 0
    for process in processes:
        try:
            total += getattr(process.memory_full_info(), "pss", 0)
        except psutil.Error:
            continue
    return total / MIB


class Meter:
    """Watches named groups of processes. `memory_of` are the groups whose memory is sampled."""

    def __init__(self, groups: Mapping[str, Processes], memory_of: Iterable[str]) -> None:
        self.groups = dict(groups)
        self.memory_of = tuple(memory_of)
        self.peak = dict.fromkeys(self.memory_of, 0.0)
        self._used: dict[str, dict[int, float]] = {name: {} for name in self.groups}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU each group has used up to now, what has ended counted as last seen."""
        for name, processes in self.groups.items():
            for process in processes():
                try:
                    times = process.cpu_times()
                except psutil.Error:
                    continue
                self._used[name][process.pid] = times.user + times.system
        return {name: sum(used.values()) for name, used in self._used.items()}

    def memory(self) -> dict[str, float]:
        """MiB (PSS) of each group now."""
        return {name: pss(self.groups[name]()) for name in self.memory_of}

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.cpu()
            for name, found in self.memory().items():
                self.peak[name] = max(self.peak[name], found)
