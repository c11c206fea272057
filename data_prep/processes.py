"""Processes that work for another one."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait

import cv2
import torch


def settle() -> None:
    """Make this process a helper: one thread, deaf to interrupts, no life without its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
