"""The front door: help, version, verbs that do not exist, exit codes of a wrong command line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from simulator.cli.verbs import VERBS


def test_help_teaches_verbs_examples_and_exit_codes(modsim):
    result = modsim("--help")
    assert result.returncode == 0
    assert result.stderr == ""
    for verb in VERBS.values():
        assert verb.summary in result.stdout
    assert "modsim --config plant.yaml" in result.stdout
    for code in ("0", "1", "2", "69", "77", "78"):
        assert f"\n  {code} " in result.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_with_examples(modsim, verb):
    result = modsim(verb, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: modsim {verb} ")
    assert f"modsim {verb}" in result.stdout.partition("usage:")[2].partition("\n\n")[2]


def test_help_can_be_asked_for_in_front_of_the_verb(modsim):
    assert modsim("help", "read").stdout == modsim("read", "--help").stdout != modsim("help").stdout


@pytest.mark.parametrize("verb", ["read", "scan", "load", "decode", "repl", "forward"])
@pytest.mark.parametrize("columns", [80, 100])
def test_what_a_verb_does_is_told_in_the_width_of_the_terminal(verb, columns, monkeypatch, capsys):
    from simulator.cli.app import main

    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    text = capsys.readouterr().out.partition("positional arguments:")[0]
    assert max(map(len, text.splitlines())) <= columns


def test_version_is_the_packages(modsim):
    result = modsim("--version")
    assert result.returncode == 0
    assert result.stdout.startswith("modsim 0.")


def test_no_arguments_shows_the_help_and_is_a_usage_error(modsim):
    result = modsim()
    assert result.returncode == 2
    assert result.stdout == ""
    assert "usage: modsim --config FILE" in result.stderr


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("chekc", "did you mean 'check'?"),
        ("plant.yaml", "did you mean 'modsim run plant.yaml'?"),
        ("zzz", "expected one of run, serve, check"),
    ],
)
def test_unknown_verb_says_what_was_probably_meant(modsim, word, advice):
    result = modsim(word)
    assert result.returncode == 2
    assert result.stderr.startswith(f"modsim: unknown verb '{word}', {advice}")


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (["--seed", "x", "--config", "p.yaml"], "argument --seed: invalid int value: 'x'"),
        (["run", "--time-scale", "x", "p.yaml"], "argument --time-scale: 'x' is no number"),
        (
            ["run", "--time-scale", "0", "p.yaml"],
            "argument --time-scale: time_scale is 0, expected 0.001 to 100000",
        ),
        (["--config"], "argument --config/-c: expected one argument"),
        (["run"], "one of the arguments FILE --config/-c is required"),
        (["run", "a.yaml", "--config", "b.yaml"], "not allowed with argument"),
        (["check", "a.yaml", "--format", "xml"], "invalid choice: 'xml'"),
        (["run", "a.yaml", "--sed", "1"], "unrecognized arguments: --sed"),
        (["completion", "csh"], "invalid choice: 'csh'"),
    ],
)
def test_wrong_command_line_ends_with_2_and_points_at_the_help(modsim, words, fact):
    result = modsim(*words)
    assert result.returncode == 2
    assert fact in result.stderr
    assert "--help'" in result.stderr


def test_help_and_version_import_nothing_heavy():
    code = (
        "import sys, json, contextlib, io\n"
        "from simulator.cli.app import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    assert main(['--help']) == 0\n"
        "    assert main(['--version']) == 0\n"
        "    assert main(['completion', 'bash']) == 0\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(result.stdout))
    assert loaded & {"twisted", "pydantic", "numpy", "yaml", "zope", "asyncio"} == set()


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m simulator --help | head -n 1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "0"
    assert result.stderr == ""


def test_closed_standard_streams_are_no_error():
    command = f"{sys.executable} -m simulator --help >&- 2>&-; echo $?"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert result.stdout == "0\n"


def test_a_full_disk_under_stdout_is_told_by_the_exit_code():
    command = f"{sys.executable} -m simulator completion bash > /dev/full"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
