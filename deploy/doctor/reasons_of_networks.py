"""Why what network servers, packet forwarders, radios, Modbus devices and payload decoders told was discarded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.doctor.findings import Text
from deploy.doctor.reason import CABLE, NOTHING, Reason

_SERVER: Final = Text(
    "Actualice el servidor o el concentrador; si sigue, avise a quien mantiene Vigía",
    "Update the server or concentrator; if it goes on, tell whoever maintains Vigía",
)
_LAYOUT: Final = Text(
    "El aparato manda otra cosa que lo que dice su payload: vea con vigia sensors decode",
    "The device sends other things than its payload says: see with vigia sensors decode",
)
_MAP: Final = Text("Diga su unidad en map de ese sensor", "Say its unit in that sensor's map")
_SLOWER: Final = Text(
    "Llega más de lo que se puede guardar: revise si algo manda sin parar",
    "More comes than can be stored: see whether something sends without end",
)
_RADIO: Final = Text("Revise la luz y el cable de la radio", "Check the radio's power and cable")
_LINE: Final = Text(
    "Si son muchas: revise el cable, los terminadores y que no haya dos aparatos con el mismo número",
    "If there are many: check cable and termination, and that no two devices have one number",
)

REASONS_OF_NETWORKS: Final[Mapping[str, Reason]] = {
    # network servers
    "bad_json": Reason(Text("mensajes JSON cortados", "JSON messages cut short"), _SERVER),
    "bad_event": Reason(Text("mensajes del servidor que no se entienden", "messages of an unknown form"), _SERVER),
    "bad_topic": Reason(
        Text("mensajes de un tema desconocido", "messages on an unknown topic"),
        Text("Vea si otro programa escribe en los mismos temas", "See whether another program uses these topics"),
    ),
    "topic_mismatch": Reason(
        Text("mensajes que nombran a otro aparato que su tema", "messages that name another device than their topic"),
        Text("Alguien escribe en el broker por su cuenta: revise quién", "Somebody else writes to the broker: see who"),
    ),
    "unknown_event": Reason(Text("mensajes de una clase nueva", "messages of a new kind"), _SERVER),
    "integration_event": Reason(
        Text("mensajes de otros servicios", "messages of other services"), NOTHING, harmless=True
    ),
    "service_data": Reason(Text("mensajes de otros servicios", "messages of other services"), NOTHING, harmless=True),
    "simulated": Reason(
        Text("mensajes de prueba hechos en la página del servidor", "messages made up on the server's page"),
        Text("Para aceptarlos: simulated = true", "To take them: simulated = true"),
        noise=True,
    ),
    "no_location": Reason(Text("avisos de posición sin posición", "notices of position without one"), _SERVER),
    "no_object": Reason(
        Text("que el servidor no decodificó", "that the server did not decode"),
        Text(
            "Ponga un decodificador en el servidor, o en payload otro codec que server_object",
            "Set up a codec at the server, or another codec than server_object in payload",
        ),
    ),
    "no_normalized": Reason(
        Text("que el servidor no normalizó", "that the server did not normalise"),
        Text(
            "El decodificador del servidor no da valores normalizados: use otro codec en payload",
            "The server's codec gives no normalised values: use another codec in payload",
        ),
    ),
    "bad_object": Reason(
        Text("cuyos valores decodificados no se entienden", "whose decoded values make no sense"), _SERVER
    ),
    "bad_payload": Reason(Text("con datos que no son base64", "with data that is not base64"), _SERVER),
    "empty_payload": Reason(Text("mensajes sin nada", "messages with nothing"), NOTHING, noise=True),
    "bad_signal": Reason(Text("sin la señal con que se oyeron", "without their signal"), _SERVER, noise=True),
    "bad_battery": Reason(Text("con una batería que no se entiende", "with a battery that makes no sense"), _SERVER),
    "queue_full": Reason(
        Text("mensajes que no cupieron en la cola", "messages for which the queue had no room"), _SLOWER
    ),
    # packet forwarders
    "bad_rxpk": Reason(Text("paquetes mal descritos", "packets badly described"), _SERVER),
    "bad_size": Reason(Text("paquetes de otro largo que el dicho", "packets of another length than told"), _SERVER),
    "empty_packet": Reason(Text("paquetes vacíos", "empty packets"), NOTHING, harmless=True),
    "no_crc": Reason(
        Text("paquetes sin su suma de control", "packets without a checksum"),
        Text("Encienda el CRC en el sensor", "Switch the sensor's CRC on"),
        noise=True,
    ),
    "lorawan_frame": Reason(
        Text("paquetes LoRaWAN, que solo un servidor puede leer", "LoRaWAN packets, which only a server can read"),
        Text("Si son suyos, use chirpstack_v4", "If they are yours, use chirpstack_v4"),
        noise=True,
    ),
    "rate_exceeded": Reason(
        Text("de un concentrador que manda demasiado", "of a forwarder that sends too much"), _SLOWER
    ),
    "too_many_packets": Reason(Text("paquetes de más en un mensaje", "too many packets in a message"), _SLOWER),
    "datagrams_overrun": Reason(
        Text("mensajes UDP que no se alcanzaron a leer", "datagrams that could not be read in time"), _SLOWER
    ),
    "unknown_gateway": Reason(
        Text("de un concentrador que no está en la lista", "of a packet forwarder that is not in the list"),
        Text("Si es suyo, agréguelo a [[sources.gateways]]", "If it is yours, add it to [[sources.gateways]]"),
    ),
    "unknown_modulation": Reason(
        Text("de una modulación desconocida", "of an unknown modulation"), NOTHING, noise=True
    ),
    "unknown_token": Reason(
        Text("respuestas tardías del concentrador", "late answers of a forwarder"), NOTHING, noise=True
    ),
    # radios
    "radio_rebooted": Reason(
        Text("veces que la radio se reinició", "times that the radio started again"), _RADIO, noise=True
    ),
    "payload_line_lost": Reason(Text("paquetes cuya segunda línea se perdió", "packets half lost"), CABLE, noise=True),
    "metadata_line_lost": Reason(
        Text("paquetes cuya señal se perdió", "packets whose signal was lost"), CABLE, noise=True
    ),
    # Modbus
    "short_answer": Reason(Text("respuestas cortadas", "answers cut short"), _LINE, noise=True),
    "wrong_answer": Reason(Text("respuestas a otra pregunta", "answers to another question"), _LINE, noise=True),
    "stray_bytes": Reason(Text("bytes que nadie pidió en la línea", "bytes that nobody asked for"), _LINE, noise=True),
    "unread_registers": Reason(
        Text("registros que nadie declara", "registers that nothing declares"), NOTHING, harmless=True
    ),
    "counter_reset": Reason(
        Text("contadores que empezaron de nuevo", "counters that began anew"),
        Text("El aparato perdió la corriente: revise su alimentación", "The device lost power: check its supply"),
        noise=True,
    ),
    "implausible_count": Reason(
        Text("cuentas que no pueden ser", "counts that cannot be"),
        Text("Revise el aparato, o suba most", "Check the device, or raise most"),
    ),
    # payload decoders
    "ambiguous_unit": Reason(Text("valores que pueden ser de dos unidades", "values of a unit in doubt"), _MAP),
    "unmatched_map": Reason(
        Text("nombres de map que ningún campo lleva", "names in map that no field has"),
        Text(
            "Escriba en map el nombre tal como lo dice el aparato: `vigia sensors decode` muestra sus campos",
            "Write the name in map as the device says it: `vigia sensors decode` shows its fields",
        ),
    ),
    "not_a_number": Reason(Text("valores que no son números", "values that are no numbers"), _LAYOUT),
    "incomplete_position": Reason(Text("posiciones a medias", "half positions"), _LAYOUT, noise=True),
    "no_detection": Reason(
        Text("avisos de que no hubo nada", "notices that there was nothing"), NOTHING, harmless=True
    ),
    "unlabelled": Reason(
        Text("detecciones que no dicen de qué", "detections that do not say of what"),
        Text("Diga en map qué campo es la etiqueta", "Say in map which field is the label"),
    ),
    "empty": Reason(Text("sin ningún byte", "without any byte"), NOTHING, noise=True),
    "bad_codec": Reason(
        Text("cuyo decodificador no sirve", "whose decoder cannot be used"),
        Text("Vea por qué: vigia gateway check", "See why: vigia gateway check"),
    ),
    "bad_map": Reason(
        Text("cuyo map no corresponde al formato", "whose map does not fit the layout"),
        Text("Vea por qué: vigia gateway check", "See why: vigia gateway check"),
    ),
    "unknown_type": Reason(Text("con una parte desconocida", "with an unknown part"), _LAYOUT),
    "wrong_port": Reason(
        Text("por un puerto que el formato no conoce", "on a port that the layout has not"), _LAYOUT, noise=True
    ),
    "wrong_constant": Reason(Text("que no son de ese formato", "that are not of that layout"), _LAYOUT),
    "too_many_groups": Reason(Text("con demasiadas repeticiones", "with too many repetitions"), _LAYOUT),
}
