"""What the headers of the drivers say first, in Spanish, for who buys and wires sensors at a post.

A driver that is not here is told in English, by its header: adding one needs no edit of this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TITLES: Final[Mapping[str, str]] = {
    "audio_folder": "Carpeta de audios: un directorio que se llena de grabaciones WAV; cada una es un sonido detectado",
    "camera_folder": "Carpeta de cámaras trampa: un directorio que se llena de fotos; cada ráfaga es una detección",
    "chirpstack_v4": "ChirpStack v4: equipos LoRaWAN de cualquier marca, por medio de un servidor ChirpStack",
    "ebyte_e22": "Ebyte E22 (E22-400T22, E22-900T22, T30 y parecidos): módem LoRa transparente que recibe para"
    " el puesto",
    "meshtastic_mqtt": "Meshtastic por MQTT: lo que los nodos con Wi-Fi o Ethernet pasan de su malla, en JSON",
    "meshtastic_radio": "Radio Meshtastic: un nodo de la malla por USB, por UART o en la red; oye a las radios de las"
    " patrullas y les habla",
    "microchip_rn2483": "Microchip RN2483 (433, 868 MHz) y RN2903 (915 MHz): módem LoRa que recibe para el puesto",
    "modbus_rtu": "Modbus RTU: medidores de nivel del río, pluviómetros y otros sensores con registros, varios en una"
    " misma línea RS-485",
    "nmea_gps": "Cualquier GPS que hable NMEA 0183: la posición del puesto, y la hora para un equipo sin pila de reloj",
    "rak_rui3": "Módulos RAKwireless RUI3 (RAK3172, RAK4630, RAK11720 y parecidos): módem LoRa que recibe para el"
    " puesto",
    "reyax_rylr": "REYAX RYLR998, RYLR498 y RYLR896, RYLR406: módem LoRa con direcciones que recibe para el puesto",
    "seeed_lora_e5": "Seeed LoRa-E5 / Wio-E5 (STM32WLE5JC): módem LoRa en modo de prueba que recibe para el puesto",
    "semtech_udp": "Concentrador LoRa de varios canales (packet forwarder de Semtech, por UDP), sin servidor de red"
    " de por medio",
    "serial_camera": "Cámara en serie: una cámara en un UART que manda sus fotos por partes y sigue donde quedó si se"
    " corta",
    "things_stack_v3": "The Things Stack v3: equipos LoRaWAN de cualquier marca, por The Things Network o un servidor"
    " propio",
    "vigia_sensor": "Sensor Vigía: cualquier equipo que hable nuestras propias tramas, por cable o por un receptor"
    " LoRa, en una línea serie",
}
"""Driver to the first line of its header."""

LINK_WORDS: Final = (
    ("a directory, polled, to a depth", "un directorio, que se revisa a cada rato"),
    ("a kept session", "sesión guardada"),
    ("(RS-485 by an adapter)", "(RS-485 con adaptador)"),
    ("(some newer 38400 or 115200)", "(algunos nuevos, 38400 o 115200)"),
    ("(the server has no other): what comes while we are away is lost", "(el servidor no tiene otro)"),
    ("8N1 as delivered", "8N1 de fábrica"),
    ("no flow control", "sin control de flujo"),
    ("unless set otherwise", "si no se dice otra cosa"),
    ("1 stop bit", "1 bit de parada"),
    ("no parity", "sin paridad"),
    ("8 bits", "8 bits"),
    ("baud", "baudios"),
    ("serial", "serie"),
    ("port", "puerto"),
)
"""What the links in the headers say, longest first."""

PURPOSES: Final[Mapping[str, str]] = {"thumbnails": "miniaturas", "codec javascript": "el codec javascript"}
"""What an extra is needed for."""


def link_words(link: str) -> str:
    """The link of a header in Spanish."""
    for english, spanish in LINK_WORDS:
        link = link.replace(english, spanish)
    return link
