"""Every sentence about a settings file that is wrong, in Spanish and in English.

Long because it is one table: sentences beside each other stay alike, and who corrects the Spanish reads one file.
"""

from __future__ import annotations

import re
from typing import Final

from deploy.language import Text

FAULTS: Final = {
    # pydantic's names, filled with its context
    "int_type": Text("debe ser un número entero", "must be a whole number"),
    "int_parsing": Text("debe ser un número entero", "must be a whole number"),
    "int_from_float": Text("debe ser un número entero", "must be a whole number"),
    "int_parsing_size": Text("debe ser un número menor", "must be a smaller number"),
    "float_type": Text("debe ser un número", "must be a number"),
    "float_parsing": Text("debe ser un número", "must be a number"),
    "finite_number": Text("debe ser un número finito", "must be a number that ends"),
    "bool_type": Text("debe ser true o false, sin comillas", "must be true or false, without quotes"),
    "bool_parsing": Text("debe ser true o false, sin comillas", "must be true or false, without quotes"),
    "string_type": Text('debe ser texto entre "comillas"', 'must be text in "quotes"'),
    "path_type": Text('debe ser una ruta entre "comillas"', 'must be a path in "quotes"'),
    "list_type": Text(
        'debe ser una lista: ["a", "b"], o una tabla [[...]] con dos corchetes para cada elemento',
        'must be a list: ["a", "b"], or one table [[...]] with two brackets for each',
    ),
    "tuple_type": Text(
        "debe ser una tabla [[...]] con dos corchetes para cada elemento",
        "must be one table [[...]] with two brackets for each",
    ),
    "dict_type": Text("debe ser una tabla, como [uplink]", "must be a table, such as [uplink]"),
    "model_type": Text("debe ser una tabla, como [uplink]", "must be a table, such as [uplink]"),
    "model_attributes_type": Text("debe ser una tabla, como [uplink]", "must be a table, such as [uplink]"),
    "greater_than": Text("debe ser más de {gt:g}", "must be more than {gt:g}"),
    "greater_than_equal": Text("debe ser al menos {ge:g}", "must be at least {ge:g}"),
    "less_than": Text("debe ser menos de {lt:g}", "must be less than {lt:g}"),
    "less_than_equal": Text("debe ser como mucho {le:g}", "must be at most {le:g}"),
    "string_too_short": Text(
        "debe tener al menos {min_length} caracteres", "must have at least {min_length} characters"
    ),
    "string_too_long": Text(
        "debe tener como mucho {max_length} caracteres", "must have at most {max_length} characters"
    ),
    "too_short": Text("debe tener al menos {min_length}", "must have at least {min_length}"),
    "too_long": Text("debe tener como mucho {max_length}", "must have at most {max_length}"),
    "list_of_numbers": Text(
        "debe ser una lista, entre corchetes, aunque sea de uno: [65535]",
        "must be a list, in brackets, even of one: [65535]",
    ),
    "list_of_texts": Text(
        'debe ser una lista, entre corchetes, aunque sea de uno: ["a"]',
        'must be a list, in brackets, even of one: ["a"]',
    ),
    "hertz": Text(
        "debe ser la frecuencia en hertz, un número entero: 916.8 MHz se escribe 916_800_000",
        "must be the frequency in hertz, a whole number: 916.8 MHz is written 916_800_000",
    ),
    "decimal_comma": Text(
        "los decimales llevan punto, no coma: {number}", "decimals have a point, not a comma: {number}"
    ),
    "union_tag_not_found": Text(
        'no dice su driver; escriba driver = "..." en él', 'says no driver; write driver = "..." in it'
    ),
    "literal_error": Text("debe ser {expected}", "must be {expected}"),
    # ours
    "empty": Text("no debe estar vacío", "must not be empty"),
    "unknown_driver": Text("no hay tal driver; los hay: {known}", "no such driver; known: {known}"),
    "unknown_tag": Text("no existe; los hay: {known}", "there is no such thing; known: {known}"),
    "no_tag": Text('no dice su {tag}; escriba {tag} = "..." en él', 'says no {tag}; write {tag} = "..." in it'),
    "unknown_meant": Text("no existe ese ajuste; ¿quiso decir {close}?", "no such setting; do you mean {close}?"),
    "of_a_source": Text(
        "esto va dentro de una fuente: escriba {table}, debajo de su [[sources]]",
        "this belongs to a source: write {table}, below its [[sources]]",
    ),
    "unknown_known": Text("no existe ese ajuste; aquí los hay: {known}", "no such setting; known here: {known}"),
    "unknown": Text("no existe ese ajuste; quítelo", "no such setting; take it away"),
    "missing": Text("falta", "is missing"),
    "form": Text("no tiene la forma correcta", "has not the right form"),
    "label_misspelt": Text(
        "no hay tal etiqueta; ¿quiso decir {label} ({es})?", "no such label; do you mean {label} ({es})?"
    ),
    "label_unknown": Text("no hay tal etiqueta; las hay: {known}", "no such label; known: {known}"),
    "host_name": Text(
        "debe ser un nombre de red en minúsculas, como puesto.local", "must be a host name, such as puesto.local"
    ),
    "language_code": Text(
        "debe ser el código de un idioma, como es, en, qu o boa", "must be the code of a language, such as es, en, qu"
    ),
    "variable": Text("(variable de entorno {name})", "(environment variable {name})"),
    "variable_unknown": Text(
        "ningún ajuste responde a esta variable de entorno; quítela",
        "no setting goes by this environment variable; unset it",
    ),
    "variable_meant": Text(
        "ningún ajuste responde a esta variable de entorno; ¿quiso decir {close}__...?",
        "no setting goes by this environment variable; do you mean {close}__...?",
    ),
    "variable_value": Text(
        'no se puede leer: una lista o una tabla se escribe aquí en JSON, como ["a", "b"] o [{"start": "06:00"}]',
        'cannot be read: a list or a table is written here in JSON, such as ["a", "b"] or [{"start": "06:00"}]',
    ),
    "variable_section": Text(
        "vale por una sección entera y no es JSON; nombre un solo ajuste: {section}__<NOMBRE>",
        "stands for a whole section and is not JSON; name one setting: {section}__<NAME>",
    ),
    # of the file as a whole
    "no_file": Text("no existe; ¿está bien el nombre?", "there is no such file; is the name right?"),
    "directory": Text("es un directorio; nombre el archivo que está en él", "it is a directory; name the file in it"),
    "no_regular_file": Text("no es un archivo", "it is not a file"),
    "denied": Text(
        "no se puede leer; use sudo, o una cuenta del grupo que lo posee",
        "you may not read it; use sudo, or an account of the group that owns it",
    ),
    "too_large": Text(
        "pasa de {kib} KiB: no es un archivo de ajustes", "it is longer than {kib} KiB, so it is no settings file"
    ),
    "nothing": Text(
        "está vacío; `vigia gateway config` y `vigia ingest config` muestran uno completo",
        "it is empty; `vigia gateway config` and `vigia ingest config` print a complete one",
    ),
    "not_utf8": Text(
        "aquí hay un byte que no es texto UTF-8; guarde el archivo como UTF-8",
        "here is a byte that is not UTF-8 text; save the file as UTF-8",
    ),
    "no_value": Text("contiene un valor que ningún ajuste puede tener", "it holds a value that no setting can have"),
    "not_toml": Text("no es TOML ({said})", "not TOML: {said}"),
    "write_true_or_false": Text(
        "escriba true o false, en minúsculas y sin comillas", "write true or false, in small letters, without quotes"
    ),
}

