"""The help that teaches: the front page, and what to say to a word that is no verb."""

from __future__ import annotations

from simulator.cli import exits
from simulator.cli.verbs import VERBS

EXAMPLES = (
    ("modsim init plant.yaml", "write a commented plant file"),
    ("modsim check plant.yaml", "is the file right, will it run on this machine"),
    ("modsim --config plant.yaml", "run it; the ready line says when it answers"),
    ("modsim explain plant.yaml meter-0001 voltage_l1", "one point, down to the frame that reads it"),
    ("modsim serve 127.0.0.1:5020", "one device with every address, no file"),
    ("modsim profiles show energy-meter", "the points of a profile"),
    ("modsim read tcp://127.0.0.1:5020 40001 --count 4", "values of any device"),
    ("modsim load tcp://127.0.0.1:5020 --clients 50", "how much a server can do"),
    ("modsim decode 01 03 00 00 00 0A C5 CD", "what a frame says"),
)


def front_page() -> str:
    """The text of ``modsim --help``."""
    verbs = "\n".join(f"  {verb.name:<12}{verb.summary}" for verb in VERBS.values())
    width = max(len(command) for command, _ in EXAMPLES) + 3
    examples = "\n".join(f"  {command:<{width}}{purpose}" for command, purpose in EXAMPLES)
    return f"""\
usage: modsim --config FILE [options]     the same as: modsim run FILE [options]
       modsim VERB [arguments]            modsim VERB --help says more
       modsim --help | --version

Simulates a plant of Modbus devices, described in one YAML file; asks, loads and explains any others.

verbs:
{verbs}

examples:
{examples}

{exit_codes()}
"""


def exit_codes() -> str:
    """The table of exit codes, as it stands at the end of every help text."""
    return "exit codes:\n" + "\n".join(f"  {code:<4}{meaning}" for code, meaning in exits.MEANINGS.items())


def unknown_verb(word: str) -> str:
    """What to answer to a first word that is no verb."""
    import os.path
    from difflib import get_close_matches

    near = get_close_matches(word, VERBS, n=1)
    if os.path.exists(word) or word.endswith((".yaml", ".yml")):
        advice = f"did you mean 'modsim run {word}'?"
    elif near:
        advice = f"did you mean '{near[0]}'?"
    else:
        advice = f"expected one of {', '.join(VERBS)}"
    return f"modsim: unknown verb '{word}', {advice}\nSee 'modsim --help'.\n"
