"""Signals in the processes of a loader."""

import os
import signal
import threading


def leave_signals_to_the_training(worker: int) -> None:
    """Let a worker live on when all processes of a training are told to end.

    Schedulers and service managers signal the workers too. The training saves after the batch at
    hand, for which it needs them, and ends them then: by the loader's own means, or by a second
    SIGTERM. A worker whose training is gone ends by itself, as every worker of a ``DataLoader``.

    Where the system has no such signals (Windows), nothing is to be done.

    Args:
        worker: Number of the worker, as ``worker_init_fn`` is told it.
    """
    if not hasattr(signal, "pthread_sigmask"):
        return
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_at_the_second, daemon=True).start()


def _end_at_the_second() -> None:
    for _ in range(2):
        signal.sigwait({signal.SIGTERM})
    os._exit(1)