_NO_CLOSING_QUOTE: Final = Text(
    "un texto que empieza con comillas no termina con ellas", "a text that begins with a quote does not end with one"
)
TOML: Final = (
    # how tomllib's message begins
    (
        "Invalid value",
        Text(
            'lo que sigue al = no es un valor; el texto va entre "comillas", de las rectas',
            'what follows the = is no value; text stands in "quotes", straight ones',
        ),
    ),
    (
        "Expected newline",
        Text(
            'la línea sigue después del valor; el texto va entre "comillas", un ajuste por línea',
            'the line goes on after the value; text stands in "quotes", one setting a line',
        ),
    ),
    ("Expected '='", Text("un ajuste se escribe: nombre = valor", "a setting is written: name = value")),
    (
        "Cannot overwrite",
        Text(
            "este ajuste o tabla está aquí por segunda vez; quite uno",
            "this setting or table stands here for the second time; take one away",
        ),
    ),
    (
        "Cannot declare",
        Text(
            "esta tabla está aquí por segunda vez; quite una, o escriba [[...]] si son varias",
            "this table stands here for the second time; take one away, or write [[...]] for a list of them",
        ),
    ),
    ("Unterminated string", _NO_CLOSING_QUOTE),
    ("Illegal character '\\n'", _NO_CLOSING_QUOTE),
    (
        "Expected ']'",
        Text(
            "el nombre de una tabla termina con ], el de una lista de tablas con ]]",
            "a table's name ends with ], a list of tables' with ]]",
        ),
    ),
    (
        "Found invalid character",
        Text(
            "aquí hay un carácter que ningún texto tiene; el archivo puede estar dañado",
            "here is a character that no text file has; the file may be damaged",
        ),
    ),
)

