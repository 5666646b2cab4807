"""The recorder: sole writer of the market store, builder of the 1-minute bars, and who answers about history.

What it guarantees of ticks, each once and in order: the death of the recorder loses none, as long as the gateway's
ring reaches back over it; the death of the whole program loses none that the recorder had taken from its socket;
the loss of power loses at most those since the last flush. What nobody can bring back it counts and says.
"""

from engine.supervision.child import Child


def main(child: Child) -> None:
    """Runs until the process is asked to stop; tells the supervisor where it answers.

    ``context.extra`` has the ``store`` (:class:`engine.storage.places.StorePlace`), the ``calendar``, and the
    endpoint for ``history`` where it is known from an earlier start.
    """
    from engine.nodes import recording  # here: the main process names this function and must not load the database

    recording.run(child)
