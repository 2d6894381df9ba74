"""Random numbers without a state: each is a hash of seed, device, point and tick.

The one rule: a number depends on these four only, never on slices, shards or the order of calls, and
every draw takes exactly one 32-bit word for each device.  ``key`` names a stream or a group of devices,
``keys`` numbers the devices of a group, ``draw`` hashes a slice of keys with the ``multiplier`` of a tick.

``draw`` is multiply-shift (Dietzfelbinger et al. 1997) of keys that are hashes themselves, and one round of
MurmurHash3's mixer; ``mix`` is the finalizer of SplitMix64 (Steele et al. 2014).  For simulation, not for
secrets.
"""

from __future__ import annotations

import hashlib
import sys

import numpy as np

from simulator.generators.scratch import Scratch

_WORD = 0xFFFF_FFFF_FFFF_FFFF
_GOLDEN = 0x9E37_79B9_7F4A_7C15  # 2**64 / golden ratio, odd
_MURMUR = np.uint32(0x85EB_CA6B)
_UPPER = int(sys.byteorder == "little")  # which half of a uint64 is the upper one


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


def multiplier(stream: int, tick: int) -> int:
    """The odd 64-bit number with which a stream hashes keys at a tick."""
    return mix((stream + tick * _GOLDEN) & _WORD) | 1


def draw(keys: np.ndarray, multiplier: int, scratch: Scratch) -> np.ndarray:
    """32 random bits for each key, uint32 in scratch memory: used before the next draw."""
    wide = scratch.take("draw64", len(keys), np.uint64)
    bits = scratch.take("draw", len(keys), np.uint32)
    high = scratch.take("draw32", len(keys), np.uint32)
    np.multiply(keys, np.uint64(multiplier), out=wide)
    np.copyto(bits, wide.view(np.uint32)[_UPPER::2])
    np.right_shift(bits, 16, out=high)
    np.bitwise_xor(bits, high, out=bits)
    np.multiply(bits, _MURMUR, out=bits)
    np.right_shift(bits, 13, out=high)
    np.bitwise_xor(bits, high, out=bits)
    return bits
