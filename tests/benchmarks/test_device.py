"""The script that checks a device runs, compares, and says where there is none."""

import torch

from benchmarks import device


def test_the_script_runs_on_the_cpu_and_finds_it_equal(capsys):
    assert device.main(["--device", "cpu", "--size", "0.001"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(": ok, difference 0.0e+00" in line for line in lines[1:])


def test_without_a_device_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.main([]) == 2
    assert "no CUDA device is here" in capsys.readouterr().out


def test_another_number_fails(monkeypatch, capsys):
    calls = []

    def work(name):
        calls.append(name)
        return {"x": torch.tensor([1.0, 2.0 + 1e-3 * len(calls)])}

    monkeypatch.setattr(device, "checks", lambda size: [device.Check("x", work, 1e-6)])
    assert device.main(["--device", "cpu"]) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_what_is_missing_is_no_match():
    one, other = torch.tensor([float("nan")]), torch.tensor([1.0])
    assert device.difference({"x": one}, {"x": other}) == float("inf")
