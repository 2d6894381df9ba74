"""The shipped profiles live plausibly: a virtual day of each, and what happens when somebody interferes.

Days are played in steps of a minute, in which everything but the fast loops is exact enough; the tank, the
drive and the controller are played second by second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twisted.internet.task import Clock

from simulator.config.loader import parse_plant
from simulator.config.plant import PlantConfig
from simulator.plant import Plant
from simulator.profiles.loader import ProfileLibrary

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
HOUR, STEP, LOOK = 3600, 60, 300
COUNT = 2
NAMES = [name for name in ProfileLibrary().names() if name != "generic"]


class Life:
    """Two devices of a profile; virtual time goes on when it is told to."""

    def __init__(
        self, profile: str, step: float = 1, start: str = "2026-03-02T00:00:00Z", inline: str = ""
    ) -> None:
        text = (
            f'clock: {{start: "{start}"}}\ndevices: [{{name: "d-{{n}}", profile: {profile}, count: {COUNT}, '
            f'endpoint: "tcp://127.0.0.1:0"}}]\n'
        )
        if inline:
            text += f"profiles:\n  {profile}:\n" + "".join(f"    {line}\n" for line in inline.splitlines())
        config = parse_plant(text)
        self._clock = Clock()
        self.plant = Plant(_slowed(config, step), self._clock)
        (self.fleet,) = self.plant.fleets
        for _ in self.plant.ticker.prime():
            pass
        self.plant.startService()
        self._sources: dict[str, Any] = {}

    def advance(self, seconds: float) -> None:
        reached = self.plant.time.advance(seconds)
        while not reached.called:
            self._clock.advance(0)

    def write(self, point: str, value: object) -> None:
        """As a client would, to the first device."""
        self.plant.write("d-1", point, value)

    def __getitem__(self, point: str) -> np.ndarray:
        """The value of each device, as a client would read it."""
        if point not in self._sources:
            self._sources[point] = self.fleet.rows.source(point)
        return np.array(np.broadcast_to(self._sources[point].read(0, COUNT), COUNT))

    def moving(self) -> Iterator[str]:
        """The points that have numbers and generators."""
        for name, point in self.fleet.profile.points.items():
            if point.generator is not None and point.data_type.is_numeric and point.count == 1:
                yield name

    def record(self, seconds: float, look: float, *points: str) -> dict[str, np.ndarray]:
        """(looks, devices) of each point, now and after every ``look`` seconds."""
        names = points or tuple(self.moving())
        looks = [{name: self[name] for name in names}]
        for _ in range(round(seconds / look)):
            self.advance(look)
            looks.append({name: self[name] for name in names})
        return {name: np.array([each[name] for each in looks]) for name in names}


def _slowed(config: PlantConfig, step: float) -> PlantConfig:
    """No point moves more often than every ``step`` seconds."""
    (group,) = config.groups
    points = {
        name: point
        if point.generator is None
        else replace(point, generator=replace(point.generator, interval=max(step, point.generator.interval)))
        for name, point in group.profile.points.items()
    }
    return replace(config, groups=(replace(group, profile=replace(group.profile, points=points)),))


@cache
def day(profile: str) -> dict[str, np.ndarray]:
    """A day from midnight on, every five minutes."""
    return Life(profile, STEP).record(24 * HOUR, LOOK)


def integral(power: np.ndarray, per: float = HOUR) -> np.ndarray:
    """What has come together of values that were looked at every five minutes."""
    return (power[1:] + power[:-1]).sum(axis=0) / 2 * LOOK / per


def never_falls(values: np.ndarray) -> bool:
    return bool((np.diff(values, axis=0) >= 0).all())


@pytest.mark.parametrize("name", NAMES)
def test_every_value_is_one_that_its_registers_can_hold(name: str) -> None:
    life = Life(name)
    life.record(60, 60)
    assert life.plant.ticker.failed == 0
    assert {track.point.name: track.errors for track in life.fleet.tracks if track.errors} == {}
    for point in (life.fleet.profile.points[each] for each in life.moving()):
        values = day(name)[point.name]
        assert np.isfinite(values).all(), point.name
        if point.data_type.is_integer and point.data_type.family not in ("bool", "bits"):
            low, high = (float(end or 0) for end in (point.data_type.minimum, point.data_type.maximum))
            raw = (values - point.offset) / point.scale
            assert (raw < high - 0.5).all(), point.name
            assert low == 0 or (raw > low + 0.5).all(), point.name


@pytest.mark.parametrize("name", NAMES)
def test_devices_of_a_kind_differ(name: str) -> None:
    differing = [point for point, values in day(name).items() if (values[:, 0] != values[:, 1]).any()]
    assert len(differing) >= 5


def test_the_meter_measures_one_circuit() -> None:
    meter = day("energy-meter")
    for line in ("l1", "l2", "l3"):
        volts, amperes = meter[f"voltage_{line}"], meter[f"current_{line}"]
        watts, apparent = meter[f"power_{line}"], meter[f"apparent_power_{line}"]
        np.testing.assert_allclose(watts, volts * amperes * meter[f"power_factor_{line}"], rtol=1e-5)
        np.testing.assert_allclose(apparent, volts * amperes, rtol=1e-5)
        np.testing.assert_allclose(watts**2 + meter[f"reactive_power_{line}"] ** 2, apparent**2, rtol=1e-4)
    for total in ("power", "apparent_power", "reactive_power"):
        lines = sum(meter[f"{total}_{line}"] for line in ("l1", "l2", "l3"))
        np.testing.assert_allclose(meter[total], lines, rtol=1e-5)
    np.testing.assert_allclose(meter["power_factor"], meter["power"] / meter["apparent_power"], rtol=1e-5)
    np.testing.assert_allclose(meter["voltage_l1_l2"], 230 * 3**0.5, rtol=0.02)
    largest = np.maximum.reduce([meter[f"current_l{k}"] for k in (1, 2, 3)])
    assert (meter["neutral_current"] < largest).all()


def test_the_meter_counts_what_passes_through_it() -> None:
    meter = day("energy-meter")
    for energy, power in (("energy", "power"), ("reactive_energy", "reactive_power")):
        assert never_falls(meter[energy])
        counted = meter[energy][-1] - meter[energy][0]
        np.testing.assert_allclose(counted, integral(meter[power]) / 1000, rtol=0.02)
    assert never_falls(meter["demand_maximum"])
    assert (meter["demand_maximum"] >= meter["demand"] - 0.01).all()
    assert (meter["demand"].std(axis=0) < meter["power"].std(axis=0)).all()
    night, noon = meter["power"][3 * 12 : 5 * 12].mean(), meter["power"][10 * 12 : 12 * 12].mean()
    assert noon > 3 * night > 0


def test_an_open_relay_lets_nothing_through() -> None:
    meter = Life("energy-meter", 5, start="2026-03-02T12:00:00Z")
    meter.write("relay", False)
    meter.advance(120)
    counted = meter["energy"]
    meter.advance(HOUR)
    assert meter["power"][0] < 0.01 < 1000 < meter["power"][1]
    assert meter["energy"][0] == counted[0]
    assert meter["energy"][1] > counted[1] + 1


def test_the_inverter_sleeps_at_night() -> None:
    inverter = day("sunspec-inverter")
    night = inverter["irradiance"] == 0
    assert night[: 5 * 12].all()
    assert night[-3 * 12 :].all()
    for point in ("ac_power", "dc_power", "ac_current", "ac_current_l2", "dc_current", "dc_voltage"):
        assert (inverter[point][night] == 0).all(), point
    assert (inverter["state"][night] == 2).all()
    assert (np.diff(inverter["energy"][: 5 * 12], axis=0) == 0).all()


def test_the_inverter_follows_the_sun() -> None:
    inverter = day("sunspec-inverter")
    light, watts = inverter["irradiance"], inverter["ac_power"]
    np.testing.assert_allclose(inverter["dc_power"], 10 * light, atol=1.5)
    assert (watts <= inverter["dc_power"]).all()
    assert 8000 < watts.max() < 10000
    np.testing.assert_allclose(inverter["dc_voltage"] * inverter["dc_current"], inverter["dc_power"], atol=10)
    lines = [inverter[f"ac_voltage_l{k}"] * inverter[f"ac_current_l{k}"] for k in (1, 2, 3)]
    factor = inverter["power_factor"] / 100
    np.testing.assert_allclose(sum(lines) * factor, watts, atol=10)  # amperes have two decimals
    currents = sum(inverter[f"ac_current_l{k}"] for k in (1, 2, 3))
    np.testing.assert_allclose(inverter["ac_current"], currents, atol=0.011)
    assert never_falls(inverter["energy"])
    np.testing.assert_allclose(inverter["energy"][-1] - inverter["energy"][0], integral(watts), rtol=0.03)
    warmest = inverter["heat_sink_temperature"].argmax(axis=0) / 12
    assert ((warmest > 10) & (warmest < 19)).all()


def test_the_inverter_keeps_to_its_limit() -> None:
    inverter = Life("sunspec-inverter", start="2026-03-02T13:00:00Z")
    inverter.plant.write("d-1", "irradiance", 900)
    inverter.write("power_limit", 50)
    inverter.advance(2)
    assert inverter["ac_power"][0] > 8000  # not before it is enabled
    inverter.write("power_limit_enable", "enabled")
    inverter.advance(2)
    assert inverter["ac_power"][0] == pytest.approx(5000, abs=2)
    assert inverter["state"][0] == 5
    inverter.write("power_factor_setpoint", 0.9)
    inverter.write("power_factor_enable", "enabled")
    inverter.advance(2)
    assert inverter["reactive_power"][0] == pytest.approx(5000 * (1 / 0.81 - 1) ** 0.5, abs=5)
    inverter.write("connect", "disconnect")
    inverter.advance(2)
    assert inverter["ac_power"][0] == inverter["ac_current"][0] == 0
    assert inverter["state"][0] == 1
    assert inverter["state"][1] != 1


def test_the_battery_stores_what_goes_in() -> None:
    battery = day("battery-bms")
    charge, amperes = battery["state_of_charge"], battery["pack_current"]
    assert ((charge >= 0) & (charge <= 100)).all()
    assert charge.max() - charge.min() > 30
    expected = charge[0] + np.cumsum(amperes[1:] + amperes[:-1], axis=0) / 2 * LOOK / HOUR / 2.8
    np.testing.assert_allclose(charge[1:], expected, atol=1)
    np.testing.assert_allclose(battery["pack_power"], battery["pack_voltage"] * amperes, atol=1)
    np.testing.assert_allclose(battery["remaining_capacity"], 2.8 * charge, atol=0.3)
    for energy, sign in (("charged_energy", 1), ("discharged_energy", -1)):
        assert never_falls(battery[energy])
        watts = np.maximum(sign * battery["pack_power"], 0)
        np.testing.assert_allclose(battery[energy][-1] - battery[energy][0], integral(watts), rtol=0.03)
    np.testing.assert_array_equal(battery["state"] == 2, amperes > 0.5)
    np.testing.assert_array_equal(battery["state"] == 3, amperes < -0.5)


def test_the_cells_make_up_the_pack() -> None:
    battery = day("battery-bms")
    cells = np.array([battery[f"cell_{k}_voltage"] for k in range(1, 17)])
    np.testing.assert_array_equal(battery["cell_voltage_maximum"], cells.max(axis=0))
    np.testing.assert_array_equal(battery["cell_voltage_minimum"], cells.min(axis=0))
    np.testing.assert_allclose(cells.sum(axis=0) / 1000, battery["pack_voltage"], atol=0.05)


def test_a_full_battery_takes_no_more() -> None:
    battery = Life("battery-bms", 20)
    battery.write("power_request", 20000)
    battery.advance(HOUR / 4)
    assert battery["pack_current"][0] == pytest.approx(140, abs=1)  # its limit
    battery.advance(2 * HOUR)
    assert battery["state_of_charge"][0] > 99.5
    assert battery["pack_current"][0] < 12
    battery.write("power_request", -20000)
    battery.advance(3 * HOUR)
    assert battery["state_of_charge"][0] < 0.5
    assert battery["pack_current"][0] > -20
    assert battery["cell_voltage_minimum"][0] < battery["cell_voltage_minimum"][1]
    battery.write("discharge_enable", False)
    battery.advance(60)
    assert battery["pack_current"][0] == 0


def test_the_tank_keeps_the_balance() -> None:
    tank = Life("plc-tank").record(1800, 1, "level", "volume", "inlet_flow", "outlet_flow", "throughput",
                                   "temperature", "pressure", "inlet_valve")  # fmt: skip
    level, net = tank["level"], (tank["inlet_flow"] - tank["outlet_flow"])[1:] / 60
    assert 24 < level.min() < 35 < 65 < level.max() < 76
    np.testing.assert_allclose(tank["volume"][1:], tank["volume"][0] + np.cumsum(net, axis=0), atol=25)
    np.testing.assert_allclose(level, tank["volume"] / 50, atol=0.06)
    assert never_falls(tank["throughput"])
    passed = tank["throughput"][-1] - tank["throughput"][0]
    np.testing.assert_allclose(passed, tank["outlet_flow"][1:].sum(axis=0) / 60, atol=1)
    switched = np.abs(np.diff(tank["inlet_valve"], axis=0)).sum(axis=0)
    assert ((switched >= 3) & (switched <= 12)).all()
    assert np.abs(tank["temperature"] - 60).max() < 4
    np.testing.assert_allclose(tank["pressure"], 1.013 + 0.0021 * level, atol=0.002)


def test_a_tank_without_an_inlet_runs_empty() -> None:
    tank = Life("plc-tank")
    tank.write("inlet_valve", False)
    tank.advance(900)
    assert tank["inlet_flow"][0] == 0
    assert 0 <= tank["level"][0] < 6
    assert tank["level_low"][0] == tank["level_low_low"][0] == 1
    assert tank["alarms"][0] == 1
    assert tank["pump_running"][0] == tank["flow_present"][0] == 0  # runs no more without water
    assert tank["pump_current"][0] == 0
    tank.write("inlet_valve", True)
    tank.advance(300)
    assert tank["level"][0] > 20
    assert tank["pump_running"][0] == 1


def test_the_drive_follows_its_reference() -> None:
    drive = Life("vfd")
    drive.advance(10)
    assert drive["output_frequency"][0] == 40
    assert drive["at_speed"][0] == 1
    drive.write("speed_reference", 100)
    ramp = drive.record(4, 1, "output_frequency", "at_speed")
    assert ramp["output_frequency"][:3, 0].tolist() == [40, 50, 50]
    drive.advance(60)
    assert drive["motor_speed"][0] == 1460
    assert drive["motor_torque"][0] > drive["motor_torque"][1] + 15
    assert drive["motor_current"][0] > drive["motor_current"][1]
    drive.write("speed_reference", -30)
    drive.advance(15)
    assert drive["motor_speed"][0] == pytest.approx(-438, abs=1)
    assert int(drive["status_word"][0]) >> 14 & 1 == 1


def test_a_stopped_drive_ramps_down_and_cools() -> None:
    drive = Life("vfd")
    drive.advance(10)
    drive.write("stop", True)
    ramp = drive.record(10, 1, "output_frequency")["output_frequency"][:, 0]
    np.testing.assert_allclose(np.diff(ramp)[:6], -50 / 8, atol=0.02)
    assert ramp[-1] == 0
    counted, warm = drive["energy"][0], drive["motor_temperature"]
    drive.advance(1200)
    assert drive["motor_power"][0] == drive["motor_current"][0] == drive["motor_speed"][0] == 0
    assert drive["running"][0] == drive["at_speed"][0] == 0
    assert drive["energy"][0] == counted
    assert drive["motor_temperature"][0] < warm[0] - 5
    assert drive["motor_temperature"][1] > warm[1]


def test_power_of_the_drive_is_torque_times_speed() -> None:
    drive = Life("vfd").record(600, 10)
    power = 7.5 * drive["motor_torque"] / 100 * drive["motor_speed"] / 1460
    np.testing.assert_allclose(drive["motor_power"], power, atol=0.01)
    assert never_falls(drive["energy"])
    assert never_falls(drive["motor_temperature"])
    assert (drive["motor_temperature"] < 95).all()


def test_the_controller_keeps_the_furnace_at_its_setpoint() -> None:
    loop = Life("temperature-loop").record(
        1500, 1, "actual_input", "actual", "output", "deviation", "heating"
    )
    assert np.abs(loop["actual_input"] - 180).max() < 6
    assert np.abs(loop["actual_input"] - 180).mean() < 1
    assert ((loop["output"] > 10) & (loop["output"] < 90)).all()
    np.testing.assert_allclose(loop["heating"].mean(axis=0), loop["output"].mean(axis=0) / 100, atol=0.1)
    np.testing.assert_allclose(loop["deviation"], loop["actual"] - 180, atol=0.051)


def test_a_new_setpoint_is_reached_along_the_ramp() -> None:
    loop = Life("temperature-loop")
    loop.write("setpoint", 200)
    climb = loop.record(600, 10, "working_setpoint", "actual_input")
    steps = np.diff(climb["working_setpoint"][:, 0])
    assert (steps < 5 / 6 + 0.11).all()  # 5 K a minute
    assert climb["working_setpoint"][-1, 0] == 200
    assert np.abs(climb["actual_input"][-1] - (200, 180)).max() < 5
    loop.write("mode", "manual")
    loop.write("manual_output", 12.5)
    loop.advance(5)
    assert loop["output"][0] == loop["output_input"][0] == 12.5
    loop.advance(600)
    assert loop["actual_input"][0] < 160
    assert loop["output"][0] == 12.5
    loop.write("alarm_2_limit", 170)
    loop.advance(2)
    assert loop["alarm_2"].tolist() == [1, 0]
    assert int(loop["status"][0]) >> 1 & 1 == 1
    loop.write("mode", "standby")
    loop.advance(5)
    assert loop["output"][0] == 0


def test_the_ups_carries_its_load() -> None:
    ups = day("ups")
    np.testing.assert_allclose(ups["output_apparent_power"], 100 * ups["load"], atol=1)
    np.testing.assert_allclose(
        ups["output_power"], ups["output_apparent_power"] * ups["output_power_factor"], atol=30
    )
    apparent = ups["output_voltage"] * ups["output_current"]
    np.testing.assert_allclose(apparent, ups["output_apparent_power"], atol=15)
    assert (ups["input_power"] > ups["output_power"]).all()
    assert (ups["on_battery"] == 0).all()
    assert (ups["battery_charge"] >= 99.5).all()
    assert never_falls(ups["output_energy"])
    counted = ups["output_energy"][-1] - ups["output_energy"][0]
    np.testing.assert_allclose(counted, integral(ups["output_power"]) / 1000, rtol=0.03)


def test_the_ups_outlives_a_loss_of_the_mains() -> None:
    ups = Life("ups", 5)
    ups.write("mains_present", False)
    ups.advance(60)
    assert ups["on_battery"].tolist() == [1, 0]
    assert ups["status"][0] == 3
    assert ups["input_voltage_l1"][0] == ups["input_current_l2"][0] == ups["input_power"][0] == 0
    assert ups["output_voltage"][0] > 229
    assert ups["battery_current"][0] < -10
    assert int(ups["alarms"][0]) & 1 == 1
    fall = ups.record(1800, 60, "battery_charge", "battery_voltage", "battery_runtime", "battery_low")
    assert (np.diff(fall["battery_charge"][:, 0]) < 0).all()
    assert fall["battery_charge"][-1, 0] < 30
    assert fall["battery_voltage"][-1, 0] < fall["battery_voltage"][0, 0] - 5
    ups.advance(420)
    assert ups["battery_low"].tolist() == [1, 0]
    empty = ups["battery_charge"][0]
    ups.write("mains_present", True)
    ups.advance(HOUR)
    assert ups["battery_charge"][0] > empty + 10
    assert ups["charger_state"].tolist() == [2, 1]
    assert ups["input_power"][0] > ups["input_power"][1]


def test_the_outlets_make_up_the_inlet() -> None:
    pdu = day("pdu")
    for what, slack in (("current", 0.006), ("power", 0.6)):
        outlets = sum(pdu[f"outlet_{k}_{what}"] for k in range(1, 9))
        np.testing.assert_allclose(pdu[what], outlets, atol=slack)
    np.testing.assert_allclose(pdu["apparent_power"], pdu["voltage"] * pdu["current"], atol=1)
    np.testing.assert_allclose(pdu["power"], pdu["apparent_power"] * pdu["power_factor"], atol=5)
    assert never_falls(pdu["energy"])
    np.testing.assert_allclose(pdu["energy"][-1] - pdu["energy"][0], integral(pdu["power"]) / 1000, rtol=0.02)
    assert (pdu["outlet_6_power"] == 0).all()


def test_an_outlet_that_is_switched_off_draws_nothing() -> None:
    pdu = Life("pdu")
    before = pdu["power"]
    pdu.write("outlet_4", False)
    pdu.write("outlet_6", True)
    pdu.advance(2)
    assert pdu["outlet_4_on"].tolist() == [0, 1]
    assert pdu["outlet_4_current"][0] == pdu["outlet_4_power"][0] == 0
    assert pdu["outlet_6_power"][0] > 50
    assert pdu["power"][0] < before[0] - 100


def small(name: str, step: float = 1, start: str = "2026-03-02T00:00:00Z") -> Life:
    """A process of the documentation."""
    text = (DOCS / "how-to" / "plausible-processes.md").read_text()
    (block,) = (
        each for each in re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S) if f"name: {name}\n" in each
    )
    return Life(name, step, start, inline=block)


def test_the_small_tank_runs_full_and_empty() -> None:
    tank = small("small-tank").record(1800, 1)
    assert (tank["level"][-1] > 80).all()
    assert ((tank["level"] >= 0) & (tank["level"] <= 100)).all()
    empty = small("small-tank")
    empty.write("valve", False)
    empty.advance(1200)
    assert 4 < empty["level"][0] < 6
    assert empty["outflow"][0] == 0


def test_the_oven_heats_up_and_stays_there() -> None:
    oven = small("oven").record(3000, 5)
    assert (oven["temperature"][0] == 20).all()
    assert (np.abs(oven["temperature"][-120:] - 150) < 3).all()
    assert (oven["temperature"] < 165).all()
    assert (oven["heat"][12] == 100).all()


def test_the_fan_warms_with_its_speed() -> None:
    fan = small("fan")
    ramp = fan.record(5, 1)["frequency"][:, 0]
    assert ramp.tolist() == [0, 10, 20, 30, 35, 35]
    fan.write("reference", 50)
    fan.advance(HOUR)
    assert fan["winding"][0] > fan["winding"][1] + 20
    fan.write("run", False)
    fan.advance(6)
    assert fan["frequency"][0] == fan["torque"][0] == fan["current"][0] == 0


def test_the_small_battery_keeps_its_account() -> None:
    battery = small("battery", 20).record(24 * HOUR, LOOK)
    charge = battery["charge"]
    assert ((charge >= 0) & (charge <= 100)).all()
    gained = np.cumsum(battery["current"][1:] + battery["current"][:-1], axis=0) / 2 * LOOK / HOUR
    np.testing.assert_allclose(charge[1:] - charge[0], gained, atol=1.5)
    assert never_falls(battery["charged"])


def test_the_small_inverter_is_dark_at_night() -> None:
    inverter = small("small-inverter", 20).record(24 * HOUR, LOOK)
    night = inverter["irradiance"] == 0
    assert 0.35 < night.mean() < 0.5
    assert (inverter["power"][night] == 0).all()
    assert (inverter["current"][night] == 0).all()
    assert 4000 < inverter["power"].max() < 4900
    np.testing.assert_allclose(inverter["voltage"] * inverter["current"], inverter["power"], atol=2)
    np.testing.assert_allclose(inverter["energy"][-1], integral(inverter["power"]), rtol=0.03)


def test_the_weather_of_a_day() -> None:
    weather = day("weather-station")
    sun, air = weather["global_radiation"], weather["air_temperature"]
    assert (sun[: 5 * 12] == 0).all()
    assert (sun[21 * 12 :] == 0).all()
    assert 600 < sun.max() < 900
    np.testing.assert_array_equal(weather["daylight"], sun > 10)
    np.testing.assert_allclose(weather["illuminance"], 115 * sun, atol=6)
    warmest = air.argmax(axis=0) / 12
    assert ((warmest > 12) & (warmest < 18)).all()
    assert 8 < np.ptp(air) < 30
    humid = weather["relative_humidity"]
    assert ((humid > 10) & (humid <= 100)).all()
    assert np.corrcoef(humid[:, 0], air[:, 0])[0, 1] < -0.9
    rain, sum_ = weather["precipitation_intensity"], weather["precipitation"]
    assert never_falls(sum_)
    np.testing.assert_array_equal(rain > 0, weather["raining"] > 0)
    assert (sum_[-1] > sum_[0]).all()
    assert ((weather["sun_elevation"] > 0) >= (sun > 60)).all()
    assert (weather["wind_speed_maximum"] >= weather["wind_speed_average"]).all()
