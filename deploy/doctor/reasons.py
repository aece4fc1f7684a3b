"""Why something was discarded, in plain words and with advice, by the reason's name.

The names are the drivers'; what is not listed here is told by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.doctor.findings import Text
from deploy.doctor.reason import CABLE, FILE, FIRMWARE, MAINTAINER, NOTHING, Reason
from deploy.doctor.reasons_of_files import REASONS_OF_FILES
from deploy.doctor.reasons_of_networks import REASONS_OF_NETWORKS
from deploy.doctor.reasons_of_orders import REASONS_OF_ORDERS
from deploy.doctor.reasons_of_warnings import REASONS_OF_WARNINGS
from gateway.commands.places import ORDERS

UNMAPPED: Final = "unmapped_"
"""Begins the reason of a field that nothing maps to a quantity; its name follows."""


_REASONS: Final[Mapping[str, Reason]] = {
    "bad_tag": Reason(
        Text("firma que no corresponde", "a signature that does not fit"),
        Text(
            "La clave en la configuración no es la del sensor, o alguien imita uno: compare la clave del sensor",
            "The key in the settings is not the sensor's, or somebody imitates one: compare the sensor's key",
        ),
    ),
    "unknown_device": Reason(
        Text("de un sensor que no está en la configuración", "from a sensor that is not in the settings"),
        Text(
            "Si es de este puesto, agréguelo a [[sources.devices]]; si es de un vecino, no importa",
            "If it is this post's, add it to [[sources.devices]]; if it is a neighbour's, never mind",
        ),
    ),
    "no_key": Reason(
        Text("de un sensor cuya clave no se pudo leer", "from a sensor whose key could not be read"),
        Text("Ponga bien su archivo de clave y reinicie el servicio", "Mend its key file and restart the service"),
    ),
    "replayed": Reason(
        Text("repetidas de hace tiempo", "repeated from long ago"),
        Text(
            "El sensor perdió su cuenta sin batería, o alguien repite lo grabado: dé al sensor una clave nueva",
            "The sensor lost its count without battery, or somebody plays back: give the sensor a new key",
        ),
    ),
    "bad_counter": Reason(
        Text("con una cuenta imposible", "with an impossible count"),
        Text("Dé al sensor una clave nueva", "Give the sensor a new key"),
    ),
    "duplicate": Reason(
        Text("llegadas dos veces", "that came twice"),
        Text("Es normal si hay repetidores de radio", "It is normal where radio repeaters are"),
        noise=True,
    ),
    "bad_crc": Reason(Text("dañadas en el camino", "damaged on the way"), CABLE, noise=True),
    "bad_cobs": Reason(Text("cortadas", "cut off"), CABLE, noise=True),
    "too_short": Reason(Text("demasiado cortas", "too short"), CABLE, noise=True),
    "too_long": Reason(Text("demasiado largas", "too long"), CABLE, noise=True),
    "overlong_bytes": Reason(
        Text("bytes que no son de ningún sensor", "bytes that are no sensor's"),
        Text(
            "Lo enchufado no habla como un sensor de Vigía, o a otra velocidad: revise port y baud",
            "What is plugged in does not speak as a Vigía sensor, or at another speed: check port and baud",
        ),
        noise=True,
    ),
    "bad_envelope": Reason(Text("de un aparato desconocido", "of an unknown device"), CABLE, noise=True),
    "bad_version": Reason(Text("de otra versión", "of another version"), FIRMWARE),
    "bad_kind": Reason(Text("de una clase desconocida", "of an unknown kind"), FIRMWARE),
    "bad_length": Reason(Text("de largo equivocado", "of the wrong length"), FIRMWARE),
    "out_of_range": Reason(
        Text("valores imposibles", "impossible values"),
        Text(
            "Un sensor mide mal: vea en el tablero cuál y cámbielo", "A sensor measures wrongly: see which, change it"
        ),
    ),
    "unknown_sender": Reason(
        Text("paquetes de un aparato que no está en la configuración", "packets of a device not in the settings"),
        Text(
            "Si es de este puesto, agréguelo a [[sources.devices]] por cómo empieza su paquete o por su dirección",
            "If it is this post's, add it to [[sources.devices]] by how its packets begin, or by its address",
        ),
    ),
    "unknown_recorder": Reason(
        Text("archivos de una cámara o grabadora que no está en la lista", "files of a camera not in the list"),
        Text(
            "Se guardan con el nombre de la fuente: agregue su serie a [[sources.recorders]]",
            "They are kept under the source's name: add its serial number to [[sources.recorders]]",
        ),
    ),
    "bad_line": Reason(Text("líneas dañadas", "damaged lines"), CABLE, noise=True),
    "bad_checksum": Reason(Text("dañadas en el camino", "damaged on the way"), CABLE, noise=True),
    "bad_sentence": Reason(Text("frases del GPS mal formadas", "malformed sentences of the GPS"), CABLE, noise=True),
    "unreadable_line": Reason(
        Text("líneas del GPS sin letras que se lean", "lines of the GPS without legible letters"),
        Text(
            "La velocidad no es la del GPS: pruebe en baud 9600, 4800, 38400 o 115200; o revise el cable",
            "The speed is not the GPS's: try baud 9600, 4800, 38400 or 115200; if none will do, check the cable",
        ),
    ),
    "bad_message": Reason(Text("mensajes dañados", "damaged messages"), CABLE, noise=True),
    "other_text": Reason(Text("texto entre los mensajes", "text between messages"), NOTHING, harmless=True),
    "log_text_bytes": Reason(
        Text("bytes del registro de la radio", "bytes of the radio's log"), NOTHING, harmless=True
    ),
    "known_file": Reason(Text("archivos que ya se tomaron", "files that were taken before"), NOTHING, harmless=True),
    "other_suffix": Reason(Text("archivos de otra clase", "files of another sort"), NOTHING, harmless=True),
    "mac_commands": Reason(Text("mensajes solo de la red", "messages of the network alone"), NOTHING, harmless=True),
    "counter_began": Reason(Text("primer valor de un contador", "first value of a counter"), NOTHING, harmless=True),
    "no_fix": Reason(
        Text("del GPS sin posición", "of the GPS without a position"),
        Text(
            "Al prender es normal; si sigue, ponga la antena del GPS a cielo abierto",
            "Normal after power-on; if it goes on, put the GPS antenna under open sky",
        ),
        noise=True,
    ),
    "implausible_time": Reason(
        Text("con una hora que no puede ser", "with a time that cannot be"),
        Text(
            "Se guardan con la hora de llegada: ponga en hora el reloj del aparato o de su servidor",
            "They are kept with the time they came: set the clock of the device or of its server",
        ),
    ),
    "week_rollover": Reason(
        Text("horas de un GPS que cuenta mal las semanas", "times of a GPS that counts its weeks wrongly"),
        Text("Cambie el GPS o actualice su programa: su posición sirve, su hora no", "Change or update the GPS"),
    ),
    "clock_jump": Reason(
        Text("veces que alguien puso en hora el reloj", "times that the clock was set"),
        NOTHING,
        harmless=True,
    ),
    "gps_outlier": Reason(
        Text("horas del GPS que las otras desmienten", "times of the GPS that its others contradict"),
        CABLE,
        noise=True,
    ),
    "clock_disagreement": Reason(
        Text("fuentes de hora que se contradicen", "sources of time that contradict each other"),
        Text(
            "Compare el reloj con otro: el GPS puede fallar, o la red da mal la hora; lo recibido se marca como dudoso",
            "Compare the clock with another: the GPS or the network's time is wrong; what comes is marked as doubtful",
        ),
    ),
    "moon_contradicts_date": Reason(
        Text("fotos con una luna que no es de su fecha", "pictures whose moon is not of their date"),
        Text(
            "El reloj de esa cámara está mal: póngalo en hora, o escriba clock_error_s",
            "The clock of that camera is wrong: set it, or write clock_error_s",
        ),
    ),
    "time_from_file": Reason(
        Text("archivos sin hora propia", "files without a time of their own"),
        Text("Se usó la hora del archivo: vea si la cámara la escribe", "The file's time was used: see the camera"),
        harmless=True,
    ),
    "no_pillow": Reason(
        Text("fotos sin miniatura", "pictures without a thumbnail"),
        Text("Instale lo que falta: pip install 'vigia[pictures]'", "Install it: pip install 'vigia[pictures]'"),
    ),
    "no_engine": Reason(
        Text("de un decodificador JavaScript que no se pudo usar", "of a JavaScript decoder that could not be used"),
        Text("Instale lo que falta: pip install 'vigia[javascript]'", "Install it: pip install 'vigia[javascript]'"),
    ),
    "no_codec": Reason(Text("cuyo decodificador no se pudo leer", "whose decoder could not be read"), FILE),
    "no_layout": Reason(Text("cuyo formato no se pudo leer", "whose layout could not be read"), FILE),
    "truncated": Reason(
        Text("archivos cortados", "files cut short"),
        Text(
            "Saque la tarjeta solo con la cámara apagada; si se repite, cámbiela",
            "Take the card out only with the camera off; if it happens again, change it",
        ),
    ),
    "not_json": Reason(
        Text("mensajes que no son JSON", "messages that are not JSON"),
        Text(
            "En ChirpStack ponga json=true bajo [integration.mqtt] y reinícielo",
            "In ChirpStack set json=true under [integration.mqtt] and restart it",
        ),
    ),
    "no_answer": Reason(
        Text("preguntas sin respuesta", "questions without an answer"),
        Text(
            "Revise la luz del aparato, A y B (¿al revés?), su número y la velocidad",
            "Check the device's power, A and B (swapped?), its number and the speed",
        ),
        noise=True,
    ),
    "port_away": Reason(
        Text("preguntas sin el puerto enchufado", "questions without the port plugged in"),
        Text("Revise el cable del adaptador", "Check the adapter's cable"),
        noise=True,
    ),
    "no_values": Reason(
        Text("mensajes sin ningún valor que sirva", "messages without any value of use"),
        Text(
            "Vea qué dicen: vigia sensors decode; y diga en map qué magnitud es cada campo",
            "See what they say: vigia sensors decode; and say in map which quantity each field is",
        ),
    ),
    "lorawan_line": Reason(
        Text("mensajes LoRaWAN en un módem de LoRa simple", "LoRaWAN messages at a modem of plain LoRa"),
        Text("El módem está en otro modo: reinicie el servicio", "The modem is in another mode: restart the service"),
    ),
    "encrypted_payload": Reason(
        Text("mensajes cuya clave no tiene el servidor LoRaWAN", "messages whose key the LoRaWAN server has not"),
        Text("Ponga la clave de aplicación en el servidor", "Put the application key into the server"),
    ),
    "rotten": Reason(
        Text("guardadas y luego dañadas en el disco", "kept, then damaged on the disk"),
        Text("La tarjeta SD está fallando: cámbiela pronto", "The SD card is failing: change it soon"),
    ),
    "bad_direction": Reason(
        Text("de otro que también ordena a los sensores", "of another that commands sensors"), NOTHING
    ),
    "downlink_repeated": Reason(
        Text("órdenes dichas de nuevo a un sensor", "commands told a sensor again"), NOTHING, harmless=True
    ),
    "unasked_answer": Reason(
        Text("respuestas de sensores que nadie esperaba", "answers of sensors that nobody waited for"),
        NOTHING,
        harmless=True,
    ),
    "duplicate_quantity": Reason(Text("con un valor dos veces", "with a value told twice"), FIRMWARE),
    "too_many_values": Reason(Text("con demasiados valores", "with too many values"), FIRMWARE),
    "bad_value": Reason(Text("con un valor que no se entiende", "with a value that makes no sense"), FIRMWARE),
    "bad_age": Reason(Text("con una edad imposible", "of an impossible age"), FIRMWARE),
    "bad_name": Reason(Text("de un nombre que no se puede guardar", "of a name that cannot be stored"), MAINTAINER),
    "bad_label": Reason(Text("con una etiqueta que no se puede guardar", "with a label that cannot be stored"), FILE),
    "bad_note": Reason(Text("con una nota demasiado larga", "with a note that is too long"), MAINTAINER),
    "bad_body": Reason(Text("que no se pueden enviar así", "that cannot be sent so"), MAINTAINER),
    "bad_steps": Reason(Text("con un número demasiado grande", "with a number that is too large"), MAINTAINER),
    "bad_time": Reason(Text("con una hora que no puede ser", "of a time that cannot be"), MAINTAINER),
    "unknown_kind": Reason(Text("de una clase desconocida", "of an unknown kind"), MAINTAINER),
    "unknown_label": Reason(Text("con una etiqueta desconocida", "with an unknown label"), MAINTAINER),
    "unknown_quantity": Reason(Text("valores de una magnitud desconocida", "values of an unknown quantity"), FIRMWARE),
    "not_measured": Reason(
        Text("del GPS con una posición calculada, no medida", "of the GPS with a position that was not measured"),
        Text("Ponga la antena del GPS a cielo abierto", "Put the GPS antenna under open sky"),
        noise=True,
    ),
    "old_time": Reason(
        Text("de una hora demasiado vieja", "of a time too long ago"),
        Text("Ponga en hora el reloj de esa cámara o grabadora", "Set the clock of that camera or recorder"),
    ),
    "no_room": Reason(
        Text("mensajes que el broker mandó sin medida", "messages that the broker sent without measure"),
        Text(
            "Avise a la sede: el broker, o quien se hace pasar por él, inunda a este puesto",
            "Tell headquarters: the broker, or who passes for it, floods this post",
        ),
    ),
    "set_aside": Reason(
        Text("veces que el buzón de salida se dañó y se apartó", "times the outbox was damaged and set aside"),
        Text(
            "Suele ser por cortes de luz o una tarjeta SD gastada: si se repite, cambie la tarjeta",
            "Mostly power cuts or a worn SD card: if it happens again, change the card",
        ),
    ),
}
_ALL: Final[Mapping[str, Reason]] = {**REASONS_OF_FILES, **REASONS_OF_NETWORKS, **REASONS_OF_WARNINGS, **_REASONS}
_FAMILIES: Final[Mapping[str, Reason]] = {
    UNMAPPED: Reason(
        Text("campos que nadie traduce a una magnitud", "fields that nothing maps to a quantity"),
        Text(
            'Si alguno importa, dígalo en map de ese sensor: campo = "magnitud" (vigia sensors sample)',
            'If one of them matters, say so in that sensor\'s map: field = "quantity" (vigia sensors sample)',
        ),
    ),
    "absent_": Reason(
        Text("valores que el sensor dice no tener", "values that the sensor says it has not"), NOTHING, harmless=True
    ),
    "codec_": Reason(
        Text("en que falló el decodificador del fabricante", "in which the maker's decoder failed"),
        Text("Busque uno más nuevo del fabricante, y pruébelo: vigia sensors decode", "Get a newer one from the maker"),
    ),
    "modem_": Reason(
        Text(
            "veces que el módem se reinició, calló o se negó", "times that the modem restarted, was silent or refused"
        ),
        Text("Revise su alimentación (500 mA o más), su cable y su programa", "Check its power, cable and firmware"),
        noise=True,
    ),
    "refused_": Reason(
        Text("preguntas o envíos que el otro lado rechazó", "questions or messages that the other side refused"),
        Text(
            "De un aparato Modbus: revise unit, address y function con su manual; de la sede: avise allá",
            "Of a Modbus device: check unit, address and function with its manual; of headquarters: tell them",
        ),
    ),
    "text_not_": Reason(
        Text("mensajes que no llegaron a las radios", "texts that did not reach the radios"),
        Text("Revise la radio del puesto: luz, cable, antena", "Check the post's radio: power, cable, antenna"),
    ),
    "tx_": Reason(
        Text("envíos que el concentrador no hizo como se pidió", "packets that the concentrator did not send as asked"),
        Text(
            "Revise [transmit] (frecuencia, potencia) y su programa", "Check [transmit] and the concentrator's program"
        ),
    ),
    "log_": Reason(
        Text("quejas del servidor LoRaWAN", "complaints of the LoRaWAN server"),
        Text("Mírelas en la página del servidor", "See them on the server's page"),
    ),
    "downlink_": Reason(
        Text("órdenes que no llegaron a un aparato", "commands that did not reach a device"),
        Text(
            "Revise que el aparato oiga: distancia, antena, batería", "See whether the device hears: distance, antenna"
        ),
    ),
}
"""By how the name begins."""
OTHER: Final = Reason(
    Text("por otra razón", "for another reason"),
    MAINTAINER,
)


def advice(reason: str, place: str = "") -> Reason:
    """What a reason means and what to do; of one that nobody foresaw, whom to tell. place: where it is counted, for
    names that mean something else there."""
    known = REASONS_OF_ORDERS.get(reason) if place == ORDERS else None
    known = known or _ALL.get(reason)
    if known is None:
        known = next((told for begins, told in _FAMILIES.items() if reason.startswith(begins)), None)
    return known or OTHER
