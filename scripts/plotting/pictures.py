"""What is shown of each profile: its curves, and what somebody does to the device meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HOUR = 3600.0


@dataclass(frozen=True)
class Panel:
    """Curves with one axis; ``since_start`` shows what has been added to a counter."""

    unit: str
    points: tuple[str, ...]
    low: float | None = None
    high: float | None = None
    since_start: bool = False


@dataclass(frozen=True)
class Event:
    """Writes at an hour of the day; a value None lets the point move again."""

    hour: float
    text: str
    writes: Mapping[str, object]


@dataclass(frozen=True)
class Picture:
    """Some hours of a device from ``begin`` o'clock on; points move every ``step`` seconds at most."""

    title: str
    panels: tuple[Panel, ...]
    events: tuple[Event, ...] = ()
    begin: float = 0.0
    hours: float = 24.0
    step: float = 5.0


PICTURES: Mapping[str, Picture] = {
    "battery-bms": Picture(
        "battery-bms: a day between a solar roof and a house",
        (
            Panel("W", ("power_request", "pack_power")),
            Panel("%", ("state_of_charge",), 0, 100),
            Panel("V", ("pack_voltage",)),
            Panel("mV", ("cell_voltage_maximum", "cell_voltage_minimum")),
            Panel("°C", ("temperature_2", "board_temperature")),
        ),
        (
            Event(11.5, "charging off", {"charge_enable": False}),
            Event(12.5, "on", {"charge_enable": True}),
        ),
    ),
    "energy-meter": Picture(
        "energy-meter: a Monday of a small firm",
        (
            Panel("V", ("voltage_l1", "voltage_l2", "voltage_l3")),
            Panel("A", ("current_l1", "current_l2", "current_l3"), 0),
            Panel("W", ("power", "demand", "demand_maximum"), 0),
            Panel("", ("power_factor",), 0.9, 1),
            Panel("kWh", ("energy",), 0, since_start=True),
        ),
        (Event(16.0, "relay opened", {"relay": False}), Event(16.5, "closed", {"relay": True})),
    ),
    "pdu": Picture(
        "pdu: a day of a rack, with backups at night",
        (
            Panel("A", ("current",), 0),
            Panel("A", ("outlet_2_current", "outlet_4_current", "outlet_8_current"), 0),
            Panel("W", ("power", "outlet_4_power"), 0),
            Panel("°C", ("temperature",)),
            Panel("kWh", ("energy",), 0, since_start=True),
        ),
        (Event(14.0, "outlet 4 off", {"outlet_4": False}), Event(15.5, "on", {"outlet_4": True})),
    ),
    "plc-tank": Picture(
        "plc-tank: two hours of filling and emptying",
        (
            Panel("%", ("level",), 0, 100),
            Panel("l/min", ("inlet_flow", "outlet_flow"), 0),
            Panel("°C", ("temperature", "temperature_setpoint")),
            Panel("rpm", ("pump_speed",), 0),
        ),
        (
            Event(8.75, "inlet closed by hand", {"inlet_valve": False}),
            Event(9.1, "given back", {"inlet_valve": None}),
            Event(9.5, "pump at 100 %", {"pump_reference": 100}),
        ),
        begin=8,
        hours=2,
        step=1,
    ),
    "sunspec-inverter": Picture(
        "sunspec-inverter: a day in spring",
        (
            Panel("W/m²", ("irradiance",), 0, 1000),
            Panel("W", ("dc_power", "ac_power"), 0),
            Panel("A", ("ac_current_l1", "dc_current"), 0),
            Panel("°C", ("cabinet_temperature", "heat_sink_temperature"), 0),
            Panel("Wh", ("energy",), 0, since_start=True),
        ),
        (
            Event(12.5, "limited to 50 %", {"power_limit": 50, "power_limit_enable": "enabled"}),
            Event(14.0, "limit off", {"power_limit_enable": "disabled"}),
        ),
    ),
    "temperature-loop": Picture(
        "temperature-loop: three hours of a furnace",
        (
            Panel("°C", ("actual", "working_setpoint")),
            Panel("%", ("output",), 0, 100),
            Panel("K", ("deviation",)),
        ),
        (
            Event(9.0, "setpoint 200 °C", {"setpoint": 200}),
            Event(10.0, "manual, 25 %", {"manual_output": 25, "mode": "manual"}),
            Event(10.25, "automatic", {"mode": "automatic"}),
        ),
        begin=8,
        hours=3,
        step=1,
    ),
    "ups": Picture(
        "ups: a day with two losses of the mains",
        (
            Panel("V", ("input_voltage_l1", "output_voltage"), 0),
            Panel("W", ("input_power", "output_power"), 0),
            Panel("A", ("battery_current",)),
            Panel("%", ("battery_charge",), 0, 100),
            Panel("°C", ("inverter_temperature", "ambient_temperature")),
        ),
        (
            Event(9.0, "mains fail", {"mains_present": False}),
            Event(9.2, "", {"mains_present": True}),
            Event(16.0, "mains fail", {"mains_present": False}),
            Event(16.35, "", {"mains_present": True}),
        ),
    ),
    "vfd": Picture(
        "vfd: three shifts of a fan",
        (
            Panel("Hz", ("output_frequency",), 0, 50),
            Panel("%", ("motor_torque", "motor_load"), 0),
            Panel("A", ("motor_current",), 0),
            Panel("kW", ("motor_power",), 0),
            Panel("°C", ("motor_temperature", "drive_temperature"), 20),
        ),
        (
            Event(0, "40 %", {"speed_reference": 40}),
            Event(6, "100 %", {"speed_reference": 100}),
            Event(14, "70 %", {"speed_reference": 70}),
            Event(18, "stop", {"stop": True}),
            Event(21, "start", {"stop": False}),
        ),
        step=1,
    ),
    "weather-station": Picture(
        "weather-station: a day in spring with showers",
        (
            Panel("W/m²", ("global_radiation", "global_radiation_average"), 0),
            Panel("°C", ("air_temperature", "dew_point", "felt_temperature")),
            Panel("%", ("relative_humidity",), 0, 100),
            Panel("m/s", ("wind_speed_maximum", "wind_speed_average"), 0),
            Panel("mm", ("precipitation",), 0, since_start=True),
        ),
        step=1,
    ),
}
