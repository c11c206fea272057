"""espeak-ng in a process of its own: a request on standard input, speech on standard output.

What espeak-ng says depends on what it said before, on C random numbers that every thread of its
process draws from, and on numbers of its own that it seeds with the time. Here it has a new
process and a fixed seed. The file is run as it is and imports nothing beyond the standard library,
so that it starts in milliseconds. Events are the ones of ``espeak-ng/speak_lib.h``.

The request is a JSON object: ``library`` and ``data`` (paths), ``voice``, ``rate``, ``pitch``,
``intonation``, and ``text``, null to start the engine only. The answer is a line of JSON, with
``error`` or with ``rate`` in Hz and ``events`` as [type, sample, text], and then int16 samples.
"""

import ctypes
import json
import sys
from typing import Any

_RETRIEVAL_SYNCHRONOUS = 2
_PHONEME_EVENTS_IPA_DONT_EXIT = 0x8003
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
EVENT_END, EVENT_WORD, EVENT_PHONEME = 0, 1, 7


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


def answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Start the engine and say ``text``; the head of the answer and the samples."""
    try:
        library = ctypes.CDLL(request["library"])
    except OSError as error:
        return {"error": f"espeak-ng cannot be loaded ({error})"}, b""
    rate: int = library.espeak_Initialize(
        _RETRIEVAL_SYNCHRONOUS, 0, request["data"].encode(), _PHONEME_EVENTS_IPA_DONT_EXIT
    )
    if rate <= 0:
        return {"error": f"espeak-ng cannot read its data under {request['data']}"}, b""
    if request["text"] is None:
        return {"rate": rate, "events": []}, b""
    if library.espeak_SetVoiceByName(request["voice"].encode()) != 0:
        voice = request["voice"]
        return {"error": f"espeak-ng has no voice {voice!r}; try for instance 'en-us+f2'"}, b""
    for key, name in ((_RATE, "rate"), (_PITCH, "pitch"), (_RANGE, "intonation")):
        library.espeak_SetParameter(key, request[name], 0)
    events, sound = _speak(library, request["text"].encode())
    if not sound:
        return {"error": f"espeak-ng produced no sound for {request['text']!r}"}, b""
    return {"rate": rate, "events": events}, sound


def _speak(library: Any, text: bytes) -> tuple[list[tuple[int, int, str]], bytes]:
    events: list[tuple[int, int, str]] = []
    chunks: list[bytes] = []

    def receive(wave: Any, count: int, found: Any) -> int:
        if wave and count > 0:
            chunks.append(ctypes.string_at(wave, 2 * count))
        index = 0
        while found[index].type != EVENT_END:
            event = found[index]
            spoken = event.type == EVENT_PHONEME
            name = event.id.string.decode("utf8", "ignore") if spoken else ""
            events.append((event.type, event.sample, name))
            index += 1
        return 0

    callback = _CALLBACK(receive)  # kept by name: the library holds only its address
    library.espeak_SetSynthCallback(callback)
    library.espeak_ng_SetRandSeed(1)  # else the time, in seconds
    library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
    return events, b"".join(chunks)


if __name__ == "__main__":
    head, samples = answer(json.load(sys.stdin))
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + samples)
