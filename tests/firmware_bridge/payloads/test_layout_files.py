"""The layouts that come with Vigía, against what their makers and public decoders say that bytes mean."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from firmware_bridge.payloads.layout import LayoutDecoder
from firmware_bridge.payloads.layout_files import MAX_FILE_BYTES, load_layout, packaged_layouts, parse_layout
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import QUANTITIES

GOLDEN: list[tuple[str, int, str, dict[str, float]]] = [
    # Decentlab (chirpstack/chirpstack-device-profiles, codec tests; battery in mV)
    (
        "decentlab_5tm",
        1,
        "02023b0003003702710c60",
        {
            "dielectric_permittivity": 1.1,
            "volumetric_water_content": -0.02154,
            "soil_temperature": 22.5,
            "battery": 3168,
        },
    ),
    (
        "decentlab_atm22",
        1,
        "0208c900038009812b8014810880027fe8800880040bf5",
        {
            "wind_speed": 0.09,
            "wind_direction": 29.9,
            "maximum_wind_speed": 0.2,
            "air_temperature": 26.4,
            "x_orientation_angle": 0.2,
            "y_orientation_angle": -2.4,
            "north_wind_speed": 0.08,
            "east_wind_speed": 0.04,
            "battery": 3061,
        },
    ),
    (
        "decentlab_atm41",
        1,
        "02035a0003800a8000800080008009812b8014810880b4a57c820c810980027fe88056800880040bf5",
        {
            "solar_radiation": 10,
            "precipitation": 0,
            "lightning_strike_count": 0,
            "lightning_average_distance": 0,
            "wind_speed": 0.09,
            "wind_direction": 29.9,
            "maximum_wind_speed": 0.2,
            "air_temperature": 26.4,
            "vapor_pressure": 1.8,
            "atmospheric_pressure": 95.96,
            "relative_humidity": 52.4,
            "sensor_temperature_internal": 26.5,
            "x_orientation_angle": 0.2,
            "y_orientation_angle": -2.4,
            "compass_heading": 86,
            "north_wind_speed": 0.08,
            "east_wind_speed": 0.04,
            "battery": 3061,
        },
    ),
    (
        "decentlab_atm41g2",
        1,
        "025ef80003805c000080008000803484b3803680e78086a60181d680ed81c9809f8000117000010adc",
        {
            "solar_radiation": 9.2,
            "precipitation": 0,
            "lightning_strike_count": 0,
            "lightning_average_distance": 0,
            "wind_speed": 0.52,
            "wind_direction": 120.3,
            "maximum_wind_speed": 0.54,
            "air_temperature": 23.1,
            "vapor_pressure": 1.34,
            "barometric_pressure": 97.29,
            "relative_humidity": 47,
            "internal_temperature": 23.7,
            "tilt_angle_x_orientation": 45.7,
            "tilt_angle_y_orientation": 15.9,
            "precipitation_electrical_conductivity": 0,
            "cumulative_precipitation": 70,
            "battery": 2780,
        },
    ),
    (
        "decentlab_ctd10",
        1,
        "0207d9000390888081006400000c60",
        {"water_depth": 4232, "temperature": 12.9, "electrical_conductivity": 100, "freezing_flag": 0, "battery": 3168},
    ),
    (
        "decentlab_cws",
        1,
        "02463900038a778a95977a874c80478a5e0b74",
        {
            "surface_temperature": 26.79,
            "air_temperature": 27.09,
            "air_humidity": 60.1,
            "dew_point": 18.68,
            "angle": 71,
            "sensor_temperature": 26.54,
            "battery": 2932,
        },
    ),
    (
        "decentlab_cws2",
        1,
        "0258c000074676fa0a81c9813fa6d88137802581300b91",
        {
            "air_temperature_radiation_shield": 3.167391,
            "air_humidity_radiation_shield": 97.672999,
            "surface_temperature": 4.57,
            "air_temperature": 3.19,
            "air_humidity": 99.44,
            "dew_point": 3.11,
            "angle": 37,
            "sensor_temperature": 3.04,
            "battery": 2961,
        },
    ),
    (
        "decentlab_dlr2_002",
        1,
        "02199e000300000258000000000c9b",
        {"pulse_count": 0, "pulse_interval": 600, "cumulative_pulse_count": 0, "battery": 3227},
    ),
    ("decentlab_ds18", 1, "02023d0003815e0c15", {"temperature": 21.875, "battery": 3093}),
    (
        "decentlab_gmm",
        1,
        "02532b00038726892081148297a57380cf81700bbc",
        {
            "photosynthetically_active_radiation": 183,
            "air_temperature": 23.36,
            "air_humidity": 27.6,
            "co2_concentration": 663,
            "atmospheric_pressure": 95.87,
            "vapor_pressure_deficit": 2.07,
            "dew_point": 3.68,
            "battery": 3004,
        },
    ),
    (
        "decentlab_iam",
        1,
        "020bbd007f0b926a515d48bc4e0262006981c7000093d4000b0111",
        {
            "air_temperature": 27.67834,
            "air_humidity": 36.438544,
            "barometric_pressure": 96412,
            "ambient_light_visible_infrared": 610,
            "ambient_light_infrared": 105,
            "co2_concentration": 455,
            "co2_sensor_status": 0,
            "raw_ir_reading": 37844,
            "activity_counter": 11,
            "total_voc": 273,
            "battery": 2962,
        },
    ),
    (
        "decentlab_iam",
        1,
        "020bbd006f0b926a515d48bc4e02620069000b0111",
        {
            "air_temperature": 27.67834,
            "air_humidity": 36.438544,
            "barometric_pressure": 96412,
            "ambient_light_visible_infrared": 610,
            "ambient_light_infrared": 105,
            "activity_counter": 11,
            "total_voc": 273,
            "battery": 2962,
        },
    ),
    (
        "decentlab_itst",
        1,
        "0202d9000304f904c40c54",
        {"temperature_target": 27.3, "temperature_head": 22, "battery": 3156},
    ),
    (
        "decentlab_lid",
        1,
        "0211c90003119b117611bc119e118a119411a811a81194006401990abd",
        {
            "distance_average": 4507,
            "distance_minimum": 4470,
            "distance_maximum": 4540,
            "distance_median": 4510,
            "distance_10th_percentile": 4490,
            "distance_25th_percentile": 4500,
            "distance_75th_percentile": 4520,
            "distance_90th_percentile": 4520,
            "distance_most_frequent_value": 4500,
            "number_of_samples": 100,
            "total_acquisition_time": 399.414062,
            "battery": 2749,
        },
    ),
    (
        "decentlab_lp8p",
        1,
        "020578000f67bd618d1cedbd1081d981f4895b0bd80bb50000959895390c25",
        {
            "air_temperature": 24.356605,
            "air_humidity": 41.632217,
            "barometer_temperature": 24.05,
            "barometric_pressure": 96800,
            "co2_concentration": 473,
            "co2_concentration_lpf": 500,
            "co2_sensor_temperature": 23.95,
            "capacitor_voltage_1": 3032,
            "capacitor_voltage_2": 2997,
            "co2_sensor_status": 0,
            "raw_ir_reading": 38296,
            "raw_ir_reading_lpf": 38201,
            "battery": 3109,
        },
    ),
    (
        "decentlab_lp8p",
        1,
        "020578000b67bd618d1cedbd100c25",
        {
            "air_temperature": 24.356605,
            "air_humidity": 41.632217,
            "barometer_temperature": 24.05,
            "barometric_pressure": 96800,
            "battery": 3109,
        },
    ),
    ("decentlab_mbx", 1, "02012f000304d200010bb1", {"distance": 1234, "number_of_valid_samples": 1, "battery": 2993}),
    (
        "decentlab_ntu",
        1,
        "022332000300008885013e013e02330b10",
        {
            "status": 0,
            "temperature": 21.81,
            "turbidity_in_ntu": 31.8,
            "turbidity_in_fnu": 31.8,
            "turbidity_in_mg_l": 56.3,
            "battery": 2832,
        },
    ),
    (
        "decentlab_optod",
        1,
        "02186c000300008862a618836583650c60",
        {
            "status": 0,
            "temperature": 21.46,
            "oxygen_saturation": 97.52,
            "oxygen_concentration": 8.69,
            "oxygen_concentration_alt": 8.69,
            "battery": 3168,
        },
    ),
    (
        "decentlab_pheht",
        1,
        "0252b800030000884282c77f637ff60c5c",
        {"status": 0, "temperature": 21.14, "ph": 7.11, "redox": -15.7, "ph_mv": -1, "battery": 3164},
    ),
    (
        "decentlab_pm",
        1,
        "021b50000f0c25002500270027002701f50107012c012d012d012d67bd618dbd10",
        {
            "pm1_0_mass_concentration": 3.7,
            "pm2_5_mass_concentration": 3.9,
            "pm4_mass_concentration": 3.9,
            "pm10_mass_concentration": 3.9,
            "typical_particle_size": 501,
            "pm0_5_number_concentration": 26.3,
            "pm1_0_number_concentration": 30,
            "pm2_5_number_concentration": 30.1,
            "pm4_number_concentration": 30.1,
            "pm10_number_concentration": 30.1,
            "air_temperature": 24.356605,
            "air_humidity": 41.632217,
            "barometric_pressure": 96800,
            "battery": 3109,
        },
    ),
    (
        "decentlab_pm",
        1,
        "021b50000d0c2567bd618dbd10",
        {"air_temperature": 24.356605, "air_humidity": 41.632217, "barometric_pressure": 96800, "battery": 3109},
    ),
    (
        "decentlab_rad",
        1,
        "02586b0003074c88b68a8c00000b93",
        {"distance": 1868, "temperature": 22.3, "reliability": 27, "status": 0, "battery": 2963},
    ),
    (
        "decentlab_rhc",
        1,
        "0202e00003a9fd01341ca285f30c60",
        {"sensor_id": 20228605, "air_humidity": 73.3, "air_temperature": 15.23, "battery": 3168},
    ),
    (
        "decentlab_tbrg",
        1,
        "0202f8000300040258409a00000c54",
        {"precipitation": 0.4, "precipitation_interval": 600, "cumulative_precipitation": 1653.8, "battery": 3156},
    ),
    (
        "decentlab_wrm",
        1,
        "021a10000764a079b104f904c40c60",
        {
            "air_temperature": 23.787671,
            "air_humidity": 47.536431,
            "surface_temperature": 27.3,
            "head_temperature": 22,
            "battery": 3168,
        },
    ),
    # Browan and MerryIoT (the same source)
    ("merryiot_cd10", 127, "000f19200c02", {"battery": 3.6, "temperature": 25, "humidity": 32, "co2": 524}),
    (
        "merryiot_dw10",
        120,
        "000f151c0000d22500",
        {
            "battery": 3.6,
            "temperature": 21,
            "humidity": 28,
            "open": 0,
            "button": 0,
            "tamper": 0,
            "tilt": 0,
            "open_count": 9682,
        },
    ),
    ("browan_tbhh100", 103, "080b232fffffffff", {"battery": 3.6, "temperature": 3, "humidity": 47}),
    ("browan_tbhh100", 103, "080a0d3affffffff", {"battery": 3.5, "temperature": -19, "humidity": 58}),
    (
        "browan_tbms100",
        102,
        "080b232fffffffff",
        {"battery": 3.6, "temperature": 3, "motion": 0, "minutes_since_motion": 65327, "motion_count": 65535},
    ),
    # Elsys (the same source)
    ("elsys", 5, "0100ea0237", {"temperature": 23.4, "humidity": 55}),
    ("elsys", 5, "0100c6022a070e0a", {"temperature": 19.8, "humidity": 42, "vdd": 3594}),
    ("elsys", 5, "01ffce0250", {"temperature": -5.0, "humidity": 80}),
    ("elsys", 5, "0100c80c0096", {"temperature": 20.0, "external_temperature": 15.0}),
    ("elsys", 5, "0100b4081388", {"temperature": 18.0, "analog1": 5000}),
    ("elsys", 5, "14000f5ca8", {"pressure": 1006.76}),
    ("elsys", 5, "0100d20d01", {"temperature": 21.0, "digital": 1}),
    ("elsys", 5, "0a002a", {"pulse1": 42}),
    # Synthetic: what a reader may not care for hides nothing that follows
    ("elsys", 5, "1316" + "17" * 64 + "0100ea", {"grid_eye_reference": 22, "temperature": 23.4}),
    ("elsys", 5, "3d010203040100ea", {"temperature": 23.4}),
    (
        "milesight_em300_em500",
        85,
        "ff0bffff0101ff086136c4009160ff166136c40091605408ff090300ff0a0101ff0f00ffff010001755c",
        {"battery": 92},
    ),
    # Dragino, LHT65 user manual, uplink payload
    (
        "dragino_lht65",
        2,
        "cbf60b0d0376010add7fff",
        {"battery": 3062, "temperature": 28.29, "humidity": 88.6, "probe_temperature": 27.81},
    ),
    # Milesight, examples of the EM300-TH, EM500-UDL and EM500-SWL in its public decoders
    ("milesight_em300_em500", 85, "01755c03673401046865", {"battery": 92, "temperature": 30.8, "humidity": 50.5}),
    ("milesight_em300_em500", 85, "01756403821e00", {"battery": 100, "distance": 30}),
    ("milesight_em300_em500", 85, "01756403770200", {"battery": 100, "water_level": 2}),
    # Synthetic, after the makers' descriptions
    (
        "dragino_lsn50v2",
        2,
        "0cf5 00e1 0141 00 00f3 0226".replace(" ", ""),
        {"battery": 3317, "probe_temperature": 22.5, "analog_voltage": 321, "temperature": 24.3, "humidity": 55.0},
    ),
    ("dragino_ldds75", 2, "0b4505dc0000f501", {"battery": 2885, "distance": 1500, "probe_temperature": 24.5}),
]


@pytest.mark.parametrize(("name", "port", "payload", "expected"), GOLDEN, ids=[f"{g[0]}-{g[2][:12]}" for g in GOLDEN])
def test_golden_payload(name: str, port: int, payload: str, expected: dict[str, float]) -> None:
    decoder = LayoutDecoder(load_layout(name))
    (values,) = decoder.values(bytes.fromhex(payload), port)
    assert {field: values[field] for field in expected} == pytest.approx(expected, abs=1e-5)
    for item in decoder.decode(bytes.fromhex(payload), port):
        if isinstance(item, Decoded):
            assert "trailing_bytes" not in item.unknown
            for quantity, value in item.values.items():
                QUANTITIES[quantity].to_steps(value)


def test_values_are_in_the_units_of_the_catalogue() -> None:
    """Dragino, LHT65 user manual; Decentlab DL-CTD10 and DL-ATM41 from the vectors above."""
    (lht,) = LayoutDecoder(load_layout("dragino_lht65")).decode(bytes.fromhex("cbf60b0d0376010add7fff"), 2)
    assert isinstance(lht, Decoded)
    assert lht.values == pytest.approx({"battery_volts": 3.062, "temperature_celsius": 28.29, "humidity_ratio": 0.886})
    assert lht.unknown == ("probe_temperature",)
    (ctd,) = LayoutDecoder(load_layout("decentlab_ctd10")).decode(bytes.fromhex("0207d9000390888081006400000c60"), 1)
    assert isinstance(ctd, Decoded)
    assert ctd.values["water_level_metres"] == pytest.approx(4.232)
    assert ctd.values["water_temperature_celsius"] == pytest.approx(12.9)


@pytest.mark.parametrize("name", packaged_layouts())
class TestEveryLayout:
    def test_is_tried_on_a_golden_payload_and_names_its_source(self, name: str) -> None:
        layout = load_layout(name)
        assert layout.title
        assert layout.source
        assert name in {golden[0] for golden in GOLDEN}

    def test_cut_and_random_payloads_are_reasons(self, name: str) -> None:
        decoder = LayoutDecoder(load_layout(name))
        chance = Random(7)
        payloads = [bytes.fromhex(golden[2])[:cut] for golden in GOLDEN if golden[0] == name for cut in range(60)]
        for payload in (*payloads, *(chance.randbytes(chance.randrange(80)) for _ in range(300))):
            assert decoder.decode(payload, chance.choice([None, 2, 102, 103, 120, 127]))


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('fields = [{ bits = 16, quantity = "water_level_metres", unit = "mm" }]')
    (item,) = LayoutDecoder(load_layout(str(path))).decode(b"\x04\xd2", None)
    assert isinstance(item, Decoded)
    assert item.values == {"water_level_metres": 1.234}


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no layout named 'dragino_lht6'.*dragino_lht65"):
        load_layout("dragino_lht6")
    with pytest.raises(ValueError, match=r"ends in \.toml"):
        load_layout("/etc/passwd")
    path = tmp_path / "big.toml"
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(ValueError, match="larger than"):
        load_layout(str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="UTF-8"):
        load_layout(str(path))
    with pytest.raises(ValueError, match="mine is not TOML"):
        parse_layout("fields = [", "mine")
    with pytest.raises(ValueError, match=r"fields\.0\.bits: .*less than or equal to 64"):
        parse_layout("fields = [{ bits = 65, quantity = 'water_level_metres' }]", "mine")