_MEANINGS: Final = {
    # what a setting is, as its description begins
    "Where points go": "adónde van los puntos",
    "Which driver reads this source": "qué driver lee esta fuente",
    "Path of the serial port": "ruta del puerto serie",
    "Path of the serial port, better one of /dev/serial/by-id/": "ruta del puerto serie, mejor de /dev/serial/by-id/",
    "Device id as printed on the sensor: 8 hex digits in lower case, in quotes": (
        "el id impreso en el sensor: 8 cifras hexadecimales en minúsculas, entre comillas y sin 0x"
    ),
    "Its DevEUI: 16 hex digits, in quotes": "su DevEUI: 16 cifras hexadecimales, entre comillas, sin 0x",
    "The bytes that each of its packets begins with, 1 to 8, in hex": (
        'los bytes con que empiezan sus paquetes, de 1 a 8, en hexadecimal minúsculo y sin 0x: "0a1b"'
    ),
    "Its id, as every Meshtastic app shows it: ! and 8 hex digits": "su id en Meshtastic: ! y 8 cifras hexadecimales",
    "Name of this source in logs and counters: 1 to 32 of a-z, 0-9 and inner hyphens": (
        "nombre de la fuente: de 1 a 32 de a-z, 0-9 y guiones interiores"
    ),
    "Name of this output on the page and in counters: 1 to 20 of a-z, 0-9 and inner hyphens": (
        "nombre de la salida: de 1 a 20 de a-z, 0-9 y guiones interiores"
    ),
    'Only at these hours of the post, such as "05:30-21:00" or "21:00-05:30"': (
        'solo a estas horas, como "05:30-21:00" o "21:00-05:30"'
    ),
    "Number of the GPIO line (BCM), not of the place on the header": "número de la línea GPIO (BCM)",
    "Name of the source, in [[sources]], whose radio says it": "la fuente de [[sources]] cuya radio lo dice",
    "Where: http:// or https://": "adónde: http:// o https://",
    "File of mode 600 with the services' URLs, one a line (they hold passwords)": (
        "archivo de modo 600 con las direcciones de los servicios, una por línea"
    ),
    "Name of the sensor in everything that is stored: 1 to 32 bytes": "nombre del sensor: de 1 a 32 bytes",
    "Name of the sensor in everything that is stored: 1 to 32 bytes, and then for good": (
        "nombre del sensor, para siempre: de 1 a 32 bytes"
    ),
    "The devices that are listened to": "los equipos que se escuchan",
    "The sensors that are listened to": "los sensores que se escuchan",
    "1 to 32 of a-z, 0-9 and inner hyphens": "de 1 a 32 de a-z, 0-9 y guiones interiores",
    "What people call it": "cómo lo llama la gente",
    "The name of one of the territories": "el nombre de uno de los territorios",
    "Its name in the gateway's configuration": "su nombre en la configuración del gateway",
    "Centre frequency in hertz": "frecuencia central, en hercios",
    "Its number on the line (slave address), 1 to 247": "su número en la línea, de 1 a 247",
}

