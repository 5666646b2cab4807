"""The program under drill as the drill's process sees it: started, asked, killed and buried."""

import multiprocessing
import time
from collections.abc import Callable
from typing import Any, Final

import psutil

from engine.drill import program
from engine.drill.line import Line
from engine.drill.program import Ask, Failed, Probe, Probed, ProgramPlan, Ready, Stop
from engine.drill.results import BrokenPromise, Promise
from engine.errors import EngineError, RequestError

ORPHANS_GONE_S: Final = 2.0
_START_S: Final = 60.0
_ANSWER_S: Final = 40.0
_STOP_S: Final = 20.0
_spawn = multiprocessing.get_context("spawn")


class ProgramDied(EngineError):
    """The main process has ended."""


class RunningProgram:
    """A main process with its children.

    Args:
        plan: what it is started with.
        line: to the exchange.

    Raises:
        BrokenPromise: it does not come up.
    """

    def __init__(self, plan: ProgramPlan, line: Line) -> None:
        self._line = line
        self._broker, theirs = _spawn.Pipe()
        self._pipe, window = _spawn.Pipe()
        self._process = _spawn.Process(target=program.main, args=(plan, theirs, window), name="drill-main")
        self._children: dict[int, psutil.Process] = {}
        self._process.start()
        for end in (theirs, window):
            end.close()  # so that its death is seen as the end of the pipe
        line.attach(self._broker)
        self.ready = self._started()

    def _started(self) -> Ready:
        try:
            answer = self._received(_START_S)
        except ProgramDied as error:
            self._drop()
            raise BrokenPromise(Promise.RECOVERY, f"the program did not start: {error}") from error
        if isinstance(answer, Ready):
            return answer
        self._drop()
        raise BrokenPromise(Promise.RECOVERY, f"the program did not start: {getattr(answer, 'text', answer)}")

    @property
    def pid(self) -> int:
        """Of the main process."""
        assert self._process.pid is not None  # it was started
        return self._process.pid

    # --- asking --------------------------------------------------------------------------------------------------

    def ask(self, body: object) -> Any:
        """A person's request.

        Raises:
            ProgramDied: it ended before the answer.
            RequestError: it was refused or not answered.
        """
        return self.tell(Ask(body))

    def probe(self, conditions: tuple[str, ...] = ()) -> Probed:
        """How it is.

        Raises:
            ProgramDied: it has ended.
        """
        found: Probed = self.tell(Probe(conditions))
        for pid in found.pids.values():
            self._remember(pid)
        return found

    def tell(self, request: object) -> Any:
        """Any request of :mod:`engine.drill.program`.

        Raises:
            ProgramDied: it ended before the answer.
            RequestError: it was refused or not answered.
        """
        try:
            self._pipe.send(request)
        except OSError as error:
            raise ProgramDied("the main process has ended") from error
        answer = self._received(_ANSWER_S)
        if isinstance(answer, Failed):
            raise RequestError(answer.text)
        return answer

    def _received(self, timeout_s: float) -> Any:
        try:
            if not self._pipe.poll(timeout_s):
                raise BrokenPromise(Promise.RECOVERY, f"the main process did not answer within {timeout_s:g} s")
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise ProgramDied("the main process has ended") from error

    def _remember(self, pid: int) -> None:
        if pid and pid not in self._children:
            try:
                self._children[pid] = psutil.Process(pid)
            except psutil.NoSuchProcess:
                pass  # it ended between the answer and now

    # --- ending --------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """As a power switch would."""
        if self._process.pid is not None:
            for child in psutil.Process(self._process.pid).children(recursive=True):
                self._children.setdefault(child.pid, child)
        self._process.kill()

    def bury(self, clock: Callable[[], float]) -> None:
        """After its death: nothing of it may be left two seconds later.

        Args:
            clock: seconds that count for a limit.

        Raises:
            BrokenPromise: a child lives on.
        """
        deadline = clock() + ORPHANS_GONE_S
        self._process.join(ORPHANS_GONE_S)
        left = self._alive()
        while left and clock() < deadline:
            time.sleep(0.02)
            left = self._alive()
        self._drop()
        for child in left:
            child.kill()
        if left:
            names = ", ".join(str(child.pid) for child in left)
            seen = f"processes {names} live on {ORPHANS_GONE_S:g} s after the main process has died"
            raise BrokenPromise(Promise.NO_ORPHAN, seen)

    def stop(self) -> None:
        """Ends it in order; kills it where it does not end."""
        try:
            self._pipe.send(Stop())
        except OSError:
            pass  # it has ended already
        self._process.join(_STOP_S)
        self._drop()

    def _alive(self) -> list[psutil.Process]:
        return [child for child in self._children.values() if _is_alive(child)]

    def _drop(self) -> None:
        self._line.detach()
        if self._process.is_alive():
            self._process.kill()
        self._process.join(_STOP_S)
        self._process.close()
        self._pipe.close()
        self._broker.close()


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
