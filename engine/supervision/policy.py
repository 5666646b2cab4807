"""When a child that died is started again: exponential backoff, and giving up after repeated early deaths."""

from dataclasses import dataclass

from engine.settings import Supervision


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """A pure rule: count of early deaths in, delay out.

    Args:
        settings: delays and limits.
        early_deaths: deaths in a row before the child was stable.
    """

    settings: Supervision
    early_deaths: int = 0

    def after_death(self, lived_s: float) -> "RestartPolicy":
        """The policy after one more death."""
        if lived_s >= self.settings.stable_after_s:
            return RestartPolicy(self.settings, 1)
        return RestartPolicy(self.settings, self.early_deaths + 1)

    @property
    def gives_up(self) -> bool:
        """Starting again makes no sense any more."""
        return self.early_deaths > self.settings.max_early_deaths

    @property
    def delay_s(self) -> float:
        """Wait before the next start."""
        delay = self.settings.restart_delay_s * float(2 ** max(0, self.early_deaths - 1))
        return min(delay, self.settings.restart_delay_max_s)
