"""What the settings of the drivers mean, in Spanish, for who writes them at a post.

By the English description in the driver's settings. One that is not here is told in English: a driver of one's own
needs no edit of this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.language import Text

_WORDS: Final = (
    # every source
    Text(
        "Nombre de esta fuente en registros y cuentas: de 1 a 32 letras a-z, cifras 0-9 y guiones, no al comienzo ni"
        " al final.",
        "Name of this source in logs and counters: 1 to 32 of a-z, 0-9 and inner hyphens.",
    ),
    Text(
        "Nombre del sensor en todo lo que se guarda: de 1 a 32 bytes, y después para siempre.",
        "Name of the sensor in everything that is stored: 1 to 32 bytes, and then for good.",
    ),
    Text(
        "Nombre del sensor en todo lo que se guarda: de 1 a 32 bytes.",
        "Name of the sensor in everything that is stored: 1 to 32 bytes.",
    ),
    Text("Nombre del sensor en todo lo que se guarda.", "Name of the sensor in everything that is stored."),
    Text(
        "Nombre de la radio en todo lo que se guarda: de 1 a 32 bytes, y después para siempre.",
        "Name of the radio in everything that is stored: 1 to 32 bytes, and then for good.",
    ),
    Text(
        "Id del sensor, como está impreso en él: 8 cifras hexadecimales en minúsculas, entre comillas.",
        "Device id as printed on the sensor: 8 hex digits in lower case, in quotes.",
    ),
    Text(
        "Un archivo con la clave y nada más, que solo el gateway pueda leer.",
        "A file that holds the key and nothing else, readable by the gateway only.",
    ),
    Text(
        "El archivo que cuenta lo que se dijo a nuestros sensores: uno para todo el puesto. No lo borre.",
        "The file that counts what was said to our sensors: one for the whole post. Keep it.",
    ),
    Text("Cómo viene codificado lo que manda: vea payloads.", "How its payload is encoded: see payloads."),
    # serial lines
    Text(
        "Ruta del puerto serie; la de /dev/serial/by-id/... no cambia cuando se enchufan otros equipos.",
        "Path of the serial port; /dev/serial/by-id/... stays the same when other devices are plugged in.",
    ),
    Text(
        "Ruta del puerto serie; la de /dev/serial/by-id/... no cambia cuando se enchufan otros equipos. Vacía: está"
        " en la red.",
        "Path of the serial port; /dev/serial/by-id/... stays the same when other devices are plugged in. Empty: it"
        " is in the network.",
    ),
    Text(
        "Ruta del puerto serie, mejor una de /dev/serial/by-id/.",
        "Path of the serial port, better one of /dev/serial/by-id/.",
    ),
    Text("Velocidad de la línea, en baudios.", "Speed of the line in baud."),
    Text("Velocidad de la línea serie, en baudios.", "Speed of the serial line in baud."),
    Text("Velocidad de la línea en baudios, como en su REG0.", "Speed of the line in baud, as in its REG0."),
    # LoRa modems
    Text(
        "Plan de banda que la ley del lugar permite: us915, au915, as923, eu868, eu433, in865, kr920; la frecuencia"
        " debe caer dentro. any: no se revisa.",
        "Band plan that the law of the place allows: us915, au915, as923, eu868, eu433, in865, kr920; the frequency"
        " must lie within it. any: no check.",
    ),
    Text(
        "Plan de banda que la ley del lugar permite; la frecuencia debe caer dentro.",
        "Band plan that the law of the place allows; the frequency must lie within it.",
    ),
    Text("Frecuencia central, en hertz.", "Centre frequency in hertz."),
    Text("Factor de dispersión (spreading factor), de 7 a 12.", "Spreading factor, 7 to 12."),
    Text("Ancho de banda en kilohertz: 125, 250 o 500.", "Bandwidth in kilohertz: 125, 250 or 500."),
    Text("Corrección de errores: 4/5, 4/6, 4/7 o 4/8.", "Forward error correction: 4/5, 4/6, 4/7 or 4/8."),
    Text(
        "Palabra de sincronía de LoRa, 2 cifras hexadecimales: 12 para redes privadas, 34 para LoRaWAN.",
        "LoRa sync word, 2 hex digits: 12 for private networks, 34 for LoRaWAN.",
    ),
    Text(
        "Si el módem agrega a cada paquete un byte de RSSI (bit 7 de su REG3).",
        "Whether the modem appends an RSSI byte to each packet (bit 7 of its REG3).",
    ),
    Text(
        "cobs: lo que mandan nuestros sensores. bursts: cada paquete como viene, terminado por un silencio.",
        "cobs: what our sensors send. bursts: each packet as it is, ended by silence.",
    ),
    Text(
        "Qué significa el byte E: 256_minus: -(256 - E) dBm; half: -E/2 dBm.",
        "What the byte E means: 256_minus: -(256 - E) dBm; half: -E/2 dBm.",
    ),
    Text(
        "rylr998 (también RYLR498) o rylr896 (también RYLR406, RYLR895).",
        "rylr998 (also RYLR498) or rylr896 (also RYLR406, RYLR895).",
    ),
    Text(
        "Id de la red, el mismo en todos los módems: de 3 a 15, o 18.",
        "Network id, the same in all modems: 3 to 15, or 18.",
    ),
    Text("La dirección del puesto mismo, de 0 a 65535.", "The post's own address, 0 to 65535."),
    # servers and brokers
    Text(
        "Id de la aplicación en ChirpStack, como la muestra su página (un UUID).",
        "Id of the application in ChirpStack, as its page shows it (a UUID).",
    ),
    Text("Id de la aplicación, como la muestra su página.", "Id of the application, as its page shows it."),
    Text("Nombre o dirección del broker.", "Name or address of the broker."),
    Text("Su puerto: por lo común 1883, u 8883 con tls.", "Its port: usually 1883, or 8883 with tls."),
    Text("Su DevEUI: 16 cifras hexadecimales, entre comillas.", "Its DevEUI: 16 hex digits, in quotes."),
    Text("Usuario en el broker; vacío si no hay.", "User name at the broker; empty for none."),
    Text(
        "Un archivo con la contraseña y nada más, que solo el gateway pueda leer.",
        "A file that holds the password and nothing else, readable by the gateway only.",
    ),
    Text("Cifrar, y revisar el certificado del broker.", "Encrypt, and check the broker's certificate."),
    Text(
        '"ttn" en The Things Network; su tenant en la nube; vacío en un servidor propio que no los tenga.',
        '"ttn" on The Things Network; your tenant in the cloud; empty on a server of your own without any.',
    ),
    Text(
        "true: tomar lo que alguien simuló en la consola del servidor. false: solo contarlo.",
        "True: take uplinks that somebody simulated in the server's console. False: count.",
    ),
    Text(
        "Su device id en la aplicación, como eui-70b3d5...",
        "Its device id in the application, such as eui-70b3d5...",
    ),
    Text(
        "Dirección de este equipo donde se escucha: 127.0.0.1 para un concentrador de este mismo equipo, 0.0.0.0 para"
        " cualquiera de la red.",
        "Address of this machine to listen at: 127.0.0.1 for a concentrator on this machine only, 0.0.0.0 for any in"
        " the network.",
    ),
    Text("Puerto UDP donde se escucha; por lo común 1700.", "UDP port to listen at; usually 1700."),
    Text(
        "Segundos entre dos lecturas del estado de cada packet forwarder.",
        "Seconds between readings of the state of each packet forwarder.",
    ),
    Text(
        "Cuántos datagramas por segundo se aceptan de un packet forwarder, en promedio.",
        "Most datagrams a second of one packet forwarder, on average.",
    ),
    Text(
        "Su EUI (gateway_ID en su configuración): 16 cifras hexadecimales, entre comillas.",
        "Its EUI (gateway_ID in its configuration): 16 hex digits, in quotes.",
    ),
    Text(
        "Nombre con que se guarda su propio estado: de 1 a 32 bytes.",
        "Name under which its own state is stored: 1 to 32 bytes.",
    ),
    # Meshtastic
    Text(
        "Topic raíz, como lo tienen los nodos en sus ajustes de MQTT, por ejemplo msh/US.",
        "Root topic, as the nodes have it in their MQTT settings, such as msh/US.",
    ),
    Text(
        "Id del nodo que transmite lo que hay que decir; necesita un canal llamado mqtt con downlink activado. Vacío:"
        " no se dice nada.",
        "Id of the node that sends what is to be said; it needs a channel called mqtt with downlink switched on."
        " Empty: nothing is said.",
    ),
    Text(
        "Su id, como lo muestra cualquier aplicación de Meshtastic: ! y 8 cifras hexadecimales.",
        "Its id, as every Meshtastic app shows it: ! and 8 hex digits.",
    ),
    Text(
        "Su dirección IP o su nombre, si la radio está en la red. Vacío: por serie.",
        "Its IP address or name, for a radio in the network. Empty: serial.",
    ),
    Text("Su puerto TCP.", "Its TCP port."),
    Text(
        "Cuántas radios pueden repetir un texto nuestro; con 0 llega solo a las que nos oyen directo.",
        "How many radios may pass a text of ours on; 0 reaches only those in earshot.",
    ),
    # Modbus
    Text(
        "Bit de paridad: none (ninguno), even (par, lo que pide la norma) u odd (impar).",
        "Parity bit: none, even (what the standard wants) or odd.",
    ),
    Text("Bits de parada; sin paridad la norma pide 2.", "Stop bits; the standard wants 2 without parity."),
    Text("Cuánto puede demorar un equipo en responder, en segundos.", "How long a device may take to answer."),
    Text(
        "Cuántas veces se repite una pregunta sin respuesta.",
        "How often a question without an answer is asked again.",
    ),
    Text(
        "Descanso de la línea entre una respuesta y la siguiente pregunta, en segundos.",
        "Rest of the line between an answer and the next question.",
    ),
    Text(
        "Su número en la línea (dirección de esclavo), de 1 a 247. Un equipo con dos medidores de lo mismo se escribe"
        " como dos equipos del mismo número.",
        "Its number on the line (slave address), 1 to 247. A device with two gauges of one kind is two devices of one"
        " unit.",
    ),
    Text("Segundos de una pregunta a la siguiente.", "Seconds from one asking to the next."),
    Text(
        "Dirección del (primer) registro tal como se manda, contando desde 0: lo que un manual llama 40001 o 30001 es"
        " 0.",
        "Address of the (first) register as it is sent, counted from 0: what a manual calls 40001 or 30001 is 0.",
    ),
    Text(
        "En qué tabla está: holding (función 03, 4xxxx) o input (04, 3xxxx).",
        "Table that it is in: holding (function 03, 4xxxx) or input (04, 3xxxx).",
    ),
    Text(
        "Cómo viene el número; los de 32 bits ocupan dos registros.",
        "How the number is encoded; those of 32 bits take two.",
    ),
    Text(
        "Nombre de la magnitud en el catálogo, por ejemplo water_level_metres.",
        "Name of the catalogue's quantity, such as water_level_metres.",
    ),
    Text(
        "Unidad del valor después de scale y offset, por ejemplo mm o %. Vacía: la de la magnitud.",
        "Unit that the value is in after scale and offset, such as mm or %. Empty: its own.",
    ),
    Text(
        "Números (antes de scale y offset) que quieren decir que no se midió nada, por ejemplo 32767 o -9999.",
        "Numbers (before scale and offset) that mean that nothing was measured, such as 32767 or -9999.",
    ),
    Text("El número se multiplica por esto, y después:", "The number is multiplied by this, then:"),
    Text(
        "big: el primero de los dos registros trae la mitad alta. little: la baja.",
        "big: the first of two registers has the upper half. little: the lower.",
    ),
    Text(
        "true: solo cuenta hacia arriba, y la lectura es lo que se sumó desde la anterior, como con la lluvia.",
        "True: it only counts up, and the reading is what was added since the last one, as for rain.",
    ),
    Text(
        "Lo más que se le cree a un contador en una lectura, en la unidad de la magnitud: lo que pasa se cuenta como"
        " implausible_count.",
        "A counter's largest believable amount in one reading, in the quantity's unit: more is counted as"
        " implausible_count.",
    ),
    # GPS
    Text(
        "Cada cuántos segundos se dice la posición, hasta medio día.",
        "How often the position is told, in seconds, up to half a day.",
    ),
    Text(
        "Se dice enseguida cuando está a tantos metros de la última que se dijo.",
        "It is told at once when it is so far from the last one told.",
    ),
    Text(
        "Error horizontal del receptor con un HDOP de 1, en metros.",
        "Horizontal error of the receiver at an HDOP of 1, in metres.",
    ),
    # cameras and recorders
    Text(
        "El directorio: una tarjeta montada, o lo que llena un servidor FTP o una cámara Wi-Fi.",
        "The directory: a mounted card, what an FTP server or a Wi-Fi camera fills.",
    ),
    Text(
        "Zona horaria de los relojes de las grabadoras o cámaras, por ejemplo America/Lima.",
        "Time zone of the recorders' clocks, such as America/Lima.",
    ),
    Text(
        'Lo que se ve o se oye en los archivos; "unknown" si varía.',
        'What the files show or hold; "unknown" if they vary.',
    ),
    Text(
        "Nombre del sensor para los archivos que no hizo ninguno de `recorders`; si falta, el de la fuente.",
        "Name of the sensor of files that none of `recorders` made; the source's if left out.",
    ),
    Text(
        "Cuánto adelantan los relojes de las grabadoras o cámaras, en segundos.",
        "How far the recorders' clocks are ahead of the true time, seconds.",
    ),
    Text(
        "Cuánto adelanta su reloj, en segundos, si no es lo mismo que en la fuente.",
        "How far its clock is ahead, seconds, when it is not as for the source.",
    ),
    Text("Una hora de hace más días que estos no se cree.", "A time longer ago than this is not believed, days."),
    Text(
        "El archivo que recuerda lo que ya se tomó; si falta, /var/lib/vigia/<name>.taken.db. No lo borre.",
        "The file that remembers what was taken in; /var/lib/vigia/<name>.taken.db if left out. Keep it.",
    ),
    Text(
        "A dónde van los archivos que no sirven (rotos, muy grandes); si falta, se quedan donde están.",
        "Where files go that are no use (broken, too large); left out, they stay where they are.",
    ),
    Text(
        "Cuántos segundos debe estar sin cambios un archivo así antes de ir allá: más que cualquier pausa de una"
        " subida, porque lo que se escriba después se puede perder.",
        "How long such a file must not have changed before it goes there, seconds: longer than any upload stalls,"
        " since what is written after the move can be lost.",
    ),
    Text(
        "Dejar los archivos donde están; si no, se borran una hora después de tomarlos.",
        "Leave files where they are; otherwise they are deleted an hour after they were taken in.",
    ),
    Text("Hasta cuántos directorios hacia adentro se busca.", "How many directories deep to look."),
    Text("Segundos entre dos miradas al directorio.", "Seconds between two looks at the directory."),
    Text(
        "Cuántos segundos debe estar sin cambios un archivo antes de leerlo.",
        "How long a file must not have changed before it is read, seconds.",
    ),
    Text(
        "Cuántos segundos se espera el resto de un archivo al que le falta el final: más que cualquier pausa de una"
        " subida.",
        "How long to wait for the rest of a file that does not have its end, seconds: longer than any upload stalls.",
    ),
    Text(
        "Cuántos archivos se leen como mucho antes de entregar lo que dicen.",
        "Most files that are read before what they say is handed over.",
    ),
    Text(
        "Expresión regular que encuentra la etiqueta en el nombre del archivo, como grupo (?P<label>...).",
        "Regular expression that finds the label in a file's name, as a group (?P<label>...).",
    ),
    Text(
        "Nivel de sonido (dB) que lleva la grabadora a su máximo; si falta, no se dice ningún nivel.",
        "Sound level (dB) that drives the recorder to full scale; left out, no sound level is told.",
    ),
    Text("El audio más grande que se toma.", "Largest clip."),
    Text("La foto más grande que se toma.", "Largest picture."),
    Text("Su número de serie, como lo dicen sus archivos.", "Its serial number as its files tell it."),
    Text(
        "Cuántos segundos se esperan más fotos del mismo evento.",
        "How long to wait for further pictures of an event, seconds.",
    ),
    Text(
        "Las fotos de una cámara que no numera sus eventos son de un mismo evento si se tomaron con tan pocos"
        " segundos entre una y otra; 0: cada foto es un evento.",
        "Pictures of one camera that does not number its events are of one event when they were taken so soon after"
        " one another, seconds; 0: each picture is an event.",
    ),
    Text(
        "Cuántos días puede diferir la fase de la luna que dice la cámara de la de su fecha.",
        "How far the moon phase that a camera tells may be from that of its date, days.",
    ),
    Text(
        "Un directorio solo para esto, con lo que ha llegado, entero o en parte, hasta que se toma.",
        "A directory of its own for what has come, whole or in part, until it is taken in.",
    ),
)

SPANISH: Final[Mapping[str, str]] = {words.en: words.es for words in _WORDS}
"""Description in English to what a technician reads."""
