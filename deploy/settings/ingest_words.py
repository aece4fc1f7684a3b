"""What the settings of ingest mean, in Spanish, for who runs headquarters.

By the English description in its settings. What a gateway's settings say in the same words is in gateway_words.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.language import Text

_WORDS: Final = (
    # [broker]
    Text("De dónde vienen los mensajes.", "Where messages come from."),
    Text("El broker MQTT.", "The MQTT broker."),
    Text("El certificado de este servicio.", "This service's certificate."),
    Text("La clave privada de este servicio.", "This service's private key."),
    Text(
        "Nombre de este proceso en el broker; si varios se reparten la carga, cada uno lleva el suyo.",
        "Name of this process at the broker; several that share the load need one each.",
    ),
    Text(
        "Solo si varios procesos se reparten la carga: el nombre de su grupo, el mismo para todos y difícil de"
        " adivinar (16 caracteres o más): un puesto que lo supiera podría quitarles mensajes.",
        "Only when several processes share the load: the name of their group, the same for all, hard to guess (16"
        " characters or more): a post that knew it could take messages away from them.",
    ),
    Text(
        "Cuántos mensajes nos da el broker como mucho antes de que los tengamos en disco.",
        "Most messages that the broker gives us before we have them on disk.",
    ),
    Text(
        "Cuántos segundos guarda el broker nuestros mensajes mientras no estamos.",
        "How long the broker keeps messages for us while we are away, seconds.",
    ),
    Text(
        "Segundos entre dos señales de vida cuando no llega nada.",
        "Seconds between signs of life on an idle connection.",
    ),
    # [journal], [registry]
    Text(
        "El diario: el archivo que guarda los mensajes tal como vinieron.",
        "The file that keeps messages as they came.",
    ),
    Text(
        "Cuántos días se guarda un mensaje aunque todos los destinos ya lo tengan.",
        "Messages that every sink has stored are kept this long all the same.",
    ),
    Text(
        "Cuántos bytes de mensajes nuevos puede poner un puesto en el diario de una medianoche UTC a la siguiente:"
        " así ninguno llena el disco de todos. 512 MiB son unos 80 millones de lecturas, años de un puesto. Lo que"
        " pasa no recibe acuse, y así no se pierde nada: el puesto lo guarda y lo manda otra vez.",
        "How many bytes of new messages a station may lay into the journal from midnight to midnight UTC: so that"
        " none fills the disk for all. 512 MiB are some 80 million readings, years of a post. What comes beyond it is"
        " not receipted, so that nothing is lost: the post keeps it and sends it again.",
    ),
    Text("Quién está dónde.", "Who is where."),
    Text("El registro: los territorios y sus puestos.", "Territories and stations: who is where."),
    # [influx]
    Text("A dónde van los puntos.", "Where points go."),
    Text(
        "Qué InfluxDB es: v1 (1.x, la de Debian y Raspberry Pi OS), v2 (2.x) o v3 (3 Core).",
        "Which InfluxDB it is: v1 (1.x, Debian's and Raspberry Pi OS's), v2 (2.x) or v3 (3 Core).",
    ),
    Text(
        "Su dirección, como http://127.0.0.1:8086 o https://influx.example.org.",
        "Its address, such as http://127.0.0.1:8086 or https://influx.example.org.",
    ),
    Text(
        "El bucket (en 1.x y 3, la base de datos) que recibe todos los puntos.",
        "The bucket (in 1.x and 3: the database) that receives every point.",
    ),
    Text("Solo 2.x: la organización dueña del bucket.", "2.x only: the organisation that owns the bucket."),
    Text(
        "2.x y 3: un token de su API que pueda escribir en el bucket y leerlo. Póngalo aquí o en"
        " VIGIA_INGEST__INFLUX__TOKEN.",
        "2.x and 3: an API token that may write to and read from the bucket.",
    ),
    Text("1.x, si pide contraseña: el usuario.", "1.x with authentication: the user."),
    Text("1.x, si pide contraseña: la del usuario.", "1.x with authentication: the user's password."),
    Text(
        "Cuántos segundos puede demorar un pedido antes de probar otra vez más tarde.",
        "How long one request may take before it is tried again later, seconds.",
    ),
    Text(
        "Comprimir lo que se escribe: para una base de datos tras un enlace lento; en el mismo equipo solo cuesta"
        " tiempo.",
        "Compress what is written: for a database behind a slow link; beside it, it only costs time.",
    ),
    Text("Solo 1.x: crear la base de datos si no existe.", "1.x only: make the database when it is not there."),
    Text(
        "Cuántos días de antigüedad puede tener una lectura cuando llega su mensaje. Lo que es más viejo, o está más"
        " de un día en el futuro, no se escribe: queda como carta muerta (implausible_time), porque cada semana de"
        " esas fechas le cuesta un shard a la base de datos. Súbalo para un puesto que estuvo más tiempo"
        " incomunicado, y después: vigia ingest redrive.",
        "How old a reading may be when its message comes, days. What is older, or more than a day in the future, is"
        " not written but kept as a dead letter (implausible_time): each week of such times costs the database a"
        " shard. Raise it for a post that was cut off for longer, then: vigia ingest redrive.",
    ),
    Text(
        "Cuántas series (las lecturas de una clase de un sensor, con una etiqueta) puede tener un puesto en la base"
        " de datos. Desde ahí, lo que es de series nuevas no se escribe: queda como carta muerta (too_many_series);"
        " si no, un puesto que inventa nombres gastaría lo que la base aguanta para todos. Lo ya conocido siempre"
        " pasa.",
        "How many series (a sensor's readings of one kind with one label) a station may have in the database. Beyond"
        " that, entries of new ones are not written but kept as a dead letter (too_many_series): a post that makes up"
        " names would otherwise use up what the database can hold for all. What is known already always passes.",
    ),
    # [commands]
    Text("Las órdenes a los puestos.", "Orders to posts."),
    Text(
        "El libro de órdenes, que `vigia commands` escribe y de donde este proceso las manda, como"
        " /var/lib/vigia/commands.db. Sin él no se manda ninguna; de varios procesos lo tiene uno solo.",
        "The book of commands, which `vigia commands` writes and this process sends from, such as"
        " /var/lib/vigia/commands.db. Without it no commands are sent; of several processes only one has it.",
    ),
    # [media]
    Text("Las fotos y los audios de los puestos.", "Pictures and clips of the posts."),
    Text(
        "Si este proceso recibe fotos y audios. Si falta: sí, salvo que [broker] tenga `group`; de varios procesos que"
        " se reparten la carga, uno solo debe decir true.",
        "Whether this process takes pictures and clips. Left out: yes, unless [broker] has a `group`; of several"
        " processes that share the load exactly one must say true.",
    ),
    Text(
        "Directorio del índice y de los archivos que todavía no llegan enteros; si falta, el directorio media, junto"
        " al diario.",
        "Directory of the index and of files that have not come whole yet; a directory media beside the journal if"
        " left out.",
    ),
    Text(
        "A dónde van los archivos enteros: file:///un/directorio o s3://bucket/prefijo (con el extra s3; las claves,"
        " en las variables de entorno AWS_ACCESS_KEY_ID y AWS_SECRET_ACCESS_KEY). Si falta, el directorio files de"
        " `path`.",
        "Where whole files go: file:///a/directory or s3://bucket/prefix (with the extra s3; keys from the"
        " environment, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY). A directory files in `path` if left out.",
    ),
    Text(
        "Dirección de un servicio S3 que no es el de Amazon, como MinIO.",
        "Address of an S3 service other than Amazon's, such as MinIO.",
    ),
    Text("El archivo más grande que se recibe.", "The largest file that is taken."),
    Text(
        "Cuántos archivos a medio llegar puede tener un puesto.",
        "Most files of one post that have come in part.",
    ),
    Text(
        "Cuánto pueden ocupar los archivos a medio llegar de un puesto.",
        "Most room for files of one post that have come in part.",
    ),
    Text(
        "Cuántos archivos de un puesto se conocen solo por su miniatura, como mucho. Lo que pasa de ahí se olvida,"
        " lo más viejo primero.",
        "Most files of one post that are known by their thumbnail alone. Beyond it the oldest are forgotten.",
    ),
    Text(
        "No se recibe nada mientras el disco de `path` tiene menos espacio libre que esto.",
        "Nothing is taken while the disk of `path` has less room.",
    ),
    Text(
        "Cuántas veces se empieza de nuevo un archivo que no es lo que dice su hash.",
        "How often a file that is not what its hash says is begun anew.",
    ),
    # [api]
    Text("El servicio HTTP.", "The HTTP service."),
    Text(
        "Dirección en que escucha: 127.0.0.1 solo para este equipo, 0.0.0.0 para todos.",
        "Address to listen on: 127.0.0.1 for this machine alone, 0.0.0.0 for all.",
    ),
    Text("Puerto TCP; con 0 toma uno libre.", "TCP port; 0 takes any free one."),
    Text(
        "Secreto que mandan los programas que preguntan, como `Authorization: Bearer <token>`, de 16 caracteres o más."
        " Sin él la API está abierta, lo que solo se admite en una dirección de este mismo equipo (127.0.0.1).",
        "Secret that callers send as `Authorization: Bearer <token>`, 16 characters or more. Without one the API is"
        " open, which is allowed on a loopback address only.",
    ),
)

INGEST: Final[Mapping[str, str]] = {words.en: words.es for words in _WORDS}
"""Description in English to what who runs headquarters reads."""
