"""Random numbers without a state: each is a hash of seed, device, point and tick.

The one rule: a number depends on these four only, never on slices, shards or the order of calls, and
every draw takes exactly one 32-bit word for each device.  ``key`` names a stream or a group of devices,
``keys`` numbers the devices of a group, ``draw`` hashes a slice of keys with a ``counter``.

``draw`` is multiply-add-shift by a multiplier of the counter (Dietzfelbinger et al. 1997), finished
with the 32-bit mixer of MurmurHash3; ``mix`` is the finalizer of SplitMix64 (Steele et al. 2014).
This is for simulation, not for secrets.
"""

from __future__ import annotations

import hashlib

import numpy as np

from simulator.generators.scratch import Scratch

_WORD = 0xFFFF_FFFF_FFFF_FFFF
_GOLDEN = 0x9E37_79B9_7F4A_7C15  # 2**64 / golden ratio, odd


def key(seed: int, text: str) -> int:
    """A 64-bit key of a seed and a name."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{text}".encode(), digest_size=8).digest(), "little")


def mix(number: int) -> int:
    """A 64-bit hash of a 64-bit number, one to one."""
    number = (number ^ number >> 30) * 0xBF58_476D_1CE4_E5B9 & _WORD
    number = (number ^ number >> 27) * 0x94D0_49BB_1331_11EB & _WORD
    return number ^ number >> 31


def keys(group: int, start: int, stop: int) -> np.ndarray:
    """The keys of devices ``start`` to ``stop`` of a group, uint64: ``mix(group + (i + 1) * golden)``."""
    number = np.arange(start + 1, stop + 1, dtype=np.uint64) * np.uint64(_GOLDEN) + np.uint64(group)
    number = (number ^ number >> np.uint64(30)) * np.uint64(0xBF58_476D_1CE4_E5B9)
    number = (number ^ number >> np.uint64(27)) * np.uint64(0x94D0_49BB_1331_11EB)
    return number ^ number >> np.uint64(31)


def counter(stream: int, tick: int) -> tuple[int, int]:
    """The multiplier (odd) and the summand with which a stream hashes keys at a tick."""
    first = mix((stream + tick * _GOLDEN) & _WORD)
    return first | 1, mix(first)


def draw(keys: np.ndarray, counter: tuple[int, int], scratch: Scratch) -> np.ndarray:
    """32 random bits for each key, uint32 in scratch memory: used before the next draw."""
    wide = scratch.take("draw64", len(keys), np.uint64)
    bits = scratch.take("draw", len(keys), np.uint32)
    high = scratch.take("draw32", len(keys), np.uint32)
    np.multiply(keys, np.uint64(counter[0]), out=wide)
    np.add(wide, np.uint64(counter[1]), out=wide)
    np.right_shift(wide, np.uint64(32), out=wide)
    np.copyto(bits, wide, casting="unsafe")
    for shift, factor in ((16, 0x85EB_CA6B), (13, 0xC2B2_AE35), (16, 1)):
        np.right_shift(bits, np.uint32(shift), out=high)
        np.bitwise_xor(bits, high, out=bits)
        if factor != 1:
            np.multiply(bits, np.uint32(factor), out=bits)
    return bits
