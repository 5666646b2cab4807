"""Whether a child process is well: a pure rule over times of the monotonic clock.

It knows no process, socket or thread. Work is dated by when its stamp changed, so that no jump of the wall clock
makes a process look stuck.
"""

from engine.settings import Supervision


class Health:
    """What is known of one start of a child. All times are monotonic seconds.

    Args:
        settings: limits.
    """

    def __init__(self, settings: Supervision) -> None:
        self._settings = settings
        self.started = 0.0
        self._is_ready = False
        self._heard = self._worked = 0.0
        self._excused = 0.0
        self._ts_last_work = 0

    def begin(self, now: float) -> None:
        """It is started."""
        self.started = self._heard = now
        self._is_ready, self._excused, self._ts_last_work = False, 0.0, 0

    def ready(self, now: float) -> None:
        """It says that its work begins."""
        self._is_ready = True
        self._heard = self._worked = now

    def hear(self, now: float, ts_last_work: int) -> None:
        """A heartbeat came; before the child is ready it proves nothing."""
        if not self._is_ready:
            return
        self._heard = now
        if ts_last_work != self._ts_last_work:
            self._ts_last_work, self._worked = ts_last_work, now

    def excuse(self, now: float) -> None:
        """Nobody could have been heard or could have worked until now: all limits are counted anew."""
        self._excused = now

    def fault(self, now: float, *, judges_work: bool) -> str:
        """What is wrong with it, in words that follow its name; empty if nothing is."""
        if now - max(self._heard, self._excused) > self._patience_s:
            if not self._is_ready:
                return f"was not ready within {self._patience_s:g} s"
            return f"gave no sign of life for {self._patience_s:g} s"
        limit = self._settings.work_limit_s
        if self._is_ready and judges_work and now - max(self._worked, self._excused) > limit:
            return f"lived, but did no work for {limit:g} s"
        return ""

    @property
    def _patience_s(self) -> float:
        return self._settings.heartbeat_limit_s if self._is_ready else self._settings.ready_timeout_s

    def is_fresh(self, now: float) -> bool:
        """It was heard within half of the limit; an excuse does not count."""
        return self._is_ready and now - self._heard <= self._settings.heartbeat_limit_s / 2
