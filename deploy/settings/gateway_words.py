"""What the settings of a gateway mean, in Spanish, for who writes them at a post.

By the English description in its settings. Those of the drivers are in deploy/sensors/setting_words.py. Long because it
is one table: who corrects the Spanish reads one file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.language import Text

_WORDS: Final = (
    # [station], [outbox]
    Text("Quién es este puesto.", "Who this post is."),
    Text(
        "Nombre de este puesto: de 1 a 32 letras a-z, cifras 0-9 y guiones; es también el nombre de su certificado.",
        "Name of this post: 1 to 32 of a-z, 0-9 and hyphens; also the name in its certificate.",
    ),
    Text("Lo que se guarda en disco.", "What is kept on disk."),
    Text(
        "El buzón de salida: el archivo que guarda lo que la sede todavía no tiene.",
        "The file that keeps what headquarters does not have yet.",
    ),
    Text(
        "Lo más que puede ocupar. Cuando se llena, se borra primero lo más viejo de lo menos urgente.",
        "Largest size. When full, the oldest of the least urgent lane goes first.",
    ),
    Text(
        "Cuánto puede esperar en memoria mientras el disco no recibe nada.",
        "How much may wait in memory while the disk takes nothing.",
    ),
    Text(
        "Lo más que una lectura espera para ir al disco, en segundos; una alerta no espera.",
        "Longest time that a reading other than an alert waits for the disk, seconds.",
    ),
    # [media]
    Text("Las fotos y los audios que se guardan.", "Pictures and clips that are kept."),
    Text(
        "Dónde se guardan las fotos y los audios; si falta, en el directorio media, junto al buzón de salida.",
        "Where pictures and clips are kept; a directory media beside the outbox if left out.",
    ),
    Text(
        "Lo más que se guarda de ellos. Cuando se llena, se borra primero lo más viejo que la sede ya tiene, después"
        " lo más viejo que nadie pide.",
        "Most that is kept of them. When full, the oldest that headquarters has go first, then the oldest that nobody"
        " wants.",
    ),
    Text(
        "Si se le avisa de ellos a la sede, con una miniatura de cada foto.",
        "Whether headquarters is told of them, with a thumbnail of each picture.",
    ),
    Text(
        "Lo que se manda entero sin que nadie lo pida, cuando el enlace no tiene nada más urgente. Lo demás se manda"
        " cuando alguien de la sede lo pide.",
        "What is sent whole without being asked for, when the link has nothing more urgent. The rest goes when"
        " somebody at headquarters asks for it.",
    ),
    Text(
        "Lo más que va de un archivo en un mensaje, en bytes. Una alerta espera como mucho a uno: 4 s a 2 kB/s.",
        "Most of a file in one message. An alert waits for at most one: 4 s at 2 kB/s.",
    ),
    # [lanes]
    Text("Qué es urgente.", "What is urgent."),
    Text(
        "Lo que se oye o se ve y hace avisar enseguida al puesto; es lo primero que se manda.",
        "Sounds and sights that warn the post at once and are sent first.",
    ),
    Text(
        "Confianza mínima de una alerta, de 0 a 1; lo que es menos seguro se guarda y se manda como detección.",
        "Least confidence of an alert; a less sure detection is kept and sent as one.",
    ),
    # [uplink]
    Text("El enlace con la sede.", "The link to headquarters."),
    Text("El broker de la sede: su nombre o su dirección.", "The broker at headquarters."),
    Text("Su puerto: 8883 con certificados, 1883 sin ellos.", "Its port: 8883 with certificates, 1883 without."),
    Text(
        "Cifrar y mostrar nuestro certificado. Sin esto, solo para pruebas.",
        "Encrypt and show our certificate. Only a test does without.",
    ),
    Text("La autoridad que responde por el broker.", "The authority that vouches for the broker."),
    Text("El certificado de este puesto.", "This post's certificate."),
    Text("La clave privada de este puesto.", "This post's private key."),
    Text(
        "Segundos entre dos señales de vida cuando no hay nada que mandar.",
        "Seconds between signs of life on an idle link.",
    ),
    Text("Cuántas lecturas y detecciones van como mucho en un mensaje.", "Most entries in one message."),
    Text(
        "Cuántos mensajes se mandan como mucho sin tener todavía su acuse de recibo.",
        "Most messages sent and not yet receipted.",
    ),
    Text(
        "Cuántos segundos se espera un acuse de recibo antes de mandar otra vez; cada vez el doble, hasta una hora.",
        "How long to wait for a receipt before sending again; doubles up to an hour.",
    ),
    Text(
        "Cuántos segundos esperan las detecciones para viajar juntas.",
        "How long detections wait to travel together.",
    ),
    Text(
        "Cuántos segundos esperan las mediciones para viajar juntas.",
        "How long measurements wait to travel together.",
    ),
    Text("Cuántos segundos esperan los informes de salud.", "How long health reports wait."),
    Text(
        '"always" deja el enlace abierto; "windows" lo abre a las horas de [[uplink.windows]], manda lo que espera y'
        " lo cierra, para no pagar un enlace sin uso. Una alerta lo abre enseguida en los dos casos.",
        '"always" keeps the link open; "windows" opens it at the hours of [[uplink.windows]], sends what waits and'
        " closes it, so that an idle link is not paid for. An alert opens it at once in both.",
    ),
    Text(
        "Con windows, mientras el puesto no sabe la hora, o si no hay ningún [[uplink.windows]]: cuántas horas pasan"
        " de una apertura a la siguiente; la primera es al encender el equipo.",
        "In mode windows, while the post does not know the hour, and when no [[uplink.windows]] are named: hours from"
        " one opening to the next, the first one when the machine starts.",
    ),
    Text(
        "Cuántos minutos queda abierto como mucho en cada una de esas.",
        "How long each of those stays open at most.",
    ),
    Text(
        "Cuántos minutos espera su acuse de recibo un enlace que abrió una alerta; después hace una pausa, cada vez"
        " más larga.",
        "How long a link opened by an alert waits for its receipt; then it pauses, longer each time.",
    ),
    Text("Cuándo se abre el enlace con windows.", "When the link opens in mode windows."),
    Text(
        'A qué hora se abre, según el reloj del puesto, entre comillas: "06:00".',
        "When it opens, by the post's clock: 06:00.",
    ),
    Text("Cuántos minutos queda abierto como mucho.", "How long it stays open at most."),
    Text(
        "Qué días: mon (lunes), tue, wed, thu, fri, sat, sun (domingo).",
        "On which days.",
    ),
    Text(
        "Cuántos bytes se mandan como mucho en un día. Lo que pasa espera al día siguiente; nada se bota por eso.",
        "Most bytes of a day. What is over waits for the next day; nothing is thrown away for it.",
    ),
    Text(
        "De alertas. No lo ponga: una alerta es pequeña y no debe esperar.",
        "Of alerts. Leave it out: an alert is small and must not wait.",
    ),
    Text("De detecciones que no avisan a nadie.", "Of detections that warn nobody."),
    Text("De mediciones.", "Of measurements."),
    Text("De informes del gateway sobre sí mismo.", "Of the gateway's reports about itself."),
    Text("De fotos y audios.", "Of pictures and clips."),
    Text(
        "De todo, de ida y de vuelta, con acuses de recibo, cifrado y cabeceras TCP/IP. Cuando se gasta, el enlace se"
        " cierra; las alertas lo abren igual.",
        "Of everything, both ways, with receipts, encryption and TCP/IP headers. When it is spent the link closes;"
        " alerts still open it.",
    ),
    # [clock], [health]
    Text("A quién se le cree la hora.", "Whom to believe about the time."),
    Text(
        '"ntp" cree al reloj mientras el sistema dice que está sincronizado; "system" le cree siempre.',
        '"ntp" believes the clock while the kernel says it is synchronised; "system" believes it always.',
    ),
    Text(
        "Después de conectarse, cuántos segundos esperan las lecturas sin hora a que el reloj se ponga bien. Las"
        " alertas no esperan.",
        "After connecting, how long readings of unknown time wait for the clock to be set. Alerts do not.",
    ),
    Text("Informes del gateway sobre sí mismo.", "Reports about the gateway itself."),
    Text(
        "Segundos entre dos informes del gateway sobre sí mismo.",
        "Seconds between the gateway's reports about itself.",
    ),
    # [place], [rules]
    Text("Dónde están el puesto y sus sensores.", "Where the post and its sensors are."),
    Text(
        "Archivo GeoJSON con el territorio, los ríos (del nacimiento a la boca) y los sensores.",
        "GeoJSON file with the territory, the rivers (from source to mouth) and the sensors.",
    ),
    Text(
        "Latitud del puesto, en grados; al sur, con signo menos.",
        "Where the post is, degrees north; south is negative.",
    ),
    Text(
        "Longitud del puesto, en grados; al oeste, con signo menos.",
        "Where the post is, degrees east; west is negative.",
    ),
    Text(
        "Dónde están los sensores y cuáles van juntos: un [[place.sensors]] por cada uno.",
        "Where sensors are and which belong together: one [[place.sensors]] for each.",
    ),
    Text(
        "Nombre del sensor, como en su fuente: de 1 a 32 bytes.", "Name of the sensor as in its source: 1 to 32 bytes."
    ),
    Text("Cómo lo llama la gente.", "What people call it."),
    Text("Su latitud, en grados; al sur, con signo menos.", "Where it is, degrees north; south is negative."),
    Text("Su longitud, en grados; al oeste, con signo menos.", "Where it is, degrees east; west is negative."),
    Text(
        "Grupos a los que pertenece; primero el que la gente nombra.",
        "Groups that it belongs to, the one that people name first.",
    ),
    Text(
        "Cada cuántos segundos habla; si falta, se aprende de lo que dice.",
        "How often it speaks, seconds; learned from what it says if left out.",
    ),
    Text("Cuándo lo que se oye es una alerta.", "What makes an alert of what is heard."),
    Text(
        "Archivo TOML con las reglas; si falta, avisa cada etiqueta de alerta, como dice [lanes].",
        "TOML file of rules; if left out, each alert label warns, as `lanes` says.",
    ),
    Text(
        "Zona horaria del puesto, como America/Lima: de ella son las horas de las reglas y de los avisos.",
        "The post's time zone, such as America/Lima: hours in rules and in warnings are of it.",
    ),
    # [page]
    Text("La página del puesto, para los celulares.", "The page for phones at the post."),
    Text(
        "Servir la página del puesto a los celulares de la red local.",
        "Serve the post's page to phones on the local network.",
    ),
    Text(
        "Dirección en que escucha: 0.0.0.0 para toda la red local, 127.0.0.1 solo para este equipo.",
        "Address to listen on: 0.0.0.0 for the whole local network, 127.0.0.1 for this machine only.",
    ),
    Text(
        "Puerto de la página; con 0 toma uno libre, que dice el registro.",
        "Port of the page; 0 takes a free one, told in the log.",
    ),
    Text(
        "Con qué otros nombres piden la página los celulares, además de su dirección, el nombre del puesto y"
        " <nombre>.local.",
        "Names by which phones ask for the page, beside its address, the post's name and <name>.local.",
    ),
    Text(
        "Lengua de la página, hasta que alguien escoja otra en su celular.",
        "Language of the page until somebody chooses another on their phone.",
    ),
    Text(
        "Directorio con más lenguas, un archivo <código>.po o <código>.mo por cada una, como qu.po.",
        "Directory with further languages, a file <code>.po or <code>.mo for each, as qu.po.",
    ),
    Text(
        'Quién puede dar Enterado, anotar patrullas y probar las salidas: "pin" (quien lo sabe), o "free" (todo el que'
        " lee).",
        'Who may acknowledge, note patrols and test outputs: "pin", or "free" for everyone who reads.',
    ),
    Text(
        'Quién puede leer: "free" (todo el que está en la red local), o "pin" (quien lo sabe).',
        'Who may read: "free" for everyone on the local network, or "pin".',
    ),
    Text(
        "Dónde se guarda el hash del PIN (se pone con vigia gateway pin; cuesta adivinar 6 cifras); si falta, en"
        " page.pin, junto al buzón de salida.",
        "Where the hash of the PIN is (vigia gateway pin; 6 digits are hard to guess); page.pin beside the outbox if"
        " left out.",
    ),
    Text(
        "Durante cuántas horas no se le pide otra vez el PIN a un celular.",
        "How long a phone is not asked for the PIN again.",
    ),
    Text("Cuántas conexiones abiertas a la vez, como mucho.", "Most connections open at once."),
    Text(
        "Cuántos celulares reciben las novedades a la vez, como mucho.",
        "Most phones that are told of news at once.",
    ),
    # [commands], [history]
    Text("Las órdenes de la sede, y de quién se aceptan.", "Orders from headquarters, and whose."),
    Text(
        "La clave pública de la sede para las órdenes, hecha con `vigia commands key`. Sin ella no se obedece ninguna.",
        "Headquarters' public key for commands, made by `vigia commands key`. Without it none is obeyed.",
    ),
    Text(
        "Dónde se guardan las órdenes cumplidas, los ajustes cambiados desde lejos y el firmware para los sensores;"
        " si falta, en el directorio commands, junto al buzón de salida.",
        "Where commands carried out, settings changed from afar and firmware images are kept; a directory commands"
        " beside the outbox if left out.",
    ),
    Text(
        "Cuántos segundos se prueban los ajustes cambiados desde lejos: si con ellos no se llega a la sede en ese"
        " tiempo de enlace abierto, el puesto vuelve solo a los de antes.",
        "How long settings changed from afar are tried: if headquarters is not reached under them within so much time"
        " of open link, the post goes back to the earlier ones by itself.",
    ),
    Text(
        "Lo que se oyó, guardado en el puesto para sus reglas.",
        "What was heard, kept at the post for its rules.",
    ),
    Text(
        "El archivo de lo que se oyó en los últimos días; si falta, history.db, junto al buzón de salida.",
        "The file of what was heard in the last days; history.db beside the outbox if left out.",
    ),
    Text(
        "Cuántos días se guarda: con eso empieza el gateway cuando arranca, y con eso se prueban reglas.",
        "How many days are kept, to begin from and to try rules on.",
    ),
    Text(
        "Lo más que puede ocupar. Cuando se llena, se borra primero lo más viejo.",
        "Largest size. When full, the oldest goes first.",
    ),
    Text(
        "Lo más que espera para ir al disco lo que no es un incidente, en segundos.",
        "Longest time that what is no incident waits for the disk, seconds.",
    ),
    # [[warnings]]
    Text(
        "Con qué se avisa a la gente del puesto: un [[warnings]] por cada salida; si no hay ninguno, solo el registro.",
        "By what the people at the post are warned: one [[warnings]] for each; the log alone if left out.",
    ),
    Text("Una sirena en una línea GPIO.", "A siren on a GPIO line."),
    Text(
        "Nombre de esta salida en la página y en las cuentas: de 1 a 20 letras a-z, cifras 0-9 y guiones, no al"
        " comienzo ni al final.",
        "Name of this output on the page and in counters: 1 to 20 of a-z, 0-9 and inner hyphens.",
    ),
    Text(
        "De qué incidentes avisa: alert (los de alerta), notice (los que son solo para saber).",
        "Which incidents it tells of: alert, notice.",
    ),
    Text(
        'Solo de estas cosas que se oyen o se ven, o de "silence", un sensor callado; vacío: de todas.',
        'Only of these sounds and sights, or "silence" of a sensor; of all if empty.',
    ),
    Text("Solo lo que encontraron estas reglas; vacío: todas.", "Only what these rules found; all if empty."),
    Text(
        'Solo a estas horas del puesto, como "05:30-21:00" o "21:00-05:30"; si está vacío, siempre, y también mientras'
        " la hora no es segura.",
        'Only at these hours of the post, such as "05:30-21:00" or "21:00-05:30"; always if empty, and while nobody'
        " vouches for the clock.",
    ),
    Text("Lengua de sus palabras: es (español) o en (inglés).", "Language of its words: es or en."),
    Text(
        "Cuántos segundos pasan como mínimo de un aviso al siguiente; ninguno más cuando ya se dio Enterado a todo.",
        "Least seconds from one warning to the next; none once all is acknowledged.",
    ),
    Text(
        "Un aviso que no se pudo dar en tantos segundos ya no se da.",
        "A warning that could not be given within so many seconds is not given.",
    ),
    Text(
        "Número de la línea GPIO (BCM), no del lugar en el conector.",
        "Number of the GPIO line (BCM), not of the place on the header.",
    ),
    Text(
        "true: suena o se enciende con la línea en alto. false: en bajo.",
        "Whether it sounds or shines when the line is high.",
    ),
    Text("Segundos sonando, callada, sonando, callada...", "Seconds on, off, on, off, ..."),
    Text(
        "Cuántos segundos suena, si antes nadie da Enterado a todo lo que la hizo sonar.",
        "How long it sounds, unless all that rang it is acknowledged.",
    ),
    Text("Una luz en una línea GPIO.", "A lamp on a GPIO line."),
    Text(
        "Cuántos segundos pasan como mínimo de un aviso al siguiente; lo que llega entre los dos se dice entonces.",
        "Least seconds from one warning to the next; what comes between is told then.",
    ),
    Text(
        "Cuántos segundos queda encendida, si antes nadie da Enterado a todo lo que la encendió.",
        "How long it shines, unless all that lit it is acknowledged.",
    ),
    Text("Un texto a las radios de las patrullas.", "A text to the radios of patrols."),
    Text(
        "Cuántos segundos pasan como mínimo de un texto al siguiente: el aire es escaso.",
        "Least seconds from one text to the next: air is scarce.",
    ),
    Text(
        "Nombre de la fuente, de [[sources]], cuya radio lo dice.",
        "Name of the source, in [[sources]], whose radio says it.",
    ),
    Text(
        "A quién: ^all (a todas), un canal como #1 o su nombre, o una radio.",
        "To whom: ^all, a channel such as #1 or its name, or a radio.",
    ),
    Text("El texto más largo, en bytes.", "Longest text, in bytes."),
    Text("Un objeto JSON que se manda por HTTP POST.", "A JSON object sent by HTTP POST."),
    Text("A dónde: http:// o https://.", "Where: http:// or https://."),
    Text("Cuántos segundos se espera su respuesta.", "How long to wait for its answer."),
    Text(
        "Archivo con un secreto; con él, X-Vigia-Signature lleva el HMAC-SHA256 del cuerpo.",
        "File with a secret; then X-Vigia-Signature holds the HMAC-SHA256 of the body.",
    ),
    Text(
        "Mensajes por cualquier servicio que conoce la biblioteca apprise.",
        "Messages by any service that the library apprise knows.",
    ),
    Text(
        "Archivo de modo 600 con las direcciones (URL) de los servicios, una por línea (llevan contraseñas).",
        "File of mode 600 with the services' URLs, one a line (they hold passwords).",
    ),
    Text("Una línea en el registro del servicio.", "A line in the service's log."),
    Text("Nombre de esta salida.", "Name of this output."),
    Text("De qué incidentes avisa.", "Which incidents it tells of."),
)

GATEWAY: Final[Mapping[str, str]] = {words.en: words.es for words in _WORDS}
"""Description in English to what a technician reads."""