_SENTENCES: Final = tuple(
    # ValueErrors of our own settings, whose words are English
    (re.compile(english), spanish)
    for english, spanish in (
        (r"(.*) is not 1 to 32 of a-z, 0-9 and inner hyphens", r"\1 no son de 1 a 32 de a-z, 0-9 y guiones interiores"),
        (r"another source is called (.*) too: number (\d+)", r"otra fuente se llama también \1: la número \2"),
        (r"another source reads (.*) too: number (\d+)", r"otra fuente lee también \1: la número \2"),
        (
            r"another source knows device (.*) too: number (\d+)",
            r"otra fuente conoce también \1: la número \2",
        ),
        (
            r"another source goes by client id (.*) at (.*) too: number (\d+)",
            r"otra fuente usa también el client_id \1 en \2: la número \3",
        ),
        (
            r"another source listens at UDP port (.*) too: number (\d+)",
            r"otra fuente escucha también en el puerto UDP \1: la número \2",
        ),
        (
            r"another source takes files \(.*\) from (.*) too: number (\d+)",
            r"otra fuente toma también los archivos de \1: la número \2",
        ),
        (
            r"another source (?:remembers|keeps what comes) in (.*) too: number (\d+)",
            r"otra fuente guarda también en \1: la número \2",
        ),
        (
            r"an address is 0 to (\d+), in decimal.*",
            r'una dirección va de 0 a \1, en decimal y sin ceros delante: "50", no "0x32" ni "050"',
        ),
        (
            r"packets that begin with (.*) begin with (.*) too, and so.*",
            r"los paquetes que empiezan con \1 empiezan también con \2: dé ids de los que ninguno empiece como otro",
        ),
        (
            r"station (.*) names the territory (.*), which is not in the file",
            r"el puesto \1 nombra el territorio \2, que no está en el archivo",
        ),
        (
            r"no station may be called (.*): that is what ingest calls itself",
            r"ningún puesto puede llamarse \1: así se llama la sede misma",
        ),
        (r"two of the same name: station (.*)", r"dos puestos del mismo nombre: \1"),
        (r"two of the same name: territory (.*)", r"dos territorios del mismo nombre: \1"),
        (r"two of the same name: sensor of station ('.*?') (.*)", r"dos sensores de un nombre en el puesto \1: \2"),
        (r"two outputs are called (.*)", r"dos salidas de avisos se llaman \1; dé a cada una su nombre"),
        (
            r"output (.*) speaks by (.*): no source is called so",
            r"la salida \1 habla por \2: no hay ninguna fuente con ese nombre en [[sources]]",
        ),
        (
            r"a label of your own is 1 to (\d+) of a-z, 0-9 and _, and begins with a letter",
            r"una etiqueta propia es de 1 a \1 de a-z, 0-9 y _, y empieza con una letra",
        ),
        (
            r"another source has a device called (.*) too: number (\d+)",
            r"otra fuente tiene también un sensor llamado \1: la número \2",
        ),
        (
            r"the unit (.*?) is not known; write (.*?) or one that can be converted to it(?:, such as (.*))?",
            r"no se conoce la unidad \1; escriba \2, o una que se pueda pasar a ella: \3",
        ),
        (r"(.*) cannot be converted to (.*), the unit of (.*)", r"\1 no se puede pasar a \2, la unidad de \3"),
        (r"(.*) has no unit but s: use scale", r"\1 no tiene más unidad que s: use scale"),
        (
            r"(.*) is no quantity of the catalogue; near it: nothing",
            r"\1 no es una magnitud del catálogo; están en firmware_bridge/README.md",
        ),
        (
            r"(.*) is no quantity of the catalogue; near it: (.*)",
            r"\1 no es una magnitud del catálogo; parecidas: \2",
        ),
        (
            r"no layout named (.*?) comes with Vigía; (?:near it: (.*); )?write a path that.*",
            r"ningún layout se llama \1; parecidos: \2. Uno suyo se nombra por su ruta, que termina en .toml",
        ),
        (
            r"(.*) is neither the name of a layout nor a path that ends in \.toml",
            r"\1 no es el nombre de un layout ni una ruta que termine en .toml",
        ),
        (r"the layout has no field (.*); it has (.*)", r"el layout no tiene el campo \1; tiene \2"),
        (r"(.*) is no field of Cayenne LPP; they are (.*)", r"\1 no es un campo de Cayenne LPP; los hay: \2"),
        (r"(.*) has labels: say kind = (.*) or (.*)", r"\1 tiene labels: diga kind = \2 o \3"),
        (r"a field has labels: say kind = (.*) or (.*)", r"un campo tiene labels: diga kind = \1 o \2"),
        (
            r"a field stands for one thing: say either quantity, or labels, or ignore = true",
            r"un campo es una sola cosa: diga quantity, o labels, o ignore = true",
        ),
        (r"a field stands for a label or for a quantity.*", r"un campo es una etiqueta o una magnitud, no las dos"),
        (
            r"(.*) and (.*) differ in capitals only, and stand for one field",
            r"\1 y \2 solo difieren en mayúsculas: son el mismo campo",
        ),
        (r"bit (\d+) of (.*) is never 1: it has (\d+) bits, 0 to (\d+)", r"el bit \1 de \2 no existe: van de 0 a \4"),
        (r"(.*) is never (.*): with (\d+) bits it is 0 to (\d+)", r"\1 nunca es \2: con \3 bits va de 0 a \4"),
        (
            r"it can never hold: no number of (\d+) bits is all that is said of (.*)",
            r"nunca se cumple: ningún número de \1 bits es todo lo que se dice de \2",
        ),
        (r"the layout refuses the ports (.*); its own are (.*)", r"el layout no admite los puertos \1; los suyos: \2"),
        (r"no earlier field is named (.*)", r"ningún campo anterior se llama \1"),
        (r"the name (.*) is used twice", r"el nombre \1 está dos veces"),
        (r"an empty condition: say port.*", r"la condición está vacía: diga port, o field y lo que debe cumplir"),
        (
            r"a condition on a field needs field, and equals.*",
            r"una condición sobre un campo lleva field, y equals, bit, minimum o maximum",
        ),
        (
            r"no field has a quantity, a unit or labels.*",
            r"ningún campo tiene quantity, unit ni labels: no se leería nada",
        ),
        (r"say only one of (.*)", r"diga solo uno: \1"),
        (r"scale is 0: every value would be the same", r"scale es 0: todos los valores serían iguales"),
        (r"a float has 16, 32 or 64 bits, not (\d+)", r"un float tiene 16, 32 o 64 bits, no \1"),
        (r"(.*) is no raw number: write.*", r"\1 no es un número: escriba enteros en decimal, entre comillas"),
        (r"the key (.*) is not (\d+) lower-case hex digits", r"la clave \1 no son \2 cifras hexadecimales minúsculas"),
        (r"(.*\.toml) is not TOML: (.*)", r"\1 no es TOML (en inglés: \2)"),
        (r"(.*) is not text in UTF-8", r"\1 no es texto UTF-8"),
        (r"address (\d+): the second register.*", r"address \1: su segundo registro pasa del último, 65535"),
        (r"a counter is of type uint16 or uint32.*", r"un contador es de tipo uint16 o uint32 y no lleva offset"),
        (r"wraps_at and most are for a counter.*", r"wraps_at y most son de un contador: diga counter = true"),
        (r"wraps_at (\d+) is more than (\w+) can count to", r"wraps_at \1 es más de lo que cuenta un \2"),
        (
            r"(.*): two registers stand for (.*); make it two devices",
            r"\1: dos registros son \2; escríbalo como dos equipos",
        ),
        (
            r'a host is a name or an address alone, such as "(.*)"; its port goes into port',
            r'va solo el nombre o la dirección: host = "\1"; el puerto va aparte, en port',
        ),
        (
            r"the id of an application in ChirpStack v4 is a UUID, such as (.*?):.*",
            r"el id de una aplicación en ChirpStack v4 es un UUID, como \1: está en la dirección de su página",
        ),
        (r"it is no regular expression: (.*)", r"no es una expresión regular (en inglés: \1)"),
        (r"it needs a group .*", r"le falta el grupo (?P<label>...)"),
        (r"name the sensors to listen to, in devices or default", r"nombre los sensores, en devices o default"),
        (r"input should be less than or equal to (.*)", r"debe ser como mucho \1"),
        (r"input should be greater than or equal to (.*)", r"debe ser al menos \1"),
        (r"input should be a valid (?:integer|number).*", r"debe ser un número"),
        (r"input should be a valid list", r"debe ser una lista, entre corchetes"),
        (r"input should be a valid (?:dictionary|string).*", r"no tiene la forma correcta"),
        (r"input should be ('.*)", r"debe ser uno de: \1"),
        (r"extra inputs are not permitted", r"no existe ese ajuste"),
        (r"field required", r"falta"),
        (r"two (?:devices|recorders) have the (\w+) (.*)", r"dos equipos tienen el mismo \1: \2"),
        (r"a key is (\d+) hex digits, in quotes", r"una clave son \1 cifras hexadecimales, entre comillas"),
        (r"device (.*) needs either key or key_file", r"el equipo \1 necesita key o key_file, uno de los dos"),
        (
            r"a sensor's name is 1 to (\d+) printable bytes and does not end in a backslash",
            r"el nombre de un sensor es de 1 a \1 bytes visibles y no termina en barra invertida",
        ),
        (
            r"a radio is on a serial port or in the network.*",
            r"una radio está en un puerto o en la red: diga port o host",
        ),
        (
            r"(\d+) Hz is not in the band (\w+) \((\d+) to (\d+) Hz\)",
            r"\1 Hz no está en la banda \2 (de \3 a \4 Hz)",
        ),
        (r"either password or password_file, not both", r"password o password_file, no los dos"),
        (r"a password needs a username", r"una contraseña necesita un username"),
        (
            r"a sensor of ours has key_file, one of another make has payload: not both",
            r"un sensor nuestro lleva key_file; uno de otra marca, payload: no los dos",
        ),
        (
            r"a key, where the name of a file belongs: put it into a file, and name that",
            r"aquí va el nombre de un archivo, no la clave: guárdela en un archivo y ponga su nombre",
        ),
        (
            r"codec normalized is for The Things Stack; ChirpStack's own codec is server_object",
            r"el codec normalized es de The Things Stack; el propio de ChirpStack es server_object",
        ),
        (r"cert_file and key_file go together", r"cert_file y key_file van juntos"),
        (r"ca_file, cert_file and key_file need tls = true", r"ca_file, cert_file y key_file necesitan tls = true"),
        (
            r"aside_directory is the watched directory.*",
            r"aside_directory es el directorio que se vigila: diga otro",
        ),
        (r"(.*) is no time zone; say one.*", r"\1 no es una zona horaria; diga una como America/Lima o UTC"),
        (r"hours are written as 18:00-06:00", r"las horas se escriben así: 18:00-06:00"),
        (
            r"hours begin and end at the same time.*",
            r"las horas empiezan y terminan a la vez; para todo el día, quite las horas",
        ),
        (r"(.*) is a word of our own; choose another name", r"\1 es palabra nuestra; elija otro nombre"),
        (r"a name is of characters that print", r"un nombre es de signos que se ven"),
        (r"another one is called (.*) too: number (\d+)", r"hay otro que se llama \1: el número \2"),
        (r"no rule is called (.*)", r"ninguna regla se llama \1"),
        (r"`of` must be at least `count`", r"`of` debe ser al menos `count`"),
        (
            r"the slowest boat is not slower than the fastest",
            r"la embarcación más lenta no es más lenta que la más rápida",
        ),
        (r"sensor (.*) is placed twice", r"el sensor \1 está dos veces"),
        (
            r"a latitude is -90 to 90: are latitude and longitude swapped\?",
            r"una latitud va de -90 a 90: ¿latitud y longitud cambiadas?",
        ),
        (r"latitude and longitude go together", r"latitude y longitude van juntas"),
        (r"(.*) is no quantity of the catalogue", r"\1 no es una magnitud del catálogo"),
        (r"InfluxDB 2.x needs `token` and `org`", r"InfluxDB 2.x necesita `token` y `org`"),
        (
            r"is still the text of the sample.*",
            r"sigue siendo el texto de muestra: ponga allí el token de InfluxDB, o en VIGIA_INGEST__INFLUX__TOKEN",
        ),
        (r"`username` and `password` go together", r"`username` y `password` van juntos"),
        (r"`username` and `password` are for dialect v1.*", r"`username` y `password` son de v1; 2.x y 3 usan `token`"),
        (r"`token` is for 2.x and 3.*", r"`token` es de 2.x y 3; v1 usa `username` y `password`"),
        (r"`create_database` is for dialect v1.*", r"`create_database` es de v1; en 2.x: `influx bucket create`"),
        (r"must begin with http.*", r"debe empezar con http:// o https:// y nombrar un equipo: http://127.0.0.1:8086"),
        (
            r"holds only scheme, host.*",
            r"solo lleva esquema, equipo, puerto y ruta; nada de credenciales",
        ),
        (r"`group` is 1 to 64.*", r"`group` son de 1 a 64 letras, cifras y guiones"),
        (r"`group` needs 16.*", r"`group` necesita 16 caracteres o más; `openssl rand -hex 16` hace uno bueno"),
        (
            r"an API on (.*) can be reached.*",
            r"a una API en \1 se llega desde otros equipos: necesita un `token`, o `host` en 127.0.0.1",
        ),
        (
            r"`token` must have 16.*",
            r"`token` debe tener de 16 a 256 caracteres; hágalo con `openssl rand -hex 32`",
        ),
        (r"`token` must be of ASCII.*", r"`token` debe ser de letras, cifras y signos ASCII, sin espacios"),
    )
)


def meaning(description: str) -> Text | None:
    """What a setting is, by its description; None where there is no Spanish for it."""
    spanish = _MEANINGS.get(description)
    return Text(spanish, description) if spanish else None


def sentence(english: str) -> Text:
    """What one of our own settings complains of; with the English where there is no Spanish for it. A complaint may be
    several, each with the place in another file before it, as those of a layout's file are."""
    spanish = _spanish(english)
    return Text(spanish or f"no sirve así; en inglés: {english}", english)


_PLACE: Final = re.compile(r"([\w./-]+): (.+)", re.DOTALL)
_NEXT: Final = re.compile(r"; (?=[\w.]+: )")


def _spanish(english: str) -> str:
    """A complaint in Spanish; "" where there is none."""
    parts = _NEXT.split(english)
    if len(parts) > 1:
        told = [_spanish(part) for part in parts]
        return "; ".join(told) if all(told) else ""
    placed = _PLACE.fullmatch(english)
    if placed and (rest := _spanish(placed[2])):
        return f"{placed[1]}: {rest}"
    for form, spanish in _SENTENCES:
        if found := form.fullmatch(english) or form.fullmatch(english[:1].lower() + english[1:]):
            return re.sub(r"(?:; parecidos|, o una que se pueda pasar a ella): (?=\.|$)", "", found.expand(spanish))
    return ""
